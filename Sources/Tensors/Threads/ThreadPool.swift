import Glibc
import Synchronization
import SystemShim

/// Worker threads that wait, briefly awake and then asleep, for jobs. Any thread may publish a job, also
/// from inside another job; a thread that waits for its own helps with jobs that were made inside it.
///
/// A caller that finds every thread busy runs its pieces itself and pays one load; only the tail of an outer job, when
/// threads run out of its pieces, publishes inner ones. Publishing wakes sleepers only where there are some.
///
/// Publishing and leaving are ordered by two pairs of sequentially consistent steps: `isOpen` against
/// `helpers` (nobody works on a job that its owner has left), `generation` against `sleepers` (no worker
/// sleeps through a job).
final class ThreadPool: @unchecked Sendable {
    let wanted: Atomic<Int>
    private let jobs = (0 ..< 64).map { _ in Job() }
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let workers = Atomic<Int>(0), sleepers = Atomic<Int>(0)
    /// Threads that would take work now.
    private let idle = Atomic<Int>(0)
    /// Whether a job runs whose pieces wait for each other.
    private let isTogether = Atomic<Bool>(false)
    /// Jobs published so far.
    private let generation = Atomic<Int>(0)
    /// Where this thread is: 0, or the place of a job of which it runs a piece.
    private let place: pthread_key_t

    /// Pieces of one call. Fields are written while the job is taken and closed, read while it is open.
    private final class Job: @unchecked Sendable {
        let isTaken = Atomic<Bool>(false), isOpen = Atomic<Bool>(false)
        let next = Atomic<Int>(0), helpers = Atomic<Int>(0)
        var body: ((Range<Int>) -> Void)?
        var count = 0, pieces = 0
        var place = Place(root: 0, depth: 0)

        func work() {
            while true {
                let piece = next.add(1, ordering: .relaxed).oldValue
                guard piece < pieces else { return }
                body!(count * piece / pieces ..< count * (piece + 1) / pieces)
            }
        }
    }

