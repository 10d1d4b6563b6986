#define _GNU_SOURCE
#include "LuaShim.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static shim_callbacks host;

/* Whether a Swift frame lies between here and the nearest pcall: 1 wherever the host runs. */
static int native = 1;

/* One entry per protected call and per resumed coroutine, on the C stack; the innermost runs now. */
typedef struct frame {
    lua_State *L;
    struct frame *previous;
} frame;
static frame *volatile current;

/* ---- interrupts ---- */

/* An interrupt raises once at the next instruction; then clean-up code may run GRACE instructions,
 * and after that every instruction raises, so no loop around pcall outlives it. */
enum { NONE, REQUESTED, RAISED, ENDING };
enum { GRACE = 100000, GRACE_SWITCHES = 1000 };
static volatile sig_atomic_t stage = NONE;
static int switches;                      /* coroutine switches since RAISED */
static volatile sig_atomic_t *flag;
static pthread_t owner;
static volatile time_t first;             /* when the first of two Ctrl-C came, 0 for none */
static volatile long first_nanoseconds;

static void on_hook(lua_State *L, lua_Debug *record);

static void arm(lua_State *L) {
    if (stage == RAISED) lua_sethook(L, on_hook, LUA_MASKCOUNT, GRACE);
    else lua_sethook(L, on_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static void on_hook(lua_State *L, lua_Debug *record) {
    (void)record;
    if (stage == NONE) {
        lua_sethook(L, NULL, 0, 0);
        return;
    }
    stage = stage == REQUESTED ? RAISED : ENDING;
    switches = 0;
    arm(L);
    int outer = native;
    native = 1;
    host.interrupted(L);
    native = outer;
    lua_error(L);
}

/* A hook belongs to one coroutine, so it is set anew wherever another one takes over. */
static void arm_switch(lua_State *L) {
    if (stage == RAISED && ++switches > GRACE_SWITCHES) stage = ENDING;
    arm(L);
}

void shim_interrupt(void) {
    frame *running = current;
    if (stage == NONE) stage = REQUESTED;
    if (running) arm(running->L);
}

void shim_interrupt_raised(lua_State *L) {
    if (stage == NONE || stage == REQUESTED) {
        stage = RAISED;
        switches = 0;
        arm(L);
    }
}

void shim_clear_interrupt(lua_State *L) {
    stage = NONE;
    first = 0;
    if (flag) *flag = 0;
    lua_sethook(L, NULL, 0, 0);
}

bool shim_interrupt_pending(void) { return stage != NONE; }

static void on_signal(int number) {
    int saved = errno;
    if (!pthread_equal(pthread_self(), owner)) {
        pthread_kill(owner, number);
        errno = saved;
        return;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (first != 0) {
        double elapsed = (double)(now.tv_sec - first) + 1e-9 * (double)(now.tv_nsec - first_nanoseconds);
        if (elapsed < 2) _exit(130);
    }
    first = now.tv_sec;
    first_nanoseconds = now.tv_nsec;
    *flag = 1;
    shim_interrupt();
    errno = saved;
}

void shim_catch_interrupts(volatile sig_atomic_t *address) {
    flag = address;
    owner = pthread_self();
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;   /* no SA_RESTART: a read that waits for input ends too */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

/* ---- protected calls ---- */

static int on_error(lua_State *L) {
    int outer = native;
    native = 1;
    host.message(L);
    native = outer;
    return 1;
}

lua_State *shim_running(void) { return current ? current->L : NULL; }

int shim_call(lua_State *L, int arguments, int results) {
    int handler = lua_gettop(L) - arguments;
    lua_pushcfunction(L, on_error);
    lua_insert(L, handler);
    frame here = { L, current };
    int outer = native;
    current = &here;
    native = 0;
    if (stage != NONE) arm_switch(L);
    int status = lua_pcall(L, arguments, results, handler);
    native = outer;
    current = here.previous;
    if (stage != NONE && current) arm_switch(current->L);
    lua_remove(L, handler);
    return status;
}

static int op_get(lua_State *L) { lua_gettable(L, 1); return 1; }
static int op_set(lua_State *L) { lua_settable(L, 1); return 0; }
static int op_length(lua_State *L) { lua_len(L, 1); return 1; }
static int op_tostring(lua_State *L) { luaL_tolstring(L, 1, NULL); return 1; }
static int op_concat(lua_State *L) { lua_concat(L, lua_gettop(L)); return 1; }
static int op_equal(lua_State *L) { lua_pushboolean(L, lua_compare(L, 1, 2, LUA_OPEQ)); return 1; }
static int op_less(lua_State *L) { lua_pushboolean(L, lua_compare(L, 1, 2, LUA_OPLT)); return 1; }
static int op_less_equal(lua_State *L) { lua_pushboolean(L, lua_compare(L, 1, 2, LUA_OPLE)); return 1; }
static int op_next(lua_State *L) { return lua_next(L, 1) ? 2 : 0; }

int shim_apply(lua_State *L, shim_operation operation, int arguments, int results) {
    static const lua_CFunction operations[] = {
        op_get, op_set, op_length, op_tostring, op_concat, op_equal, op_less, op_less_equal, op_next
    };
    lua_pushcfunction(L, operations[operation]);
    lua_insert(L, -arguments - 1);
    return shim_call(L, arguments, results);
}

/* ---- functions of the host ---- */

/* The only way into Swift from Lua: the error is raised when its frames are gone. */
static int run(lua_State *L, void *function) {
    int outer = native;
    native = 1;
    int results = host.dispatch(L, function);
    native = outer;
    return results >= 0 ? results : lua_error(L);
}

static int trampoline(lua_State *L) { return run(L, lua_touserdata(L, lua_upvalueindex(1))); }

static int boxed_trampoline(lua_State *L) {
    return run(L, ((shim_box *)lua_touserdata(L, lua_upvalueindex(1)))->object);
}

void shim_pushfunction(lua_State *L, void *function) {
    lua_pushlightuserdata(L, function);
    lua_pushcclosure(L, trampoline, 1);
}

void shim_pushboxed(lua_State *L) { lua_pushcclosure(L, boxed_trampoline, 1); }

void *shim_tofunction(lua_State *L, int index) {
    lua_CFunction function = lua_tocfunction(L, index);
    if (function != trampoline && function != boxed_trampoline) return NULL;
    lua_getupvalue(L, index, 1);
    void *pointer = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return function == trampoline ? pointer : ((shim_box *)pointer)->object;
}

static int index_member(lua_State *L) {
    if (lua_type(L, 2) == LUA_TSTRING) {
        lua_pushvalue(L, 2);
        int type = lua_rawget(L, lua_upvalueindex(1));
        if (type == LUA_TLIGHTUSERDATA) {
            void *getter = lua_touserdata(L, -1);
            lua_settop(L, 1);
            return run(L, getter);
        }
        if (type != LUA_TNIL) return 1;
        lua_pop(L, 1);
    }
    return run(L, lua_touserdata(L, lua_upvalueindex(2)));
}

static int newindex_member(lua_State *L) {
    if (lua_type(L, 2) == LUA_TSTRING) {
        lua_pushvalue(L, 2);
        int type = lua_rawget(L, lua_upvalueindex(1));
        void *setter = lua_touserdata(L, -1);
        lua_pop(L, 1);
        if (type == LUA_TLIGHTUSERDATA) {
            lua_remove(L, 2);
            return run(L, setter);
        }
    }
    return run(L, lua_touserdata(L, lua_upvalueindex(2)));
}

void shim_pushindex(lua_State *L, void *fallback) {
    lua_pushlightuserdata(L, fallback);
    lua_pushcclosure(L, index_member, 2);
}

void shim_pushnewindex(lua_State *L, void *fallback) {
    lua_pushlightuserdata(L, fallback);
    lua_pushcclosure(L, newindex_member, 2);
}

/* ---- boxes ---- */

static const char magic;

shim_box *shim_newbox(lua_State *L, void *object, const void *type, long long bytes) {
    shim_box *box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = (shim_box){ &magic, object, type, bytes };
    return box;
}

shim_box *shim_tobox(lua_State *L, int index) {
    shim_box *box = lua_touserdata(L, index);
    if (box == NULL || lua_rawlen(L, index) != sizeof *box || box->magic != &magic) return NULL;
    return box;
}

int shim_collect(lua_State *L) {
    shim_box *box = shim_tobox(L, 1);
    if (box && box->object) {
        void *object = box->object;
        box->object = NULL;
        int outer = native;
        native = 1;
        host.release(L, box, object);
        native = outer;
    }
    return 0;
}

/* ---- coroutines: the standard resume and wrap, which also record who runs ---- */

static int resume(lua_State *L, lua_State *co, int arguments) {
    if (!lua_checkstack(co, arguments)) {
        lua_pushliteral(L, "too many arguments to resume");
        return -1;
    }
    lua_xmove(L, co, arguments);
    frame here = { co, current };
    current = &here;
    if (stage != NONE) arm_switch(co);
    int results, status = lua_resume(co, L, arguments, &results);
    current = here.previous;
    if (stage != NONE) arm_switch(L);
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_xmove(co, L, 1);
        return -1;
    }
    if (!lua_checkstack(L, results + 1)) {
        lua_pop(co, results);
        lua_pushliteral(L, "too many results to resume");
        return -1;
    }
    lua_xmove(co, L, results);
    return results;
}

static int coroutine_resume(lua_State *L) {
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co, 1, "coroutine");
    int results = resume(L, co, lua_gettop(L) - 1);
    lua_pushboolean(L, results >= 0);
    lua_insert(L, results >= 0 ? -(results + 1) : -2);
    return results >= 0 ? results + 1 : 2;
}

static int wrapped(lua_State *L) {
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    int results = resume(L, co, lua_gettop(L));
    if (results >= 0) return results;
    int status = lua_status(co);
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_resetthread(co);                    /* closes its pending variables */
        lua_xmove(co, L, 1);                    /* theirs is the error that counts */
    }
    if (lua_type(L, -1) == LUA_TSTRING) {       /* says where the coroutine was called */
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int coroutine_wrap(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushcclosure(L, wrapped, 1);
    return 1;
}

/* ---- tracebacks ---- */

static int traceback_of(lua_State *L, lua_State *thread, int limit) {
    lua_Debug record;
    int pieces = 0;
    for (int level = 0; pieces < limit && lua_getstack(thread, level, &record); level++) {
        lua_getinfo(thread, "Sln", &record);
        if (*record.what == 'C' || record.currentline < 0) continue;      /* frames of the host */
        lua_pushfstring(L, "\n  %s:%d: in ", record.short_src, record.currentline);
        if (*record.what == 'm') lua_pushliteral(L, "main chunk");
        else if (*record.namewhat == 'm') lua_pushfstring(L, "%s '%s'", record.namewhat, record.name);
        else if (*record.namewhat) lua_pushfstring(L, "function '%s'", record.name);
        else lua_pushfstring(L, "function <%s:%d>", record.short_src, record.linedefined);
        lua_concat(L, pieces == 0 ? 2 : 3);     /* keeps one string per thread on the stack */
        pieces++;
    }
    return pieces;
}

void shim_traceback(lua_State *L) {
    enum { LIMIT = 24 };
    int left = LIMIT;
    if (!lua_checkstack(L, 12)) {
        lua_pushliteral(L, "");
        return;
    }
    lua_pushliteral(L, "");
    left -= traceback_of(L, L, left) > 0 ? (lua_concat(L, 2), 1) : 0;
    const lua_State *last = L;
    for (frame *f = current; f && left > 0; f = f->previous) {
        if (f->L == last || shim_shared(f->L) != shim_shared(L)) continue;
        last = f->L;
        if (traceback_of(L, f->L, left) > 0) lua_concat(L, 2);
        left--;
    }
}

/* ---- states ---- */

/* Where a Swift frame would be jumped over, no memory ends the process; elsewhere (string.rep with a
 * huge count, say) Lua raises its own error. */
static void *allocate(void *context, void *block, size_t old, size_t size) {
    (void)context;
    (void)old;
    if (size == 0) {
        free(block);
        return NULL;
    }
    void *result = realloc(block, size);
    if (result == NULL && native) {
        fprintf(stderr, "opah: out of memory (%zu bytes asked for)\n", size);
        abort();
    }
    return result;
}

static int open_libraries(lua_State *L) {
    luaL_openlibs(L);
    lua_getglobal(L, LUA_COLIBNAME);
    lua_pushcfunction(L, coroutine_resume);
    lua_setfield(L, -2, "resume");
    lua_pushcfunction(L, coroutine_wrap);
    lua_setfield(L, -2, "wrap");
    return 0;
}

lua_State *shim_open(void) {
    lua_State *L = luaL_newstate();
    if (L == NULL) return NULL;
    lua_setallocf(L, allocate, NULL);
    shim_share(L, NULL);
    lua_pushcfunction(L, open_libraries);
    if (shim_call(L, 0, 0) != LUA_OK) {
        lua_close(L);
        return NULL;
    }
    return L;
}

void shim_setup(const shim_callbacks *callbacks) { host = *callbacks; }
