import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// `opah.dist` under mpirun: loops of one's own, what a process sees of the others, and what waiting costs.
final class SeveralProcessesLuaTests: SeveralProcessesCase {
    func testALoopOfOnesOwn() throws {
        let example = OpahProcess.checkout + "/examples/data-parallel.lua"
        let all = try [nil, 2, 4].map { count in try start(count, ["run", example, "--output", "out\(count ?? 0)"]) }
        func losses(_ running: Running) throws -> [Double] {
            XCTAssertEqual(running.finish(), 0, running.said)
            return running.said.matches(of: /loss ([0-9.]+)/).compactMap { Double(String($0.1)) }
        }
        let alone = try losses(all[0])
        XCTAssertEqual(alone.count, 2)
        for several in all[1...] {
            for (a, b) in zip(alone, try losses(several)) { XCTAssertEqual(a, b, accuracy: 2e-4) }
        }
    }

    func testWhatLuaSees() throws {
        let running = try start(
            3,
            LuaScript.file("what_lua_sees").command())
        XCTAssertEqual(running.finish(), 0, running.said)
        XCTAssertTrue(running.said.contains("all well"), running.said)
    }

    /// A process that waits sleeps.
    func testWaitingCostsLittle() throws {
        let running = try start(
            2,
            script(
                """
                local dist, machine = require "opah.dist", require "opah.machine"
                if dist.rank() == 1 then os.execute("sleep 2") end
                local before = os.clock()
                dist.barrier()
                if dist.rank() == 2 then print(("waited with %.3f"):format(os.clock() - before)) end
                """))
        XCTAssertEqual(running.finish(), 0, running.said)
        let used = try XCTUnwrap(
            running.said.firstMatch(of: /waited with ([0-9.]+)/).flatMap { Double(String($0.1)) }, running.said)
        XCTAssertLessThan(used, 0.15 * 2)
    }

    func testNoMPIInTheProgram() throws {
        let ldd = Process(), pipe = Pipe()
        ldd.executableURL = URL(fileURLWithPath: "/usr/bin/ldd")
        ldd.arguments = [OpahProcess.program.path]
        ldd.standardOutput = pipe
        try ldd.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        XCTAssertTrue(text.contains("liblua"), text)
        XCTAssertFalse(text.contains("libmpi"), text)
    }
}
