/* Ctrl-C, SIGTERM, SIGHUP and SIGUSR1 (what launchers of several processes pass on): they stop the Lua code that runs, wherever it is. */
#define _GNU_SOURCE
#include "Internal.h"
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* An interrupt raises once at the next instruction; then clean-up code may run GRACE instructions,
 * and after that every instruction raises, so no loop around pcall outlives it. */
enum { NONE, REQUESTED, RAISED, ENDING };
enum { GRACE = 100000, GRACE_SWITCHES = 1000 };
static volatile sig_atomic_t stage = NONE;
static int switches;                      /* coroutine switches since RAISED */
static int deferrals;                     /* functions that run to their end first */
static volatile sig_atomic_t *flag;
static pthread_t owner;
static volatile time_t first;             /* when the first of two signals came, 0 for none */
static volatile long first_nanoseconds;
static volatile sig_atomic_t first_number;
static volatile sig_atomic_t ending;      /* a signal came that is meant for the whole program */

static void on_hook(lua_State *L, lua_Debug *record);

static void arm(lua_State *L) {
    /* A state whose libraries are being opened has no place yet for the error: the next call raises it. */
    if (shim_shared(L) == NULL || deferrals > 0) return;
    if (stage == RAISED) lua_sethook(L, on_hook, LUA_MASKCOUNT, GRACE);
    else lua_sethook(L, on_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static void on_hook(lua_State *L, lua_Debug *record) {
    (void)record;
    if (stage == NONE || deferrals > 0) {
        lua_sethook(L, NULL, 0, 0);
        return;
    }
    stage = stage == REQUESTED ? RAISED : ENDING;
    switches = 0;
    arm(L);
    int outer = shim_native;
    shim_native = 1;
    shim_host_callbacks.interrupted(L);
    shim_native = outer;
    lua_error(L);
}

void shim_switch(lua_State *L) {
    if (stage == NONE || deferrals > 0) return;
    if (stage == RAISED && ++switches > GRACE_SWITCHES) stage = ENDING;
    arm(L);
}

void shim_interrupt(void) {
    if (flag && !pthread_equal(pthread_self(), owner)) {
        pthread_kill(owner, SIGINT);          /* only its own thread knows what runs */
        return;
    }
    frame *running = shim_current;
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

void shim_defer_interrupt(lua_State *L, bool begins) {
    deferrals += begins ? 1 : -1;
    if (stage == NONE) return;
    if (deferrals > 0) lua_sethook(L, NULL, 0, 0);
    else arm(L);
}

bool shim_interrupt_pending(void) { return stage != NONE; }
bool shim_interrupt_cleaning_up(void) { return stage == RAISED; }

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
        /* A terminal that is closed sends SIGHUP twice, itself and through its shell: no person is that quick. Service
         * managers and launchers send two different signals, and may send SIGUSR1 to each of several processes. */
        int again = number == SIGINT ? first_number == SIGINT || elapsed > 0.1 : number == first_number && elapsed > 0.1;
        if (elapsed < 2 && again && number != SIGUSR1) _exit(130);
        if (elapsed <= 0.1 && number != SIGINT) {
            ending = 1;
            errno = saved;
            return;
        }
    }
    if (number != SIGINT) ending = 1;
    first_number = number;
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
    /* What the caller wants ignored stays ignored: `nohup`. */
    static const int others[] = { SIGTERM, SIGHUP, SIGUSR1 };
    for (int i = 0; i < 3; i++) {
        struct sigaction before;
        if (sigaction(others[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(others[i], &action, NULL);
    }
}

bool shim_ending_asked(void) { return ending != 0; }
