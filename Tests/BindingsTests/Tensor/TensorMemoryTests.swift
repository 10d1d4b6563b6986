import Foundation
import LuaHost
import XCTest

/// Memory that Lua does not see, and what a call costs.
final class TensorMemoryTests: TensorTestCase {
    /// Bytes of this process that are in memory.
    private func residentBytes() throws -> Int {
        let statistics = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return Int(statistics[1])! * sysconf(Int32(_SC_PAGESIZE))
    }

    func testTemporariesDoNotPileUp() throws {
        try lua.run("a, b = tensor.ones(4), tensor.ones(4)  for i = 1, 100000 do local c = a + b end")
        let before = try residentBytes()
        try lua.run("for i = 1, 1000000 do local c = a + b end")
        XCTAssertLessThan(try residentBytes() - before, 16 << 20)
    }

    func testLargeTemporariesAndViewsDoNotPileUp() throws {
        try lua.run("big = tensor.ones(1 << 20)")           // 4 MiB
        let before = try residentBytes()
        try lua.run("for i = 1, 400 do local c = (big + 1):view(1024, 1024)[1] end")
        XCTAssertLessThan(try residentBytes() - before, 400 << 20)
        // Views of one large tensor cost nothing, so they ask for no collection.
        let clock = ContinuousClock()
        let time = try clock.measure { try lua.run("for i = 1, 100000 do local v = big:view(1024, 1024) end") }
        XCTAssertLessThan(time, .seconds(2))
    }

    /// What only the record of operations keeps alive counts too: one small number may hold all of it.
    func testGraphsDoNotPileUp() throws {
        try lua.run("""
            w = tensor.ones(1 << 20):requires_grad(true)
            function forward() local x = w; for i = 1, 8 do x = x * 1.01 end; return x:sum() end
            """)
        try lua.run("peak = 0; tensor.memory{reset_peak = true}; for i = 1, 100 do local loss = forward() end; peak = tensor.memory().peak")
        let peak = try XCTUnwrap(lua.global("peak").number)
        XCTAssertLessThan(peak, 400e6)          // all graphs together are 3.3 GB
    }

    func testAdditionOfSmallTensorsIsFast() throws {
        try lua.run("a, b = tensor.ones(4), tensor.ones(4)")
        let count = 300_000
        let empty = try fastest { try lua.run("for i = 1, \(count) do local c = a end") }
        func report(_ name: String, _ code: String, limit: Double) throws {
            let time = (try fastest { try lua.run("local a, b = a, b for i = 1, \(count) do \(code) end") } - empty) / Double(count) * 1e6
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
        return try (0..<5).map { _ in try clock.measure(body) }.min().map { Double($0.components.attoseconds) * 1e-18 + Double($0.components.seconds) } ?? 0
    }
}
