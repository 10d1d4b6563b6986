import Glibc
import Support

/// `metrics.jsonl`: one JSON object per line, each written whole. A run that resumes first drops the lines
/// after the step that it resumes from, so that the file reads as if nothing had happened.
public final class MetricsLog {
    private let descriptor: Int32
    private let path: String
    /// What was kept of earlier runs.
    public private(set) var kept: [ConfigValue] = []

    /// - Parameter keepingSteps: lines whose `step` is higher are dropped, as is a torn last line; nil starts afresh.
    public init(_ path: String, keepingSteps last: Int?) throws {
        self.path = path
        if let last, FileKind.isFile(path) {
            kept = try MappedFile.text(path).split(separator: "\n").compactMap { try? JSON.decode(String($0)) }.filter {
                ($0["step"]?.int).map { $0 <= last } ?? false
            }
        }
        try AtomicFile.write(path, kept.map { JSON.encode($0) + "\n" }.joined())
        descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw OpahError.system(path, errno: errno, doing: "write") }
    }

    /// Seconds that steps and validations up to a step took, as the file has them; 0 where there is none.
    static func seconds(_ path: String, upTo last: Int) -> Double {
        guard FileKind.isFile(path), let text = try? MappedFile.text(path) else { return 0 }
        return text.split(separator: "\n").lazy.compactMap { try? JSON.decode(String($0)) }
            .filter { ($0["step"]?.int).map { $0 <= last } ?? false }
            .reduce(0) { $0 + max(0, $1["seconds"]?.double ?? 0) }
    }

    deinit { close(descriptor) }

    public func append(_ entry: ConfigMap) throws {
        let line = Array((JSON.encode(.map(entry)) + "\n").utf8)
        let written = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        // A part of it is written where the disk is full.
        guard written == line.count else {
            throw OpahError.system(path, errno: written < 0 ? errno : ENOSPC, doing: "write")
        }
    }
}
