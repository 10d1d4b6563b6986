import Formats
import Support
import Tensors
import Text

/// Builds a folder of packs (`00000000.protos`, ...) from clips that have codes and a text.
///
/// The packs depend on the clips alone: groups are written in order of speaker folder, sentences in
/// order of path, however many threads read them.
public enum PackFolder {
    /// What was packed, and what was left out.
    public struct Report: Sendable {
        public var shards: [String] = []
        public var groups = 0, sentences = 0, frames = 0
        public var skipped: [SkippedInput] = []
        /// Things worth knowing about single clips that were packed all the same (a BOM removed, lines joined).
        public var notes: [(path: String, note: String)] = []
    }

    public struct Settings: Sendable {
        /// Suffixes of text files; a sentence has one text per suffix, all must be there.
        public var extensions = [".lab"]
        /// A new shard is begun when the last one has more than this many MiB.
        public var shardSize = 10.0
        /// How many codebooks all codes must have; nil takes the number that the first clip has.
        public var codebooks: Int?
        /// What labels that are not UTF-8 are written in, as iconv names it: `CP932`.
        public var labelEncoding: String?

        public init() {}
    }

    /// - Parameters:
    ///   - inputs: folders, or filelists of `path|speaker|language|text`.
    ///   - output: made if need be. Packs of an earlier run there are replaced; any other pack is an error.
    ///   - progress: called with (done, total) clips.
    public static func build(inputs: [String], output: String, settings: Settings = Settings(),
                             progress: (Int, Int) throws -> Void = { _, _ in }) throws -> Report {
        var report = Report()
        let (groups, jobs) = try collect(inputs, &report)
        guard !jobs.isEmpty else {
            throw OpahError(.data, "\(inputs.joined(separator: ", ")): no clips", hint: "a clip is an audio file with its label and codes beside it")
        }
        let lock = try FolderLock(output, for: "packing")
        defer { lock.release() }
        let before = try ownManifest(output)
        var reader = ClipReader(settings)
        var packs = Packs(folder: output, shardSize: settings.shardSize, before: before)
        var group = PackedGroup(source: "", name: "", sentences: []), current = -1
        var seen: [String: String] = [:]    // digest of codes -> clip
        let window = 512
        for start in stride(from: 0, to: jobs.count, by: window) {
            try Interrupt.check()
            let part = jobs[start ..< min(start + window, jobs.count)]
            for (job, result) in zip(part, reader.read(part.map(\.clip))) {
                let path = job.clip.audio ?? job.clip.codes ?? job.clip.stem
                if job.group != current {
                    try packs.add(group)
                    current = job.group
                    group = PackedGroup(source: groups[current].source, name: groups[current].name, sentences: [])
                }
                switch result {
                case .failure(let error):
                    report.skipped.append(SkippedInput(path: path, error: error))
                case .success(let clip):
                    group.sentences.append(clip.sentence)
                    report.sentences += 1
                    report.frames += clip.sentence.codes[0].count
                    report.notes += clip.notes.map { (path, $0) }
                    if let twin = seen.updateValue(path, forKey: clip.digest) {
                        report.notes.append((path, "has the same codes as \(twin)"))
                    }
                }
            }
            try progress(start + part.count, jobs.count)
        }
        try packs.add(group)
        guard report.sentences > 0 else {
            let first = report.skipped.first.map { " (\($0.path): \($0.reason))" } ?? ""
            throw OpahError(.data, "none of the \(jobs.count) clips could be packed\(first)", hint: report.skipped.first?.remedy)
        }
        (report.shards, report.groups) = try packs.finish()
        return report
    }

    private struct Job { let group: Int, clip: Clip }

    /// All clips in the order in which they are packed: group by group.
    private static func collect(_ inputs: [String], _ report: inout Report) throws -> ([(source: String, name: String)], [Job]) {
        var groups: [(source: String, name: String)] = [], clips: [[Clip]] = [], places: [String: Int] = [:]
        for input in inputs {
            let isList = FileKind.isFile(input)
            let found = try isList ? Clips(filelist: input) : Clips(folder: input)
            report.skipped += found.skipped
            for clip in found.clips {
                // Speakers are told apart by folder, so A/x and B/x stay two groups though both are called x.
                let key = isList ? "filelist|" + clip.speaker : "folder|" + PathName.folder(clip.stem)
                let place = places[key] ?? groups.count
                if place == groups.count {
                    places[key] = place
                    groups.append((isList ? "filelist" : "folder", clip.speaker))
                    clips.append([])
                }
                clips[place].append(clip)
            }
        }
        return (groups, clips.enumerated().flatMap { group, clips in clips.map { Job(group: group, clip: $0) } })
    }

    // MARK: Folders of packs

    /// The packs of a path: the file itself, or those in the folder, in order of name. Those that we packed are
    /// checked against their manifest.
    public static func shards(_ path: String) throws -> [String] {
        if FileKind.isFile(path) { return [path] }
        let found = try FolderWalk(path).files.filter(isPack)
        guard let manifest = try PackManifest(folder: path) else { return found }
        try manifest.check(path)
        if let foreign = found.first(where: { !isOwn($0, in: path, manifest) }) {
            throw OpahError(.data, "\(foreign): is not among the packs that \(PathName.join(path, PackManifest.name)) lists",
                            hint: "move it elsewhere, or name the packs to use one by one")
        }
        return manifest.shards.map { PathName.join(path, $0.name) }
    }

    private static func isPack(_ path: String) -> Bool { [".protos", ".proto"].contains(PathName.suffix(path).lowercased()) }

    private static func isOwn(_ path: String, in folder: String, _ manifest: PackManifest?) -> Bool {
        guard let manifest else { return false }
        return PathName.join(folder, PathName.last(path)) == path && manifest.owns(PathName.last(path))
    }

    /// The manifest of an earlier run. Packs that are not ours stop the run before it begins: training would read them too,
    /// and removing them is not our decision.
    private static func ownManifest(_ output: String) throws -> PackManifest? {
        guard FileKind.exists(output) else { return nil }
        let files = try FolderWalk(output).files.filter(isPack)
        let manifest = try PackManifest(folder: output)
        if let foreign = files.first(where: { !isOwn($0, in: output.hasSuffix("/") ? String(output.dropLast()) : output, manifest) }) {
            throw OpahError(.data, "\(foreign): was not packed by an earlier run of build-dataset into this folder, and training would read it too",
                            hint: "move it elsewhere, or choose another --output")
        }
        return manifest
    }

    /// The shards being written. Nothing in the folder changes before there is a sentence to write.
    private struct Packs {
        let folder: String, shardSize: Double
        let before: PackManifest?
        private var writer: ProtosWriter?

        init(folder: String, shardSize: Double, before: PackManifest?) {
            (self.folder, self.shardSize, self.before) = (folder, shardSize, before)
        }

        mutating func add(_ group: PackedGroup) throws {
            guard !group.sentences.isEmpty else { return }
            if writer == nil {
                try FileKind.makeFolder(folder)
                try PackManifest(complete: false, shards: before?.shards ?? []).write(to: folder)
                writer = try ProtosWriter(folder: folder, shardSize: shardSize)
            }
            try writer!.add(group)
        }

        mutating func finish() throws -> (shards: [String], groups: Int) {
            guard let summary = try writer?.finish() else { return ([], 0) }
            for stale in summary.stale { try PathName.remove(stale) }
            try PackManifest(complete: true, shards: summary.shards.map { try PackManifest.shard($0) }).write(to: folder)
            return (summary.shards, summary.groups)
        }
    }
}
