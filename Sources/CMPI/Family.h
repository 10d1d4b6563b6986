/* The calls of one binary interface. Included once for each, with HANDLE, NAME and IGNORED defined. The prototypes are
 * those of the MPI standard (MPI-3.1, chapters 3, 5, 6 and 8), with HANDLE for what a family calls its own. */
static struct {
    int (*Init_thread)(int *, char ***, int, int *);
    int (*Finalize)(void);
    int (*Abort)(HANDLE, int);
    int (*Comm_rank)(HANDLE, int *);
    int (*Comm_size)(HANDLE, int *);
    int (*Comm_dup)(HANDLE, HANDLE *);
    int (*Get_library_version)(char *, int *);
    int (*Ialltoallv)(const void *, const int *, const int *, HANDLE, void *, const int *, const int *, HANDLE, HANDLE, HANDLE *);
    int (*Iallgatherv)(const void *, int, HANDLE, void *, const int *, const int *, HANDLE, HANDLE, HANDLE *);
    int (*Ibcast)(void *, int, HANDLE, int, HANDLE, HANDLE *);
    int (*Isend)(const void *, int, HANDLE, int, int, HANDLE, HANDLE *);
    int (*Irecv)(void *, int, HANDLE, int, int, HANDLE, HANDLE *);
    int (*Test)(HANDLE *, int *, void *);
    HANDLE byte, channels[MPI_CHANNELS];
} NAME(calls);

static const char *NAME(resolve)(void *library) {
    static const struct { const char *name; void *place; } all[] = {
#define CALL(x) { "MPI_" #x, &NAME(calls).x }
        CALL(Init_thread), CALL(Finalize), CALL(Abort), CALL(Comm_rank), CALL(Comm_size), CALL(Comm_dup),
        CALL(Get_library_version), CALL(Ialltoallv), CALL(Iallgatherv), CALL(Ibcast), CALL(Isend), CALL(Irecv), CALL(Test),
#undef CALL
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        void *address = dlsym(library, all[i].name);
        if (!address) return all[i].name;
        memcpy(all[i].place, &address, sizeof address);
    }
    return NULL;
}

static int NAME(start)(void) {
    int given;
    /* 1: MPI_THREAD_FUNNELED, in both families. */
    int code = NAME(calls).Init_thread(NULL, NULL, 1, &given);
    return code ? code : NAME(calls).Comm_dup(NAME(calls).channels[MPI_CHANNEL_WORK], &NAME(calls).channels[MPI_CHANNEL_END]);
}

static int NAME(number)(int (*ask)(HANDLE, int *)) {
    int value = -1;
    ask(NAME(calls).channels[MPI_CHANNEL_WORK], &value);
    return value;
}

/* A request in the space that both families fit into. */
static int NAME(keep)(int code, HANDLE handle, mpi_request *request) {
    request->handle = 0;
    memcpy(&request->handle, &handle, sizeof handle);
    return code;
}

static int NAME(all_to_all)(int channel, const void *from, const int *counts, const int *places, void *into,
                            const int *counts_in, const int *places_in, mpi_request *request) {
    HANDLE handle, byte = NAME(calls).byte;
    int code = NAME(calls).Ialltoallv(from, counts, places, byte, into, counts_in, places_in, byte, NAME(calls).channels[channel], &handle);
    return NAME(keep)(code, handle, request);
}

static int NAME(all_gather)(int channel, const void *from, int count, void *into, const int *counts, const int *places, mpi_request *request) {
    HANDLE handle, byte = NAME(calls).byte;
    int code = NAME(calls).Iallgatherv(from, count, byte, into, counts, places, byte, NAME(calls).channels[channel], &handle);
    return NAME(keep)(code, handle, request);
}

static int NAME(broadcast)(int channel, void *bytes, int count, int root, mpi_request *request) {
    HANDLE handle;
    int code = NAME(calls).Ibcast(bytes, count, NAME(calls).byte, root, NAME(calls).channels[channel], &handle);
    return NAME(keep)(code, handle, request);
}

static int NAME(send)(int channel, const void *bytes, int count, int to, mpi_request *request) {
    HANDLE handle;
    int code = NAME(calls).Isend(bytes, count, NAME(calls).byte, to, 0, NAME(calls).channels[channel], &handle);
    return NAME(keep)(code, handle, request);
}

static int NAME(receive)(int channel, void *bytes, int count, int from, mpi_request *request) {
    HANDLE handle;
    int code = NAME(calls).Irecv(bytes, count, NAME(calls).byte, from, 0, NAME(calls).channels[channel], &handle);
    return NAME(keep)(code, handle, request);
}

static int NAME(test)(mpi_request *request, int *done) {
    HANDLE handle;
    memcpy(&handle, &request->handle, sizeof handle);
    return NAME(keep)(NAME(calls).Test(&handle, done, IGNORED), handle, request);
}

#undef HANDLE
#undef NAME
#undef IGNORED
