// Preloaded into the program under test (LD_PRELOAD): makes one system call on a file fail as a dying disk, a full one,
// a signal or a crash would make it fail. Which one, and on what, stands in the file that FAULT_PLAN names.

#ifdef __linux__
#define _GNU_SOURCE
#include "FaultShim.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static struct FaultPlan *plan;

/// The next definition of a function: the C library's.
#define NEXT(name) \
    static __typeof__(name) *next; \
    if (!next) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void map_plan(void) {
    const char *path = getenv("FAULT_PLAN");
    if (!path) return;
    static int (*open_file)(const char *, int, ...);
    open_file = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    int file = open_file(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void *memory = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory != MAP_FAILED) plan = memory;
    static int (*close_file)(int);
    close_file = (int (*)(int))dlsym(RTLD_NEXT, "close");
    close_file(file);
}

/// Whether this is a path below the folder.
static int is_inside(const char *path) {
    if (!plan || !path) return 0;
    char whole[PATH_MAX * 2];
    if (path[0] != '/') {
        if (!getcwd(whole, PATH_MAX)) return 0;
        size_t length = strlen(whole);
        snprintf(whole + length, sizeof whole - length, "/%s", path);
        path = whole;
    }
    size_t length = strlen(plan->folder);
    return !strncmp(path, plan->folder, length) && (path[length] == '/' || path[length] == 0);
}

/// Whether this is an open file, or folder, below the folder.
static int is_ours(int file) {
    if (!plan || file < 3) return 0;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_inside(path);
}

enum { goes_on, fails, is_cut_short };

/// Counts a call; decides what becomes of it, and sets errno where it fails.
static int meet(enum FaultCall call) {
    int64_t number = __atomic_add_fetch(&plan->seen[call], 1, __ATOMIC_SEQ_CST);
    if (plan->at == 0 || (int)call != plan->call) return goes_on;
    if (plan->lasting ? number < plan->at : number != plan->at) return goes_on;
    __atomic_add_fetch(&plan->hits, 1, __ATOMIC_SEQ_CST);
    if (plan->error < 0) {
        raise(SIGKILL);
        pause();
    }
    if (plan->error == 0) return is_cut_short;
    errno = plan->error;
    return fails;
}

static size_t shortened(size_t count, int fate) { return fate == is_cut_short && count > 1 ? count / 2 : count; }

// MARK: opening

static int opens_for_writing(int flags) { return (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT); }

static int fate_of_open(const char *path, int flags) {
    if ((flags & O_PATH) || !is_inside(path)) return goes_on;
    return meet(opens_for_writing(flags) ? FaultOpen : FaultRead);
}

#define OPENING(name) \
    int name(const char *path, int flags, ...) { \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        NEXT(name); \
        return fate_of_open(path, flags) == fails ? -1 : next(path, flags, mode); \
    }
OPENING(open)
OPENING(open64)

#define OPENING_AT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        NEXT(name); \
        int ours = path[0] == '/' || folder == AT_FDCWD ? is_inside(path) : is_ours(folder); \
        int fate = ours && !(flags & O_PATH) ? meet(opens_for_writing(flags) ? FaultOpen : FaultRead) : goes_on; \
        return fate == fails ? -1 : next(folder, path, flags, mode); \
    }
OPENING_AT(openat)
OPENING_AT(openat64)

int mkstemp(char *pattern) {
    NEXT(mkstemp);
    return is_inside(pattern) && meet(FaultOpen) == fails ? -1 : next(pattern);
}

int mkostemp(char *pattern, int flags) {
    NEXT(mkostemp);
    return is_inside(pattern) && meet(FaultOpen) == fails ? -1 : next(pattern, flags);
}

// MARK: reading

ssize_t read(int file, void *bytes, size_t count) {
    NEXT(read);
    int fate = is_ours(file) ? meet(FaultRead) : goes_on;
    return fate == fails ? -1 : next(file, bytes, shortened(count, fate));
}

#define READING_AT(name, offset_type) \
    ssize_t name(int file, void *bytes, size_t count, offset_type offset) { \
        NEXT(name); \
        int fate = is_ours(file) ? meet(FaultRead) : goes_on; \
        return fate == fails ? -1 : next(file, bytes, shortened(count, fate), offset); \
    }
READING_AT(pread, off_t)
READING_AT(pread64, off64_t)

#define MAPPING(name, offset_type) \
    void *name(void *address, size_t length, int protection, int flags, int file, offset_type offset) { \
        NEXT(name); \
        int fate = !(flags & MAP_ANONYMOUS) && is_ours(file) ? meet(FaultRead) : goes_on; \
        return fate == fails ? MAP_FAILED : next(address, length, protection, flags, file, offset); \
    }
MAPPING(mmap, off_t)
MAPPING(mmap64, off64_t)

// MARK: writing

