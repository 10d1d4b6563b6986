import Glibc

/// Room on file systems, in bytes.
public enum DiskSpace {
    /// What this user may still write to the file system of a path, or of the nearest folder above it that exists.
    public static func free(at path: String) throws -> Int {
        var place = FileKind.resolved(path)
        while !FileKind.exists(place), place != "/", place != "." { place = PathName.folder(place) }
        var info = statvfs()
        guard statvfs(place, &info) == 0 else {
            throw OpahError.system(place, errno: errno, doing: "ask for the free space of")
        }
        return Int(info.f_bavail) * Int(info.f_frsize)
    }

    /// Throws kind `file` when less than `bytes` are free at a path; a file system that does not say how much is let
    /// be.
    public static func require(_ bytes: Int, at path: String) throws {
        guard let free = try? free(at: path), free < bytes else { return }
        throw OpahError(
            .file, "\(name: path): \(ByteCount.text(bytes)) are needed and \(ByteCount.text(free)) are free",
            hint: "free some space; nothing has been written")
    }

    /// What a file or a tree takes on disk; links are not followed, and what cannot be read counts nothing.
    public static func taken(by path: String) -> Int {
        var info = stat()
        guard lstat(path, &info) == 0 else { return 0 }
        var total = Int(info.st_blocks) * 512
        guard info.st_mode & S_IFMT == S_IFDIR, let folder = opendir(path) else { return total }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                String(cString: UnsafePointer<CChar>(OpaquePointer($0)))
            }
            if name != ".", name != ".." { total += taken(by: path + "/" + name) }
        }
        return total
    }
}
