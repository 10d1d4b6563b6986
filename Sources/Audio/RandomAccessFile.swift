import Support
#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A regular file of which single places are read, to find out what it is before a decoder sees it.
final class RandomAccessFile {
    let path: String
    let size: Int
    private let descriptor: Int32

    init(_ path: String) throws {
        self.path = path
        // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw OpahError.system(path, errno: errno, doing: "open") }
        var status = stat()
        let failed = fstat(descriptor, &status) != 0
        size = Int(status.st_size)
        guard !failed, status.st_mode & S_IFMT == S_IFREG else {
            let code = failed ? errno : status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL
            close(descriptor)
            throw OpahError.system(path, errno: code, doing: "read audio from it")
        }
    }

    deinit { close(descriptor) }

    /// Up to `count` bytes from `offset`; fewer at the end of the file.
    func bytes(at offset: Int, count: Int) throws -> [UInt8] {
        guard offset >= 0, offset < size, count > 0 else { return [] }
        let wanted = min(count, size - offset)
        return try [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
            while filled < wanted {
                let got = pread(descriptor, buffer.baseAddress! + filled, wanted - filled, offset + filled)
                if got == 0 { break }
                if got < 0 {
                    if errno == EINTR { continue }
                    throw OpahError.system(path, errno: errno, doing: "read")
                }
                filled += got
            }
        }
    }
}


extension [UInt8] {
    /// Whether the bytes at `offset` are those of `text`.
    func has(_ text: String, at offset: Int = 0) -> Bool {
        offset >= 0 && offset + text.utf8.count <= count && self[offset...].starts(with: text.utf8)
    }

    func littleEndian32(at offset: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(self[offset + $1]) << (8 * $1) }
    }

    func bigEndian32(at offset: Int) -> Int {
        (0..<4).reduce(0) { $0 << 8 | Int(self[offset + $1]) }
    }
}
