import Glibc

/// Opening what must be a plain file: never waits for the other end of a pipe, and never reads from a device.
public enum RegularFile {
    /// A descriptor to read from, and the file's size in bytes. The caller closes it.
    /// - Parameter what: for the message, as in `cannot open`.
    /// - Throws: kind `file` when there is none, or it is anything but a regular file (links are followed).
    public static func open(_ path: String, to what: String = "open") throws -> (descriptor: Int32, size: Int) {
        var info = stat()
        // Asked before it is opened: that alone has effects on some devices, and a socket cannot be opened at all.
        guard stat(path, &info) == 0 else { throw OpahError.system(path, errno: errno, doing: what) }
        if let problem = problem(path, info) { throw problem }
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw OpahError.system(path, errno: errno, doing: what) }
        // Something else may have taken its place since.
        guard fstat(descriptor, &info) == 0 else {
            let code = errno
            close(descriptor)
            throw OpahError.system(path, errno: code, doing: what)
        }
        if let problem = problem(path, info) {
            close(descriptor)
            throw problem
        }
        return (descriptor, Int(info.st_size))
    }

    /// A whole file as bytes of our own. It is read and not mapped: another program may cut a small file at any moment,
    /// as one that takes a lock does, and then it has the bytes that are left.
    public static func contents(_ path: String) throws -> [UInt8] {
        let (descriptor, size) = try open(path)
        defer { close(descriptor) }
        return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = try read(descriptor, into: UnsafeMutableRawBufferPointer(buffer), path)
        }
    }

    /// Fills `buffer` from the descriptor; how many bytes there were, fewer when the file ends before.
    static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, _ path: String) throws -> Int {
        var count = 0
        while count < buffer.count {
            let part = Glibc.read(descriptor, buffer.baseAddress! + count, buffer.count - count)
            if part < 0, errno == EINTR { continue }
            guard part >= 0 else { throw OpahError.system(path, errno: errno, doing: "read") }
            guard part > 0 else { break }
            count += part
        }
        return count
    }

    /// Why this cannot be read or replaced as a file; nil when it can.
    static func problem(_ path: String, _ info: stat) -> OpahError? {
        let kind = info.st_mode & S_IFMT
        if kind == S_IFREG { return nil }
        if kind == S_IFDIR { return OpahError.system(path, errno: EISDIR, doing: "read") }
        return OpahError(
            .file, "\(name: path): is not a regular file but \(name(kind))", hint: "give the name of a plain file")
    }

    /// `a pipe`
    static func name(_ kind: mode_t) -> String {
        switch kind {
        case S_IFDIR: "a folder"
        case S_IFIFO: "a pipe"
        case S_IFSOCK: "a socket"
        case S_IFCHR, S_IFBLK: "a device"
        case S_IFLNK: "a link"
        default: "something else"
        }
    }
}
