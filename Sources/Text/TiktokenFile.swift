import Foundation
import Support

/// What `tokenizer.tiktoken` and `special_tokens.json` hold: the tokenizer of fish-speech 1.5 and later.
///
/// The first has a line `<base64 of the token's bytes> <rank>` for each token; the rank is the id, and says how early
/// two neighbours are joined. Special tokens are in neither's ranks: they follow the last one, in a fixed order.
struct TiktokenFile {
    /// Every token by its bytes, with its rank.
    private(set) var vocabulary = Vocabulary()
    /// Control tokens with their ids. Two may share one: the later files have renamed some that nothing uses.
    private(set) var special: [(content: String, id: Int)] = []

    static let name = "tokenizer.tiktoken", specialName = "special_tokens.json"
    /// No word is joined to a longer token: the longest of real files has 128 bytes.
    static let longestToken = 1024

    /// How text is cut into words. `(\?!\S)` was meant to be a lookahead and is not: the released models were trained
    /// so.
    static let pattern = [
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)", #"\p{P}"#, #"[^\r\n\p{L}\p{N}]?\p{L}+"#, #"\p{N}"#,
        #" ?[^\s\p{L}\p{N}]+[\r\n]*"#,
        #"\s*[\r\n]+"#, #"\s+(\?!\S)"#, #"\s+"#
    ].joined(separator: "|")

    /// The control tokens of 1.5, in the order of their ids.
    static let specialTokens =
        [
            "begin_of_text", "end_of_text", "pad", "im_start", "im_end", "placeholder:0", "placeholder:1",
            "placeholder:2", "placeholder:3", "text", "voice", "interleave"
        ].map { "<|\($0)|>" }
        + (0 ..< 1024).map { "<|semantic:\($0)|>" }

    init(directory: String) throws {
        let file = try MappedFile(directory + "/" + Self.name)
        try TokenizerFile.refuseImpostors(file)
        let ranks = try file.withBytes { try readRanks($0, file.path) }
        try readSpecial(directory + "/" + Self.specialName, ranks: ranks)
    }

    // MARK: Ranks

    /// - Returns: how many ranks there are.
    private mutating func readRanks(_ bytes: UnsafeRawBufferPointer, _ path: String) throws -> Int {
        var ranks = 0
        var line = 0
        var start = 0
        while start < bytes.count {
            line += 1
            if line & 0xFFFF == 0 { try Interrupt.check() }
            var end = start
            while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
            var text = bytes[start ..< end]
            start = end + 1
            if text.last == UInt8(ascii: "\r") { text.removeLast() }
            if text.isEmpty { continue }
            guard let space = text.firstIndex(of: UInt8(ascii: " ")), let rank = Self.number(text[(space + 1)...]),
                let token = Self.bytes(text[..<space])
            else {
                throw OpahError(
                    .format, "\(name: path): line \(line) is not a token in base64, a space, and its rank",
                    hint: "the file is damaged; download it again")
            }
            ranks = max(ranks, rank + 1)
            // Later files have a line for the token without bytes, which no text ever is.
            if token.isEmpty { continue }
            guard token.count <= Self.longestToken, vocabulary.token(rank) == nil, vocabulary.id(token) == nil else {
                throw OpahError(
                    .format,
                    "\(name: path): line \(line): "
                        + (token.count > Self.longestToken
                            ? "a token of \(token.count) bytes is too long"
                            : "this token or the rank \(rank) came before"),
                    hint: "the file is damaged; download it again")
            }
            token.withUnsafeBufferPointer { vocabulary.insert($0, id: rank) }
        }
        let missing = (0 ..< 256).filter { vocabulary.id([UInt8($0)]) == nil }
        guard missing.isEmpty else {
            throw OpahError(
                .format,
                "\(name: path): \(missing.count) of the 256 single bytes have no token, the first is \(missing[0])",
                hint: "the file is damaged; download it again")
        }
        return ranks
    }

    /// What base64 stands for (RFC 4648, padded). Nothing at all is written as one sign of padding.
    private static func bytes(_ text: Slice<UnsafeRawBufferPointer>) -> [UInt8]? {
        text.elementsEqual([UInt8(ascii: "=")]) ? [] : Data(base64Encoded: Data(text)).map(Array.init)
    }

    private static func number(_ digits: Slice<UnsafeRawBufferPointer>) -> Int? {
        guard (1 ... 9).contains(digits.count), digits.allSatisfy({ (48 ... 57).contains($0) }) else { return nil }
        let number = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
        return number < Vocabulary.idLimit ? number : nil
    }

    // MARK: Special tokens

    private mutating func readSpecial(_ path: String, ranks: Int) throws {
        var names = Set<String>()
        var ids = Set<Int>()
        if FileKind.exists(path) {
            guard let map = try JSON.read(path).map else {
                throw OpahError(.format, "\(name: path): a table of token = id was expected")
            }
            for (content, value) in map {
                guard let id = value.int, (ranks ..< Vocabulary.idLimit).contains(id), ids.insert(id).inserted,
                    !content.isEmpty,
                    content.utf8.count <= 1 << 12
                else {
                    throw OpahError(
                        .format,
                        "\(name: path): \(content.prefix(40)) has the id \(JSON.encode(value).prefix(40)); "
                            + "ids must differ, and be from \(ranks) (after the ranks) to \(Vocabulary.idLimit - 1)",
                        hint: "the two files must come from the same checkpoint")
                }
                special.append((content, id))
                names.insert(content)
            }
        }
        for (place, content) in Self.specialTokens.enumerated()
        where !names.contains(content) && ranks + place < Vocabulary.idLimit {
            special.append((content, ranks + place))
        }
    }
}
