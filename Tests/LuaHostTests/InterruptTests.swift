import Glibc
import LuaHost
import Support
import XCTest

/// Each test sends a real SIGINT to the process from another thread while Lua runs.
final class InterruptTests: LuaTestCase {
    override func setUpWithError() throws {
        try super.setUpWithError()
        Interrupts.install()
    }

    private func expectStop(_ code: String, file: StaticString = #filePath, line: UInt = #line) throws {
        let start = Date()
        let killer = Thread {
            Thread.sleep(forTimeInterval: 0.1)
            kill(getpid(), SIGINT)
        }
        killer.start()
        let error = try failure(code, file: file, line: line)
        let elapsed = Date().timeIntervalSince(start)
        XCTAssertEqual(error.kind, .interrupted, "\(code): \(error)", file: file, line: line)
        XCTAssertGreaterThan(elapsed, 0.09, code, file: file, line: line)
        XCTAssertLessThan(elapsed, 5, code, file: file, line: line)
        // The state is whole and the stop forgotten.
        XCTAssertFalse(Interrupts.isPending, file: file, line: line)
        XCTAssertEqual(
            try result("local s = 0; for i = 1, 1000000 do s = s + i end; return s"), "500000500000", file: file,
            line: line)
    }

    func testMainChunk() throws { try expectStop("while true do end") }
    func testCoroutine() throws { try expectStop("local co = coroutine.wrap(function() while true do end end); co()") }
    func testNestedCoroutines() throws {
        try expectStop(
            """
            local function nest(n) if n == 0 then while true do end end coroutine.wrap(function() nest(n - 1) end)() end
            nest(5)
            """)
    }
    func testSwitchingCoroutines() throws {
        try expectStop(
            "local co = coroutine.wrap(function() while true do coroutine.yield() end end); while true do co() end")
    }
    func testPcallLoop() throws {
        try expectStop("local function f() while true do end end; while true do pcall(f) end")
    }
    func testPcallLoopAroundNothing() throws { try expectStop("while true do pcall(error) end") }
    func testPcallInsidePcall() throws {
        try expectStop(
            "local function f() while true do end end; local function g() while true do pcall(f) end end; while true do pcall(g) end"
        )
    }
    func testPcallAroundCoroutines() throws {
        try expectStop("while true do pcall(coroutine.wrap(function() while true do end end)) end")
        try expectStop("while true do coroutine.resume(coroutine.create(function() while true do end end)) end")
    }
    func testNativeLoop() throws { try expectStop("test.spin()") }
    func testPcallAroundNativeLoop() throws { try expectStop("while true do pcall(test.spin) end") }
    func testCallback() throws { try expectStop("test.call(function() while true do end end)") }
    func testPcallAroundCallback() throws {
        try expectStop("while true do pcall(test.call, function() while true do end end) end")
    }
    func testLongLibraryCallsInARow() throws { try expectStop("while true do string.rep('x', 1000000):find('y') end") }

    func testNativeFunctionThatForgetsTheRequest() throws {
        try expectStop("test.forget() while true do end")
    }

    func testCleanUpMayRunAndSave() throws {
        try expectStop(
            """
            local ok, e = pcall(function() while true do end end)
            kind = e.kind
            local sum = 0
            for i = 1, 1000 do sum = sum + i end
            report = test.save() .. sum .. tostring(pcall(test.poll))
            error(e)
            """)
        XCTAssertEqual(try result("return kind .. report"), "interruptedsaved500500false")
    }

    func testFromAnotherThread() throws {
        let start = Date()
        Thread {
            Thread.sleep(forTimeInterval: 0.1)
            Interrupts.raise()
        }.start()
        XCTAssertEqual(try failure("while true do pcall(function() while true do end end) end").kind, .interrupted)
        XCTAssertLessThan(Date().timeIntervalSince(start), 5)
    }

    /// While an interpreter is being made there is no place yet for the error: what it runs first is stopped.
    func testBeforeAnInterpreterIsThere() throws {
        for _ in 0 ..< 3 {
            Interrupts.raise()
            XCTAssertThrowsError(try Interpreter(Catalog([])).run("while true do end")) {
                XCTAssertEqual(($0 as? OpahError)?.kind, .interrupted, "\($0)")
            }
            lua.clearInterrupt()
        }
        XCTAssertEqual(try result("return 1 + 1"), "2")
    }

    func testPromptStartsAfresh() throws {
        kill(getpid(), SIGINT)
        guard case .values(let values) = lua.evaluate("1 + 1") else {
            return XCTFail("the request at the prompt was not forgotten")
        }
        XCTAssertEqual(values.first?.integer, 2)
    }

    func testSecondInterruptEndsTheProcess() throws {
        let child = fork_and_interrupt_twice()
        XCTAssertEqual(child, 130)
    }

    /// Runs `while true do pcall(...) end` natively deaf to the first signal, in a child process.
    private func fork_and_interrupt_twice() -> Int32 {
        let pid = opah_fork()
        if pid == 0 {
            Interrupts.install()
            // A native loop that does not poll: only the second signal can end it.
            kill(getpid(), SIGINT)
            usleep(200_000)
            kill(getpid(), SIGINT)
            usleep(200_000)
            _exit(7)
        }
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : -1
    }
}

/// `fork` is hidden from Swift because little is safe after it; calling signal functions and `_exit` is.
@_silgen_name("fork") private func opah_fork() -> Int32
