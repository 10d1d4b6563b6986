import Glibc
import Support

/// What was typed, in a file that several sessions add to: one entry per line, with line ends and
/// backslashes as octal escapes (`\012`, `\134`). Only its owner may read it.
///
/// What other sessions add is there from the next prompt on, but stands before what was typed here: the up key
/// brings a person's own last line back.
final class PromptHistory {
    static let limit = 10_000
    private let path: String?
    /// Oldest first: of the file, and of this session.
    private var shared: [String] = [], own: [String] = []
    /// All of it, without repetitions.
    private(set) var entries: [String] = []
    /// What was read of the file: its number, and bytes.
    private var file: ino_t = 0, offset: off_t = 0

    /// Reads the file; one that has grown far beyond the limit, or repeats itself a lot, is written anew.
    init(_ path: String?) {
        self.path = path
        guard let path, let descriptor = Self.open(path) else { return }
        defer { close(descriptor) }
        let count = read(descriptor)
        guard count > entries.count + 1000 else { return }
        // Under the lock, so that nothing is lost that another session is adding.
        if let file = try? AtomicFile(path), (try? file.write(entries.map { Self.encoded($0) + "\n" }.joined())) != nil,
            (try? file.commit()) != nil
        {
            chmod(path, 0o600)
        }
    }

    /// Takes in what other sessions have added.
    func refresh() {
        var there = stat()
        guard let path, stat(path, &there) == 0, there.st_ino != file || there.st_size != offset,
            let descriptor = Self.open(path)
        else { return }
        read(descriptor)
        close(descriptor)
    }

    /// Adds an entry, to the file at once: what crashes or hangs is not lost. Something typed before moves to the end.
    func add(_ entry: String) {
        guard entries.last != entry else { return }
        own = Self.distinct(own + [entry])
        if let path, let descriptor = Self.open(path) {
            read(descriptor)
            let line = Array((Self.encoded(entry) + "\n").utf8)
            let count = Glibc.write(descriptor, line, line.count)
            if count > 0 { offset += off_t(count) }
            close(descriptor)
        }
        entries = Self.distinct(shared + own)
    }

    /// Reads what has come since it was read last; gives the number of lines.
    @discardableResult
    private func read(_ descriptor: Int32) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return 0 }
        // Another file in its place, or one that was cut: from its beginning.
        if status.st_ino != file || status.st_size < offset { (file, offset) = (status.st_ino, 0) }
        lseek(descriptor, offset, SEEK_SET)
        let bytes = Self.contents(descriptor)
        offset += off_t(bytes.count)
        let lines = bytes.split(separator: UInt8(ascii: "\n")).map { Self.decoded($0) }.filter {
            !$0.isEmpty && $0 != "_HiStOrY_V2_"
        }
        if !lines.isEmpty {
            shared = Self.distinct(shared + lines)
            entries = Self.distinct(shared + own)
        }
        return lines.count
    }

    /// The last `limit`, each where it stands last.
    private static func distinct(_ entries: [String]) -> [String] {
        var seen: Set<String> = []
        return Array(entries.reversed().filter { seen.insert($0).inserted }.prefix(limit).reversed())
    }

    /// The file, locked, at its end.
    private static func open(_ path: String) -> Int32? {
        while true {
            let descriptor = Glibc.open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o600)
            guard descriptor >= 0 else { return nil }
            var kind = stat()
            guard fstat(descriptor, &kind) == 0, kind.st_mode & S_IFMT == S_IFREG else {
                close(descriptor)
                return nil
            }
            flock(descriptor, LOCK_EX)
            // Another session may have put a new file in its place meanwhile.
            var here = stat(), there = stat()
            if fstat(descriptor, &here) == 0, stat(path, &there) == 0, here.st_ino != there.st_ino {
                close(descriptor)
                continue
            }
            return descriptor
        }
    }

    private static func contents(_ descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = [], block = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < 1 << 27 {
            let count = Glibc.read(descriptor, &block, block.count)
            if count <= 0 { break }
            bytes += block[..<count]
        }
        return bytes
    }

    static func encoded(_ text: String) -> String {
        text.reduce(into: "") { $0 += $1 == "\n" ? "\\012" : $1 == "\\" ? "\\134" : String($1) }
    }

    static func decoded(_ line: some Collection<UInt8>) -> String {
        let line = Array(line)
        var bytes: [UInt8] = [], position = 0
        while position < line.count {
            if line[position] == UInt8(ascii: "\\"), position + 3 < line.count,
                let code = UInt8(String(decoding: line[(position + 1) ... (position + 3)], as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                position += 4
            } else {
                bytes.append(line[position])
                position += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
