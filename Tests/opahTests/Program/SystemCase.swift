import Foundation
import TestSupport
import XCTest

/// Runs the program in a folder of the test, through a shell.
class SystemCase: XCTestCase {
    var folder: TestFolder!
    override func setUpWithError() throws { folder = try TestFolder("opah-system") }
    override func tearDown() { folder = nil }

    /// Through a shell, which sets limits, closes streams and ignores signals before it becomes the program: `$0`.
    func shell(_ script: String, environment: [String: String] = [:]) throws -> OpahProcess.Result {
        let process = Process(), out = Pipe(), err = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", script, OpahProcess.program.path]
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        process.environment = ProcessInfo.processInfo.environment.merging(["OPAH_HOME": OpahProcess.checkout]) { $1 }
            .merging(environment) { $1 }
        (process.standardOutput, process.standardError, process.standardInput) = (out, err, FileHandle.nullDevice)
        try process.run()
        nonisolated(unsafe) var errors = Data()
        let reading = Thread { errors = err.fileHandleForReading.readDataToEndOfFile() }
        reading.start()
        let output = out.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        while !reading.isFinished { usleep(1000) }
        let code =
            process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus
        return .init(
            code: code, output: String(decoding: output, as: UTF8.self), errors: String(decoding: errors, as: UTF8.self)
        )
    }
}
