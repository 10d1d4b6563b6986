/* States for Lua code of strangers: without a way out of Lua, and with an end to what they take. */
#define _GNU_SOURCE
#include "Internal.h"
#include <stdlib.h>
#include <time.h>

/* Instructions between two looks at the clock. One of them may join strings as long as the memory allows. */
enum { STEP = 100 };

/* ---- memory ---- */

void *shim_allocate_bounded(void *context, void *block, size_t old, size_t size) {
    shim_budget *budget = context;
    long long more = (long long)size - (block ? (long long)old : 0);
    /* The host's own values have to find room: no Swift frame may be jumped over. They are few. */
    if (more > 0 && budget->memory + more > budget->memory_limit && !shim_native) return NULL;
    void *result = size == 0 ? (free(block), NULL) : realloc(block, size);
    if (size != 0 && result == NULL) {
        if (shim_native) abort();
        return NULL;
    }
    budget->memory += more;
    return result;
}

/* ---- instructions and time ---- */

static double processor_time(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Once it is spent, every instruction raises: no loop around pcall or coroutines outlives it. */
static void on_step(lua_State *L, lua_Debug *record) {
    (void)record;
    void *context;
    lua_getallocf(L, &context);
    shim_budget *budget = context;
    budget->instructions -= STEP;
    if (!budget->spent && budget->instructions > 0 && processor_time() < budget->end) return;
    budget->spent = true;
    lua_sethook(L, on_step, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
    lua_pushliteral(L, "it takes too long");
    lua_error(L);
}

void shim_begin_budget(lua_State *L, shim_budget *budget, long long instructions, double seconds) {
    budget->instructions = instructions;
    budget->end = processor_time() + seconds;
    budget->spent = false;
    lua_sethook(L, on_step, LUA_MASKCOUNT, STEP);    /* coroutines inherit it */
}

/* ---- libraries ---- */

static int nothing(lua_State *L) { (void)L; return 0; }

/* load, for text only: bytecode can break the machine that runs it. */
static int load_text(lua_State *L) {
    if (lua_gettop(L) < 3) lua_settop(L, 3);
    lua_pushliteral(L, "t");
    lua_replace(L, 3);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* xpcall whose handler runs when the error has been caught: before, the hook would not count its instructions. */
static int xpcall_after(lua_State *L) {
    luaL_checkany(L, 2);
    lua_pushvalue(L, 1);
    lua_insert(L, 3);
    if (lua_pcall(L, lua_gettop(L) - 3, LUA_MULTRET, 0) == LUA_OK) {
        lua_pushboolean(L, 1);
        lua_insert(L, 3);
        return lua_gettop(L) - 2;
    }
    lua_pushboolean(L, 0);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_call(L, 1, 1);
    return 2;
}

/* setmetatable without finalizers, whose instructions no hook counts. */
static int set_metatable(lua_State *L) {
    if (lua_type(L, 2) == LUA_TTABLE) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL) return luaL_error(L, "there are no finalizers (__gc) here");
        lua_pop(L, 1);
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* Puts a function in place of one of the table on top, which becomes its upvalue. */
static void wrap(lua_State *L, const char *name, lua_CFunction function) {
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, function, 1);
    lua_setfield(L, -2, name);
}

static void drop(lua_State *L, const char *name) {
    lua_pushnil(L);
    lua_setfield(L, -2, name);
}

static int open_described(lua_State *L) {
    static const luaL_Reg libraries[] = {
        { LUA_GNAME, luaopen_base }, { LUA_LOADLIBNAME, luaopen_package }, { LUA_COLIBNAME, luaopen_coroutine },
        { LUA_TABLIBNAME, luaopen_table }, { LUA_STRLIBNAME, luaopen_string }, { LUA_MATHLIBNAME, luaopen_math },
        { LUA_UTF8LIBNAME, luaopen_utf8 }, { NULL, NULL } };
    for (const luaL_Reg *library = libraries; library->func; library++) {
        luaL_requiref(L, library->name, library->func, 1);
        lua_pop(L, 1);
    }
    lua_getglobal(L, LUA_COLIBNAME);
    lua_pushcfunction(L, shim_coroutine_resume);
    lua_setfield(L, -2, "resume");
    lua_pushcfunction(L, shim_coroutine_wrap);
    lua_setfield(L, -2, "wrap");
    lua_getglobal(L, LUA_STRLIBNAME);
    drop(L, "dump");
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    wrap(L, "load", load_text);
    wrap(L, "setmetatable", set_metatable);
    static const char *const clocks[] = { "clock", "date", "difftime", "time", NULL };
    lua_pushcfunction(L, luaopen_os);
    lua_call(L, 0, 1);
    lua_newtable(L);
    for (const char *const *name = clocks; *name; name++) {
        lua_getfield(L, -2, *name);
        lua_setfield(L, -2, *name);
    }
    lua_setfield(L, -3, LUA_OSLIBNAME);
    lua_pop(L, 1);
    static const luaL_Reg others[] = { { "xpcall", xpcall_after }, { "print", nothing }, { "warn", nothing }, { "collectgarbage", nothing }, { NULL, NULL } };
    luaL_setfuncs(L, others, 0);
    drop(L, "dofile");
    drop(L, "loadfile");
    return 0;
}

static int open_data(lua_State *L) {
    luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
    return 0;
}

lua_State *shim_open_confined(shim_budget *budget, bool described) {
    lua_State *L = lua_newstate(shim_allocate_bounded, budget);
    if (L == NULL) return NULL;
    shim_share(L, NULL);
    lua_pushcfunction(L, described ? open_described : open_data);
    if (shim_call(L, 0, 0) != LUA_OK) {
        lua_close(L);
        return NULL;
    }
    return L;
}
