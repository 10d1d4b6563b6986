#ifndef CMPI_H
#define CMPI_H
#include <stddef.h>
#include <stdint.h>

/* MPI, found when the program runs: no MPI package is needed to build or to start it. There are two binary interfaces,
 * Open MPI's, whose handles are addresses, and MPICH's (also of Intel MPI, MVAPICH and Cray), whose handles are ints.
 * Only bytes are moved, so that a handful of calls is enough. All calls return 0 when all went well, and must come from
 * one thread. Nothing waits: whoever waits tests. */

enum { MPI_FAMILY_OPENMPI = 0, MPI_FAMILY_MPICH = 1 };
/* Of the exchange, and of how the program ends: what one rank does there may meet nothing that another does here. */
enum { MPI_CHANNEL_WORK = 0, MPI_CHANNEL_END = 1, MPI_CHANNELS = 2 };

/* Something under way, in either family's form. */
typedef struct { uint64_t handle; } mpi_request;

/* Loads the library; what went wrong otherwise is written to `problem`. */
int cmpi_open(const char *library, int family, char *problem, size_t size);
/* Joins the others. */
int cmpi_start(void);
int cmpi_rank(void);
int cmpi_size(void);
/* `Open MPI v4.1.4, ...` */
void cmpi_version(char *text, size_t size);

/* Counts and places are bytes, one for each rank. */
int cmpi_all_to_all(int channel, const void *from, const int *counts, const int *places, void *into, const int *counts_in,
                    const int *places_in, mpi_request *request);
int cmpi_all_gather(int channel, const void *from, int count, void *into, const int *counts, const int *places, mpi_request *request);
int cmpi_broadcast(int channel, void *bytes, int count, int root, mpi_request *request);
int cmpi_send(int channel, const void *bytes, int count, int to, mpi_request *request);
int cmpi_receive(int channel, void *bytes, int count, int from, mpi_request *request);
/* Sets `*done` when it is, and then the request is gone. */
int cmpi_test(mpi_request *request, int *done);

/* The end where all others come too, and the end of all. */
int cmpi_finalize(void);
void cmpi_abort(int code);

#endif
