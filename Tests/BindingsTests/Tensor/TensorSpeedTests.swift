import LuaHost
import XCTest

/// What a call costs.
final class TensorSpeedTests: TensorTestCase {
    func testAdditionOfSmallTensorsIsFast() throws {
        try lua.run("a, b = tensor.ones(4), tensor.ones(4)")
        let count = 100_000
        let empty = try fastest { try lua.run("for i = 1, \(count) do local c = a end") }
        func report(_ name: String, _ code: String, limit: Double) throws {
            let time =
                (try fastest { try lua.run("local a, b = a, b for i = 1, \(count) do \(code) end") } - empty)
                / Double(count) * 1e6
            print("measured: \(name) \(String(format: "%.3f", time)) us")
            XCTAssertLessThan(time, limit, name)
        }
        // The limits leave room for a machine that is busy; what is printed is what counts.
        try report("a + b", "local c = a + b", limit: 2)
        try report("a + 1", "local c = a + 1", limit: 2.5)
        try report("a:add_(b)", "a:add_(b)", limit: 2)
        try report("a[2]", "local x = a[2]", limit: 1)
        try report("a[2] = 1", "a[2] = 1", limit: 3)
        try report("#a", "local x = #a", limit: 1)
    }

    private func fastest(_ body: () throws -> Void) rethrows -> Double {
        let clock = ContinuousClock()
        return try (0 ..< 5).map { _ in try clock.measure(body) }.min().map {
            Double($0.components.attoseconds) * 1e-18 + Double($0.components.seconds)
        } ?? 0
    }
}
