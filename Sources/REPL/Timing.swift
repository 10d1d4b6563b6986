import Foundation
import LuaHost
import Support

/// How long a piece of Lua takes, measured until the clock's own grain does not matter.
package struct Timing {
    package let loops: Int
    /// Seconds for one pass, per run.
    package let runs: [Double]

    /// `body(n)` does the work `n` times. It takes about a second: the number of passes grows until a run takes a
    /// hundredth of that, then there are seven runs or more that fill the rest, or fewer when a single pass is long.
    package init(_ body: (Int) throws -> Void) throws {
        func seconds(_ loops: Int) throws -> Double {
            let began = ContinuousClock().now
            try body(loops)
            try Interrupt.check()
            return began.duration(to: ContinuousClock().now) / .seconds(1)
        }
        let began = ContinuousClock().now
        var loops = 1, time = try seconds(1), runs: [Double] = []
        while time < 0.01, loops < 1_000_000_000 {
            loops *= time < 0.001 ? 10 : max(2, Int((0.01 / time).rounded(.up)))
            time = try seconds(loops)
        }
        var left = 1 - began.duration(to: ContinuousClock().now) / .seconds(1)
        let more = Int(left / 7 / max(time / Double(loops), 1e-12))
        let fits = more > loops
        if fits { loops = more } else { runs = [time / Double(loops)] }
        // When the machine had something else to do while the passes were counted, seven do not fill a second.
        while fits ? left > (runs.count < 7 ? -0.5 : time) : runs.count < 7 && left > time {
            time = try seconds(loops)
            left -= time
            runs.append(time / Double(loops))
        }
        (self.loops, self.runs) = (loops, runs)
    }

    package var mean: Double { runs.reduce(0, +) / Double(runs.count) }

    package var text: String {
        if runs.count == 1 { return DurationText.words(mean) + " (once)" }
        let spread = (runs.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(runs.count)).squareRoot()
        return
            "\(DurationText.words(mean)) ± \(DurationText.words(spread)) (mean and spread of \(runs.count) runs, \(loops) \(loops == 1 ? "pass" : "passes") each)"
    }
}
