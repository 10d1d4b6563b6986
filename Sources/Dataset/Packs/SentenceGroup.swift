import Formats
import Support

/// One clip as the packs hold it.
public struct Sentence: Sendable {
    public let texts: [String]
    public let codes: SentenceCodes
    /// Made from the codes: the same recording has the same id in whatever pack, at whatever place, it turns up.
    public let id: UInt64
    /// The clip that it was packed from, where somebody says so: for messages.
    public let clip: String?

    public init(texts: [String], codes: SentenceCodes, clip: String? = nil) {
        (self.texts, self.codes, self.clip) = (texts, codes, clip)
        id = codes.values.withUnsafeBytes { UInt64(Digest.of($0).prefix(16), radix: 16)! }
    }

    var facts: ClipFacts {
        ClipFacts(
            id: id, frames: codes.frames, codebooks: codes.codebooks, largestCode: Int(codes.values.max() ?? 0),
            texts: texts.count)
    }
}

/// What is known of a clip without reading its codes.
public struct ClipFacts: Equatable, Sendable {
    /// As `Sentence.id`.
    public let id: UInt64
    public let frames: Int, codebooks: Int
    /// 0 where there is no code.
    public let largestCode: Int
    /// How many.
    public let texts: Int
}

/// All clips of one speaker: in memory, or in a pack, from which each is read when it is asked for.
/// Places count from 0.
public struct SentenceGroup: Sendable {
    /// `folder` or `filelist`.
    public let source: String
    /// The speaker.
    public let name: String
    private let content: Content
    private enum Content: Sendable { case memory([Sentence]), packed(PackIndex, group: Int) }

    public init(source: String, name: String, sentences: [Sentence]) {
        (self.source, self.name, content) = (source, name, .memory(sentences))
    }

    init(_ index: PackIndex, group: Int) {
        let found = index.contents.groups[group]
        (source, name, content) = (found.source, found.name, .packed(index, group: group))
    }

    public var count: Int {
        switch content {
        case .memory(let sentences): sentences.count
        case .packed(let index, let group): index.contents.groups[group].count
        }
    }

    public func facts(_ place: Int) -> ClipFacts {
        switch content {
        case .memory(let sentences): sentences[place].facts
        case .packed(let index, let group): index.record(place, of: group).facts
        }
    }

    public func texts(_ place: Int) throws -> [String] {
        switch content {
        case .memory(let sentences): sentences[place].texts
        case .packed(let index, let group): try index.texts(place, of: group)
        }
    }

    public func sentence(_ place: Int) throws -> Sentence {
        switch content {
        case .memory(let sentences): sentences[place]
        case .packed(let index, let group): try index.sentence(place, of: group)
        }
    }

    /// The index that it is read through, and its own place in it; nil in memory.
    var packed: (index: PackIndex, group: Int)? {
        if case .packed(let index, let group) = content { (index, group) } else { nil }
    }
}

/// What messages call clips. A pack's list of them may be long: it is read when the first name is asked for, and kept
/// as long as this value.
struct ClipNames {
    private var lists: [ObjectIdentifier: [String]] = [:]

    /// The clip, or where the packs do not say which (the original's), how its text begins.
    mutating func name(_ place: Int, of group: SentenceGroup) -> String {
        if let (index, number) = group.packed {
            let list = lists[ObjectIdentifier(index)] ?? index.clips()
            lists[ObjectIdentifier(index)] = list
            let position = index.contents.groups[number].first + place
            if position < list.count { return list[position] }
        } else if let clip = try? group.sentence(place).clip {
            return clip
        }
        return "\(group.name): \u{201C}\(((try? group.texts(place))?.first ?? "").prefix(40))\u{201D}"
    }
}
