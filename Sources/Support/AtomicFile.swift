#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A file that appears under its final name only when it is complete: written beside it under a
/// temporary name, synced, renamed. Dropped without `commit()`, it leaves nothing behind.
public final class AtomicFile {
    public let path: String
    private let temporary: String
    private var descriptor: Int32
    private var buffer: [UInt8] = []
    public private(set) var bytesWritten = 0

    /// Opens `<folder>/.<name>.<pid>.tmp` for writing. The folder must exist.
    public init(_ path: String) throws {
        self.path = path
        let cut = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        // A name may have 255 bytes; the temporary one keeps under that whatever the final one is.
        let name = String(decoding: path[cut...].utf8.prefix(200), as: UTF8.self)
        temporary = path[..<cut] + ".\(name).\(getpid()).tmp"
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            let code = errno, folder = PathName.folder(path)
            if code == ENOENT, !FileKind.exists(folder) {
                throw OpahError(.file, "\(path): cannot write: there is no folder \(folder)", hint: "make it first: fs.mkdir in Lua, mkdir -p in a shell")
            }
            throw OpahError.system(path, errno: code, doing: "write")
        }
        buffer.reserveCapacity(Self.bufferSize)
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
                if errno == EINTR { continue }
                throw OpahError.system(path, errno: errno, doing: "write")
            }
            done += count
        }
    }

    /// Syncs and gives the file its name.
    public func commit() throws {
        try flush()
        guard fsync(descriptor) == 0 else { throw OpahError.system(path, errno: errno, doing: "sync") }
        close(descriptor)
        descriptor = -1
        guard rename(temporary, path) == 0 else {
            let code = errno
            unlink(temporary)
            throw OpahError.system(path, errno: code, doing: "rename into place")
        }
        Self.syncFolder(of: path)
    }

    /// Makes the rename itself durable; a file system that cannot do that is no reason to fail.
    private static func syncFolder(of path: String) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    deinit {
        if descriptor >= 0 {
            close(descriptor)
            unlink(temporary)
        }
    }

    /// Writes a whole file in one go.
    public static func write(_ path: String, _ bytes: some Sequence<UInt8>) throws {
        let file = try AtomicFile(path)
        try file.write(bytes)
        try file.commit()
    }

    public static func write(_ path: String, _ text: String) throws { try write(path, text.utf8) }
}
