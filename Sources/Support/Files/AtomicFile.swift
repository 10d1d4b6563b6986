import Glibc

/// A file that appears under its final name only when it is complete: written beside it under a temporary name (see
/// `TemporaryName`), synced, renamed. Dropped without `commit()`, it leaves nothing behind.
///
/// A file that is replaced hands its permissions on. Inside `CommitGroup.add` a complete file waits for its group.
public final class AtomicFile {
    public let path: String
    /// For libraries that write by themselves; valid until `commit()`.
    public private(set) var descriptor: Int32 = -1
    private let temporary: String
    private var isPlaced = false
    private var buffer: [UInt8] = []
    public private(set) var bytesWritten = 0

    /// Opens a file beside `path` for writing. The folder must exist.
    /// - Throws: kind `file`, also when the name belongs to a folder, a pipe or a device.
    public init(_ path: String) throws {
        self.path = path
        var before = stat()
        let replaces = stat(path, &before) == 0
        if replaces, before.st_mode & S_IFMT != S_IFREG {
            throw OpahError(
                .file, "\(name: path): cannot write: this is \(RegularFile.name(before.st_mode & S_IFMT)), not a file",
                hint: "choose another name")
        }
        var name = TemporaryName.beside(path)
        for attempt in 0 ..< 8 {
            if attempt > 0 { name = TemporaryName.beside(path) }
            descriptor = open(
                name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, replaces ? before.st_mode & 0o700 : 0o644)
            if descriptor >= 0 || errno != EEXIST { break }
        }
        temporary = name
        guard descriptor >= 0 else {
            let code = errno, folder = PathName.folder(path)
            if code == ENOENT, !FileKind.exists(folder) {
                throw OpahError(
                    .file, "\(name: path): cannot write: there is no folder \(name: folder)",
                    hint: "make it first: fs.mkdir in Lua, mkdir -p in a shell")
            }
            throw OpahError.system(path, errno: code, doing: "write")
        }
        guard replaces else { return }
        // Another's file stays another's where the system lets us; in any case it is never readable for more than it
        // was.
        if before.st_uid != geteuid() || before.st_gid != getegid() {
            _ = fchown(descriptor, before.st_uid, before.st_gid)
        }
        fchmod(descriptor, before.st_mode & 0o777)
    }

    private static let bufferSize = 1 << 18

    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        bytesWritten += bytes.count
        if buffer.count + bytes.count > Self.bufferSize { try flush() }
        if bytes.count >= Self.bufferSize { try writeAll(bytes) } else { buffer.append(contentsOf: bytes) }
    }

    public func write(_ bytes: some Sequence<UInt8>) throws {
        let array = Array(bytes)
        try array.withUnsafeBytes { try write($0) }
    }

    public func write(_ text: String) throws { try write(text.utf8) }

    private func flush() throws {
        guard !buffer.isEmpty else { return }
        try buffer.withUnsafeBytes { try writeAll($0) }
        buffer.removeAll(keepingCapacity: true)
    }

    private func writeAll(_ bytes: UnsafeRawBufferPointer) throws {
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            if count < 0 {
                let code = errno
                if code == EINTR { continue }
                if code == EFAULT {
                    throw OpahError(
                        .file,
                        "\(name: path): not written: the file that is copied was truncated by another program while it was read"
                    )
                }
                throw OpahError.system(path, errno: code, doing: "write")
            }
            done += count
        }
    }

    // MARK: the end

    /// Syncs and gives the file its name; inside `CommitGroup.add` that comes with the group.
    public func commit() throws {
        try flush()
        buffer = []
        if CommitGroup.take(self) { return }
        try sync()
        try place()
        Self.syncFolder(PathName.folder(path))
    }

    /// Makes the content durable.
    func sync() throws {
        guard fsync(descriptor) == 0 else { throw OpahError.system(path, errno: errno, doing: "sync") }
    }

    /// Gives the file its name. Some file systems tell only now that something was not written.
    func place() throws {
        let code = close(descriptor) == 0 ? 0 : errno
        descriptor = -1
        // After EINTR it is closed all the same.
        guard code == 0 || code == EINTR else { throw OpahError.system(path, errno: code, doing: "write") }
        guard rename(temporary, path) == 0 else {
            throw OpahError.system(path, errno: errno, doing: "rename into place")
        }
        isPlaced = true
    }

    /// Makes names in a folder durable; a file system that cannot do that is no reason to fail.
    static func syncFolder(_ folder: String) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    deinit {
        if isPlaced { return }
        if descriptor >= 0 { close(descriptor) }
        unlink(temporary)
    }

    /// Writes a whole file in one go.
    public static func write(_ path: String, _ bytes: some Sequence<UInt8>) throws {
        let file = try AtomicFile(path)
        try file.write(bytes)
        try file.commit()
    }

    public static func write(_ path: String, _ text: String) throws { try write(path, text.utf8) }
}
