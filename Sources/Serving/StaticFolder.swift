import Glibc
import Support

/// The files of one folder and of the folders in it, and nothing else: names are taken one by one, links are not
/// followed, and what begins with a dot is not there.
public struct StaticFolder: Sendable {
    public static let maxFile = 64 << 20
    private let root: String

    public init(_ root: String) { self.root = root }

    /// The content of a file; nil when there is none of that name, or it is none that may be given.
    /// - Parameter path: relative, its parts parted by `/`.
    public func read(_ path: String) -> [UInt8]? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.isEmpty, parts.count <= 32,
            parts.allSatisfy({
                !$0.isEmpty && !$0.hasPrefix(".") && !$0.utf8.contains(0) && !$0.contains("\\") && $0.utf8.count <= 255
            })
        else { return nil }
        var folder = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return nil }
        defer { close(folder) }
        for part in parts.dropLast() {
            let next = openat(folder, String(part), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0 else { return nil }
            close(folder)
            folder = next
        }
        let file = openat(folder, String(parts.last!), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            (0 ... Self.maxFile).contains(Int(status.st_size))
        else { return nil }
        let size = Int(status.st_size)
        var isWhole = true
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
            while initialized < size {
                let count = Glibc.read(file, buffer.baseAddress! + initialized, size - initialized)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { isWhole = false; return }
                initialized += count
            }
        }
        return isWhole ? bytes : nil
    }

    /// The media type that a name's ending stands for.
    public static func mediaType(_ name: String) -> String {
        let ending = name.lastIndex(of: ".").map { name[name.index(after: $0)...].lowercased() } ?? ""
        return types[ending] ?? "application/octet-stream"
    }

    private static let types = [
        "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
        "json": "application/json",
        "txt": "text/plain; charset=utf-8", "svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg",
        "ico": "image/x-icon",
        "wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg", "opus": "audio/ogg"
    ]
}
