import Foundation
import Support

/// Ends the whole program when a piece of work goes beyond its time: for code that nothing else stops, such as a
/// pattern of Lua's that looks at everything there is.
package final class Deadline: @unchecked Sendable {
    private let lock = NSLock()
    private var isOver = false

    /// - Parameters:
    ///   - seconds: of processor time of all threads; four times as much may pass on the clock, since others work too.
    ///   - message: what is written to standard error before the end with exit code 1; nothing when nil.
    package init(seconds: Double, message: String?) {
        let began = ContinuousClock().now, before = Self.processorTime()
        Thread.detachNewThread { [self] in
            while !lock.withLock({ isOver }) {
                usleep(20_000)
                guard
                    Self.processorTime() - before > seconds
                        || began.duration(to: ContinuousClock().now) > .seconds(4 * seconds)
                else { continue }
                lock.withLock {
                    if isOver { return }
                    if let message { Terminal.warn(message) }
                    _exit(1)
                }
            }
        }
    }

    /// The work has ended in time.
    package func end() { lock.withLock { isOver = true } }

    private static func processorTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }
}
