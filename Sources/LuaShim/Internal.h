/* What the files of the shim share. */
#ifndef SHIM_INTERNAL_H
#define SHIM_INTERNAL_H
#include "LuaShim.h"
#include <stdatomic.h>

extern shim_callbacks shim_host_callbacks;

/* Whether a Swift frame lies between here and the nearest pcall: 1 wherever the host runs. */
extern int shim_native;

/* One entry per protected call and per resumed coroutine, on the C stack; the innermost runs now. */
typedef struct frame {
    lua_State *L;
    struct frame *previous;
} frame;
extern frame *volatile shim_current;

/* The signal handler must never see a frame before it is filled. */
static inline void shim_enter(frame *here, lua_State *L) {
    *here = (frame){ L, shim_current };
    atomic_signal_fence(memory_order_seq_cst);
    shim_current = here;
}

/* A hook belongs to one coroutine: while Lua is being stopped, whichever takes over gets it. */
void shim_switch(lua_State *L);

int shim_coroutine_resume(lua_State *L);
int shim_coroutine_wrap(lua_State *L);

#endif
