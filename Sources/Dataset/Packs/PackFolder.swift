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
        /// Speakers are told apart by name: the folders `a/Ann` and `b/Ann` are two groups of one speaker.
        public var groups = 0, speakers = 0, sentences = 0, frames = 0
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
        /// Codes are below this: what a model of fish-speech 1.4 has room for.
        public var codebookSize = 1024
        /// Packs the rest even when more than half of the clips have no label.
        public var allowMissingLabels = false
        /// What labels that are not UTF-8 are written in, as iconv names it: `CP932`.
        public var labelEncoding: String?

        public init() {}
    }

    /// - Parameters:
    ///   - inputs: folders, or filelists of `path|speaker|language|text`.
    ///   - output: made if need be. Packs of an earlier run there are replaced; any other pack is an error.
    ///   - leftOut: hears what was left out when nothing is packed, before that is thrown; the report says it
    ///     otherwise.
    ///   - progress: called with (done, total) clips.
    public static func build(
        inputs: [String], output: String, settings: Settings = Settings(),
        leftOut: (([SkippedInput]) throws -> Void)? = nil, progress: (Int, Int) throws -> Void = { _, _ in }
    ) throws -> Report {
        var report = Report()
        let (groups, jobs) = try collect(inputs, &report)
        let place = inputs.joined(separator: ", ")
        func nothing(_ problem: String, hint: String?) throws -> OpahError {
            try leftOut?(report.skipped)
            let reasons = leftOut == nil ? SkippedInput.listing(report.skipped) : ""
            return OpahError(.data, "\(name: place): \(problem)\(reasons)", hint: hint)
        }
        guard !jobs.isEmpty else {
            let count = report.skipped.count
            throw try nothing(
                count == 0 ? "no clips" : "none of \(count) could be used",
                hint: count == 0
                    ? "a clip is an audio file with its label and codes beside it" : report.skipped[0].remedy)
        }
        var reader = ClipReader(settings)
        let missing = jobs.compactMap { job in
            reader.missingLabel(job.clip).map { SkippedInput(path: job.clip.place, error: $0) }
        }
        if !settings.allowMissingLabels, 2 * missing.count > jobs.count, missing.count < jobs.count {
            report.skipped += missing
            throw try nothing(
                "\(missing.count) of \(jobs.count) clips have no \(reader.extensions.joined(separator: " and ")) file",
                hint:
                    "write the missing ones, or pack the others with --allow-missing-labels (allow_missing_labels = true)"
            )
        }
        report.notes += sharedNames(groups)
        let lock = try FolderLock(output, for: "packing")
        defer { lock.release() }
        let before = try ownManifest(output)
        let outdated = try CodesOrigin.problems(jobs.map(\.clip))
        var packs = Packs(folder: output, shardSize: settings.shardSize, before: before)
        var group = PackedGroup(source: "", name: "", sentences: []), current = -1, clips: [String] = []
        var seen: [String: String] = [:]   // digest of codes -> clip
        let window = 512
        for start in stride(from: 0, to: jobs.count, by: window) {
            try Interrupt.check()
            let part = jobs[start ..< min(start + window, jobs.count)]
            for (place, result) in zip(part.indices, reader.read(part.map(\.clip))) {
                let job = jobs[place]
                let path = job.clip.place
                if job.group != current {
                    try packs.add(group, clips)
                    (current, clips) = (job.group, [])
                    group = PackedGroup(source: groups[current].source, name: groups[current].name, sentences: [])
                }
                switch outdated[place].map({ .failure($0) }) ?? result {
                case .failure(let error):
                    report.skipped.append(SkippedInput(path: path, error: error))
                case .success(let clip):
                    group.sentences.append(clip.sentence)
                    clips.append(path)
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
        try packs.add(group, clips)
        guard report.sentences > 0 else {
            throw try nothing("none of the \(jobs.count) clips could be packed", hint: report.skipped.first?.remedy)
        }
        (report.shards, report.groups) = try packs.finish()
        report.speakers = packs.speakers.count
        return report
    }

    private struct Job { let group: Int, clip: Clip }
    private typealias Group = (source: String, name: String, folder: String)

    /// Folders of the same name are one speaker, as they are for the original; who meant two should know.
    private static func sharedNames(_ groups: [Group]) -> [(path: String, note: String)] {
        var folders: [String: [String]] = [:]
        for group in groups where group.source == "folder" { folders[group.name, default: []].append(group.folder) }
        return folders.filter { $0.value.count > 1 }.sorted { $0.key < $1.key }.map { name, folders in
            let all = folders.dropLast().joined(separator: ", ") + " and " + folders.last!
            return (
                folders[0],
                "\(all) are \(folders.count == 2 ? "both" : "all") the speaker \(name); rename one if these are different people"
            )
        }
    }

    /// All clips in the order in which they are packed: group by group.
    private static func collect(_ inputs: [String], _ report: inout Report) throws -> ([Group], [Job]) {
        var groups: [Group] = [], clips: [[Clip]] = [], places: [String: Int] = [:]
        for input in inputs {
            let isList = FileKind.isFile(input)
            let found = try isList ? Clips(filelist: input) : Clips(folder: input)
            report.skipped += found.skipped
            report.notes += found.notes
            for clip in found.clips {
                // Speakers are told apart by folder, so A/x and B/x stay two groups though both are called x.
                let key = isList ? "filelist|" + clip.speaker : "folder|" + PathName.folder(clip.stem)
                let place = places[key] ?? groups.count
                if place == groups.count {
                    places[key] = place
                    groups.append((isList ? "filelist" : "folder", clip.speaker, PathName.folder(clip.stem)))
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
        try checked(path).names.map { place(of: $0, in: path) }
    }

    /// The same by names as seen from the folder, with the manifest that they were checked against.
    static func checked(_ path: String) throws -> (names: [String], manifest: PackManifest?) {
        let found = try names(path)
        guard !FileKind.isFile(path), let manifest = try PackManifest(folder: path) else { return (found, nil) }
        try manifest.check(path)
        if let foreign = found.first(where: { !manifest.owns($0) }) {
            let list = PathName.join(path, PackManifest.name)
            throw OpahError(
                .data, "\(place(of: foreign, in: path)): is not among the packs that \(list) lists",
                hint: "move it elsewhere, or name the packs to use one by one")
        }
        return (manifest.shards.map(\.name), manifest)
    }

    /// The packs that are there, by names as seen from the folder.
    static func names(_ path: String) throws -> [String] {
        if FileKind.isFile(path) { return [PathName.last(path)] }
        var root = path.utf8.count
        while root > 0, path.utf8.dropLast(path.utf8.count - root).last == UInt8(ascii: "/") { root -= 1 }
        return try FolderWalk(path).files.filter(isPack).map {
            String(decoding: $0.utf8.dropFirst(root + 1), as: UTF8.self)
        }
    }

    /// The path of a pack of that name.
    static func place(of name: String, in path: String) -> String {
        FileKind.isFile(path) ? path : PathName.join(path, name)
    }

    private static func isPack(_ path: String) -> Bool {
        [".protos", ".proto"].contains(PathName.suffix(path).lowercased())
    }

    private static func isOwn(_ path: String, in folder: String, _ manifest: PackManifest?) -> Bool {
        guard let manifest else { return false }
        return PathName.join(folder, PathName.last(path)) == path && manifest.owns(PathName.last(path))
    }

    /// The manifest of an earlier run. Packs that are not ours stop the run before it begins: training would read them
    /// too, and removing them is not our decision.
    private static func ownManifest(_ output: String) throws -> PackManifest? {
        guard FileKind.exists(output) else { return nil }
        let files = try FolderWalk(output).files.filter(isPack)
        let manifest = try PackManifest(folder: output)
        if let foreign = files.first(where: {
            !isOwn($0, in: output.hasSuffix("/") ? String(output.dropLast()) : output, manifest)
        }) {
            throw OpahError(
                .data,
                "\(foreign): was not packed by an earlier run of build-dataset into this folder, and training would read it too",
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

        private(set) var speakers: Set<String> = []
        private var clips: [String] = []

        /// - Parameter clips: the paths of the sentences' clips, so that whoever reads the packs can name them.
        mutating func add(_ group: PackedGroup, _ clips: [String]) throws {
            guard !group.sentences.isEmpty else { return }
            if writer == nil {
                try FileKind.makeFolder(folder)
                try PackManifest(complete: false, shards: before?.shards ?? []).write(to: folder)
                writer = try ProtosWriter(folder: folder, shardSize: shardSize)
            }
            try writer!.add(group)
            speakers.insert(group.name)
            self.clips += clips
        }

        mutating func finish() throws -> (shards: [String], groups: Int) {
            guard let summary = try writer?.finish() else { return ([], 0) }
            for stale in summary.stale { try PathName.remove(stale) }
            try PackManifest(complete: true, shards: summary.shards.map { try PackManifest.shard($0) }, clips: clips)
                .write(to: folder)
            return (summary.shards, summary.groups)
        }
    }
}
