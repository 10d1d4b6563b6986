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

    /// Files of one folder whose names differ only in the suffix belong together; names are compared as
    /// Unicode text, so a label from a Mac (decomposed characters) finds its audio. Two recordings of the same
    /// name are both left out: their codes would overwrite each other.
    public init(folder: String, recursive: Bool = true) throws {
        let walk = try FolderWalk(folder, recursive: recursive)
        skipped = walk.skipped
        var order: [String] = [], groups: [String: [String]] = [:]   // String equality is canonical equivalence
        for path in walk.files {
            let stem = PathName.withoutSuffix(path)
            if groups[stem] == nil { order.append(stem) }
            groups[stem, default: []].append(path)
        }
        for stem in order {
            let paths = groups[stem]!
            let audio = paths.filter(AudioFile.isAudioName)
            guard audio.count <= 1 else {
                let names = audio.map(PathName.last).joined(separator: " and ")
                for path in audio {
                    skipped.append(SkippedInput(path: path, reason: "\(names) share a name, and so would their codes", remedy: "rename one of them"))
                }
                continue
            }
            let codes = paths.first { PathName.suffix($0).lowercased() == ".npy" }
            guard audio.first != nil || codes != nil else { continue }
            var labels: [String: String] = [:]
            for path in paths where !AudioFile.isAudioName(path) && path != codes { labels[PathName.suffix(path).lowercased()] = path }
            let place = audio.first ?? codes!
            clips.append(Clip(stem: PathName.withoutSuffix(place), audio: audio.first, codes: codes, labels: labels,
                              speaker: PathName.last(PathName.folder(place)), text: nil))
        }
    }

    /// Lines of `path|speaker|language|text`, paths as written (from the current folder). The path is that of the
    /// audio or of any file of the same name; a clip may be listed several times, and then counts as often.
    public init(filelist path: String) throws {
        guard let content = try MappedFile(path).withBytes({ String(validating: $0, as: UTF8.self) }) else {
            throw OpahError(.text, "\(path): is not UTF-8 text", hint: "save it as UTF-8")
        }
        let lines = content.hasPrefix("\u{FEFF}") ? content.dropFirst() : content[...]
        for (number, line) in lines.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            if line.allSatisfy(\.isWhitespace) { continue }
            let fields = line.split(separator: "|", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
            let place = "\(path), line \(number + 1)"
            guard fields.count == 4 else {
                skipped.append(SkippedInput(path: place, reason: "has \(fields.count) of 4 fields", remedy: "write path|speaker|language|text"))
                continue
            }
            guard ["zh", "jp", "ja", "en"].contains(fields[2].lowercased()) else {
                skipped.append(SkippedInput(path: place, reason: "unknown language \(fields[2])", remedy: "use zh, ja (jp) or en"))
                continue
            }
            guard !fields[1].isEmpty else {
                skipped.append(SkippedInput(path: place, reason: "names no speaker", remedy: "write path|speaker|language|text"))
                continue
            }
            let stem = PathName.withoutSuffix(fields[0])
            let codes = FileKind.isFile(stem + ".npy") ? stem + ".npy" : nil
            guard codes != nil || FileKind.isFile(fields[0]) else {
                skipped.append(SkippedInput(path: fields[0], reason: "does not exist", remedy: "paths are taken from the current folder"))
                continue
            }
            clips.append(Clip(stem: stem, audio: AudioFile.isAudioName(fields[0]) && FileKind.isFile(fields[0]) ? fields[0] : nil,
                              codes: codes, labels: [:], speaker: fields[1], text: fields[3]))
        }
    }
}
