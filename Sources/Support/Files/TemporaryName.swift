import Glibc

/// Names of files while they are written: `.NAME.PID-HOST-RANDOM.tmp`, in the folder of the finished file. PID is the
/// writer's process, HOST 8 hexadecimal digits that stand for its machine, RANDOM 16 of them.
public enum TemporaryName {
    /// A new name beside `path`. Of a long final name only the beginning is kept: a name may have 255 bytes.
    public static func beside(_ path: String) -> String {
        let cut = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        let name = String(decoding: path[cut...].utf8.prefix(180), as: UTF8.self)
        return path[..<cut] + ".\(name).\(getpid())-\(host)-\(hex(UInt64.random(in: 0 ... .max), 16)).tmp"
    }

    /// Who writes the file of this name; nil when the name is not of our form.
    package static func writer(_ name: some StringProtocol) -> (process: pid_t, host: String)? {
        guard name.hasPrefix("."), name.hasSuffix(".tmp") else { return nil }
        let parts = name.dropLast(4).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 3, let last = parts.last else { return nil }
        let fields = last.split(separator: "-", omittingEmptySubsequences: false)
        guard fields.count == 3, let process = pid_t(fields[0]), process > 0, isHex(fields[1], 8), isHex(fields[2], 16)
        else { return nil }
        return (process, String(fields[1]))
    }

    private static func isHex(_ text: some StringProtocol, _ count: Int) -> Bool {
        text.utf8.count == count && text.utf8.allSatisfy { (48 ... 57).contains($0) || (97 ... 102).contains($0) }
    }

    private static func hex(_ value: UInt64, _ count: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: count - digits.count) + digits
    }

    /// Stands for this machine.
    package static let host: String = {
        let digest = Digest()
        digest.update(FolderLock.hostName)
        return String(digest.finish().prefix(8))
    }()
}

/// What processes that were killed left half-written.
public enum Leftovers {
    /// Another machine's process cannot be asked for: what it has not touched for so many seconds is abandoned.
    private static let longest = 24.0 * 3600

    /// Removes files (and folders) of our temporary names whose writer is gone. Links are removed, never followed.
    /// - Parameters:
    ///   - name: only of this file or folder directly in `folder`.
    ///   - deep: also below the folder.
    public static func remove(in folder: String, of name: String? = nil, deep: Bool = true) {
        guard let directory = open(folder, nil) else { return }
        let prefix = name.map { ".\(String(decoding: $0.utf8.prefix(180), as: UTF8.self))." }
        remove(in: directory, of: prefix, levels: deep && name == nil ? 64 : 0)
    }

    private static func open(_ name: String, _ parent: Int32?) -> OpaquePointer? {
        let descriptor = openat(
            parent ?? AT_FDCWD, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (parent == nil ? 0 : O_NOFOLLOW))
        guard descriptor >= 0 else { return nil }
        guard let directory = fdopendir(descriptor) else {
            close(descriptor)
            return nil
        }
        return directory
    }

    /// - Parameters:
    ///   - directory: closed at the end.
    ///   - levels: of folders below it that are entered too.
    private static func remove(
        in directory: OpaquePointer, of prefix: String? = nil, levels: Int, everything: Bool = false
    ) {
        defer { closedir(directory) }
        let parent = dirfd(directory)
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                String(cString: UnsafePointer<CChar>(OpaquePointer($0)))
            }
            if name == "." || name == ".." { continue }
            let isFolder = entry.pointee.d_type == UInt8(DT_DIR) || entry.pointee.d_type == UInt8(DT_UNKNOWN)
            if everything {
                if isFolder, levels > 0, let inner = open(name, parent) {
                    remove(in: inner, levels: levels - 1, everything: true)
                }
                if unlinkat(parent, name, 0) != 0 { unlinkat(parent, name, AT_REMOVEDIR) }
            } else if let writer = TemporaryName.writer(name) {
                guard prefix.map({ name.hasPrefix($0) }) ?? true, isAbandoned(name, parent, writer) else { continue }
                if isFolder, let inner = open(name, parent) { remove(in: inner, levels: 8, everything: true) }
                if unlinkat(parent, name, 0) != 0 { unlinkat(parent, name, AT_REMOVEDIR) }
            } else if isFolder, levels > 0, let inner = open(name, parent) {
                remove(in: inner, levels: levels - 1)
            }
        }
    }

    private static func isAbandoned(_ name: String, _ parent: Int32, _ writer: (process: pid_t, host: String)) -> Bool {
        if writer.host == TemporaryName.host, hasEnded(writer.process) { return true }
        var info = stat(), now = timespec()
        guard fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) == 0 else { return false }
        clock_gettime(CLOCK_REALTIME, &now)
        return writer.process != getpid() && Double(now.tv_sec - info.st_mtim.tv_sec) > longest
    }

    /// A process that has ended and that nobody has asked for yet does nothing any more either.
    private static func hasEnded(_ process: pid_t) -> Bool {
        if kill(process, 0) != 0 { return errno == ESRCH }
        guard let file = fopen("/proc/\(process)/stat", "re") else { return false }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 512)
        let text = bytes[..<fread(&bytes, 1, bytes.count, file)]
        // `PID (NAME) STATE ...`, where the name may hold anything.
        guard let end = text.lastIndex(of: UInt8(ascii: ")")), end + 2 < text.endIndex else { return false }
        return [UInt8(ascii: "Z"), UInt8(ascii: "X")].contains(text[end + 2])
    }
}
