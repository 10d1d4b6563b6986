#define _GNU_SOURCE
#include "CMPI.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef void *openmpi_handle;
#define HANDLE openmpi_handle
#define NAME(x) openmpi_##x
#define IGNORED NULL            /* MPI_STATUS_IGNORE of Open MPI's mpi.h */
#include "Family.h"

typedef int mpich_handle;
#define HANDLE mpich_handle
#define NAME(x) mpich_##x
#define IGNORED ((void *)1)     /* of MPICH's */
#include "Family.h"

/* Of MPICH's binary interface (the MPICH ABI Compatibility Initiative). */
enum { MPICH_COMM_WORLD = 0x44000000, MPICH_BYTE = 0x4c00010d };

static int family = -1;

#define BOTH(call) (family == MPI_FAMILY_OPENMPI ? openmpi_##call : mpich_##call)

int cmpi_open(const char *name, int wanted, char *problem, size_t size) {
    /* Open MPI's plug-ins look for its symbols among the global ones. */
    void *library = dlopen(name, RTLD_NOW | RTLD_GLOBAL);
    if (!library) {
        snprintf(problem, size, "%s", dlerror());
        return -1;
    }
    const char *missing = wanted == MPI_FAMILY_OPENMPI ? openmpi_resolve(library) : mpich_resolve(library);
    if (!missing && wanted == MPI_FAMILY_OPENMPI) {
        openmpi_calls.byte = dlsym(library, "ompi_mpi_byte");
        openmpi_calls.channels[MPI_CHANNEL_WORK] = dlsym(library, "ompi_mpi_comm_world");
        if (!openmpi_calls.byte || !openmpi_calls.channels[MPI_CHANNEL_WORK]) missing = "ompi_mpi_comm_world";
    } else if (!missing) {
        mpich_calls.byte = MPICH_BYTE;
        mpich_calls.channels[MPI_CHANNEL_WORK] = MPICH_COMM_WORLD;
    }
    if (missing) {
        snprintf(problem, size, "%s has no %s", name, missing);
        dlclose(library);
        return -1;
    }
    family = wanted;
    return 0;
}

int cmpi_start(void) { return BOTH(start()); }
int cmpi_rank(void) { return family == MPI_FAMILY_OPENMPI ? openmpi_number(openmpi_calls.Comm_rank) : mpich_number(mpich_calls.Comm_rank); }
int cmpi_size(void) { return family == MPI_FAMILY_OPENMPI ? openmpi_number(openmpi_calls.Comm_size) : mpich_number(mpich_calls.Comm_size); }

void cmpi_version(char *text, size_t size) {
    static char whole[8193];    /* MPICH's MPI_MAX_LIBRARY_VERSION_STRING is 8192, Open MPI's 256 */
    int length = 0;
    BOTH(calls.Get_library_version(whole, &length));
    whole[sizeof whole - 1] = 0;
    snprintf(text, size, "%s", whole);
}

int cmpi_all_to_all(int channel, const void *from, const int *counts, const int *places, void *into, const int *counts_in,
                    const int *places_in, mpi_request *request) {
    return BOTH(all_to_all(channel, from, counts, places, into, counts_in, places_in, request));
}

int cmpi_all_gather(int channel, const void *from, int count, void *into, const int *counts, const int *places, mpi_request *request) {
    return BOTH(all_gather(channel, from, count, into, counts, places, request));
}

int cmpi_broadcast(int channel, void *bytes, int count, int root, mpi_request *request) {
    return BOTH(broadcast(channel, bytes, count, root, request));
}

int cmpi_send(int channel, const void *bytes, int count, int to, mpi_request *request) {
    return BOTH(send(channel, bytes, count, to, request));
}

int cmpi_receive(int channel, void *bytes, int count, int from, mpi_request *request) {
    return BOTH(receive(channel, bytes, count, from, request));
}

int cmpi_test(mpi_request *request, int *done) { return BOTH(test(request, done)); }

int cmpi_finalize(void) { return BOTH(calls.Finalize()); }

void cmpi_abort(int code) {
    if (family == MPI_FAMILY_OPENMPI) openmpi_calls.Abort(openmpi_calls.channels[MPI_CHANNEL_WORK], code);
    else if (family == MPI_FAMILY_MPICH) mpich_calls.Abort(mpich_calls.channels[MPI_CHANNEL_WORK], code);
}