ssize_t write(int file, const void *bytes, size_t count) {
    NEXT(write);
    int fate = is_ours(file) ? meet(FaultWrite) : goes_on;
    return fate == fails ? -1 : next(file, bytes, shortened(count, fate));
}

#define WRITING_AT(name, offset_type) \
    ssize_t name(int file, const void *bytes, size_t count, offset_type offset) { \
        NEXT(name); \
        int fate = is_ours(file) ? meet(FaultWrite) : goes_on; \
        return fate == fails ? -1 : next(file, bytes, shortened(count, fate), offset); \
    }
WRITING_AT(pwrite, off_t)
WRITING_AT(pwrite64, off64_t)

ssize_t writev(int file, const struct iovec *parts, int count) {
    NEXT(writev);
    int fate = is_ours(file) ? meet(FaultWrite) : goes_on;
    return fate == fails ? -1 : next(file, parts, fate == is_cut_short ? 1 : count);
}

int ftruncate(int file, off_t length) {
    NEXT(ftruncate);
    return is_ours(file) && meet(FaultWrite) == fails ? -1 : next(file, length);
}

int ftruncate64(int file, off64_t length) {
    NEXT(ftruncate64);
    return is_ours(file) && meet(FaultWrite) == fails ? -1 : next(file, length);
}

int fallocate(int file, int mode, off_t offset, off_t length) {
    NEXT(fallocate);
    return is_ours(file) && meet(FaultWrite) == fails ? -1 : next(file, mode, offset, length);
}

int posix_fallocate(int file, off_t offset, off_t length) {
    NEXT(posix_fallocate);
    return is_ours(file) && meet(FaultWrite) == fails ? errno : next(file, offset, length);
}

ssize_t copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t count, unsigned flags) {
    NEXT(copy_file_range);
    int fate = is_ours(to) ? meet(FaultWrite) : goes_on;
    return fate == fails ? -1 : next(from, from_offset, to, to_offset, shortened(count, fate), flags);
}

ssize_t sendfile(int to, int from, off_t *offset, size_t count) {
    NEXT(sendfile);
    int fate = is_ours(to) ? meet(FaultWrite) : goes_on;
    return fate == fails ? -1 : next(to, from, offset, shortened(count, fate));
}

// MARK: syncing and closing

#define SYNCING(name) \
    int name(int file) { \
        NEXT(name); \
        return is_ours(file) && meet(FaultSync) == fails ? -1 : next(file); \
    }
SYNCING(fsync)
SYNCING(fdatasync)
SYNCING(syncfs)

int close(int file) {
    NEXT(close);
    int before = errno, flags = plan && file >= 3 ? fcntl(file, F_GETFL) : -1;
    if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && is_ours(file) && meet(FaultClose) == fails) {
        // The system has let go of the file all the same.
        int error = errno;
        next(file);
        errno = error;
        return -1;
    }
    errno = before;
    return next(file);
}

// MARK: names

int rename(const char *from, const char *to) {
    NEXT(rename);
    return is_inside(to) && meet(FaultRename) == fails ? -1 : next(from, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    NEXT(renameat);
    int ours = to[0] == '/' || to_folder == AT_FDCWD ? is_inside(to) : is_ours(to_folder);
    return ours && meet(FaultRename) == fails ? -1 : next(from_folder, from, to_folder, to);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    NEXT(renameat2);
    int ours = to[0] == '/' || to_folder == AT_FDCWD ? is_inside(to) : is_ours(to_folder);
    return ours && meet(FaultRename) == fails ? -1 : next(from_folder, from, to_folder, to, flags);
}

int link(const char *from, const char *to) {
    NEXT(link);
    return is_inside(to) && meet(FaultRename) == fails ? -1 : next(from, to);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    NEXT(linkat);
    int ours = to[0] == '/' || to_folder == AT_FDCWD ? is_inside(to) : is_ours(to_folder);
    return ours && meet(FaultRename) == fails ? -1 : next(from_folder, from, to_folder, to, flags);
}

int mkdir(const char *path, mode_t mode) {
    NEXT(mkdir);
    return is_inside(path) && meet(FaultMakeFolder) == fails ? -1 : next(path, mode);
}

int mkdirat(int folder, const char *path, mode_t mode) {
    NEXT(mkdirat);
    int ours = path[0] == '/' || folder == AT_FDCWD ? is_inside(path) : is_ours(folder);
    return ours && meet(FaultMakeFolder) == fails ? -1 : next(folder, path, mode);
}

int unlink(const char *path) {
    NEXT(unlink);
    return is_inside(path) && meet(FaultRemove) == fails ? -1 : next(path);
}

int rmdir(const char *path) {
    NEXT(rmdir);
    return is_inside(path) && meet(FaultRemove) == fails ? -1 : next(path);
}
#endif
