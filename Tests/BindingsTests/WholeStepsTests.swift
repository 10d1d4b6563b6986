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

    private let clock = """
        function spin(seconds)
          local began, loops = machine.now(), 0
          while machine.now() - began < seconds do
            loops = loops + 1
            tensor.ones(8):sum()        -- native code that polls as well
          end
          return loops
        end
        """

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
        try LuaFixture.check(
            #"""
            local steps = require "opah.steps"
            local begun, whole, saved = 0, 0, nil
            local ok, problem = pcall(steps.run, function()
              begun = begun + 1
              spin(0.03)
              whole = whole + 1
              return true
            end, function() spin(0.005) end, function()
              spin(0.2)                                   -- longer than code that cleans up may take otherwise
              saved = whole
            end)
            assert(not ok and problem.kind == "interrupted", tostring(problem))
            assert(begun == whole and saved == whole and whole > 0)
            """#, after: clock)
    }
}
