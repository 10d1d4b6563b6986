import Foundation

/// The built program, run as a person runs it.
public struct OpahProcess {
    public struct Result {
        public let code: Int32
        public let output: String
        public let errors: String

        public init(code: Int32, output: String, errors: String) {
            (self.code, self.output, self.errors) = (code, output, errors)
        }
    }

    /// Beside the test bundle.
    public static let program =
        Bundle.main.bundleURL.path.contains("xctest")
        ? URL(fileURLWithPath: Bundle.main.executablePath ?? CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("opah")
        : URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent("opah")

    public static let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// Starts it and returns without waiting; output goes to files that `finish` reads.
    public static func start(
        _ arguments: [String], folder: String, input: String? = nil, environment more: [String: String] = [:]
    ) throws -> Running {
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

    public struct Running {
        public let process: Process
        public let base: String

        public var errorsSoFar: String { (try? String(contentsOfFile: base + ".err", encoding: .utf8)) ?? "" }

        /// The exit code, as the system has it: Foundation now and then never hears of the end of one of several
        /// processes. nil when it has heard of it already.
        private func ended() -> Int32? {
            var info = siginfo_t()
            while waitid(P_PID, id_t(process.processIdentifier), &info, WEXITED | WNOWAIT) != 0 {
                guard errno == EINTR else { return nil }
            }
            let status = info._sifields._sigchld.si_status
            return info.si_code == CLD_EXITED ? status : 128 + status
        }

        public func finish() -> Result {
            let code =
                ended()
                ?? {
                    process.waitUntilExit()
                    return process.terminationReason == .uncaughtSignal
                        ? 128 + process.terminationStatus : process.terminationStatus
                }()
            defer { for name in [".out", ".err"] { try? FileManager.default.removeItem(atPath: base + name) } }
            return Result(
                code: code, output: (try? String(contentsOfFile: base + ".out", encoding: .utf8)) ?? "",
                errors: errorsSoFar)
        }
    }

    public static func run(
        _ arguments: [String], folder: String = NSTemporaryDirectory(), input: String? = nil,
        environment: [String: String] = [:]
    ) throws -> Result {
        try start(arguments, folder: folder, input: input, environment: environment).finish()
    }
}

/// A folder that goes away with the test.
public final class TestFolder {
    public let path: String
    public init(_ name: String = "opah") throws {
        path = NSTemporaryDirectory() + "\(name)-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    public func callAsFunction(_ relative: String) -> String { path + "/" + relative }
}
