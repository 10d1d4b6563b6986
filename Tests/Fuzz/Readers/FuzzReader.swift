import Foundation
import Support

/// One way for bytes that a stranger made into the program. Whatever they are, reading them ends soon, within memory,
/// in success or in an `OpahError`; a trap, another error or a broken promise is a finding.
public struct FuzzReader: Sendable {
    public let name: String
    /// The longest input worth trying, in bytes.
    public let maxLength: Int
    /// Pieces that chance would not find: keywords, and numbers at the edges of their types.
    public let dictionary: [String]
    /// Good files to begin with.
    public let seeds: @Sendable () throws -> [[UInt8]]
    private let body: @Sendable ([UInt8]) throws -> Void

    init(
        _ name: String, maxLength: Int, dictionary: [String] = [], seeds: @escaping @Sendable () throws -> [[UInt8]],
        body: @escaping @Sendable ([UInt8]) throws -> Void
    ) {
        (self.name, self.maxLength, self.dictionary, self.seeds, self.body) = (name, maxLength, dictionary, seeds, body)
    }

    /// Reads one input; traps on a finding, so that every fuzzer notices.
    /// - Returns: whether it was accepted.
    @discardableResult
    public func read(_ bytes: [UInt8]) -> Bool {
        do {
            try body(bytes)
            return true
        } catch let error as OpahError {
            precondition(!error.message.isEmpty, "\(name): an error without a message")
            return false
        } catch {
            fatalError("\(name): an error that says neither where nor of which kind: \(error)")
        }
    }

    public static let all: [FuzzReader] = formats + audio + text + configuration + models + runFiles

    public static func named(_ name: String) -> FuzzReader? { all.first { $0.name == name } }
}

/// Where inputs become files: readers take paths.
enum Scratch {
    /// In memory where the system has such a folder; gone when the process ends.
    static let folder: String = {
        let memory = "/dev/shm"
        let base = access(memory, W_OK) == 0 ? memory : NSTemporaryDirectory()
        let path = "\(base)/opah-fuzz-\(getpid())"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: Scratch.folder) }
        return path
    }()

    /// Writes the bytes under this name: a new file each time, since an older one may still be mapped.
    static func file(_ name: String, _ bytes: [UInt8]) -> String {
        let path = folder + "/" + name
        unlink(path)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        precondition(descriptor >= 0, "\(path): cannot be written")
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + done, bytes.count - done) }
            precondition(count > 0, "\(path): cannot be written")
            done += count
        }
        close(descriptor)
        return path
    }

    /// A folder of this name with these files and nothing else in it.
    static func folder(_ name: String, _ files: [String: [UInt8]]) -> String {
        let path = folder + "/" + name
        if access(path, F_OK) != 0 { mkdir(path, 0o700) }
        for (file, bytes) in files { _ = self.file("\(name)/\(file)", bytes) }
        return path
    }
}

/// Files of the checkout to begin with.
enum Seeds {
    static let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// Files of `Tests/Vectors`, or a folder of them, no longer than `limit` bytes.
    static func vectors(_ paths: String..., suffixes: [String] = [], limit: Int = 100_000) throws -> [[UInt8]] {
        try paths.flatMap { try files(checkout + "/Tests/Vectors/" + $0, suffixes, limit) }
    }

    static func examples(_ paths: String..., suffixes: [String] = [], limit: Int = 100_000) throws -> [[UInt8]] {
        try paths.flatMap { try files(checkout + "/examples/" + $0, suffixes, limit) }
    }

    private static func files(_ path: String, _ suffixes: [String], _ limit: Int) throws -> [[UInt8]] {
        let names = FileKind.isFile(path) ? [path] : try FolderWalk(path).files
        return try names.filter { name in suffixes.isEmpty || suffixes.contains { name.hasSuffix($0) } }
            .map { try RegularFile.contents($0) }.filter { $0.count <= limit }
    }

    static func texts(_ texts: String...) -> [[UInt8]] { texts.map { Array($0.utf8) } }
}