    /// The outermost job around a piece of work (its index, from 1), and how many jobs are around it.
    private struct Place {
        let root: Int, depth: Int
        init(root: Int, depth: Int) { (self.root, self.depth) = (root, depth) }
        init(_ raw: UnsafeMutableRawPointer?) {
            let bits = Int(bitPattern: raw)
            self.init(root: bits >> 8, depth: bits & 255)
        }
        var raw: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: root << 8 | depth) }
    }

    init() {
        let asked = getenv("OPAH_THREADS").flatMap { Int(String(cString: $0)) }
        wanted = Atomic(max(1, min(asked ?? Int(system_processors()), 256)))
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(wake, nil)
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        place = key
    }

    /// Runs all pieces, with the help of threads that are free.
    func run(count: Int, pieces: Int, threads: Int, _ body: (Range<Int>) -> Void) {
        if workers.load(ordering: .relaxed) < threads - 1 { startWorkers(threads - 1) }
        // Workers beyond the wanted number may wait too, but do not help.
        let surplus = max(0, workers.load(ordering: .relaxed) - (threads - 1))
        let here = Place(pthread_getspecific(place))
        guard idle.load(ordering: .relaxed) > surplus, here.depth < 200, let (index, job) = takeJob() else {
            for piece in 0 ..< pieces { body(count * piece / pieces ..< count * (piece + 1) / pieces) }
            return
        }
        perform(job, index, here, count: count, pieces: pieces, body) { job.work() }
    }

    /// Runs `count` pieces, each on a thread of its own, at the same time; false when that is not possible: inside a
    /// job, or while another thread does the same (two halves of teams would wait for each other for ever).
    func runTogether(_ count: Int, _ body: (Range<Int>) -> Void) -> Bool {
        if workers.load(ordering: .relaxed) < count - 1 { startWorkers(count - 1) }
        let here = Place(pthread_getspecific(place))
        guard here.depth == 0, workers.load(ordering: .relaxed) >= count - 1,
            isTogether.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
        else { return false }
        defer { isTogether.store(false, ordering: .releasing) }
        guard let (index, job) = takeJob() else { return false }
        // Workers take pieces as of any job. No piece ends before all have met, so nobody takes two that meet.
        perform(job, index, here, count: count, pieces: count, first: 1, body) { body(0 ..< 1) }
        return true
    }

    /// Publishes a job that was taken, does the caller's part of it, and waits for the rest.
    /// - Parameter first: the first piece that is for anybody.
    private func perform(
        _ job: Job, _ index: Int, _ here: Place, count: Int, pieces: Int, first: Int = 0,
        _ body: (Range<Int>) -> Void, _ ownPart: () -> Void
    ) {
        withoutActuallyEscaping(body) { body in
            (job.body, job.count, job.pieces) = (body, count, pieces)
            job.place = Place(root: here.depth == 0 ? index + 1 : here.root, depth: here.depth + 1)
            job.next.store(first, ordering: .relaxed)
            job.isOpen.store(true, ordering: .sequentiallyConsistent)
            generation.add(1, ordering: .sequentiallyConsistent)
            if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
                pthread_mutex_lock(mutex)
                pthread_cond_broadcast(wake)
                pthread_mutex_unlock(mutex)
            }
            pthread_setspecific(place, job.place.raw)
            ownPart()
            if first > 0 { job.work() }   // pieces that did not meet may be left
            job.isOpen.store(false, ordering: .sequentiallyConsistent)
            wait(for: job)
            pthread_setspecific(place, here.raw)
            job.body = nil
        }
        job.isTaken.store(false, ordering: .releasing)
    }

    private func takeJob() -> (Int, Job)? {
        for (index, job) in jobs.enumerated()
        where job.isTaken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged {
            return (index, job)
        }
        return nil
    }

    /// Waits until nobody works on a job any more, and meanwhile helps with what is made inside it.
    private func wait(for job: Job) {
        guard job.helpers.load(ordering: .sequentiallyConsistent) > 0 else { return }
        idle.add(1, ordering: .relaxed)
        var seen = -1, spins = 0
        while job.helpers.load(ordering: .sequentiallyConsistent) > 0 {
            let now = generation.load(ordering: .acquiring)
            if now != seen {
                seen = now
                while let inner = join(inside: job.place) { help(inner) }
            } else {
                spins += 1
                if spins > 2000 { sched_yield() }
            }
        }
        idle.subtract(1, ordering: .relaxed)
    }

    /// An open job with pieces left, which the caller then counts among the helpers of. Outer jobs come
    /// first: they were published first.
    /// - Parameter around: only jobs made inside this one.
    private func join(inside around: Place? = nil) -> Job? {
        for job in jobs where job.isOpen.load(ordering: .relaxed) {
            job.helpers.add(1, ordering: .sequentiallyConsistent)
            if job.isOpen.load(ordering: .sequentiallyConsistent), job.next.load(ordering: .relaxed) < job.pieces,
                around.map({ job.place.root == $0.root && job.place.depth > $0.depth }) ?? true
            {
                return job
            }
            job.helpers.subtract(1, ordering: .releasing)
        }
        return nil
    }

    /// Works on a job that was joined.
    private func help(_ job: Job) {
        let before = pthread_getspecific(place)
        idle.subtract(1, ordering: .relaxed)
        pthread_setspecific(place, job.place.raw)
        job.work()
        pthread_setspecific(place, before)
        // In this order: who sees the job finished also sees that this thread is free for the next.
        idle.add(1, ordering: .relaxed)
        job.helpers.subtract(1, ordering: .releasing)
    }

    // MARK: workers

    private func startWorkers(_ count: Int) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        // Signals belong to the main thread: Ctrl-C must reach the interpreter.
        var all = sigset_t(), before = sigset_t()
        sigfillset(&all)
        // A fault of its own must reach its handler: blocked, it would end the program without a word.
        for fault in [SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGABRT] { sigdelset(&all, fault) }
        pthread_sigmask(SIG_SETMASK, &all, &before)
        while workers.load(ordering: .relaxed) < count {
            let start = Unmanaged.passRetained(
                Start(pool: self, index: workers.load(ordering: .relaxed), seen: generation.load(ordering: .relaxed)))
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                { raw in
                    let start = Unmanaged<Start>.fromOpaque(raw!).takeRetainedValue()
                    start.pool.loop(index: start.index, seen: start.seen)
                    return nil
                }, start.toOpaque())
            guard code == 0 else {   // the system allows no more: those that there are do the work
                start.release()
                wanted.store(workers.load(ordering: .relaxed) + 1, ordering: .relaxed)
                break
            }
            pthread_detach(thread)
            idle.add(1, ordering: .relaxed)
            workers.add(1, ordering: .relaxed)
        }
        pthread_sigmask(SIG_SETMASK, &before, nil)
    }

    private final class Start {
        let pool: ThreadPool, index: Int, seen: Int
        init(pool: ThreadPool, index: Int, seen: Int) { (self.pool, self.index, self.seen) = (pool, index, seen) }
    }

    private func loop(index: Int, seen: Int) {
        var seen = seen
        while true {
            var spins = 0
            // About 50 us awake: kernels follow each other closely within a layer.
            while generation.load(ordering: .acquiring) == seen, spins < 20_000 { spins += 1 }
            if generation.load(ordering: .acquiring) == seen {
                pthread_mutex_lock(mutex)
                sleepers.add(1, ordering: .sequentiallyConsistent)
                while generation.load(ordering: .sequentiallyConsistent) == seen { pthread_cond_wait(wake, mutex) }
                sleepers.subtract(1, ordering: .relaxed)
                pthread_mutex_unlock(mutex)
            }
            // Before looking for work: what is published afterwards wakes this thread again.
            seen = generation.load(ordering: .acquiring)
            guard index < wanted.load(ordering: .relaxed) - 1 else { continue }
            while let job = join() { help(job) }
        }
    }
}
