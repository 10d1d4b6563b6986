import Glibc
import Synchronization

/// The one pool of threads under every kernel, matrix products included.
///
/// A call splits 0..<n into fixed chunks that depend on n and the number of threads, never on who runs
/// them or when; with the same number of threads every result is the same bit for bit, from call to call
/// and from run to run. A call from inside a kernel is helped by threads that have nothing else to do;
/// where there are none, its chunks run one after the other where it was made. So a list of whole clips
/// keeps all threads busy without a barrier, and when the list runs out, its last clips are shared.
public enum Parallel {
    /// Threads used, the caller's included: `OPAH_THREADS`, or the number of processors that the process may use.
    public static var threadCount: Int { pool.wanted.load(ordering: .relaxed) }

    public static func setThreadCount(_ count: Int) {
        pool.wanted.store(max(1, min(count, most.load(ordering: .relaxed))), ordering: .relaxed)
    }

    /// From now on no more threads than this are used, whatever is asked for.
    static func limitThreads(_ count: Int) {
        most.store(max(1, min(count, 256)), ordering: .relaxed)
        setThreadCount(threadCount)
    }

    private static let most = Atomic<Int>(256)

    /// Runs `body` over 0..<count in pieces of at least `grain` elements, on all threads.
    public static func forRange(_ count: Int, grain: Int = 1, _ body: (Range<Int>) -> Void) {
        guard count > 0 else { return }
        let threads = threadCount
        let pieces = threads == 1 ? 1 : min((count + grain - 1) / max(grain, 1), threads * 4)
        if pieces <= 1 { return body(0 ..< count) }
        pool.run(count: count, pieces: pieces, threads: threads, body)
    }

    /// Runs each of `count` unequal tasks, on whichever thread is free, in order of their number.
    public static func forEach(_ count: Int, _ body: (Int) -> Void) {
        let threads = threadCount
        if count <= 1 || threads == 1 {
            for i in 0 ..< max(count, 0) { body(i) }
        } else {
            pool.run(count: count, pieces: count, threads: threads) { range in
                for i in range { body(i) }
            }
        }
    }

    /// Runs `body(i)` for each i in 0..<count on a thread of its own, all at the same time, the caller's the first;
    /// false when that is not possible.
    static func onePieceEach(_ count: Int, _ body: (Int) -> Void) -> Bool {
        pool.runTogether(count) { body($0.lowerBound) }
    }

    private static let pool = ThreadPool()
}
