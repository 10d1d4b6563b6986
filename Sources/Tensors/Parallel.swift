import Support
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The one pool of threads under every kernel, matrix products included.
///
/// A call splits 0..<n into fixed chunks that do not depend on who runs them; kernels compute each
/// element the same way wherever the chunk borders fall, so results do not depend on timing. A call
/// from inside a kernel, or while another thread uses the pool, simply runs where it is.
public enum Parallel {
    /// Threads used, the caller's included: `OPAH_THREADS`, or the number of processors.
    public static var threadCount: Int { pool.wanted.load(ordering: .relaxed) }

    public static func setThreadCount(_ count: Int) {
        pool.wanted.store(max(1, min(count, 256)), ordering: .relaxed)
    }

    /// Runs `body` over 0..<count in pieces of at least `grain` elements, on all threads.
    public static func forRange(_ count: Int, grain: Int = 1, _ body: (Range<Int>) -> Void) {
        guard count > 0 else { return }
        let threads = threadCount
        let pieces = min((count + grain - 1) / max(grain, 1), threads == 1 ? 1 : threads * 4)
        if pieces <= 1 || !pool.run(count: count, pieces: pieces, threads: threads, body) { body(0..<count) }
    }

    /// Runs each of `count` unequal tasks, on whichever thread is free.
    public static func forEach(_ count: Int, _ body: (Int) -> Void) {
        let ran = count > 1 && threadCount > 1 && pool.run(count: count, pieces: count, threads: threadCount) { range in
            for i in range { body(i) }
        }
        if !ran { for i in 0..<count { body(i) } }
    }

    /// Runs `body(i)` for each i in 0..<count on a thread of its own, all at the same time; false when that is not possible.
    static func onePieceEach(_ count: Int, _ body: (Int) -> Void) -> Bool {
        pool.run(count: count, pieces: count, threads: count, onePieceEach: true) { body($0.lowerBound) }
    }

    private static let pool = ThreadPool()
}

/// Worker threads that wait, briefly awake and then asleep, for the next job.
private final class ThreadPool: @unchecked Sendable {
    let wanted: Atomic<Int>
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let busy = Atomic<Bool>(false)
    private var workers = 0

    // The current job. Written by the caller before `generation` is raised, read by workers after.
    private var body: ((Range<Int>) -> Void)?
    private var count = 0, pieces = 0
    private var onePieceEach = false
    private var helpers = 0
    private let generation = Atomic<Int>(0)
    private let next = Atomic<Int>(0)
    private let unfinished = Atomic<Int>(0)

    init() {
        let asked = getenv("OPAH_THREADS").flatMap { Int(String(cString: $0)) }
        wanted = Atomic(max(1, min(asked ?? sysconf(Int32(_SC_NPROCESSORS_ONLN)), 256)))
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(wake, nil)
    }

    /// False when the pool is taken: the caller then does the work itself.
    /// - Parameter onePieceEach: every thread does exactly one piece, the caller the first, instead of whatever is left.
    func run(count: Int, pieces: Int, threads: Int, onePieceEach: Bool = false, _ body: (Range<Int>) -> Void) -> Bool {
        guard busy.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else { return false }
        defer { busy.store(false, ordering: .releasing) }
        while workers < threads - 1 { startWorker() }
        withoutActuallyEscaping(body) { body in
            self.body = body
            self.count = count
            self.pieces = pieces
            self.onePieceEach = onePieceEach
            helpers = min(threads - 1, pieces - 1)
            next.store(0, ordering: .relaxed)
            unfinished.store(helpers, ordering: .relaxed)
            pthread_mutex_lock(mutex)
            generation.add(1, ordering: .releasing)
            pthread_cond_broadcast(wake)
            pthread_mutex_unlock(mutex)
            work(as: 0)
            var spins = 0
            while unfinished.load(ordering: .acquiring) > 0 {
                spins += 1
                if spins > 2000 { sched_yield() }
            }
            self.body = nil
        }
        return true
    }

    private func work(as member: Int) {
        if onePieceEach { return body!(member..<(member + 1)) }
        while true {
            let piece = next.add(1, ordering: .relaxed).oldValue
            guard piece < pieces else { return }
            body!(count * piece / pieces ..< count * (piece + 1) / pieces)
        }
    }

    private func startWorker() {
        let index = workers
        workers += 1
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Start(pool: self, index: index, generation: generation.load(ordering: .relaxed)))
        // Signals belong to the main thread: Ctrl-C must reach the interpreter.
        var all = sigset_t(), before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        pthread_create(&thread, nil, { raw in
            let start = Unmanaged<Start>.fromOpaque(raw!).takeRetainedValue()
            start.pool.loop(index: start.index, seen: start.generation)
            return nil
        }, box.toOpaque())
        pthread_sigmask(SIG_SETMASK, &before, nil)
    }

    private final class Start {
        let pool: ThreadPool, index: Int, generation: Int
        init(pool: ThreadPool, index: Int, generation: Int) {
            (self.pool, self.index, self.generation) = (pool, index, generation)
        }
    }

    private func loop(index: Int, seen: Int) {
        var seen = seen
        while true {
            var spins = 0
            // About 50 us awake: kernels follow each other closely within a layer.
            while generation.load(ordering: .acquiring) == seen, spins < 20_000 { spins += 1 }
            if generation.load(ordering: .acquiring) == seen {
                pthread_mutex_lock(mutex)
                while generation.load(ordering: .acquiring) == seen { pthread_cond_wait(wake, mutex) }
                pthread_mutex_unlock(mutex)
            }
            seen = generation.load(ordering: .acquiring)
            guard index < helpers else { continue }
            work(as: index + 1)
            unfinished.subtract(1, ordering: .acquiringAndReleasing)
        }
    }
}
