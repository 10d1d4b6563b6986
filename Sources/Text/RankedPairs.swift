import Support

/// What turns one word into ids.
protocol WordModel: Sendable {
    var vocabulary: Vocabulary { get }
    /// Appends the ids of one word, which is valid UTF-8.
    /// - Parameter special: ids that no ordinary text may ever become.
    func encode(_ word: UnsafeBufferPointer<UInt8>, special: Set<Int32>, into ids: inout [Int32]) throws
}

extension BytePairs: WordModel {}

/// Byte-pair encoding without a list of merges, as tiktoken has it: two neighbours may be joined when their bytes
/// together are a token, and the pair whose token has the lowest rank (the leftmost of equals) goes first. A word that
/// is a token is that one.
struct RankedPairs: WordModel {
    /// Tokens by their bytes; the id is the rank. Every single byte is among them.
    let vocabulary: Vocabulary
    private let byteIds: [Int32]

    init(vocabulary: Vocabulary) {
        self.vocabulary = vocabulary
        byteIds = (0 ..< 256).map { vocabulary.id([UInt8($0)]) ?? 0 }
    }

    func encode(_ word: UnsafeBufferPointer<UInt8>, special: Set<Int32>, into ids: inout [Int32]) throws {
        if let id = vocabulary.id(word) {
            ids.append(id)
            return
        }
        // Symbol i begins at byte i, so its neighbours say where it ends.
        var symbols = BytePairs.row(word.lazy.map { byteIds[Int($0)] })
        try BytePairs.join(&symbols) { symbols, left, right in
            let next = symbols[right].next
            let end = next < 0 ? word.count : Int(next)
            guard end - left <= TiktokenFile.longestToken,
                let id = vocabulary.id(UnsafeBufferPointer(rebasing: word[left ..< end]))
            else { return nil }
            return Merge(rank: id, id: id)
        }
        for symbol in symbols where symbol.id >= 0 { ids.append(symbol.id) }
    }
}
