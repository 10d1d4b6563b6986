import Audio
import Support

/// One recording and what lies beside it under the same name.
public struct Clip: Sendable, Equatable {
    /// The path without its suffix: what audio, label and codes share.
    public let stem: String
    public let audio: String?
    public let codes: String?
    /// The clip's path in messages.
    public var place: String { audio ?? codes ?? stem }
    /// Every other file of the same name, by lower-case suffix (`.lab`, `.txt`).
    public let labels: [String: String]
    /// Whose voice: the name of the folder that the clip lies in, or the filelist's second column.
    public let speaker: String
    /// The text, where a filelist gives it.
    public let text: String?
}

/// The clips below a folder or in a filelist, and what had to be left out.
public struct Clips: Sendable {
    public private(set) var clips: [Clip] = []
    public private(set) var skipped: [SkippedInput] = []
    /// Labels that have no recording.
    public private(set) var notes: [(path: String, note: String)] = []

    /// Files of one folder whose names differ only in the suffix belong together; names are compared as Unicode text,
    /// so a label from a Mac (decomposed characters) finds its audio. Two recordings of the same name are both left
    /// out: their codes would overwrite each other. A recording of a kind that cannot be read is left out with the
    /// command that converts it, unless one of its name can be read: then it has been converted.
    public init(folder: String, recursive: Bool = true) throws {
        let walk = try FolderWalk(folder, recursive: recursive)
        skipped = walk.skipped
        var orphans: [String] = []
        var order: [String] = [], groups: [String: [String]] = [:]   // String equality is canonical equivalence
        for path in walk.files {
            let stem = PathName.withoutSuffix(path)
            if groups[stem] == nil { order.append(stem) }
            groups[stem, default: []].append(path)
        }
        for stem in order {
            let paths = groups[stem]!
            let named = paths.filter(AudioFile.isAudioName), readable = named.filter(AudioFile.isReadableName)
            let audio = (readable.isEmpty ? named : readable).filter { AudioFile.isReadableName($0) || canRead($0) }
            guard audio.count <= 1 else {
                let names = audio.map(PathName.last).joined(separator: " and ")
                for path in audio {
                    skipped.append(
                        SkippedInput(
                            path: path, reason: "\(names) share a name, and so would their codes",
                            remedy: "rename one of them"))
                }
                continue
            }
            let codes = paths.first { PathName.suffix($0).lowercased() == ".npy" }
            guard audio.first != nil || codes != nil else {
                if named.isEmpty { withoutRecording(paths, &orphans) }
                continue
            }
            var labels: [String: String] = [:]
            for path in paths where !AudioFile.isAudioName(path) && path != codes {
                labels[PathName.suffix(path).lowercased()] = path
            }
            let place = audio.first ?? codes!
            clips.append(
                Clip(
                    stem: PathName.withoutSuffix(place), audio: audio.first, codes: codes, labels: labels,
                    speaker: PathName.last(PathName.folder(place)), text: nil))
        }
        let suffixes = Set(clips.flatMap(\.labels.keys)).union([".lab"])
        notes = orphans.filter { suffixes.contains(PathName.suffix($0).lowercased()) }.map {
            ($0, "is a label, and no recording has its name")
        }
        if clips.isEmpty, skipped.isEmpty, !walk.files.isEmpty {
            let found = Set(walk.files.map { PathName.suffix($0).lowercased() }).sorted().prefix(5).map {
                $0.isEmpty ? "names without a suffix" : $0
            }
            skipped.append(
                SkippedInput(
                    path: folder,
                    reason:
                        "holds \(walk.files.count == 1 ? "1 file" : "\(walk.files.count) files") and no recording (\(found.joined(separator: ", ")))",
                    remedy: "recordings are known by their names: \(AudioFile.readableSuffixes)"))
        }
    }

    /// Whether a file with the name of a kind that cannot be read can be read all the same; if not, it is listed.
    private mutating func canRead(_ path: String) -> Bool {
        do {
            _ = try AudioFile.kind(path)
            return true
        } catch {
            skipped.append(SkippedInput(path: path, error: error))
            return false
        }
    }

