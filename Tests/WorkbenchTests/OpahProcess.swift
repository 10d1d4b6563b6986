import Foundation
import XCTest

/// The built program, run as a person runs it.
struct OpahProcess {
    struct Result {
        let code: Int32
        let output: String
        let errors: String
    }

    /// Beside the test bundle.
    static let program = Bundle.main.bundleURL.path.contains("xctest")
        ? URL(fileURLWithPath: Bundle.main.executablePath ?? CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent("opah")
        : URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent("opah")

    static let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// Starts it and returns without waiting; output goes to files that `finish` reads.
    static func start(_ arguments: [String], folder: String, input: String? = nil, environment more: [String: String] = [:]) throws -> Running {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        var environment = ProcessInfo.processInfo.environment
        environment["OPAH_HOME"] = checkout
        environment.merge(more) { $1 }
        process.environment = environment
        let base = NSTemporaryDirectory() + "opah-test-\(UUID().uuidString)"
        for name in [".out", ".err"] { _ = FileManager.default.createFile(atPath: base + name, contents: nil) }
        process.standardOutput = FileHandle(forWritingAtPath: base + ".out")
        process.standardError = FileHandle(forWritingAtPath: base + ".err")
        if let input {
            let pipe = Pipe()
            process.standardInput = pipe
            pipe.fileHandleForWriting.write(Data(input.utf8))
            try pipe.fileHandleForWriting.close()
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        try process.run()
        return Running(process: process, base: base)
    }

    struct Running {
        let process: Process
        let base: String

        var errorsSoFar: String { (try? String(contentsOfFile: base + ".err", encoding: .utf8)) ?? "" }

        func finish() -> Result {
            process.waitUntilExit()
            defer { for name in [".out", ".err"] { try? FileManager.default.removeItem(atPath: base + name) } }
            let code = process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus
            return Result(code: code, output: (try? String(contentsOfFile: base + ".out", encoding: .utf8)) ?? "", errors: errorsSoFar)
        }
    }

    static func run(_ arguments: [String], folder: String = NSTemporaryDirectory(), input: String? = nil, environment: [String: String] = [:]) throws -> Result {
        try start(arguments, folder: folder, input: input, environment: environment).finish()
    }
}

/// A folder that goes away with the test.
final class TestFolder {
    let path: String
    init(_ name: String = "opah") throws {
        path = NSTemporaryDirectory() + "\(name)-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    func callAsFunction(_ relative: String) -> String { path + "/" + relative }
}
