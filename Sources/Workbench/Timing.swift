import Foundation
import LuaHost
import Support

/// How long a piece of Lua takes, measured until the clock's own grain does not matter.
struct Timing {
    let loops: Int
    /// Seconds for one pass, per run.
    let runs: [Double]

    /// `body(n)` does the work `n` times. The number of passes grows until one run takes a fifth of a
    /// second, then there are seven runs (fewer when a run takes long).
    init(_ body: (Int) throws -> Void) throws {
        func seconds(_ loops: Int) throws -> Double {
            let began = ContinuousClock().now
            try body(loops)
            try Interrupt.check()
            return began.duration(to: ContinuousClock().now) / .seconds(1)
        }
        var loops = 1, time = try seconds(1)
        while time < 0.2, loops < 1_000_000_000 {
            loops *= time < 0.002 ? 10 : max(2, min(10, Int((0.2 / time).rounded(.up))))
            time = try seconds(loops)
        }
        let count = time > 3 ? 1 : time > 1 ? 3 : 7
        var runs = [time / Double(loops)]
        for _ in 1..<count { runs.append(try seconds(loops) / Double(loops)) }
        (self.loops, self.runs) = (loops, runs)
    }

    var mean: Double { runs.reduce(0, +) / Double(runs.count) }

    var text: String {
        if runs.count == 1 { return DurationText.words(mean) + " (once)" }
        let spread = (runs.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(runs.count)).squareRoot()
        return "\(DurationText.words(mean)) ± \(DurationText.words(spread)) (mean and spread of \(runs.count) runs, \(loops) \(loops == 1 ? "pass" : "passes") each)"
    }
}
