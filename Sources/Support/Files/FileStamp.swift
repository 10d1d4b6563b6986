import Glibc

/// Tells without reading a file whether it is still the one that was seen before: size, times of the last change of
/// content and of attributes, and inode. Equal stamps mean equal content; different ones mean nothing, and then the
/// content's digest decides: a copy, a restored backup and a moved folder have other stamps and the same content.
public struct FileStamp: Equatable, Sendable {
    /// `<size> <content changed> <attributes changed> <inode>`, times in nanoseconds since 1970.
    public let text: String
    private let changed: Int
    private let tick: Int

    /// nil when there is no such regular file; links are followed.
    public init?(_ path: String) {
        var info = stat()
        guard stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { return nil }
        let second = 1_000_000_000
        let content = info.st_mtim.tv_sec &* second &+ info.st_mtim.tv_nsec
        let attributes = info.st_ctim.tv_sec &* second &+ info.st_ctim.tv_nsec
        text = "\(info.st_size) \(content) \(attributes) \(info.st_ino)"
        changed = max(content, attributes)
        // The clocks of file systems tick: those with whole seconds in steps of up to two, others in milliseconds.
        tick = info.st_mtim.tv_nsec == 0 && info.st_ctim.tv_nsec == 0 ? 2 * second : second / 50
    }

    /// Whether a change of the file from now on would give another stamp. A file that was written within the present
    /// tick of its file system's clock could be written once more and look the same.
    public var isSettled: Bool {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return changed < now.tv_sec &* 1_000_000_000 &+ now.tv_nsec &- tick
    }
}

extension Digest {
    /// Of a file's content.
    public static func of(file path: String) throws -> String { try MappedFile(path).withBytes { Digest.of($0) } }
}
