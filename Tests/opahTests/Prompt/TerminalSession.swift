import Foundation
import TestSupport
import XCTest

/// The program, or another one, in a terminal of its own: keys go in, the screen can be read.
final class TerminalSession {
    let pid: pid_t
    private let master: Int32
    private(set) var screen: VirtualScreen
    /// Everything that was written, as it came.
    private(set) var raw: [UInt8] = []
    private var ended = false
    /// Nothing was typed since a wait ended, so that nothing more is expected.
    private var isQuiet = false

    init(
        _ arguments: [String], program: String = OpahProcess.program.path, folder: String,
        environment extra: [String: String] = [:], width: Int = 80, height: Int = 24
    ) throws {
        screen = VirtualScreen(width: width, height: height)
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var unlocked: Int32 = 0, number: Int32 = 0
        guard master >= 0, ioctl(master, UInt(0x4004_5431), &unlocked) == 0,
            ioctl(master, UInt(0x8004_5430), &number) == 0
        else {   // TIOCSPTLCK, TIOCGPTN
            throw XCTSkip("this machine has no pseudo-terminals")
        }
        var size = winsize(ws_row: UInt16(height), ws_col: UInt16(width), ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(master, UInt(TIOCSWINSZ), &size)

        // A new session whose first terminal is this one: it becomes the controlling one, so that Ctrl-C arrives.
        var actions = posix_spawn_file_actions_t(), attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/pts/\(number)", O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
        posix_spawnattr_init(&attributes)
        posix_spawnattr_setflags(&attributes, 0x80)   // POSIX_SPAWN_SETSID
        var environment = ProcessInfo.processInfo.environment
        for name in ["NO_COLOR", "COLORTERM", "COLUMNS", "LINES", "OPAH_HISTORY"] { environment[name] = nil }
        environment.merge([
            "TERM": "xterm", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "OPAH_HOME": OpahProcess.checkout, "HOME": folder,
            "XDG_STATE_HOME": folder + "/state", "XDG_CONFIG_HOME": folder + "/config"
        ]) { $1 }
        environment.merge(extra) { $1 }
        var pid: pid_t = 0
        let argv = (["sh", "-c", "cd \"$0\" && exec \"$@\"", folder, program] + arguments).map { strdup($0) } + [nil]
        let envp = environment.map { strdup("\($0)=\($1)") } + [nil]
        let status = posix_spawn(&pid, "/bin/sh", &actions, &attributes, argv, envp)
        (argv + envp).forEach { free($0) }
        posix_spawn_file_actions_destroy(&actions)
        posix_spawnattr_destroy(&attributes)
        guard status == 0 else { throw POSIXError(POSIXErrorCode(rawValue: status) ?? .EIO) }
        self.pid = pid
    }

    deinit {
        close(master)
        if ended { return }
        kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }

    func type(_ keys: String) {
        isQuiet = false
        var bytes = Array(keys.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(master, $0.baseAddress!, $0.count) }
            if count <= 0 { return }
            bytes = bytes.dropFirst(count)
        }
    }

    /// Reads until the condition holds and nothing more comes for `quiet` milliseconds; fails the test with the screen
    /// after `timeout` seconds.
    func wait(
        _ what: String, timeout: Double = 30, quiet: Int32 = 60, file: StaticString = #filePath, line: UInt = #line,
        until condition: (VirtualScreen) -> Bool
    ) {
        let end = Date().addingTimeInterval(timeout)
        var buffer = [UInt8](repeating: 0, count: 1 << 16), pause = isQuiet ? 0 : quiet
        while true {
            var descriptor = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
            if poll(&descriptor, 1, pause) > 0 {
                let count = read(master, &buffer, buffer.count)
                if count > 0 {
                    raw += buffer[..<count]
                    screen.feed(buffer[..<count])
                    pause = quiet
                    continue
                }
                if condition(screen) { return }
                XCTFail(
                    "the program ended while waiting for \(what):\n" + screen.lines.joined(separator: "\n"), file: file,
                    line: line)
                return
            }
            if condition(screen) {
                isQuiet = quiet > 0
                return
            }
            pause = max(quiet, 10)
            if Date() > end {
                XCTFail("no \(what):\n" + screen.lines.joined(separator: "\n"), file: file, line: line)
                return
            }
        }
    }

    func wait(for text: String, file: StaticString = #filePath, line: UInt = #line) {
        wait("\"\(text)\"", file: file, line: line) { $0.lines.contains { $0.contains(text) } }
    }

    /// Until the prompt stands alone in the cursor's line.
    func waitForPrompt(quiet: Int32 = 60, file: StaticString = #filePath, line: UInt = #line) {
        wait("prompt", quiet: quiet, file: file, line: line) { $0.current == ">" && $0.column == 2 }
    }

    /// Types a line, or several of a block, and gives what comes after the first one on the screen.
    /// - Parameter times: whether the line comes too that says how long it took.
    @discardableResult
    func enter(_ text: String, times: Bool = false, file: StaticString = #filePath, line: UInt = #line) -> [String] {
        waitForPrompt(file: file, line: line)
        let before = screen.lines.count
        let parts = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (i, part) in parts.enumerated() {
            type(String(part))
            wait("echo of \(part)", quiet: 0, file: file, line: line) { $0.current.hasSuffix(part.suffix(8)) }
            type("\r")
            // Also until a prompt has come: a dumb terminal shows what is typed before it in front of it.
            if i + 1 < parts.count {
                wait("line after \(part)", file: file, line: line) { !$0.current.hasSuffix(part.suffix(8)) }
            }
        }
        waitForPrompt(quiet: 25, file: file, line: line)
        // What took long says so, and on a busy machine anything may.
        return screen.lines.dropFirst(before).dropLast().filter { times || $0.wholeMatch(of: /\(\d+ ms\)/) == nil }
    }

    /// The exit code, after the program has ended by itself.
    func finish(timeout: Double = 20) -> Int32? {
        let end = Date().addingTimeInterval(timeout)
        var status: Int32 = 0, buffer = [UInt8](repeating: 0, count: 4096)
        while Date() < end {
            var descriptor = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
            if poll(&descriptor, 1, 20) > 0, descriptor.revents & Int16(POLLIN) != 0 {
                _ = read(master, &buffer, buffer.count)
            }
            if waitpid(pid, &status, WNOHANG) == pid {
                ended = true
                return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
            }
        }
        return nil
    }

    /// What the terminal makes a signal of instead of passing it on: 3 for Ctrl-C, 0 if it is a key like others.
    var interruptCharacter: UInt8? {
        var terminal = termios()
        guard tcgetattr(master, &terminal) == 0 else { return nil }
        return withUnsafeBytes(of: terminal.c_cc) { $0[Int(VINTR)] }
    }

    /// The screen changes as well: a terminal wraps anew what was on it.
    func resize(width: Int, height: Int) {
        isQuiet = false
        screen.resize(width: width, height: height)
        var size = winsize(ws_row: UInt16(height), ws_col: UInt16(width), ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(master, UInt(TIOCSWINSZ), &size)
    }
}
