import Glibc
import Synchronization

/// One process at a time works in a folder. The kernel frees the lock when its process ends, however it ends, so one
/// that was killed is in nobody's way.
///
/// The lock is a file in the folder, `.lock` unless named otherwise, which says who holds it:
/// `{"process": 4711, "host": "box", "since": 1790000000, "command": "opah run recipe.lua"}`. It goes when the lock is
/// released; what a killed process left is taken over. Whoever gets the lock removes what killed processes left
/// half-written in the folder and below it (see `Leftovers`).
public final class FolderLock: @unchecked Sendable {
    public let folder: String
    private let path: String
    private let madeFolder: Bool
    private var descriptor: Int32 = -1

    /// Makes the folder when there is none, and takes its lock.
    /// - Parameters:
    ///   - work: what is done in it, for the message of whoever comes second: `packing`.
    ///   - name: of the lock; different kinds of work that do not disturb each other have locks of different names.
    /// - Throws: kind `file` when another holds it, the folder cannot be written to, or the lock's name leads to another
    ///   file: in a folder from a stranger it may be a link, and what it points to must not be written over.
    public init(_ folder: String, for work: String, name: String = ".lock") throws {
        self.folder = folder
        path = PathName.join(folder, name)
        madeFolder = !FileKind.exists(folder)
        try FileKind.makeFolder(folder)
        repeat {
            descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0o644)
            let code = errno
            if let problem = Self.problem(path, descriptor) {
                if descriptor >= 0 { close(descriptor) }
                descriptor = -1
                throw problem
            }
            guard descriptor >= 0 else { throw OpahError.system(folder, errno: code, doing: "write into it") }
            while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
                let code = errno
                if code == EINTR { continue }
                // Some network file systems have no locks: better no lock than no work.
                guard code == EWOULDBLOCK else { break }
                let holder = Holder(descriptor)
                close(descriptor)
                descriptor = -1
                Self.refused.withLock { _ = $0.insert(FileKind.resolved(folder)) }
                throw Self.refusal(folder, work, holder)
            }
            // Whoever had it may have removed the file after we opened it; then it locks nothing.
            if isStillThere { break }
            close(descriptor)
        } while true
        let note = Array(Holder.own.text.utf8)
        ftruncate(descriptor, 0)
        _ = note.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        removeLeftovers()
    }

    /// What killed processes left half-written here and below.
    public func removeLeftovers() { Leftovers.remove(in: folder) }

    /// Why what has the lock's name cannot be the lock; nil when it can, or nothing is there.
    /// - Parameter descriptor: of what was opened; negative when that failed.
    private static func problem(_ path: String, _ descriptor: Int32) -> OpahError? {
        var info = stat()
        guard descriptor >= 0 ? fstat(descriptor, &info) == 0 : lstat(path, &info) == 0 else { return nil }
        let kind = info.st_mode & S_IFMT, isPlain = kind == S_IFREG
        if isPlain, info.st_nlink <= 1 { return nil }
        return OpahError(
            .file,
            "\(name: path): cannot be the lock of the folder: it is "
                + (isPlain ? "another name of a file elsewhere (a hard link)" : RegularFile.name(kind)),
            hint:
                "where the folder comes from somebody else, look what else is in it; then remove \(name: path) and run again"
        )
    }

    // MARK: those that were refused

    private static let refused = Mutex<Set<String>>([])

    /// Whether this process was refused the folder's lock: then nothing in it is this run's to change.
    public static func wasRefused(_ folder: String) -> Bool {
        let resolved = FileKind.resolved(folder)
        return refused.withLock { $0.contains(resolved) }
    }

    /// Whether another process holds the folder's lock now, as far as its note tells: asking the kernel would mean to
    /// hold it for a moment, and turn away somebody who wants it.
    public static func isHeldElsewhere(_ folder: String, name: String = ".lock") -> Bool {
        let descriptor = open(PathName.join(folder, name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let holder = Holder(descriptor)
        guard holder.process > 0, let process = pid_t(exactly: holder.process) else { return false }
        return holder.host != hostName || process != getpid() && kill(process, 0) == 0
    }

    deinit { release() }

    /// Lets others in. A folder that was made for the lock and holds nothing goes again. Twice is fine.
    public func release() {
        guard descriptor >= 0 else { return }
        // While it is still held, so that nobody can take what is about to be removed.
        if isStillThere { unlink(path) }
        close(descriptor)
        descriptor = -1
        if madeFolder { rmdir(folder) }
    }

    private var isStillThere: Bool {
        var opened = stat(), named = stat()
        return fstat(descriptor, &opened) == 0 && lstat(path, &named) == 0 && opened.st_dev == named.st_dev
            && opened.st_ino == named.st_ino
    }

    // MARK: who holds it

    private struct Holder {
        var process = 0, host = "", since = 0, command = ""

        static var own: Holder {
            let words = ["opah"] + CommandLine.arguments.dropFirst()
            return Holder(
                process: Int(getpid()), host: FolderLock.hostName, since: time(nil),
                command: String(words.joined(separator: " ").prefix(300)))
        }

        init(process: Int, host: String, since: Int, command: String) {
            (self.process, self.host, self.since, self.command) = (process, host, since, command)
        }

        /// What the file says; nothing when it is damaged. Whoever took the lock this very moment writes it in the
        /// next.
        init(_ descriptor: Int32) {
            var bytes = [UInt8](repeating: 0, count: 4096)
            for _ in 0 ..< 20 {
                let count = pread(descriptor, &bytes, bytes.count, 0)
                if count > 0, let fields = try? JSON.decode(String(decoding: bytes.prefix(count), as: UTF8.self)) {
                    process = fields["process"]?.int ?? 0
                    host = fields["host"]?.string ?? ""
                    since = fields["since"]?.int ?? 0
                    command = fields["command"]?.string ?? ""
                    return
                }
                usleep(5000)
            }
        }

        var text: String {
            JSON.encode([
                "process": .int(process), "host": .string(host), "since": .int(since), "command": .string(command)
            ]) + "\n"
        }

    }

    public static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func refusal(_ folder: String, _ work: String, _ holder: Holder) -> OpahError {
        guard holder.process > 0 else {
            return OpahError(
                .file, "\(name: folder): another process is at work here (\(work))",
                hint: "wait until it ends, or use another folder")
        }
        let isHere = holder.host == hostName
        if isHere, holder.process == Int(getpid()) {
            return OpahError(
                .file, "\(name: folder): this program is at work here already (\(work))",
                hint: "let that end first, or use another folder")
        }
        var moment = time_t(holder.since), parts = tm(), text = [CChar](repeating: 0, count: 64)
        gmtime_r(&moment, &parts)
        strftime(&text, text.count, "%Y-%m-%d %H:%M:%S UTC", &parts)
        let since = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return OpahError(
            .file,
            "\(name: folder): another process is at work here (\(work)): \(holder.process) on \(holder.host), since \(since) (\(DurationText.clock(Double(time(nil) - holder.since)))): \(holder.command)",
            hint:
                "wait until it ends, stop it with \u{201C}kill -INT \(holder.process)\u{201D}\(isHere ? "" : " on \(holder.host)"), or use another folder"
        )
    }
}
