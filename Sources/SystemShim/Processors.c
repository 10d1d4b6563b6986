/* Processors that the process may use: a launcher or a container may have bound it to some of the machine's. */
#define _GNU_SOURCE
#include "SystemShim.h"
#include <sched.h>
#include <unistd.h>

int system_processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
    /* More of them than the set has room for. */
    long all = sysconf(_SC_NPROCESSORS_ONLN);
    return all > 0 ? (int)all : 1;
}
