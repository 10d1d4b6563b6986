import Support

/// The byte-pair-encoding model of a tokenizer: a vocabulary, and merges in order of their rank.
///
/// A word starts as its characters; the neighbouring pair of the lowest rank (the leftmost of equals) is
/// joined until no pair has a merge.
struct BytePairs: Sendable {
    var vocabulary = Vocabulary()
    private var merges = MergeTable()
    private let options: Options
    private let byteIds: [Int32]   // ids of <0x00> ... <0xFF>, -1 where missing
    private let unknown: Int32   // -1 where missing

    struct Options: Sendable {
        var unknownToken: String?
        var fuseUnknown = false
        var byteFallback = false
        var ignoreMerges = false
        var prefix: [UInt8] = []   // continuing_subword_prefix
        var suffix: [UInt8] = []   // end_of_word_suffix
    }

    /// - Parameters:
    ///   - pairs: the merges, the lowest rank first
    ///   - special: ids that no ordinary text may ever become; merges that make one are left out
    init(_ vocabulary: Vocabulary, merges pairs: MergePairs, _ options: Options, special: Set<Int32>) throws {
        self.vocabulary = vocabulary
        self.options = options
        let hex = Array("0123456789ABCDEF".utf8)
        byteIds = (0 ..< 256).map { byte in
            vocabulary.id(Array("<0x".utf8) + [hex[byte >> 4], hex[byte & 15]] + Array(">".utf8)) ?? -1
        }
        unknown = options.unknownToken.flatMap { vocabulary.id(Array($0.utf8)) } ?? -1
        merges = MergeTable(capacity: pairs.count)
        var product: [UInt8] = []
        for rank in 0 ..< pairs.count {
            let (left, right) = pairs[rank]
            product.removeAll(keepingCapacity: true)
            product += left
            // A prefix that marks word continuations stands once in the product.
            product += right.starts(with: options.prefix) ? right.dropFirst(options.prefix.count) : right
            guard let leftId = vocabulary.id(left), let rightId = vocabulary.id(right), let id = vocabulary.id(product)
            else {
                let text = String(decoding: left + [32] + right, as: UTF8.self)
                throw OpahError(
                    .format, "merge \(rank) (\(text.prefix(80))) uses or makes a token that is not in the vocabulary")
            }
            if !special.contains(id) { merges.insert(leftId, rightId, Merge(rank: Int32(rank), id: id)) }
        }
    }

    /// Appends the ids of one word, which is valid UTF-8.
    func encode(_ word: UnsafeBufferPointer<UInt8>, special: Set<Int32>, into ids: inout [Int32]) throws {
        if options.ignoreMerges, let id = vocabulary.id(word), !special.contains(id) { ids.append(id); return }
        var symbols = try characters(word)
        try Self.join(&symbols) { symbols, left, right in merges[symbols[left].id, symbols[right].id] }
        for symbol in symbols where symbol.id >= 0 { ids.append(symbol.id) }
    }

    struct Symbol {
        var id: Int32   // -1: joined to the symbol on its left
        var previous: Int32
        var next: Int32   // -1 at the end
    }

    /// Symbols of these ids as a linked row.
    static func row(_ ids: some Collection<Int32>) -> [Symbol] {
        let last = Int32(ids.count) - 1
        return zip(Int32(0)..., ids).map { Symbol(id: $1, previous: $0 - 1, next: $0 == last ? -1 : $0 + 1) }
    }

