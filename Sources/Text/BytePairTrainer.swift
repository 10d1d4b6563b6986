import Support

/// Learns a byte-level vocabulary from texts: byte-pair encoding as Hugging Face's BpeTrainer does it (Sennrich et al.
/// 2016).
///
/// Texts are cut into words as GPT-2 cuts them, words into bytes; then the pair of neighbours that occurs most often
/// becomes a token, again and again. Of pairs that are equally frequent, the one with the smaller ids is taken. Ids:
/// special tokens first, then the bytes, in the order of the characters that stand for them, then the merges in their
/// order.
public struct BytePairTrainer {
    private struct Pair: Hashable {
        let left: Int32, right: Int32
        func precedes(_ other: Pair) -> Bool { left != other.left ? left < other.left : right < other.right }
    }

    /// A word with the ids that it is made of now, and how often it was met.
    private struct Word {
        var ids: [Int32]
        let count: Int
    }

    private let pattern: PreTokenizer
    private var places: [[UInt8]: Int] = [:]
    private var words: [(bytes: [UInt8], count: Int)] = []

    public init() throws {
        pattern = try PreTokenizer(["type": "ByteLevel", "add_prefix_space": false, "use_regex": true])
    }

    /// Counts the words of a text.
    public mutating func add(_ text: String) throws {
        var pieces = Pieces(Array(text.utf8), startsDocument: true), budget = TextBudget(for: text.utf8.count)
        try pattern.apply(&pieces, &budget)
        for range in pieces.ranges {
            let word = Array(pieces.bytes[range])
            if let place = places[word] {
                words[place].count += 1
            } else {
                places[word] = words.count
                words.append((word, 1))
            }
        }
    }

    /// What was learned: the tokens' strings by id (bytes in the byte alphabet), and the merges in order.
    public struct Result: Sendable, Equatable {
        public var special: [String]
        public var tokens: [String]
        public var merges: [(String, String)]

        public static func == (a: Result, b: Result) -> Bool {
            a.special == b.special && a.tokens == b.tokens && a.merges.elementsEqual(b.merges, by: ==)
        }
    }

    /// - Parameters:
    ///   - size: tokens in all, special ones and bytes included; fewer when no pair is left.
    ///   - special: tokens that stand for themselves; they take the first ids.
    ///   - allBytes: gives every byte a token, so that any text can be written; otherwise those that were met.
    ///   - minimum: pairs that occur less often are not merged.
    public func train(size: Int, special: [String], allBytes: Bool = true, minimum: Int = 1) throws -> Result {
        var tokens = special, ids: [String: Int32] = [:]
        for (id, token) in special.enumerated() { ids[token] = Int32(id) }
        let decoded = words.map { String(decoding: $0.bytes, as: UTF8.self) }
        var alphabet = Set(decoded.joined().unicodeScalars)
        if allBytes {
            for byte in UInt8.min ... UInt8.max {
                alphabet.formUnion(String(decoding: ByteAlphabet.encode([byte]), as: UTF8.self).unicodeScalars)
            }
        }
        for scalar in alphabet.sorted() {
            ids[String(scalar)] = Int32(tokens.count)
            tokens.append(String(scalar))
        }
        guard size >= tokens.count else {
            throw OpahError(
                .argument,
                "a vocabulary of \(size) has no room for \(special.count) special tokens and \(alphabet.count) bytes",
                hint: "\(tokens.count) is the least")
        }
        var list = zip(words, decoded).map { word, text in
            Word(ids: text.unicodeScalars.map { ids[String($0)]! }, count: word.count)
        }
        var counts = PairCounts<Pair>()
        for (place, word) in list.enumerated() {
            for (left, right) in zip(word.ids, word.ids.dropFirst()) {
                counts.add(Pair(left: left, right: right), word.count, place)
            }
        }
        counts.build { $0.precedes($1) }

        var merges: [(String, String)] = []
        while tokens.count < size, let (pair, count) = counts.next({ $0.precedes($1) }), count >= max(minimum, 1) {
            try Interrupt.check()
            let (left, right) = (tokens[Int(pair.left)], tokens[Int(pair.right)]), joined = left + right
            // The same string may come about in two ways.
            let id = ids[joined] ?? Int32(tokens.count)
            if ids[joined] == nil {
                ids[joined] = id
                tokens.append(joined)
            }
            merges.append((left, right))
            for place in counts.take(pair) { Self.merge(pair, id, &list[place], place, &counts) }
            counts.changed { $0.precedes($1) }
        }
        return Result(special: special, tokens: tokens, merges: merges)
    }

