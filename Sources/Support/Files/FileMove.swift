import Glibc

/// Copies and moves of whole files; what stands under the new name is complete at any time.
public enum FileMove {
    /// Copies the bytes of `source` to the file `target`, which appears when they are all on the disk.
    /// - Throws: kind `file`.
    public static func copy(_ source: String, to target: String) throws {
        let copy = try AtomicFile(target)
        try MappedFile(source).withBytes { try copy.write($0) }
        try copy.commit()
    }

    /// Renames a file or folder, replacing a file that is there. Between two file systems a regular file is copied and
    /// then removed, so that it is never in neither place.
    /// - Throws: kind `file`, also for a folder that would go to another file system.
    public static func move(_ source: String, to target: String) throws {
        if rename(source, target) == 0 { return }
        let code = errno
        var error = OpahError.system(source, errno: code, doing: "move to \(target)")
        guard code == EXDEV else { throw error }
        var info = stat()
        guard lstat(source, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            error.hint = "only files move between file systems; make the folder there, and move its files one by one"
            throw error
        }
        try copy(source, to: target)
        guard unlink(source) == 0 else { throw OpahError.system(source, errno: errno, doing: "remove") }
    }
}
