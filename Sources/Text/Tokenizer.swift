import Support
import Synchronization

/// A piece of what is encoded together.
public enum TextPart {
    /// A turn's own words: `<|im_end|>` in it is the control token.
    case control(String)
    /// Somebody's text, in which it is eleven characters.
    case plain(String)
}

/// A tokenizer in Hugging Face form (`tokenizer.json` with a byte-pair model, and the two small files
/// beside it), or in tiktoken's (`tokenizer.tiktoken` and `special_tokens.json`). Text becomes the same ids as with
/// `AutoTokenizer` and `add_special_tokens=False`, or as with `FishTokenizer`.
///
/// Ids are 0-based, as in the files. Usable from several threads at once.
public final class Tokenizer: Sendable {
    /// The folder that it was read from.
    public let directory: String
    /// The number of distinct tokens: `len(tokenizer)` of transformers.
    public let count: Int
    public let beginId: Int?
    public let endId: Int?
    public let padId: Int?
    public let unknownId: Int?

    private let normalizer: Normalizer?
    private let preTokenizer: PreTokenizer?
    private let decoder: TokenDecoder?
    private let model: any WordModel
    private let added: [[UInt8]: Int]
    private let addedContents: [Int: String]
    private let specialIds: Set<Int32>
    /// Those that plain text never becomes, the special ones among them.
    private let controlIds: Set<Int32>
    private let rawFinder: AddedTokenFinder   // in the text as it is
    private let normalizedFinder: AddedTokenFinder   // after the normalizer
    private let cache = Mutex(WordCache())
    /// Longer texts are cut there before anything else, whatever stands there; nil cuts none. In Unicode scalars.
    private let longestText: Int?
    /// The files that saving copies; the first must be there.
    private let files: [String]

    /// Whether a folder has a tokenizer.
    public static func exists(in directory: String) -> Bool {
        [TiktokenFile.name, "tokenizer.json"].contains { FileKind.exists(directory + "/" + $0) }
    }

    /// Reads the tokenizer of a folder: `tokenizer.tiktoken` where there is one, else `tokenizer.json`, with the small
    /// files beside it. Throws `.file` when both are missing and `.format` when it is no byte-pair tokenizer.
    public convenience init(directory: String) throws {
        if FileKind.exists(directory + "/" + TiktokenFile.name) {
            try self.init(directory, try TiktokenFile(directory: directory))
        } else {
            try self.init(huggingFace: directory)
        }
    }

    private init(_ directory: String, _ file: TiktokenFile) throws {
        self.directory = directory
        (normalizer, decoder, longestText) = (nil, .fuse, 400_000)
        files = [TiktokenFile.name, TiktokenFile.specialName]
        preTokenizer = .split(.regex(try Pattern(TiktokenFile.pattern)), .isolated, invert: false)
        model = RankedPairs(vocabulary: file.vocabulary)
        var finder = AddedTokenFinder()
        for (content, id) in file.special {
            finder.insert(AddedToken(special: content, id: id), spelling: Array(content.utf8))
        }
        (rawFinder, normalizedFinder) = (finder, AddedTokenFinder())
        added = Dictionary(
            file.special.map { (Array($0.content.utf8), $0.id) }, uniquingKeysWith: { first, _ in first })
        addedContents = Dictionary(file.special.map { ($0.id, $0.content) }, uniquingKeysWith: { first, _ in first })
        specialIds = Set(addedContents.keys.lazy.map { Int32($0) })
        controlIds = specialIds
        count = file.vocabulary.count + addedContents.count
        let added = added
        func id(_ content: String) -> Int? { added[Array(content.utf8)] }
        (beginId, endId, padId, unknownId) = (id("<|begin_of_text|>"), id("<|end_of_text|>"), id("<|pad|>"), nil)
    }