    /// Replaces the pair everywhere in a word, and keeps the counts.
    private static func merge(
        _ pair: Pair, _ id: Int32, _ word: inout Word, _ place: Int, _ counts: inout PairCounts<Pair>
    ) {
        var result: [Int32] = [], index = 0
        result.reserveCapacity(word.ids.count)
        while index < word.ids.count {
            guard index + 1 < word.ids.count, word.ids[index] == pair.left, word.ids[index + 1] == pair.right else {
                result.append(word.ids[index])
                index += 1
                continue
            }
            if let before = result.last {
                counts.subtract(Pair(left: before, right: pair.left), word.count)
                counts.add(Pair(left: before, right: id), word.count, place)
            }
            if index + 2 < word.ids.count {
                let after = word.ids[index + 2]
                counts.subtract(Pair(left: pair.right, right: after), word.count)
                counts.add(Pair(left: id, right: after), word.count, place)
            }
            result.append(id)
            index += 2
        }
        word.ids = result
    }
}

/// How often pairs occur, where, and the most frequent of them: a heap whose entries may be out of date, and are then
/// put back with their present count.
private struct PairCounts<Pair: Hashable> {
    private struct Entry { let pair: Pair, count: Int }

    private var counts: [Pair: Int] = [:]
    private var places: [Pair: Set<Int>] = [:]
    private var heap: [Entry] = []
    private var fresh: Set<Pair> = []

    mutating func add(_ pair: Pair, _ count: Int, _ place: Int) {
        counts[pair, default: 0] += count
        places[pair, default: []].insert(place)
        fresh.insert(pair)
    }

    mutating func subtract(_ pair: Pair, _ count: Int) { counts[pair, default: 0] -= count }

    /// The places of a pair, in order, which is then no more.
    mutating func take(_ pair: Pair) -> [Int] {
        counts[pair] = nil
        fresh.remove(pair)
        return (places.removeValue(forKey: pair) ?? []).sorted()
    }

    mutating func build(_ precedes: (Pair, Pair) -> Bool) { changed(precedes) }

    /// Puts the pairs that were added to on the heap.
    mutating func changed(_ precedes: (Pair, Pair) -> Bool) {
        for pair in fresh { push(Entry(pair: pair, count: counts[pair] ?? 0), precedes) }
        fresh = []
    }

    /// The most frequent pair, the first of equals.
    mutating func next(_ precedes: (Pair, Pair) -> Bool) -> (Pair, Int)? {
        while let top = pop(precedes) {
            guard let count = counts[top.pair], count > 0 else { continue }
            guard count == top.count else {
                push(Entry(pair: top.pair, count: count), precedes)
                continue
            }
            return (top.pair, count)
        }
        return nil
    }

    private func isBefore(_ a: Entry, _ b: Entry, _ precedes: (Pair, Pair) -> Bool) -> Bool {
        a.count != b.count ? a.count > b.count : precedes(a.pair, b.pair)
    }

    private mutating func push(_ entry: Entry, _ precedes: (Pair, Pair) -> Bool) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard isBefore(heap[child], heap[parent], precedes) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func pop(_ precedes: (Pair, Pair) -> Bool) -> Entry? {
        guard let top = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return top }
        heap[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, isBefore(heap[child + 1], heap[child], precedes) { child += 1 }
            guard isBefore(heap[child], heap[parent], precedes) else { break }
            heap.swapAt(child, parent)
            parent = child
        }
        return top
    }
}
