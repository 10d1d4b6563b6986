/* coroutine.resume and coroutine.wrap that record who runs, and tracebacks that follow the record. */
#include "Internal.h"

static int resume(lua_State *L, lua_State *co, int arguments) {
    if (!lua_checkstack(co, arguments)) {
        lua_pushliteral(L, "too many arguments to resume");
        return -1;
    }
    lua_xmove(L, co, arguments);
    frame here;
    shim_enter(&here, co);
    shim_switch(co);
    int results, status = lua_resume(co, L, arguments, &results);
    shim_current = here.previous;
    shim_switch(L);
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

int shim_coroutine_resume(lua_State *L) {
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

int shim_coroutine_wrap(lua_State *L) {
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
    for (frame *f = shim_current; f && left > 0; f = f->previous) {
        if (f->L == last || shim_shared(f->L) != shim_shared(L)) continue;
        last = f->L;
        if (traceback_of(L, f->L, left) > 0) lua_concat(L, 2);
        left--;
    }
}
