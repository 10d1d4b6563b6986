import Audio
import Formats
import Support
import Tensors
import Text

/// Builds a folder of packs (`00000000.protos`, ...) from clips that have codes and a text.
///
/// The packs depend on the clips alone: groups are written in order of speaker folder, sentences in
/// order of path, however many workers read them.
public enum PackFolder {
    /// What was packed, and what was left out.
    public struct Report: Sendable {
        public var shards: [String] = []
        public var groups = 0, sentences = 0, frames = 0
        public var skipped: [SkippedInput] = []
        /// Things worth knowing about single clips that were packed all the same (a BOM removed, lines joined).
        public var notes: [(path: String, note: String)] = []
    }

    /// The .protos files of a path: itself, or those in the folder, in order of name.
    public static func shards(_ path: String) throws -> [String] {
        if FileKind.isFile(path) { return [path] }
        return try FolderWalk(path).files.filter { [".protos", ".proto"].contains(PathName.suffix($0).lowercased()) }
    }

    /// - Parameters:
    ///   - inputs: folders, or filelists of `path|speaker|language|text`.
    ///   - extensions: suffixes of text files; a sentence has one text per suffix, all must be there.
    ///   - shardSize: a new shard is begun when the last one has more than this many MiB.
    ///   - progress: called with (done, total) clips.
    public static func build(
        inputs: [String], output: String, extensions: [String] = [".lab"], shardSize: Int = 10, codebooks: Int? = nil,
        labelEncoding: String? = nil, progress: (Int, Int) throws -> Void = { _, _ in }
    ) throws -> Report {
        var report = Report()
        let extensions = extensions.map { ($0.hasPrefix(".") ? $0 : "." + $0).lowercased() }
        var groups: [Group] = [], places: [String: Int] = [:], total = 0
        for input in inputs {
            let isList = FileKind.isFile(input)
            let found = try isList ? Clips(filelist: input) : Clips(folder: input)
            report.skipped += found.skipped
            for clip in found.clips {
                // Speakers are told apart by folder, so A/x and B/x stay two groups though both are called x.
                let key = isList ? clip.speaker : PathName.folder(clip.stem)
                if places[key] == nil {
                    places[key] = groups.count
                    groups.append(Group(source: isList ? "filelist" : "folder", name: clip.speaker, clips: []))
                }
                groups[places[key]!].clips.append(clip)
                total += 1
            }
        }
        guard total > 0 else {
            throw OpahError(.data, "\(inputs.joined(separator: ", ")): no clips", hint: "a clip is an audio file with its label and codes beside it")
        }
        try refuseForeignShards(output)
        try FileKind.makeFolder(output)
        let writer = try ProtosWriter(folder: output, shardSize: shardSize)
        var done = 0
        for group in groups {
            var sentences: [PackedSentence] = []
            for clip in group.clips {
                try Interrupt.check()
                do {
                    let (sentence, notes) = try sentence(clip, extensions: extensions, codebooks: codebooks, encoding: labelEncoding)
                    sentences.append(sentence)
                    report.frames += sentence.codes.frames
                    report.notes += notes.map { (clip.audio ?? clip.stem, $0) }
                } catch let error as OpahError where error.kind != .interrupted {
                    report.skipped.append(SkippedInput(path: clip.audio ?? clip.stem, error: error))
                }
                done += 1
                try progress(done, total)
            }
            guard !sentences.isEmpty else { continue }
            try writer.append(source: group.source, name: group.name, sentences: sentences)
            report.groups += 1
            report.sentences += sentences.count
        }
        guard report.sentences > 0 else {
            let first = report.skipped.first.map { " (\($0.path): \($0.reason))" } ?? ""
            throw OpahError(.data, "none of the \(total) clips could be packed\(first)", hint: report.skipped.first?.remedy)
        }
        report.shards = try writer.finish()
        return report
    }

    private struct Group { let source: String, name: String; var clips: [Clip] }

    private static func sentence(_ clip: Clip, extensions: [String], codebooks: Int?, encoding: String?) throws -> (PackedSentence, [String]) {
        guard let path = clip.codes else {
            throw OpahError(.data, "has no codes", hint: "run extract-vq first")
        }
        var texts: [String] = [], notes: [String] = []
        if let text = clip.text {
            texts = [packClean(text)]
        } else {
            for suffix in extensions {
                guard let label = clip.labels[suffix] else {
                    let others = clip.labels.keys.sorted()
                    throw OpahError(.text, "has no \(suffix) file beside it",
                                    hint: others.isEmpty ? "write what is said into \(PathName.last(clip.stem))\(suffix)"
                                        : "found \(others.joined(separator: ", ")): use --text-extension \(others[0])")
                }
                let found = try Label.read(label, extraEncoding: encoding)
                texts.append(found.packed)
                notes += found.notes
            }
        }
        return (PackedSentence(texts: texts, codes: try readCodes(path, codebooks: codebooks)), notes)
    }

    /// Codes as extraction writes them: an integer array [codebooks, frames] of values from 0.
    private static func readCodes(_ path: String, codebooks: Int?) throws -> SentenceCodes {
        let tensor = try Npy.load(path)
        guard tensor.dtype.isInteger else {
            throw OpahError(.data, "\(path): holds \(tensor.dtype.rawValue), not integer codes", hint: "extract it again")
        }
        guard tensor.rank == 2 else {
            throw OpahError(.data, "\(path): has the shape \(tensor.shape), not [codebooks, frames]", hint: "extract it again")
        }
        if let codebooks, tensor.shape[0] != codebooks {
            let turned = tensor.shape[1] == codebooks ? "; it looks transposed" : ""
            throw OpahError(.data, "\(path): has \(tensor.shape[0]) codebooks, not \(codebooks)\(turned)",
                            hint: "these codes come from another codec: remove the file and extract again")
        }
        guard tensor.shape[1] > 0 else {
            throw OpahError(.data, "\(path): holds no frames", hint: "the clip is shorter than one token (46 ms)")
        }
        return try SentenceCodes(tensor)
    }

    /// Packs of an earlier run would be trained on again; anything else in the folder is not ours to remove.
    private static func refuseForeignShards(_ output: String) throws {
        guard FileKind.exists(output) else { return }
        guard FileKind.isFolder(output) else { throw OpahError.system(output, errno: 20, doing: "write into it") }
    }
}
