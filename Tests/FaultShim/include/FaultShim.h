#ifndef FAULT_SHIM_H
#define FAULT_SHIM_H

#include <stdint.h>

/// What the library counts and what it can make fail: families of system calls on files below one folder.
enum FaultCall {
    FaultOpen,      // open for writing, in all its forms
    FaultRead,      // open for reading, read, pread, mmap
    FaultWrite,     // write, pwrite, writev, ftruncate, fallocate, copy_file_range, sendfile
    FaultSync,      // fsync, fdatasync, syncfs
    FaultRename,    // rename, link
    FaultMakeFolder,
    FaultRemove,    // unlink, rmdir
    FaultClose,     // of files that were written to
    FaultCallCount
};

/// The layout of the file named in FAULT_PLAN, mapped by every process of a run: the numbers go on across processes.
struct FaultPlan {
    int64_t seen[FaultCallCount];   // how many calls of each family there were
    int64_t at;                     // which of them fails, counted from 1; 0: none
    int32_t call;                   // of which family
    int32_t error;                  // the errno it fails with; 0: half of the bytes go through; -1: the process is killed
    int32_t lasting;                // whether all later ones fail too
    int32_t hits;                   // how many did fail
    char folder[1024];              // only files below this folder count; resolved, without a slash at the end
};

#endif
