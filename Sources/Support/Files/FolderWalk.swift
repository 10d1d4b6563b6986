import Glibc

/// Every regular file below a folder, following links but never in circles.
///
/// Sorted by path, component by component in byte order. What cannot be entered or read is listed, not thrown: one bad
/// link never hides a folder. Names that are no UTF-8 are listed once for all of them. Names that systems leave behind
/// (`._x`, `.DS_Store`, `Thumbs.db`) and other hidden names are passed over.
public struct FolderWalk {
    public private(set) var files: [String] = []
    public private(set) var skipped: [SkippedInput] = []
    private var foreign = ForeignNames()

    public init(_ folder: String, recursive: Bool = true) throws {
        var info = stat()
        guard stat(folder, &info) == 0 else { throw OpahError.system(folder, errno: errno, doing: "read") }
        guard info.st_mode & S_IFMT == S_IFDIR else { throw OpahError.system(folder, errno: ENOTDIR, doing: "list") }
        var root = folder
        while root.count > 1, root.hasSuffix("/") { root.removeLast() }
        try walk(root, ancestors: [Identity(info)], recursive: recursive)
        skipped += foreign.skipped(below: root)
    }

    private struct Identity: Hashable {
        let device: UInt64, inode: UInt64
        init(_ info: stat) { (device, inode) = (UInt64(info.st_dev), UInt64(info.st_ino)) }
    }

    private mutating func walk(_ folder: String, ancestors: Set<Identity>, recursive: Bool) throws {
        try Interrupt.check()
        guard let names = Self.names(in: folder) else {
            skipped.append(SkippedInput(path: folder, error: OpahError.system(folder, errno: errno, doing: "list")))
            return
        }
        for raw in names {
            if raw.first == UInt8(ascii: ".") { continue }
            guard let name = String(validating: raw, as: UTF8.self) else {
                foreign.add(raw, in: folder)
                continue
            }
            if name.lowercased() == "thumbs.db" { continue }
            let path = folder == "/" ? "/" + name : folder + "/" + name
            var info = stat()
            guard stat(path, &info) == 0 else {
                var link = stat()
                let dangling = lstat(path, &link) == 0 && link.st_mode & S_IFMT == S_IFLNK
                let code = errno
                skipped.append(
                    dangling
                        ? SkippedInput(path: path, reason: "is a link to nothing", remedy: "repair or remove the link")
                        : SkippedInput(path: path, error: OpahError.system(path, errno: code, doing: "read")))
                continue
            }
            switch info.st_mode & S_IFMT {
            case S_IFDIR where recursive:
                if ancestors.contains(Identity(info)) {
                    skipped.append(
                        SkippedInput(
                            path: path, reason: "is a link back to a folder that it lies in", remedy: "remove the link")
                    )
                } else {
                    try walk(path, ancestors: ancestors.union([Identity(info)]), recursive: true)
                }
            case S_IFREG: files.append(path)
            case S_IFDIR: continue
            case let kind:
                skipped.append(
                    SkippedInput(
                        path: path, reason: "is \(RegularFile.name(kind)), and no plain file",
                        remedy: "take it out of the folder"))
            }
        }
    }

    /// The names in a folder in byte order; nil, with errno set, when it cannot be read.
    private static func names(in folder: String) -> [[UInt8]]? {
        guard let handle = opendir(folder) else { return nil }
        defer { closedir(handle) }
        var names: [[UInt8]] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: UInt8.self, capacity: 256) {
                    Array(UnsafeBufferPointer(start: $0, count: strlen(UnsafePointer<CChar>(OpaquePointer($0)))))
                }
            }
            if name != [0x2E], name != [0x2E, 0x2E] { names.append(name) }
        }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }
}

/// The parts of a path, as text: what every stage needs and no more.
public enum PathName {
    /// `a/b.c` -> `b.c`
    public static func last(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    /// `a/b.c` -> `a`; `b.c` -> `.`
    public static func folder(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// `a/b.tar.gz` -> `.gz`; a name without a dot, or with only a leading one, has none.
    public static func suffix(_ path: String) -> String {
        let name = last(path)
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
        return String(name[dot...])
    }

    /// `a/b.c` -> `a/b`
    public static func withoutSuffix(_ path: String) -> String { String(path.dropLast(suffix(path).count)) }

    public static func join(_ folder: String, _ name: String) -> String {
        folder.isEmpty || name.hasPrefix("/") ? name : folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }
}
