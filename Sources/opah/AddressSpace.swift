import Console
import Foundation
import Support
import Tensors

/// A limit on addresses (`ulimit -v`, as on shared machines): fewer threads, or a clear end before anything begins.
public enum AddressSpace {
    /// What a small run needs beside the buffers of matrix products, in bytes.
    private static let least = 64 << 20

    /// To be called at the start. Nothing is done where there is no such limit.
    /// - Returns: why the program cannot run; nil when it can.
    public static func prepare() -> String? {
        var limit = rlimit()
        guard getrlimit(Int32(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur < 1 << 62 else { return nil }
        // Set for OpenBLAS alone (see AddressSpace.c); programs that are started from here have threads of their own.
        unsetenv("OPENBLAS_NUM_THREADS")
        let wanted = Parallel.threadCount, threads = MatrixBuffers.reserve(keeping: least)
        guard threads > 0 else {
            let needed = inUse + MatrixBuffers.size + least
            return
                "opah: the address space is limited to \(ByteCount.text(Int(limit.rlim_cur))), and \(ByteCount.text(needed)) are needed at least\n"
                + "  hint: raise the limit: ulimit -v unlimited, or ulimit -v \(needed >> 10)"
        }
        if threads < wanted {
            Terminal.log(
                "note: the address space is limited to \(ByteCount.text(Int(limit.rlim_cur))): \(threads) of \(wanted) threads are used"
            )
        }
        return nil
    }

    /// Addresses that the program has, in bytes.
    private static var inUse: Int {
        let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ").first
            .flatMap { Int($0) }
        return (pages ?? 0) * sysconf(Int32(_SC_PAGESIZE))
    }
}