    /// Reads `tokenizer.json` (needed), `tokenizer_config.json` and `special_tokens_map.json`.
    private init(huggingFace directory: String) throws {
        self.directory = directory
        longestText = nil
        files = [
            "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
            "merges.txt"
        ]
        let file: TokenizerFile
        do {
            file = try TokenizerFile(path: directory + "/tokenizer.json")
        } catch let error as OpahError where error.kind == .file {
            throw OpahError(
                .file, error.message,
                hint: "a checkpoint folder holds tokenizer.json (fish-speech 1.4) or tokenizer.tiktoken (1.5)")
        }
        let special = try SpecialTokens(directory: directory)

        var tokens: [AddedToken] = []
        var places: [[UInt8]: Int] = [:]
        var nextId = file.vocabulary.count   // for a token to which no file gives an id
        func add(_ token: AddedToken) {
            let key = Array(token.content.utf8)
            if let place = places[key] {
                tokens[place].isSpecial = tokens[place].isSpecial || token.isSpecial
                return
            }
            guard !key.isEmpty else { return }
            var token = token
            if let id = file.vocabulary.id(key) { token.id = Int(id) }
            places[key] = tokens.count
            tokens.append(token)
            nextId = max(nextId, token.id + 1)
        }
        file.added.forEach(add)
        special.added.forEach(add)
        for content in special.all { add(AddedToken(special: content, id: nextId)) }

        var raw = AddedTokenFinder(), normalized = AddedTokenFinder()
        // All spellings together: each of their bytes costs sixteen.
        var spellings = TextBudget(for: 0)
        for token in tokens {
            let spelling = Array(token.content.utf8)
            if token.isNormalized {
                normalized.insert(token, spelling: try file.normalizer?.apply(spelling, &spellings) ?? spelling)
            } else {
                raw.insert(token, spelling: spelling)
            }
        }
        normalizer = file.normalizer
        preTokenizer = file.preTokenizer
        decoder = file.decoder
        rawFinder = raw
        normalizedFinder = normalized
        added = places.mapValues { tokens[$0].id }
        addedContents = Dictionary(tokens.map { ($0.id, $0.content) }, uniquingKeysWith: { first, _ in first })
        specialIds = Set(tokens.lazy.filter(\.isSpecial).map { Int32($0.id) })
        controlIds = Set(tokens.lazy.filter(\.isControl).map { Int32($0.id) })
        count = file.vocabulary.count + tokens.count { file.vocabulary.id(Array($0.content.utf8)) == nil }
        do {
            model = try BytePairs(file.vocabulary, merges: file.merges, file.options, special: controlIds)
        } catch let error as OpahError {
            throw error.at(directory + "/tokenizer.json")
        }
        let added = added
        func id(_ content: String?) -> Int? {
            content.flatMap { added[Array($0.utf8)] ?? file.vocabulary.id(Array($0.utf8)).map(Int.init) }
        }
        beginId = id(special.begin)
        endId = id(special.end)
        padId = id(special.padding)
        unknownId = id(special.unknown ?? file.options.unknownToken)
    }

    /// The ids of a text.
    /// - Parameter allowSpecial: whether `<|im_end|>` in the text means the special token. With false it is
    ///   plain text, whatever it spells: for text that comes from elsewhere.
    public func encode(_ text: String, allowSpecial: Bool = true) throws -> [Int] {
        var ids: [Int] = [], rest = text.unicodeScalars[...]
        while let longestText, let end = rest.index(rest.startIndex, offsetBy: longestText, limitedBy: rest.endIndex),
            end < rest.endIndex
        {
            ids += try encode([allowSpecial ? .control(String(rest[..<end])) : .plain(String(rest[..<end]))])
            rest = rest[end...]
        }
        let last = ids.isEmpty ? text : String(rest)
        return ids + (try encode([allowSpecial ? .control(last) : .plain(last)]))
    }

    /// The ids of parts that stand one behind the other: those of the whole text, as if it had been encoded at once,
    /// but that nothing in the plain parts is a control token.
    public func encode(_ parts: [TextPart]) throws -> [Int] {
        var ids: [Int32] = []
        var result: [Int] = []
        var text: [UInt8] = []
        var literal: [Range<Int>] = []
        for part in parts {
            switch part {
            case .control(let own): text += own.utf8
            case .plain(let other):
                text += other.utf8
                literal.append(text.count - other.utf8.count ..< text.count)
            }
        }
        var budget = TextBudget(for: text.count)
        try text.withUnsafeBufferPointer { bytes in
            for part in rawFinder.split(bytes, literal: literal) {
                switch part {
                case .token(let id): ids.append(Int32(id))
                case .text(let range):
                    for (range, isLiteral) in pieces(of: range, literal) {
                        try encode(
                            plain: Array(bytes[range]), startsDocument: range.lowerBound == 0, isLiteral, &budget, &ids)
                    }
                }
            }
        }
        result.reserveCapacity(ids.count)
        for id in ids { result.append(Int(id)) }
        return result
    }

    /// A stretch of text, in one, with whether control tokens in it mean nothing. Where some are sought after the
    /// normalizer as well, it is cut at the ends of the plain parts, so that those of the other parts are found.
    private func pieces(of range: Range<Int>, _ literal: [Range<Int>]) -> [(Range<Int>, Bool)] {
        let inside = literal.filter { $0.overlaps(range) }
        guard !inside.isEmpty, !normalizedFinder.isEmpty else { return [(range, !inside.isEmpty)] }
        var pieces: [(Range<Int>, Bool)] = [], place = range.lowerBound
        for part in inside.map({ $0.clamped(to: range) }) {
            if place < part.lowerBound { pieces.append((place ..< part.lowerBound, false)) }
            pieces.append((part, true))
            place = part.upperBound
        }
        if place < range.upperBound { pieces.append((place ..< range.upperBound, false)) }
        return pieces
    }

