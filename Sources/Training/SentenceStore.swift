import Formats
import Support
import Tensors

/// One clip as the packs hold it: its texts, its codes, and an id made from them, so that the same
/// clip has the same id in whatever pack, at whatever place, it turns up.
public struct Sentence: Sendable {
    public let texts: [String]
    public let codes: SentenceCodes
    public let id: UInt64
}

/// All sentences of one speaker.
public struct SentenceGroup: Sendable {
    public let source: String
    public let name: String
    public internal(set) var sentences: [Sentence]
}

/// Everything that the packs of a dataset hold, in memory: codes take 4 bytes each, so an hour of speech
/// (21.5 frames/s, 8 codebooks) takes 2.5 MB.
public struct SentenceStore: Sendable {
    public private(set) var groups: [SentenceGroup] = []
    /// Same data, same digest, whatever files it came from and in whatever order.
    public let digest: String

    /// - Parameter paths: .protos files, or folders whose .protos files are taken in order of name.
    public init(protos paths: [String]) throws {
        var files: [String] = []
        for path in paths { files += try PackFolder.shards(path) }
        guard !files.isEmpty else {
            throw OpahError(.data, "\(paths.joined(separator: ", ")): no .protos files",
                            hint: "make them with: opah run build-dataset --input data --output data/protos --text-extension .lab")
        }
        var places: [String: Int] = [:]
        for file in files {
            for group in try ProtosReader(file) {
                let group = try group()
                let sentences = try group.sentences.map { try Sentence(texts: $0.texts, codes: $0.codes, speaker: group.name) }
                let key = group.source + "\u{0}" + group.name
                if let place = places[key] {
                    groups[place].sentences += sentences
                } else {
                    places[key] = groups.count
                    groups.append(SentenceGroup(source: group.source, name: group.name, sentences: sentences))
                }
            }
        }
        guard groups.contains(where: { !$0.sentences.isEmpty }) else {
            throw OpahError(.data, "\(paths.joined(separator: ", ")): the packs hold no sentences",
                            hint: "run build-dataset again and look at what it skipped")
        }
        var sum: (UInt64, UInt64) = (0, 0)   // order-free: sums of ids and of their squares
        for sentence in groups.lazy.flatMap(\.sentences) {
            sum.0 &+= sentence.id
            sum.1 &+= sentence.id &* sentence.id
        }
        digest = String(sum.0, radix: 16) + "-" + String(sum.1, radix: 16)
    }

    public var sentenceCount: Int { groups.reduce(0) { $0 + $1.sentences.count } }
    public var frameCount: Int { groups.lazy.flatMap(\.sentences).reduce(0) { $0 + $1.codes.frames } }
}
