import Foundation
import LuaHost
import LuaTestSupport
import TestSupport
import XCTest

/// What must not stay half done: `opah.finish`, and loops of whole steps.
final class WholeStepsTests: XCTestCase {
    override func setUp() { Interrupts.install() }

    /// Ctrl-C after a moment, from another thread.
    private func interruptSoon() {
        Thread.detachNewThread {
            Thread.sleep(forTimeInterval: 0.1)
            kill(getpid(), SIGINT)
        }
    }

    private let clock = LuaScript.file("clock")

    func testWorkComesToItsEndBeforeItIsStopped() throws {
        interruptSoon()
        try LuaFixture.check(
            #"""
            local whole, later
            local ok, problem = pcall(function()
              opah.finish(function() spin(0.4) whole = coroutine.wrap(function() spin(0.01) return true end)() end)
              later = spin(2)
            end)
            assert(not ok and problem.kind == "interrupted", tostring(problem))
            assert(whole and not later)
            """#, after: clock)
        XCTAssertFalse(Interrupts.isPending)
    }

    func testResultsAndErrorsPass() throws {
        try LuaFixture.check(
            #"""
            assert(select("#", opah.finish(function() return 1, nil, 3 end)) == 3)
            assert(select("#", opah.finish(function() end)) == 0)
            local ok, problem = pcall(opah.finish, function() error({ code = 7 }) end)
            assert(not ok and problem.code == 7)
            """#)
    }

    func testALoopStopsBetweenStepsAndSaves() throws {
        interruptSoon()
        try LuaFixture.check(.file("a_loop_stops_between_steps_and_saves"), after: clock)
    }
}
