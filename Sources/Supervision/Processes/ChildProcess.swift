import Foundation
import Support

/// A program run beside this one: when it ended, how, and how much memory it took.
///
/// It leads a process group of its own, so that what stops it stops what it started too, and a Ctrl-C at
/// the terminal reaches it only through whoever started it. Its standard input is empty.
public final class ChildProcess {
    /// Where what it writes goes.
    public enum Output: Sendable, Equatable {
        /// Kept in a temporary file without a name, for `output()`; for errors: `errors()`.
        case captured
        /// A file, replaced.
        case file(String)
        /// Where this program's own goes.
        case inherited
        case discarded
        /// For errors: wherever standard output goes.
        case merged
    }

    /// How it ended.
    public struct End: Sendable, Equatable {
        /// The exit code; 128 + the signal for one that was killed.
        public let code: Int32
        public let signal: Int32?
        /// From its start to its end.
        public let seconds: Double
        /// Of all its threads together.
        public let processorSeconds: Double
        /// The most memory it held at a time, in bytes; of what it started in turn, the largest counts, where that
        /// is above this program's own peak.
        public let peakBytes: Int
    }

    public let identifier: pid_t
    /// Set once it has ended and been asked for with `poll`.
    public private(set) var end: End?
    /// Whether `stop` was called before it ended.
    public private(set) var wasStopped = false

    private let began = ContinuousClock().now
    private var asked: ContinuousClock.Instant?
    private var grace = 5.0
    private let outputFile, errorFile: Int32
    /// A child's peak starts as its parent's, from before it became another program: only above this is it its own.
    private let inheritedPeak: Int
    /// The highest peak seen while it ran.
    private var seenPeak = 0

    /// Starts a program.
    /// - Parameters:
    ///   - arguments: the program first, looked up as a shell does unless it has a slash.
    ///   - environment: variables in addition to this program's own.
    ///   - folder: where it runs; here when nil.
    /// - Throws: kind `file` when there is no such program or an output cannot be opened.
    public init(
        _ arguments: [String], environment: [String: String] = [:], folder: String? = nil,
        output: Output = .captured, errors: Output = .merged
    ) throws {
        guard arguments.first?.isEmpty == false else { throw OpahError(.argument, "no program is named to be run") }
        if let folder, !FileKind.isFolder(folder) {
            throw OpahError.system(folder, errno: FileKind.exists(folder) ? ENOTDIR : ENOENT, doing: "run in")
        }
        // A shell changes the folder and then becomes the program: posix_spawn itself has no standard way to.
        let arguments = folder.map { ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", $0] + arguments } ?? arguments,
            program = arguments[0]
        var actions = posix_spawn_file_actions_t(), attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        outputFile = try Self.open(output, 1)
        do { errorFile = errors == .merged ? outputFile : try Self.open(errors, 2) } catch {
            Self.close(outputFile)
            throw error
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, outputFile, 1)
        posix_spawn_file_actions_adddup2(&actions, errorFile, 2)

        var none = sigset_t(), usual = sigset_t()
        sigemptyset(&none)
        sigemptyset(&usual)
        for signal in [SIGINT, SIGTERM, SIGQUIT, SIGPIPE] { sigaddset(&usual, signal) }
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &usual)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        var process = pid_t()
        inheritedPeak = ProcessMemory.of("self").peak
        let failure = Self.withCStrings(arguments) { argv in
            Self.withCStrings(variables) { envp in posix_spawnp(&process, program, &actions, &attributes, argv, envp) }
        }
        identifier = process
        guard failure == 0 else {
            Self.close(outputFile)
            if errorFile != outputFile { Self.close(errorFile) }
            throw OpahError.system(program, errno: failure, doing: "run")
        }
    }

    deinit {
        Self.close(outputFile)
        if errorFile != outputFile { Self.close(errorFile) }
    }

