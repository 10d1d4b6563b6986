/* Processors that the process may use, and what they can do. */
#define _GNU_SOURCE
#include "SystemShim.h"
#include <sched.h>
#include <unistd.h>

/* A launcher or a container may have bound the process to some of the machine's. */
int system_processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
    /* More of them than the set has room for. */
    long all = sysconf(_SC_NPROCESSORS_ONLN);
    return all > 0 ? (int)all : 1;
}

int system_vector_level(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512dq")
        || !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512cd")) return 3;
    return __builtin_cpu_supports("avx512bf16") ? 5 : 4;
#else
    return 0;
#endif
}
