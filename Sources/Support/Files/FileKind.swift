import Glibc

/// What a path names, links followed.
public enum FileKind {
    private static func mode(_ path: String) -> mode_t? {
        var info = stat()
        return stat(path, &info) == 0 ? info.st_mode & S_IFMT : nil
    }

    public static func exists(_ path: String) -> Bool { mode(path) != nil }
    public static func isFile(_ path: String) -> Bool { mode(path) == S_IFREG }
    public static func isFolder(_ path: String) -> Bool { mode(path) == S_IFDIR }

    /// Makes a folder and those above it; one that exists already is fine.
    public static func makeFolder(_ path: String) throws {
        if path.isEmpty || isFolder(path) { return }
        let parent = PathName.folder(path)
        if parent != path { try makeFolder(parent) }
        if mkdir(path, 0o755) != 0, errno != EEXIST {
            throw OpahError.system(path, errno: errno, doing: "make the folder")
        }
        guard isFolder(path) else { throw OpahError.system(path, errno: ENOTDIR, doing: "make the folder") }
    }

    /// The path with every link, `.` and `..` resolved; parts that do not exist yet are kept as they are.
    public static func resolved(_ path: String) -> String {
        if let pointer = realpath(path, nil) {
            defer { free(pointer) }
            return String(cString: pointer)
        }
        var clean = path
        while clean.count > 1, clean.hasSuffix("/") { clean.removeLast() }
        let parent = PathName.folder(clean), last = PathName.last(clean)
        guard parent != clean, !clean.isEmpty else { return clean }
        let base = resolved(parent)
        return switch last {
        case ".", "": base
        case "..": PathName.folder(base)
        default: PathName.join(base, last)
        }
    }

    /// Whether one of the two is the other or lies in it, links resolved.
    public static func overlap(_ a: String, _ b: String) -> Bool {
        let a = resolved(a) + "/", b = resolved(b) + "/"
        return a.hasPrefix(b) || b.hasPrefix(a)
    }
}
