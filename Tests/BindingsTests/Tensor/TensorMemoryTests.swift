import Foundation
import LuaHost
import TestSupport
import XCTest

/// Memory that Lua does not see.
final class TensorMemoryTests: TensorTestCase {
    func testTemporariesDoNotPileUp() throws {
        try lua.run("a, b = tensor.ones(4), tensor.ones(4)  for i = 1, 100000 do local c = a + b end")
        let before = try residentBytes()
        try lua.run("for i = 1, 1000000 do local c = a + b end")
        XCTAssertLessThan(try residentBytes() - before, 16 << 20)
    }

    func testLargeTemporariesAndViewsDoNotPileUp() throws {
        try lua.run("big = tensor.ones(1 << 20)")   // 4 MiB
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
        try lua.run(
            """
            w = tensor.ones(1 << 20):requires_grad(true)
            function forward() local x = w; for i = 1, 8 do x = x * 1.01 end; return x:sum() end
            """)
        try lua.run(
            "peak = 0; tensor.memory{reset_peak = true}; for i = 1, 100 do local loss = forward() end; peak = tensor.memory().peak"
        )
        let peak = try XCTUnwrap(lua.global("peak").number)
        XCTAssertLessThan(peak, 400e6)   // all graphs together are 3.3 GB
    }
}
