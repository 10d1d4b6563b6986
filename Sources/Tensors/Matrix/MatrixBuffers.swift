import COpenBLAS
import Glibc

/// OpenBLAS takes a buffer of 128 MB of addresses for every thread that multiplies at a time, when it first does. Where
/// `ulimit -v` refuses it, it asks again for ever; so under such a limit the buffers are taken at once, as many as fit,
/// and no more threads are used than there are buffers.
public enum MatrixBuffers {
    /// More than a buffer takes: what must be free before one is asked for.
    public static let size = 136 << 20

    /// Takes buffers, and lowers the number of threads to theirs.
    /// - Parameters:
    ///   - keeping: bytes of addresses that must stay free, for everything else.
    /// - Returns: how many buffers there are; 0 when not even one fits: then no product may be computed.
    public static func reserve(keeping: Int) -> Int {
        typealias Allocate = @convention(c) (Int32) -> UnsafeMutableRawPointer?
        typealias Free = @convention(c) (UnsafeMutableRawPointer?) -> Void
        _ = OpenBLAS.isReady
        // Its own functions, which no header of it has.
        guard let allocate = dlsym(nil, "blas_memory_alloc"), let free = dlsym(nil, "blas_memory_free") else {
            guard hasRoom(size + keeping) else { return 0 }
            Parallel.limitThreads(1)
            var one: Float = 1, result: Float = 0
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 1, 1, 1, 1, &one, 1, &one, 1, 0, &result, 1)
            return 1
        }
        var taken: [UnsafeMutableRawPointer?] = []
        // A thread of ours takes 8 MB of stack, and 64 MB for what it allocates.
        while taken.count < Parallel.threadCount, hasRoom(size + keeping + (taken.isEmpty ? 0 : 72 << 20)) {
            taken.append(unsafeBitCast(allocate, to: Allocate.self)(0))
        }
        for buffer in taken { unsafeBitCast(free, to: Free.self)(buffer) }
        if !taken.isEmpty { Parallel.limitThreads(taken.count) }
        return taken.count
    }

    private static func hasRoom(_ bytes: Int) -> Bool {
        guard let place = mmap(nil, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
            place != MAP_FAILED
        else { return false }
        munmap(place, bytes)
        return true
    }
}
