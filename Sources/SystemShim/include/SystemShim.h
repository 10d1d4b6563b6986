#ifndef SYSTEM_SHIM_H
#define SYSTEM_SHIM_H
#include <stddef.h>

/* What Swift cannot do or see: code in signal handlers, code before main, system calls of Linux alone, and what
 * its Glibc module leaves out. */

/* ---- mapped files ---- */

/* Notes that a file is mapped, so that a fault in it can be told from others. Gives the entry for system_forget_mapping;
 * -1 when the table is full, and then a fault there is treated as any other. */
int system_note_mapping(const void *start, size_t length, const char *path);
void system_forget_mapping(int entry);

/* From now on a SIGBUS in a mapped file says so and ends the process with code 1; any other goes to the handler that was
 * there before. */
void system_watch_mappings(void);

/* ---- file systems ---- */

/* Makes the whole file system of an open file durable, and its errors since that file was opened known: 0 when that was
 * done. Otherwise nothing is known, or this file system is not one of those on which it does what fsync does for each file. */
int system_sync_all(int descriptor);

/* ---- terminals ---- */

/* Columns that these Unicode scalars take on a terminal (wcwidth(3), in UTF-8 whatever the locale is). */
int system_columns(const unsigned *scalars, int count);

/* ---- processors ---- */

/* How many this process may use, at least 1. */
int system_processors(void);

/* Which vectors the processor and the system have, as the levels of x86-64 count them: 3 those of AVX2 (with FMA), 4 those of AVX-512
 * (F, BW, DQ, VL, CD); 5 the same with bfloat16 products; 0 fewer, or another kind of processor. */
int system_vector_level(void);

#endif
