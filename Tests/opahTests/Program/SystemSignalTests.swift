import Foundation
import TestSupport
import XCTest

/// The program and signals: the first interrupt tidies up, a second one ends at once.
final class SystemSignalTests: SystemCase {
    private func until(_ what: String, file: StaticString = #filePath, line: UInt = #line, _ condition: () -> Bool) {
        let end = Date().addingTimeInterval(30)
        while !condition() {
            if Date() > end { return XCTFail("no \(what)", file: file, line: line) }
            usleep(10_000)
        }
    }

    private func start(_ code: String, prefix: String = "") throws -> (process: Process, errors: () -> String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = [
            "-c", prefix + "exec \"$0\" -e \"$1\" 2> \(folder("errors"))", OpahProcess.program.path, code
        ]
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        process.environment = ProcessInfo.processInfo.environment.merging(["OPAH_HOME": OpahProcess.checkout]) { $1 }
        (process.standardOutput, process.standardInput) = (FileHandle.nullDevice, FileHandle.nullDevice)
        try process.run()
        let folder = folder!
        return (process, { (try? String(contentsOfFile: folder("errors"), encoding: .utf8)) ?? "" })
    }

    /// Tidies up, as after Ctrl-C, and says so.
    private let careful = #"""
        local guard <close> = setmetatable({}, { __close = function() io.open("tidied", "w"):close() end })
        io.open("ready", "w"):close()
        while true do end
        """#

    func testTermAndHangUpAreTheFirstInterrupt() throws {
        for signal in [SIGTERM, SIGHUP, SIGINT] {
            let (process, errors) = try start(careful)
            until("start") { FileManager.default.fileExists(atPath: folder("ready")) }
            kill(process.processIdentifier, signal)
            // A terminal that is closed sends it twice, itself and through its shell.
            if signal == SIGHUP { kill(process.processIdentifier, signal) }
            process.waitUntilExit()
            XCTAssertEqual(process.terminationReason, .exit, "\(signal)")
            XCTAssertEqual(process.terminationStatus, 130, "\(signal)")
            XCTAssertTrue(errors().contains("interrupted"), errors())
            XCTAssertTrue(FileManager.default.fileExists(atPath: folder("tidied")), "\(signal)")
            for name in ["ready", "tidied"] { try? FileManager.default.removeItem(atPath: folder(name)) }
        }
    }

    func testASecondOneEndsAtOnce() throws {
        let (process, _) = try start(
            #"""
            io.open("ready", "w"):close()
            local guard <close> = setmetatable({}, { __close = function()
              io.open("closing", "w"):close()
              for _ = 1, 1000 do os.execute("sleep 0.05") end
            end })
            while true do end
            """#)
        until("start") { FileManager.default.fileExists(atPath: folder("ready")) }
        kill(process.processIdentifier, SIGTERM)
        until("clean-up") { FileManager.default.fileExists(atPath: folder("closing")) }
        usleep(150_000)
        kill(process.processIdentifier, SIGTERM)
        process.waitUntilExit()
        XCTAssertEqual(process.terminationReason, .exit)
        XCTAssertEqual(process.terminationStatus, 130)
    }

    func testAnIgnoredHangUpStaysIgnored() throws {
        let (process, _) = try start(careful, prefix: "trap '' HUP; ")
        until("start") { FileManager.default.fileExists(atPath: folder("ready")) }
        kill(process.processIdentifier, SIGHUP)
        usleep(200_000)
        XCTAssertTrue(process.isRunning)
        kill(process.processIdentifier, SIGTERM)
        process.waitUntilExit()
        XCTAssertEqual(process.terminationStatus, 130)
    }

    func testQuitEndsAtOnceWithoutAPage() throws {
        let (process, errors) = try start(careful)
        until("start") { FileManager.default.fileExists(atPath: folder("ready")) }
        kill(process.processIdentifier, SIGQUIT)
        process.waitUntilExit()
        XCTAssertEqual(process.terminationReason, .uncaughtSignal)
        XCTAssertEqual(process.terminationStatus, SIGQUIT)
        XCTAssertEqual(errors(), "")
    }
}
