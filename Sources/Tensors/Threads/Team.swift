import Glibc
import Synchronization

/// One thread of a team that does a piece of work in phases, all threads together: within a phase they `share` its
/// elements, between phases they `wait` for each other.
///
/// For many short phases: handing each to the pool by `Parallel.forRange` costs microseconds, a meeting of threads that
/// are awake a fraction of one. What a thread writes before `wait`, all may read after it.
public struct TeamMember {
    /// This thread's number, from 0; 0 is the caller.
    public let index: Int
    /// How many there are.
    public var count: Int { state.count }
    let state: TeamState

    /// Waits until all members are here. All of them must call it equally often.
    @inline(__always)
    public func wait() { if state.count > 1 { state.meet(isCaller: index == 0) } }

    /// Splits 0..<count among the members: large ranges first, small ones towards the end, so that a member that the
    /// system has held up costs the others little. At most one `share` between two `wait`s.
    /// - Parameter grain: the smallest range worth handing out.
    @inline(__always)
    public func share(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
        if state.count == 1 {
            if count > 0 { body(0 ..< count) }
        } else {
            while let range = state.claim(count, grain: grain) { body(range) }
        }
    }
}

extension Parallel {
    /// Runs `body` once on each of `threadCount` threads, at the same time; on fewer while other programs have the
    /// processors and these would wait for each other (`TeamPace`). Where the pool is taken (by another thread, or
    /// because this already is a kernel) the caller is alone in its team.
    public static func team(_ body: (TeamMember) -> Void) {
        let all = threadCount, count = pace.withLock { $0.count(of: all) }
        if count > 1 {
            let state = TeamState(count), begun = TeamPace.now()
            nonisolated(unsafe) var finished = begun
            let isDone = onePieceEach(count) { index in
                body(TeamMember(index: index, state: state))
                if index == 0 { finished = TeamPace.now() }
            }
            if isDone {
                let now = TeamPace.now(), atTheEnd = now - finished
                let waited = state.callerWaited + (atTheEnd > TeamPace.missed ? atTheEnd : 0)
                return pace.withLock { $0.note(lasted: now - begun, waited: waited, count: count) }
            }
        } else if all > 1 {
            let begun = TeamPace.now()
            body(TeamMember(index: 0, state: TeamState(1)))
            let lasted = TeamPace.now() - begun
            return pace.withLock { $0.note(lasted: lasted, waited: 0, count: 1) }
        }
        body(TeamMember(index: 0, state: TeamState(1)))
    }
}

private let pace = Mutex(TeamPace())

/// What the members share.
final class TeamState: Sendable {
    let count: Int
    private let arrived = Atomic<Int>(0)
    private let phase = Atomic<Int>(0)
    private let next = Atomic<Int>(0)
    private let waited = Atomic<Int>(0)

    init(_ count: Int) { self.count = count }

    /// Nanoseconds that the caller has waited for members that did not come, as the system had suspended them.
    var callerWaited: Int { waited.load(ordering: .relaxed) }

    func meet(isCaller: Bool = false) {
        let current = phase.load(ordering: .relaxed)
        if arrived.add(1, ordering: .acquiringAndReleasing).newValue == count {
            arrived.store(0, ordering: .relaxed)
            next.store(0, ordering: .relaxed)
            phase.store(current &+ 1, ordering: .releasing)
            return
        }
        // Awake for some ten microseconds; then others may have the processor; after about a millisecond, asleep for
        // moments: on a machine with more to do than processors, waiting must not cost what it waits for.
        var rounds = 0, missed = 0
        while phase.load(ordering: .acquiring) == current {
            rounds &+= 1
            if rounds == 10_000, isCaller { missed = TeamPace.now() }
            if rounds > 22_000 { usleep(50) } else if rounds > 20_000 { sched_yield() }
        }
        if missed > 0 { waited.add(TeamPace.now() - missed, ordering: .relaxed) }
    }

    /// The next range: half of a fair share of what is left.
    func claim(_ total: Int, grain: Int) -> Range<Int>? {
        var start = next.load(ordering: .relaxed)
        while start < total {
            let size = min(total &- start, max(grain, (total &- start) / (2 &* count)))
            let (exchanged, original) = next.weakCompareExchange(
                expected: start, desired: start &+ size, ordering: .relaxed)
            if exchanged { return start ..< (start &+ size) }
            start = original
        }
        return nil
    }
}
