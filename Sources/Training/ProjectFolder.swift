import Glibc
import Support

/// `results/<project>`: where a training run keeps everything, used by one process at a time.
public final class ProjectFolder {
    public let path: String
    public var checkpoints: String { path + "/checkpoints" }
    public var metrics: String { path + "/metrics.jsonl" }
    public var tensorboard: String { path + "/tensorboard" }
    public var configuration: String { path + "/config.lua" }
    public var report: String { path + "/report.html" }
    private let lock: FolderLock?

    /// Makes the folder and takes its lock, which the system frees when the process ends, however it ends.
    /// - Parameter isWriter: false for the processes of a run that only say where it is: they touch nothing.
    public init(results: String = "results", project: String, isWriter: Bool = true) throws {
        guard !project.isEmpty, project != ".", project != "..", !project.contains("/"), !project.contains("\0"),
            project.utf8.count <= 200
        else {
            throw OpahError(
                .argument, "\u{201C}\(project)\u{201D} cannot be the name of a project",
                hint: project.isEmpty
                    ? "give one: project=my_voice" : "use a plain folder name, without / and shorter than 200 bytes")
        }
        path = PathName.join(results, project)
        lock = isWriter ? try FolderLock(path, for: "training") : nil
        guard isWriter else { return }
        try FileKind.makeFolder(path + "/checkpoints")
    }

    /// Complete checkpoints by step, lowest first. A half-written one never has such a name.
    public func checkpointSteps() throws -> [(step: Int, path: String)] {
        try FolderWalk(checkpoints, recursive: false).files.compactMap { path in
            let name = PathName.last(path)
            guard name.hasPrefix("step_"), name.hasSuffix(".ckpt"), let step = Int(name.dropFirst(5).dropLast(5)) else {
                return nil
            }
            return (step, path)
        }.sorted { $0.step < $1.step }
    }

    typealias WholeCheckpoint = (content: TrainingCheckpoint, path: String, damaged: [SkippedInput])

    /// The newest checkpoint that is whole, and the newer ones that are damaged; nil when there is none at all.
    /// - Throws: kind `checkpoint` when none of them is whole.
    func newestWholeCheckpoint() throws -> WholeCheckpoint? {
        var damaged: [SkippedInput] = []
        for (_, path) in try checkpointSteps().reversed() {
            do { return (try TrainingCheckpoint.load(path), path, damaged) } catch let error as OpahError
                where TrainingCheckpoint.isDamage(error)
            {
                damaged.append(SkippedInput(path: path, error: error))
            }
        }
        guard !damaged.isEmpty else { return nil }
        let list = damaged.prefix(20).map { "\n    \(PathName.last($0.path)): \($0.reason)" }.joined()
        throw OpahError(
            .checkpoint, "\(checkpoints): no checkpoint is whole, so the run cannot go on:\(list)",
            hint: "to begin anew move them away, or choose another project name")
    }

    /// Gives damaged checkpoints the name `<name>.damaged`: a later checkpoint of the same step does not replace them,
    /// and nobody takes them for whole ones again. They are never removed.
    func setAside(_ damaged: [SkippedInput]) throws {
        for path in damaged.map(\.path) {
            var target = path + ".damaged", number = 1
            while FileKind.exists(target) {
                number += 1
                target = path + ".damaged\(number)"
            }
            guard rename(path, target) == 0 else { throw OpahError.system(path, errno: errno, doing: "rename") }
        }
    }

    /// Removes the folder when it holds nothing but what `init` made.
    func removeIfEmpty() {
        guard let lock, rmdir(checkpoints) == 0 else { return }
        lock.release()
        rmdir(path)
    }

    /// Removes all but the newest checkpoints.
    func removeCheckpoints(keeping count: Int) throws {
        for old in try checkpointSteps().dropLast(count) { try PathName.remove(old.path) }
    }

    /// `checkpoints/step_000000010.ckpt`
    public func checkpointPath(step: Int) -> String {
        let digits = String(step)
        return checkpoints + "/step_" + String(repeating: "0", count: max(0, 9 - digits.count)) + digits + ".ckpt"
    }
}
