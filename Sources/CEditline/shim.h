#include <histedit.h>
#include <stdio.h>

/* Swift cannot call functions with a variable number of arguments; each use of theirs has a name here. */

static inline EditLine *edit_open(const char *program) { return el_init(program, stdin, stdout, stderr); }
/* Escape sequences in the prompt stand between two \1. */
static inline void edit_set_prompt(EditLine *e, char *(*prompt)(EditLine *)) { el_set(e, EL_PROMPT_ESC, prompt, '\1'); }
static inline void edit_set_client(EditLine *e, void *client) { el_set(e, EL_CLIENTDATA, client); }
static inline void *edit_client(EditLine *e) {
    void *client = 0;
    el_get(e, EL_CLIENTDATA, &client);
    return client;
}
static inline void edit_use_emacs_keys(EditLine *e) { el_set(e, EL_EDITOR, "emacs"); }
static inline void edit_handle_signals(EditLine *e) { el_set(e, EL_SIGNAL, 1); }
static inline void edit_use_history(EditLine *e, History *h) { el_set(e, EL_HIST, history, h); }
static inline void edit_add_function(EditLine *e, const char *name, const char *help, unsigned char (*function)(EditLine *, wint_t)) {
    el_set(e, EL_ADDFN, name, help, function);
}
static inline void edit_bind(EditLine *e, const char *keys, const char *function) { el_set(e, EL_BIND, keys, function, (char *)0); }

static inline void edit_history_limit(History *h, int count) { HistEvent event; history(h, &event, H_SETSIZE, count); }
static inline void edit_history_add(History *h, const char *line) { HistEvent event; history(h, &event, H_ENTER, line); }
static inline void edit_history_clear(History *h) { HistEvent event; history(h, &event, H_CLEAR); }
