#ifndef LUA_SHIM_H
#define LUA_SHIM_H
#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdbool.h>

/* The border between Swift and Lua. A Lua error is a longjmp, and a longjmp over a Swift frame is
 * undefined behaviour; so everything that may raise is called here, in C, and Swift sees either a
 * status (shim_call, shim_apply) or is asked for one (shim_callbacks.dispatch). */

/* ---- a host object inside Lua: one userdata holding a reference that the host counts ---- */

typedef struct shim_box {
    const void *magic;       /* tells our userdata from those of other C modules */
    void *object;            /* an owned reference; NULL after close */
    const void *type;        /* the host's record of its class */
    long long bytes;         /* memory outside Lua that it keeps alive */
} shim_box;

shim_box *shim_newbox(lua_State *L, void *object, const void *type, long long bytes);
shim_box *shim_tobox(lua_State *L, int index);   /* NULL for anything that is not ours */

/* ---- what the host gives ---- */

typedef struct shim_callbacks {
    /* Runs a native function. Gives the number of results, or -1 with the error value on top. */
    int (*dispatch)(lua_State *L, void *function);
    /* Gives up a box's reference; never raises. */
    void (*release)(lua_State *L, shim_box *box, void *object);
    /* Replaces the error value at index 1 by one that carries a traceback. */
    void (*message)(lua_State *L);
    /* Pushes the error value that says `interrupted`. */
    void (*interrupted)(lua_State *L);
} shim_callbacks;

void shim_setup(const shim_callbacks *callbacks);

/* ---- states ---- */

/* A state with the standard libraries, or NULL. Without memory, it raises an error where only Lua and
 * C frames would be jumped over, and otherwise ends the process. */
lua_State *shim_open(void);

/* Bounds of a confined state. Set by the host, counted here. */
typedef struct shim_budget {
    long long memory_limit, memory;          /* bytes of Lua's own heap: the most, and now */
    long long instructions;                  /* left */
    double end;                              /* of this thread's processor time, in seconds */
    bool spent;                              /* instructions or time are over: everything raises */
} shim_budget;

/* A state for code of strangers: Lua's libraries without files, processes, the environment, C modules, bytecode and
 * finalizers, or, unless `described`, math alone. Its heap keeps to the budget, which must outlive it. */
lua_State *shim_open_confined(shim_budget *budget, bool described);
/* Before code is run. Coroutines share what there is. */
void shim_begin_budget(lua_State *L, shim_budget *budget, long long instructions, double seconds);

/* What every coroutine of a state shares. */
typedef struct shim_state {
    void *host;                              /* the interpreter */
    long long objects, bytes;                /* boxes alive, and what they keep alive outside Lua */
    long long object_limit, byte_limit;      /* the host collects before passing them */
} shim_state;

static inline shim_state *shim_shared(lua_State *L) { return *(shim_state **)lua_getextraspace(L); }
static inline void shim_share(lua_State *L, shim_state *state) { *(shim_state **)lua_getextraspace(L) = state; }
/* The coroutine that runs now, or NULL when no Lua code does. */
lua_State *shim_running(void);

/* ---- calls that may raise, made safe: LUA_OK, or a status with the error value on top ---- */

int shim_call(lua_State *L, int arguments, int results);

typedef enum shim_operation {
    SHIM_GET,        /* table key -> value, with __index */
    SHIM_SET,        /* table key value ->, with __newindex */
    SHIM_LENGTH,     /* value -> #value */
    SHIM_TOSTRING,   /* value -> string, with __tostring and __name */
    SHIM_CONCAT,     /* a b ... -> a .. b .. ... */
    SHIM_EQUAL, SHIM_LESS, SHIM_LESS_EQUAL,  /* a b -> boolean */
    SHIM_NEXT        /* table key -> key value, or nothing at the end */
} shim_operation;

int shim_apply(lua_State *L, shim_operation operation, int arguments, int results);

/* ---- functions of the host as Lua values, pushed on the stack ---- */

void shim_pushfunction(lua_State *L, void *function);   /* kept alive by the host */
void shim_pushboxed(lua_State *L);                      /* pops a box that owns the function */
void *shim_tofunction(lua_State *L, int index);         /* NULL when it is not one of ours */
/* __index and __newindex of a class. Pops a table from names to functions, constants and (as light
 * userdata) accessors; every other key goes to `fallback`. */
void shim_pushindex(lua_State *L, void *fallback);
void shim_pushnewindex(lua_State *L, void *fallback);
int shim_collect(lua_State *L);                         /* __gc and __close of every box */

/* The Lua frames of the running coroutine and of those that resumed it; pushes a string, which is
 * empty when there are none. */
void shim_traceback(lua_State *L);

/* ---- Ctrl-C ---- */

/* From now on SIGINT, SIGTERM and SIGHUP set `flag` and stop the Lua code of the calling thread; a second one within
 * two seconds ends the process with status 130. SIGTERM and SIGHUP stay ignored where they are. */
void shim_catch_interrupts(volatile sig_atomic_t *flag);
/* Whether SIGTERM or SIGHUP came: the program is to end, and not only what runs. */
bool shim_ending_asked(void);
/* Stops the running Lua code at its next instruction. Async-signal-safe, from any thread. */
void shim_interrupt(void);
/* An `interrupted` error is on its way already: see that no pcall loop outlives it. */
void shim_interrupt_raised(lua_State *L);
/* Between a call that begins and one that ends nothing raises: what was asked for meanwhile raises afterwards. Calls nest. */
void shim_defer_interrupt(lua_State *L, bool begins);
void shim_clear_interrupt(lua_State *L);
bool shim_interrupt_pending(void);
/* The error was raised; code that cleans up may be running. */
bool shim_interrupt_cleaning_up(void);

/* ---- macros of lua.h that Swift cannot see ---- */

static inline void shim_pop(lua_State *L, int count) { lua_settop(L, -count - 1); }
static inline int shim_registry(void) { return LUA_REGISTRYINDEX; }
static inline const char *shim_bytes(lua_State *L, int index, size_t *length) { return lua_tolstring(L, index, length); }
static inline int shim_load(lua_State *L, const char *bytes, size_t count, const char *name) {
    return luaL_loadbufferx(L, bytes, count, name, "t");
}
static inline int shim_load_file(lua_State *L, const char *path) { return luaL_loadfilex(L, path, "t"); }
static inline void shim_pushglobals(lua_State *L) { lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS); }
static inline void shim_pushloaded(lua_State *L) {
    lua_pushstring(L, LUA_LOADED_TABLE);
    lua_rawget(L, LUA_REGISTRYINDEX);
}
static inline void shim_gc_collect(lua_State *L) { lua_gc(L, LUA_GCCOLLECT); }
static inline long long shim_gc_count(lua_State *L) {
    return 1024LL * lua_gc(L, LUA_GCCOUNT) + lua_gc(L, LUA_GCCOUNTB);
}
static inline void shim_insert(lua_State *L, int index) { lua_rotate(L, index, 1); }
static inline void shim_remove(lua_State *L, int index) { lua_rotate(L, index, -1); lua_settop(L, -2); }

#endif
