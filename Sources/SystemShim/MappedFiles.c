/* A file that is cut while it is mapped: what lies beyond its new end cannot be read any more, and the processor says so
 * with SIGBUS. */
#define _GNU_SOURCE
#include "SystemShim.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRIES = 4096, PATH_BYTES = 1024 };

/* `end` is 0 for a free entry, 1 for one that is being filled; the handler looks at others only. */
static struct entry {
    _Atomic uintptr_t end;
    uintptr_t start;
    char path[PATH_BYTES];               /* cut when it is longer: it is only shown */
} entries[ENTRIES];
static _Atomic unsigned next_entry;
static struct sigaction earlier;

int system_note_mapping(const void *start, size_t length, const char *path) {
    for (int tries = 0; tries < ENTRIES; tries++) {
        int place = (int)(atomic_fetch_add(&next_entry, 1) % ENTRIES);
        uintptr_t nobody = 0;
        if (!atomic_compare_exchange_strong(&entries[place].end, &nobody, 1)) continue;
        entries[place].start = (uintptr_t)start;
        strncpy(entries[place].path, path, PATH_BYTES - 1);
        /* The kernel maps whole pages. */
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        atomic_store(&entries[place].end, ((uintptr_t)start + length + page - 1) / page * page);
        return place;
    }
    return -1;
}

void system_forget_mapping(int entry) {
    if (entry >= 0) atomic_store(&entries[entry].end, 0);
}

static void say(const char *text) {
    size_t length = strlen(text);
    while (length > 0) {
        ssize_t count = write(2, text, length);
        if (count <= 0) return;
        text += count;
        length -= (size_t)count;
    }
}

static void on_fault(int number, siginfo_t *info, void *context) {
    uintptr_t address = (uintptr_t)info->si_addr;
    /* A positive code comes from the kernel; `kill -BUS` has no address. */
    for (int place = 0; info->si_code > 0 && place < ENTRIES; place++) {
        uintptr_t end = atomic_load(&entries[place].end);
        if (end <= 1 || address >= end || address < entries[place].start) continue;
        /* Several threads may read the same file: one tells, and ends them all. */
        static atomic_flag told = ATOMIC_FLAG_INIT;
        while (atomic_flag_test_and_set(&told)) pause();
        struct stat now;
        int is_short = stat(entries[place].path, &now) != 0
            || (uintptr_t)now.st_size <= address - entries[place].start;
        say("opah: ");
        say(entries[place].path);
        say(is_short ? " was truncated by another program while it was read\n"
                     : " cannot be read any more: its disk reports an error\n");
        _exit(1);
    }
    if (earlier.sa_flags & SA_SIGINFO && earlier.sa_sigaction) {
        earlier.sa_sigaction(number, info, context);
    } else if (earlier.sa_handler != SIG_DFL && earlier.sa_handler != SIG_IGN) {
        earlier.sa_handler(number);
    } else {
        signal(number, SIG_DFL);       /* the same instruction faults again */
        if (info->si_code <= 0) raise(number);
    }
}

void system_watch_mappings(void) {
    struct sigaction action;
    if (sigaction(SIGBUS, NULL, &earlier) != 0 || (earlier.sa_flags & SA_SIGINFO && earlier.sa_sigaction == on_fault)) return;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | (earlier.sa_flags & (SA_ONSTACK | SA_NODEFER));
    action.sa_mask = earlier.sa_mask;
    sigaction(SIGBUS, &action, NULL);
}
