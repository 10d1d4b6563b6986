import Formats
import Support

/// One clip as the packs hold it.
public struct Sentence: Sendable {
    public let texts: [String]
    public let codes: SentenceCodes
    /// Made from the codes: the same recording has the same id in whatever pack, at whatever place, it turns up.
    public let id: UInt64
    /// The clip that it was packed from, where the packs say so: for messages.
    public let clip: String?

    public init(texts: [String], codes: SentenceCodes, clip: String? = nil) {
        (self.texts, self.codes, self.clip) = (texts, codes, clip)
        id = codes.values.withUnsafeBytes { UInt64(Digest.of($0).prefix(16), radix: 16)! }
    }
}

/// All sentences of one speaker.
public struct SentenceGroup: Sendable {
    /// `folder` or `filelist`.
    public let source: String
    /// The speaker.
    public let name: String
    public var sentences: [Sentence]

    public init(source: String, name: String, sentences: [Sentence]) {
        (self.source, self.name, self.sentences) = (source, name, sentences)
    }
}

/// Everything that the packs of a dataset hold, in memory: codes take 4 bytes each, so an hour of speech
/// (21.5 frames/s, 8 codebooks) takes 2.5 MB.
public struct SentenceStore: Sendable {
    public private(set) var groups: [SentenceGroup]
    /// The same speakers, texts and codes in the same order have the same digest, whatever files they came from.
    public let digest: String

    public init(groups: [SentenceGroup]) {
        self.groups = groups
        let digest = Digest()
        for group in groups {
            digest.update("\u{1D}\(group.name)\u{1E}\(group.sentences.count)")
            for sentence in group.sentences {
                digest.update(sentence.texts.joined(separator: "\u{1F}") + "\u{1E}\(sentence.codes.codebooks)\u{1E}\(sentence.id)")
            }
        }
        self.digest = digest.finish()
    }

    /// - Parameter paths: .protos files, or folders whose .protos files are taken in order of name.
    public init(protos paths: [String]) throws {
        let hint = "make packs with: opah run build-dataset --input data --output data/protos --text-extension .lab"
        if let missing = paths.first(where: { !FileKind.exists($0) }) {
            throw OpahError(.file, "\(missing): there is no such file or folder of packs", hint: hint)
        }
        let packs = try paths.map { (shards: try PackFolder.shards($0), clips: try PackFolder.clips($0)) }, files = packs.flatMap(\.shards)
        guard !files.isEmpty else { throw OpahError(.data, "\(paths.joined(separator: ", ")): no .protos files", hint: hint) }
        var groups: [SentenceGroup] = []
        for pack in packs {
            var clips = pack.clips.makeIterator()
            for file in pack.shards {
                let reader = try ProtosReader(file)
                while let group = try reader.next() {
                    let sentences = try group.sentences.enumerated().map { place, sentence in
                        let clip = clips.next()
                        do { return Sentence(texts: sentence.texts, codes: try SentenceCodes(rows: sentence.codes), clip: clip) }
                        catch let error as OpahError { throw error.at(clip ?? "\(file): sentence \(place + 1) of \(group.name)") }
                    }
                    groups.append(SentenceGroup(source: group.source, name: group.name, sentences: sentences))
                }
            }
        }
        guard groups.contains(where: { !$0.sentences.isEmpty }) else {
            throw OpahError(.data, "\(paths.joined(separator: ", ")): the packs hold no sentences",
                            hint: "run build-dataset again and look at what it skipped")
        }
        self.init(groups: groups)
    }

    public var sentenceCount: Int { groups.reduce(0) { $0 + $1.sentences.count } }
    public var frameCount: Int { groups.lazy.flatMap(\.sentences).reduce(0) { $0 + $1.codes.frames } }
}