    /// The characters of the word as a linked row.
    private func characters(_ word: UnsafeBufferPointer<UInt8>) throws -> [Symbol] {
        var symbols: [Symbol] = []
        symbols.reserveCapacity(word.count)
        func add(_ id: Int32) {
            symbols.append(Symbol(id: id, previous: Int32(symbols.count) - 1, next: Int32(symbols.count) + 1))
        }
        var hasPendingUnknown = false
        var decorated: [UInt8] = []
        var start = 0
        while start < word.count {
            var end = start + 1
            while end < word.count, word[end] & 0xC0 == 0x80 { end += 1 }
            let character = UnsafeBufferPointer(rebasing: word[start ..< end])
            let id: Int32?
            if options.prefix.isEmpty && options.suffix.isEmpty {
                id = vocabulary.id(character)
            } else {
                decorated = (start > 0 ? options.prefix : []) + character + (end == word.count ? options.suffix : [])
                id = vocabulary.id(decorated)
            }
            if let id {
                if hasPendingUnknown { add(unknown); hasPendingUnknown = false }
                add(id)
            } else if options.byteFallback, character.allSatisfy({ byteIds[Int($0)] >= 0 }) {
                for byte in character { add(byteIds[Int(byte)]) }
            } else if let token = options.unknownToken {
                guard unknown >= 0 else {
                    throw OpahError(.format, "the unknown token \(token) is not in the vocabulary")
                }
                if hasPendingUnknown && !options.fuseUnknown { add(unknown) }
                hasPendingUnknown = true
            }
            start = end
        }
        if hasPendingUnknown { add(unknown) }
        if !symbols.isEmpty { symbols[symbols.count - 1].next = -1 }
        return symbols
    }

    /// Joins neighbours until no pair has a merge, always the pair of the lowest rank, and of equals the leftmost.
    /// - Parameter merge: what the symbols at two places become, one of which follows the other; nil when they stay
    ///   apart.
    @inline(__always)
    static func join(_ symbols: inout [Symbol], _ merge: ([Symbol], _ left: Int, _ right: Int) -> Merge?) throws {
        var queue = MergeQueue()
        func consider(_ left: Int32, _ right: Int32) {
            guard left >= 0, right >= 0, let merge = merge(symbols, Int(left), Int(right)) else { return }
            queue.push(MergeQueue.Entry(rank: merge.rank, position: left, id: merge.id))
        }
        for left in symbols.indices.dropLast() { consider(Int32(left), Int32(left) + 1) }
        var steps = 0
        while let best = queue.pop() {
            steps += 1
            if steps & 0xFFFF == 0 { try Interrupt.check() }
            let left = Int(best.position)
            let right = Int(symbols[left].next)
            // Either half may have changed since the entry was made.
            guard symbols[left].id >= 0, right >= 0, merge(symbols, left, right)?.id == best.id else { continue }
            symbols[left].id = best.id
            symbols[left].next = symbols[right].next
            symbols[right].id = -1
            if symbols[left].next >= 0 { symbols[Int(symbols[left].next)].previous = Int32(left) }
            consider(symbols[left].previous, Int32(left))
            consider(Int32(left), symbols[left].next)
        }
    }
}

/// Tokens and their ids, both ways.
struct Vocabulary: Sendable {
    private var table = ByteTable(capacity: 1 << 15)
    private var ids: [Int32] = []   // by entry
    private var entries: [Int32] = []   // by id, -1 where none

    /// Ids beyond this come from no real file, and would only cost memory.
    static let idLimit = 1 << 22

    var count: Int { table.count }
    var idEnd: Int { entries.count }

    mutating func insert(_ token: UnsafeBufferPointer<UInt8>, id: Int) {
        let (entry, isNew) = table.insert(token)
        if isNew { ids.append(Int32(id)) } else { ids[entry] = Int32(id) }
        while entries.count <= id { entries.append(-1) }
        entries[id] = Int32(entry)
    }

    func id(_ token: UnsafeBufferPointer<UInt8>) -> Int32? { table.find(token).map { ids[$0] } }
    func id(_ token: some Collection<UInt8>) -> Int32? { table.find(token).map { ids[$0] } }

    func token(_ id: Int) -> ArraySlice<UInt8>? {
        guard entries.indices.contains(id), entries[id] >= 0 else { return nil }
        return table.bytes(Int(entries[id]))
    }
}

/// The two sides of each merge as bytes, in one array.
struct MergePairs {
    private var arena: [UInt8] = []
    private var ends: [(Int, Int)] = []

    var count: Int { ends.count }

    mutating func append(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) {
        arena += left
        let middle = arena.count
        arena += right
        ends.append((middle, arena.count))
    }

    subscript(rank: Int) -> (left: ArraySlice<UInt8>, right: ArraySlice<UInt8>) {
        let (middle, end) = ends[rank]
        return (arena[(rank == 0 ? 0 : ends[rank - 1].1) ..< middle], arena[middle ..< end])
    }
}
