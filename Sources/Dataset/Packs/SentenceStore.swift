import Formats
import Support

/// What the packs of a dataset hold. Those on disk are read through an index (`PackIndex`): nothing of a clip is in
/// memory but 32 bytes about it.
public struct SentenceStore: Sendable {
    public let groups: [SentenceGroup]
    /// The same speakers, texts and codes in the same order have the same digest, whatever files they came from.
    public let digest: String
    /// What packs are read through.
    private let indexes: [PackIndex]

    /// - Parameter groups: of sentences in memory.
    public init(groups: [SentenceGroup]) {
        (self.groups, indexes) = (groups, [])
        let digest = StoreDigest()
        for group in groups {
            digest.begin(group.name, sentences: group.count)
            for place in 0 ..< group.count {
                // Only reading packs can fail, and it says so where rows are made.
                if let texts = try? group.texts(place) { digest.add(texts: texts, group.facts(place)) }
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
        indexes = try paths.map(PackIndex.open)
        guard indexes.contains(where: { !$0.contents.shards.isEmpty }) else {
            throw OpahError(.data, "\(paths.joined(separator: ", ")): no .protos files", hint: hint)
        }
        groups = indexes.flatMap { index in index.contents.groups.indices.map { SentenceGroup(index, group: $0) } }
        guard groups.contains(where: { $0.count > 0 }) else {
            throw OpahError(
                .data, "\(paths.joined(separator: ", ")): the packs hold no sentences",
                hint: "run build-dataset again and look at what it skipped")
        }
        if indexes.count == 1 {
            digest = indexes[0].contents.digest
        } else {
            let digest = StoreDigest()
            for group in groups {
                try Interrupt.check()
                digest.begin(group.name, sentences: group.count)
                for place in 0 ..< group.count { digest.add(texts: try group.texts(place), group.facts(place)) }
            }
            self.digest = digest.finish()
        }
        release()
    }

    public var sentenceCount: Int { groups.reduce(0) { $0 + $1.count } }
    public var frameCount: Int {
        groups.reduce(0) { sum, group in (0 ..< group.count).reduce(sum) { $0 + group.facts($1).frames } }
    }

    /// Gives back the memory of what was read of the packs so far.
    func release() { for index in indexes { index.release() } }
}

/// The digest of a store, clip by clip. Runs compare it when they go on: what is digested can never change.
struct StoreDigest {
    private let digest = Digest()

    func begin(_ name: String, sentences: Int) { digest.update("\u{1D}\(name)\u{1E}\(sentences)") }

    func add(texts: [String], _ facts: ClipFacts) {
        digest.update(texts.joined(separator: "\u{1F}") + "\u{1E}\(facts.codebooks)\u{1E}\(facts.id)")
    }

    /// Call it once.
    func finish() -> String { digest.finish() }
}