    private func encode(
        plain bytes: [UInt8], startsDocument: Bool, _ isLiteral: Bool, _ budget: inout TextBudget,
        _ ids: inout [Int32]
    ) throws {
        let text = try normalizer?.apply(bytes, &budget) ?? bytes
        for part in text.withUnsafeBufferPointer({
            normalizedFinder.split($0, literal: isLiteral ? [0 ..< $0.count] : [])
        }) {
            guard case .text(let range) = part else {
                if case .token(let id) = part { ids.append(Int32(id)) }
                continue
            }
            var pieces = Pieces(Array(text[range]), startsDocument: startsDocument && range.lowerBound == 0)
            try preTokenizer?.apply(&pieces, &budget)
            try pieces.bytes.withUnsafeBufferPointer { all in
                for range in pieces.ranges { try encode(word: UnsafeBufferPointer(rebasing: all[range]), &ids) }
            }
        }
    }

    private func encode(word: UnsafeBufferPointer<UInt8>, _ ids: inout [Int32]) throws {
        guard word.count <= WordCache.longestWord else {
            try Interrupt.check()
            return try model.encode(word, special: controlIds, into: &ids)
        }
        if cache.withLock({ $0.append(word, to: &ids) }) { return }
        let start = ids.count
        try model.encode(word, special: controlIds, into: &ids)
        cache.withLock { $0.remember(word, ids[start...]) }
    }

    /// The text of ids. Ids without a token are passed over; broken UTF-8 becomes U+FFFD.
    public func decode(_ ids: some Sequence<Int>, skipSpecial: Bool = false) throws -> String {
        let tokens = ids.compactMap { id -> [UInt8]? in
            if skipSpecial, isSpecial(id) { return nil }
            return bytes(of: id)
        }
        guard let decoder else {
            return String(decoding: Array(tokens.joined(separator: " ".utf8)), as: UTF8.self)
        }
        var budget = TextBudget(for: tokens.reduce(0) { $0 + $1.count + 4 })
        return String(decoding: try decoder.apply(tokens, &budget).flatMap { $0 }, as: UTF8.self)
    }

    /// The id of a token by its spelling in the vocabulary, such as `<|semantic|>`.
    public func id(of token: String) -> Int? {
        added[Array(token.utf8)] ?? model.vocabulary.id(Array(token.utf8)).map(Int.init)
    }

    /// The token as the vocabulary spells it.
    public func token(of id: Int) -> String? { bytes(of: id).map { String(decoding: $0, as: UTF8.self) } }

    /// Whether decoding with `skipSpecial` leaves the id out.
    public func isSpecial(_ id: Int) -> Bool { Int32(exactly: id).map(specialIds.contains) ?? false }

    /// The special tokens and their ids.
    public var specialTokens: [String: Int] {
        Dictionary(
            addedContents.filter { isSpecial($0.key) }.map { ($0.value, $0.key) },
            uniquingKeysWith: { first, _ in first })
    }

    private func bytes(of id: Int) -> [UInt8]? {
        addedContents[id].map { Array($0.utf8) } ?? model.vocabulary.token(id).map(Array.init)
    }

    /// Tells its files from others, as they are now.
    public func digest() throws -> String {
        let digest = Digest()
        for name in files {
            let path = directory + "/" + name
            guard name == files[0] || FileKind.exists(path) else { continue }
            let file = try MappedFile(path)
            digest.update("\(name)\0\(file.bytes.count)\0")
            file.withBytes { digest.update($0) }
        }
        return digest.finish()
    }

    /// Copies the tokenizer's files, byte for byte, to another folder (which must exist).
    public func save(to folder: String) throws {
        for name in files {
            do {
                let file = try MappedFile(directory + "/" + name)
                let copy = try AtomicFile(folder + "/" + name)
                try file.withBytes { try copy.write($0) }
                try copy.commit()
            } catch let error as OpahError where name != files[0] && error.message.contains("No such file") {
                continue
            }
        }
    }
}

/// The ids of words that were met before; speech text repeats its words.
private struct WordCache {
    static let longestWord = 64
    private var words = ByteTable()
    private var ids: [Int32] = []
    private var ends: [Int] = []

    func append(_ word: UnsafeBufferPointer<UInt8>, to result: inout [Int32]) -> Bool {
        guard let entry = words.find(word) else { return false }
        result.append(contentsOf: ids[(entry == 0 ? 0 : ends[entry - 1]) ..< ends[entry]])
        return true
    }

    mutating func remember(_ word: UnsafeBufferPointer<UInt8>, _ wordIds: ArraySlice<Int32>) {
        if words.count >= 1 << 15 { self = WordCache() }
        guard words.insert(word).isNew else { return }
        ids.append(contentsOf: wordIds)
        ends.append(ids.count)
    }
}