    /// Files of one name without a recording among them, as names tell: the content of what lies beside a label may be
    /// one.
    private mutating func withoutRecording(_ paths: [String], _ orphans: inout [String]) {
        let labels = paths.filter { [".lab", ".txt"].contains(PathName.suffix($0).lowercased()) }
        guard !labels.isEmpty else { return }
        let found = paths.filter { !labels.contains($0) }.compactMap(AudioFile.unnamedRecording)
        if found.isEmpty { orphans += labels } else { skipped += found }
    }

    /// Only the clips that have a recording; when none has, the folder is listed.
    public func recordings(of folder: String) -> (clips: [Clip], skipped: [SkippedInput]) {
        let recorded = clips.filter { $0.audio != nil }
        guard recorded.isEmpty, skipped.isEmpty, !clips.isEmpty else { return (recorded, skipped) }
        return (
            [],
            [
                SkippedInput(
                    path: folder, reason: "holds codes of \(clips.count) clips and no recording",
                    remedy: "recordings are known by their names: \(AudioFile.readableSuffixes)")
            ]
        )
    }

    /// Only some of the clips, and what was skipped and noted of them.
    /// - Parameters:
    ///   - folder: names are paths below it; as they are listed when nil.
    ///   - owns: asked for names without suffix.
    public func part(below folder: String?, _ owns: (String) -> Bool) -> Clips {
        let root = folder.map { $0.hasSuffix("/") ? $0 : $0 + "/" } ?? ""
        func isOwn(_ path: String) -> Bool {
            owns(PathName.withoutSuffix(path.hasPrefix(root) ? String(path.dropFirst(root.count)) : path))
        }
        var part = self
        part.clips = clips.filter { isOwn($0.place) }
        part.skipped = skipped.filter { isOwn($0.path) }
        part.notes = notes.filter { isOwn($0.path) }
        return part
    }

    /// Lines of `path|speaker|language|text`, paths as written (from the current folder). The path is that of the
    /// audio or of any file of the same name; a clip may be listed several times, and then counts as often.
    public init(filelist path: String) throws {
        guard let content = try MappedFile(path).withBytes({ String(validating: $0, as: UTF8.self) }) else {
            throw OpahError(.text, "\(name: path): is not UTF-8 text", hint: "save it as UTF-8")
        }
        let lines = content.hasPrefix("\u{FEFF}") ? content.dropFirst() : content[...]
        for (number, line) in lines.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            if line.allSatisfy(\.isWhitespace) { continue }
            let fields = line.split(separator: "|", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
            let place = "\(name: path), line \(number + 1)"
            guard fields.count == 4 else {
                skipped.append(
                    SkippedInput(
                        path: place, reason: "has \(fields.count) of 4 fields",
                        remedy: "write path|speaker|language|text"))
                continue
            }
            guard ["zh", "jp", "ja", "en"].contains(fields[2].lowercased()) else {
                skipped.append(
                    SkippedInput(path: place, reason: "unknown language \(fields[2])", remedy: "use zh, ja (jp) or en"))
                continue
            }
            guard !fields[1].isEmpty else {
                skipped.append(
                    SkippedInput(path: place, reason: "names no speaker", remedy: "write path|speaker|language|text"))
                continue
            }
            let stem = PathName.withoutSuffix(fields[0])
            let codes = FileKind.isFile(stem + ".npy") ? stem + ".npy" : nil
            guard codes != nil || FileKind.isFile(fields[0]) else {
                skipped.append(
                    SkippedInput(
                        path: fields[0], reason: "does not exist", remedy: "paths are taken from the current folder"))
                continue
            }
            clips.append(
                Clip(
                    stem: stem, audio: AudioFile.isAudioName(fields[0]) && FileKind.isFile(fields[0]) ? fields[0] : nil,
                    codes: codes, labels: [:], speaker: fields[1], text: fields[3]))
        }
    }
}
