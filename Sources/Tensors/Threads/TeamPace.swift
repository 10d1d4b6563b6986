import Glibc

/// How many threads teams have, at present: all, but fewer while other programs keep the processors busy.
///
/// A member whose processor the system has given to somebody else holds up all others, for milliseconds where a phase
/// takes a fraction of one. One of two that is away half of the time then costs half of the speed, and the other alone,
/// which need not wait, is faster. So where callers have waited for too large a share of the time, teams are one thread
/// smaller for a while; then all are tried again. What teams compute does not depend on their number.
package struct TeamPace {
    /// Nanoseconds of teams' time after which waiting is judged, and after which all threads are tried again.
    package static let window = 30_000_000, rest = 300_000_000

    /// Nanoseconds from which on waiting at a team's end is for a member that does not come.
    static let missed = 100_000

    private var missing = 0
    private var lasted = 0, waited = 0
    private var restLeft = 0

    package init() {}

    /// How many threads the next team has of those that there are.
    package func count(of all: Int) -> Int { max(1, all - missing) }

    /// Takes account of a team.
    /// - Parameters:
    ///   - lasted: nanoseconds from its beginning to its end.
    ///   - waited: how long of these its caller waited for members that did not come.
    package mutating func note(lasted: Int, waited: Int, count: Int) {
        self.lasted += lasted
        self.waited += waited
        restLeft -= lasted
        if missing > 0, restLeft <= 0 {
            (missing, self.lasted, self.waited) = (0, 0, 0)
        } else if self.lasted >= Self.window {
            // One thread less gives (n - 1) / n of the speed, or more where memory is what they wait for.
            if count > 1, self.waited * 10 * count > self.lasted * 8 {
                missing += 1
                restLeft = Self.rest
            }
            (self.lasted, self.waited) = (0, 0)
        }
    }

    @inline(__always)
    package static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