    /// Seconds since it began, or how long it took.
    public var seconds: Double { end?.seconds ?? began.duration(to: ContinuousClock().now) / .seconds(1) }

    /// How it ended; nil while it runs. Also does what `stop` began.
    @discardableResult
    public func poll() -> End? {
        if let end { return end }
        seenPeak = max(seenPeak, ProcessMemory.of(String(identifier)).peak)
        var status: Int32 = 0, usage = rusage()
        guard wait4(identifier, &status, WNOHANG, &usage) == identifier else {
            if let asked, asked.duration(to: ContinuousClock().now) > .seconds(grace) { kill() }
            return nil
        }
        let signal = status & 0x7f, largest = Int(usage.ru_maxrss) * Self.maximumUnit
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
        end = End(
            code: signal == 0 ? (status >> 8) & 0xff : 128 + signal, signal: signal == 0 ? nil : signal,
            seconds: self.seconds,
            processorSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            peakBytes: largest > inheritedPeak || seenPeak == 0 ? largest : seenPeak)
        // Nothing that it started and left behind goes on.
        if wasStopped { kill() }
        return end
    }

    /// Asks it and all that it started to end, as Ctrl-C does, so that state is saved; after the seconds of
    /// `grace`, `poll` kills what is still there.
    public func stop(grace: Double = 5) {
        guard end == nil, !wasStopped else { return }
        wasStopped = true
        self.grace = grace
        asked = ContinuousClock().now
        _ = Glibc.kill(-identifier, SIGINT)
    }

    /// Ends it at once, and all of its group.
    public func kill() { _ = Glibc.kill(-identifier, SIGKILL) }

    /// Waits for its end. After `timeout` seconds, or when this program is interrupted, it is stopped first.
    /// - Throws: `interrupted`, once the child has ended.
    public func wait(timeout: Double? = nil) throws -> End {
        while true {
            if let end = poll() {
                try Interrupt.check()
                return end
            }
            if Interrupt.isStopping || timeout.map({ seconds > $0 }) ?? false { stop() }
            // A hundredth of what it has taken so far: times stay exact to one percent, and waiting costs nothing.
            usleep(UInt32(min(20_000, max(100, seconds * 10_000))))
        }
    }

    /// What it has written to standard output so far, when that is captured.
    public func output() -> String { Self.contents(outputFile) }
    /// What it has written to standard error so far, when that is captured.
    public func errors() -> String { Self.contents(errorFile) }

    // MARK: -

    /// What `ru_maxrss` counts in.
    #if os(Linux)
    private static let maximumUnit = 1024
    #else
    private static let maximumUnit = 1
    #endif

    private static func open(_ output: Output, _ inherited: Int32) throws -> Int32 {
        switch output {
        case .inherited, .merged: return inherited
        case .discarded: return try open("/dev/null", O_WRONLY)
        case .file(let path): return try open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)
        case .captured:
            let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
            var template = Array((folder + "/opah-output-XXXXXX").utf8CString)
            let descriptor = mkstemp(&template)
            guard descriptor >= 0 else {
                throw OpahError.system(folder, errno: errno, doing: "make a temporary file in")
            }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            unlink(template)
            return descriptor
        }
    }

    private static func open(_ path: String, _ flags: Int32) throws -> Int32 {
        let descriptor = Foundation.open(path, flags | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw OpahError.system(path, errno: errno, doing: "write to") }
        return descriptor
    }

    private static func close(_ descriptor: Int32) {
        if descriptor > 2 { _ = Foundation.close(descriptor) }
    }

    private static func contents(_ descriptor: Int32) -> String {
        var bytes: [UInt8] = [], part = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = pread(descriptor, &part, part.count, bytes.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += part[..<count]
        }
    }

    /// A null-terminated array of C strings, as `exec` wants it.
    private static func withCStrings<T>(
        _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> T
    ) -> T {
        var pointers = strings.map { strdup($0) } + [nil]
        defer { pointers.forEach { free($0) } }
        return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
    }
}
