/* Calls that may raise, made safe; functions and objects of the host as Lua values; states. */
#include "Internal.h"
#include <stdio.h>
#include <stdlib.h>

shim_callbacks shim_host_callbacks;
int shim_native = 1;
frame *volatile shim_current;

/* ---- protected calls ---- */

static int on_error(lua_State *L) {
    int outer = shim_native;
    shim_native = 1;
    shim_host_callbacks.message(L);
    shim_native = outer;
    return 1;
}

lua_State *shim_running(void) { return shim_current ? shim_current->L : NULL; }

int shim_call(lua_State *L, int arguments, int results) {
    int handler = lua_gettop(L) - arguments;
    lua_pushcfunction(L, on_error);
    lua_insert(L, handler);
    frame here;
    shim_enter(&here, L);
    int outer = shim_native;
    shim_native = 0;
    shim_switch(L);
    int status = lua_pcall(L, arguments, results, handler);
    shim_native = outer;
    shim_current = here.previous;
    if (shim_current) shim_switch(shim_current->L);
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
    int outer = shim_native;
    shim_native = 1;
    int results = shim_host_callbacks.dispatch(L, function);
    shim_native = outer;
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
        int outer = shim_native;
        shim_native = 1;
        shim_host_callbacks.release(L, box, object);
        shim_native = outer;
    }
    return 0;
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
    if (result == NULL && shim_native) {
        fprintf(stderr, "opah: out of memory (%zu bytes asked for)\n", size);
        abort();
    }
    return result;
}

static int open_libraries(lua_State *L) {
    luaL_openlibs(L);
    lua_getglobal(L, LUA_COLIBNAME);
    lua_pushcfunction(L, shim_coroutine_resume);
    lua_setfield(L, -2, "resume");
    lua_pushcfunction(L, shim_coroutine_wrap);
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

void shim_setup(const shim_callbacks *callbacks) { shim_host_callbacks = *callbacks; }
