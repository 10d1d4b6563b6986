/* OpenBLAS starts its threads when it is loaded, before main, and each takes 128 MB of addresses; where `ulimit -v`
 * refuses them it asks again for ever. The program needs none of these threads (it has its own), so under such a limit
 * OpenBLAS is told to start none. It reads the environment before any constructor of this program runs, but code in
 * .preinit_array comes first; the C library keeps nothing that is set there, so the program starts itself anew. */
#define _GNU_SOURCE
#include <stddef.h>
#ifdef __linux__
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void limit_threads(int count, char **arguments, char **variables) {
    static char one[] = "OPENBLAS_NUM_THREADS=1";
    struct rlimit limit;
    (void)count;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || variables == NULL) return;
    size_t all = 0, kept = 0;
    for (; variables[all]; all++) if (strcmp(variables[all], one) == 0) return;
    char *changed[all + 2];
    changed[kept++] = one;
    for (size_t i = 0; i < all; i++) {
        if (strncmp(variables[i], one, sizeof one - 2) != 0) changed[kept++] = variables[i];
    }
    changed[kept] = NULL;
    execve("/proc/self/exe", arguments, changed);
}

__attribute__((section(".preinit_array"), used)) static void (*const before_all)(int, char **, char **) = limit_threads;
#endif
