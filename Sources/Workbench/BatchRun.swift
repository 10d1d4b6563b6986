import Foundation
import Support

/// Recipes run as child processes, so that one that crashes or hangs cannot take the others along.
public struct BatchRun {
    public struct Outcome: Sendable {
        public let file: String
        /// The exit code; 128 + the signal for one that was killed.
        public let code: Int32
        public let seconds: Double
        public let timedOut: Bool
        /// The end of what it wrote.
        public let lastLines: String

        public var state: String { timedOut ? "timed out" : code == 0 ? "done" : code == 3 ? "done, with skips" : code > 128 ? "crashed" : "failed" }
        public var json: ConfigValue {
            ["file": .string(file), "state": .string(state), "exit_code": .int(Int(code)), "seconds": .double(seconds), "output": .string(lastLines)]
        }
    }

    let program: String, files: [String], jobs: Int, timeout: Double?

    public init(program: String, files: [String], jobs: Int, timeout: Double?) {
        (self.program, self.files, self.jobs, self.timeout) = (program, files, jobs, timeout)
    }

    /// The Lua files that a file, folder or pattern means.
    public static func files(_ input: String) throws -> [String] {
        if FileKind.isFile(input) { return [input] }
        if FileKind.isFolder(input) { return try FolderWalk(input).files.filter { $0.hasSuffix(".lua") } }
        return Glob.paths(input).filter(FileKind.isFile)
    }

    /// Outcomes in the order of the files; `each` is told of every one as it ends.
    public func run(_ each: (Outcome) -> Void) throws -> [Outcome] {
        var waiting = Array(files.enumerated().reversed()), running: [(place: Int, child: Child)] = []
        var outcomes = [Outcome?](repeating: nil, count: files.count)
        while !waiting.isEmpty || !running.isEmpty {
            while running.count < jobs, let next = waiting.popLast() {
                running.append((next.offset, try Child(program, next.element)))
            }
            usleep(20_000)
            if Interrupt.isRequested { for (_, child) in running { child.process.terminate() }; waiting = [] }
            running.removeAll { place, child in
                if let timeout, child.seconds > timeout { child.stop() }
                guard !child.process.isRunning else { return false }
                let outcome = child.outcome()
                outcomes[place] = outcome
                each(outcome)
                return true
            }
        }
        return outcomes.compactMap { $0 }
    }

    private final class Child {
        let process = Process()
        private let file: String, log: String
        private let began = ContinuousClock().now
        private var timedOut = false, killed = false, asked = ContinuousClock().now

        init(_ program: String, _ file: String) throws {
            self.file = file
            var template = Array("/tmp/opah-batch-XXXXXX".utf8CString)
            let descriptor = mkstemp(&template)
            guard descriptor >= 0 else { throw OpahError.system("/tmp", errno: errno, doing: "make a log file") }
            log = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let output = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments = ["run", file]
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = output
            process.standardError = output
            try process.run()
        }

        var seconds: Double { began.duration(to: ContinuousClock().now) / .seconds(1) }

        /// Asks first, as Ctrl-C does, so that state is saved; kills after five seconds.
        func stop() {
            if !timedOut {
                timedOut = true
                asked = ContinuousClock().now
                process.interrupt()
            } else if !killed, asked.duration(to: ContinuousClock().now) > .seconds(5) {
                killed = true
                kill(process.processIdentifier, SIGKILL)
            }
        }

        func outcome() -> Outcome {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            unlink(log)
            let code = process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus
            return Outcome(file: file, code: code, seconds: seconds, timedOut: timedOut,
                           lastLines: text.split(separator: "\n").suffix(20).joined(separator: "\n"))
        }
    }
}
