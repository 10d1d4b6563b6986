/* Whole file systems made durable in one call, where that is known to be as good as fsync of each file. */
#define _GNU_SOURCE
#include "SystemShim.h"
#ifdef __linux__
#include <stdio.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Before Linux 5.8 syncfs did not tell of errors. */
static int reports_errors(void) {
    struct utsname name;
    int major = 0, minor = 0;
    if (uname(&name) != 0 || sscanf(name.release, "%d.%d", &major, &minor) != 2) return 0;
    return major > 5 || (major == 5 && minor >= 8);
}

int system_sync_all(int descriptor) {
    /* ext2 to ext4, XFS, Btrfs, F2FS, tmpfs. Network and user-space file systems may take it for a mere hint, and stacked
     * ones keep the errors of what lies below to themselves. */
    static const unsigned long kinds[] = { 0xEF53, 0x58465342, 0x9123683E, 0xF2F52010, 0x01021994 };
    struct statfs info;
    if (!reports_errors() || fstatfs(descriptor, &info) != 0) return -1;
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (((unsigned long)info.f_type & 0xFFFFFFFFul) == kinds[i]) return syncfs(descriptor);
    }
    return -1;
}
#else
int system_sync_all(int descriptor) { (void)descriptor; return -1; }
#endif
