import Support
import Tensors
import Text

/// The codes of one spoken sentence: C codebooks of T values each, values as the files hold them (0-based).
public struct SentenceCodes: Equatable, Sendable {
    public let codebooks: Int
    /// Row-major [codebooks, frames].
    public let values: [Int32]
    public var frames: Int { codebooks == 0 ? 0 : values.count / codebooks }

    public init(codebooks: Int, values: [Int32]) {
        self.codebooks = codebooks
        self.values = values
    }

    /// From [codebook][frame].
    public init(rows: [[UInt32]]) throws {
        guard let frames = rows.first?.count, rows.allSatisfy({ $0.count == frames }) else {
            throw OpahError(
                .data, "codebooks of \(rows.map { String($0.count) }.joined(separator: ", ")) frames",
                hint: "pack the dataset again")
        }
        guard rows.allSatisfy({ $0.allSatisfy { $0 < Int32.max } }) else {
            throw OpahError(.data, "codes that no codec has")
        }
        self.init(codebooks: rows.count, values: rows.flatMap { $0.map(Int32.init(truncatingIfNeeded:)) })
    }

    /// From a [C, T] integer tensor.
    public init(_ tensor: Tensor) throws {
        guard tensor.rank == 2, tensor.dtype.isInteger else {
            throw OpahError(
                .shape, "codes must be whole numbers [codebooks, frames], not \(tensor.dtype.rawValue) \(tensor.shape)")
        }
        self.init(
            codebooks: tensor.shape[0],
            values: try tensor.ints().map { value in
                guard value >= 0, value < Int32.max, let code = Int32(exactly: value) else {
                    throw OpahError(.data, "a code of \(value) cannot be: codes are 0 and above")
                }
                return code
            })
    }
}

/// One training row before batching: tokens and labels, both row-major [1 + C, length], int64.
public struct TrainingRow: Equatable, Sendable {
    public let rows: Int
    public var tokens: [Int]
    public var labels: [Int]
    public var length: Int { tokens.count / rows }

    /// Both must fill the same number of whole columns of `rows` values.
    public init(rows: Int, tokens: [Int], labels: [Int]) {
        precondition(rows > 0 && tokens.count == labels.count && tokens.count % rows == 0)
        (self.rows, self.tokens, self.labels) = (rows, tokens, labels)
    }

    /// Several rows one after the other along time. All have the same number of codebooks.
    public static func concatenated(_ parts: [TrainingRow]) -> TrainingRow {
        guard parts.count > 1 else { return parts[0] }
        let rows = parts[0].rows
        func join(_ values: KeyPath<TrainingRow, [Int]>) -> [Int] {
            (0 ..< rows).flatMap { row in
                parts.flatMap { $0[keyPath: values][row * $0.length ..< (row + 1) * $0.length] }
            }
        }
        return TrainingRow(rows: rows, tokens: join(\.tokens), labels: join(\.labels))
    }
}

/// Turns text and codes into what the model is trained on, in the format of its tokenizer: one user turn that holds the
/// text, one answer that holds one token per frame, closed by `<|im_end|>`.
///
/// Row 0 of `tokens` are main tokens; rows 1...C the codes plus the format's offset, and 0 where there is no frame.
/// Labels are the same, one step ahead, with the codebook rows of the prompt ignored (-100), and in its main row what
/// the format says. The closing `<|im_end|>` is only ever a label.
public struct SentencePacker: Sendable {
    public static let ignoredLabel = -100

    let writer: TurnWriter
    public var format: PromptFormat { writer.format }
    /// How many codebooks to keep; nil keeps what the sentences have.
    let codebooks: Int?

    public init(tokenizer: Tokenizer, codebooks: Int? = nil) throws {
        self.codebooks = codebooks
        writer = try TurnWriter(tokenizer)
    }

    /// Of the tokenizer's files.
    func tokenizerDigest() throws -> String { try writer.tokenizer.digest() }

    /// The prompt's token ids. Control tokens inside the sentences stay plain text: nobody's label
    /// can open or close a turn.
    public func prompt(_ sentences: [String], speaker: String?, skipText: Bool = false) throws -> [Int] {
        try opening(sentences, speaker: speaker, skipText: skipText).flatMap { $0 }
    }

    /// What the system says, and the turn up to its first frame.
    private func opening(_ sentences: [String], speaker: String?, skipText: Bool) throws -> [[Int]] {
        try [
            writer.system(),
            writer.opening(skipText ? writer.skippedText : .plain(sentences.joined(separator: " ")), speaker: speaker)
        ]
    }

    /// The original's rule for how many of these sentences a row takes: one after the other until `budget` tokens of
    /// text and frames are used up. It forgets the words around each turn, and the last sentence may go beyond. Formats
    /// whose sentences have turns of their own take all.
    public func sentencesFilling(
        _ budget: Int, _ sentences: some Sequence<(text: String, codes: SentenceCodes)>
    ) throws -> Int {
        let all = Array(sentences)
        return try sentencesFilling(budget, of: all.count) { (all[$0].text, all[$0].codes.frames) }
    }

    /// The same of `count` sentences, each of which is asked for only when it is looked at.
    func sentencesFilling(
        _ budget: Int, of count: Int, _ sentence: (Int) throws -> (text: String, frames: Int)
    ) throws
        -> Int
    {
        guard format.hasSpeakers else { return count }
        var remaining = budget, taken = 0
        while taken < count, remaining > 0 {
            let (text, frames) = try sentence(taken)
            remaining -= try writer.tokenizer.encode(text, allowSpecial: false).count + frames
            taken += 1
        }
        return taken
    }

    /// - Parameters:
    ///   - sentences: the texts, joined by a space into one turn.
    ///   - codes: one per sentence, in the same order.
    ///   - skipText: the text is replaced by `<|skip_text|>`. In 1.4 nothing of such a row is a label, and it keeps its
    ///     `<|im_end|>` column, as the original's does.
    public func pack(
        _ sentences: [String], _ codes: [SentenceCodes], speaker: String? = nil, skipText: Bool = false
    ) throws -> TrainingRow {
        guard let books = codebooks ?? codes.first?.codebooks, codes.allSatisfy({ $0.codebooks >= books }) else {
            let found = codes.map { String($0.codebooks) }.joined(separator: ", ")
            throw OpahError(
                .data, "sentences with \(found) codebooks where \(codebooks ?? 0) are wanted",
                hint: "these codes come from another codec: extract them again")
        }
        let parts = try opening(sentences, speaker: speaker, skipText: skipText), prompt = parts.flatMap { $0 }
        let frames = codes.reduce(0) { $0 + $1.frames }
        let length = prompt.count + frames + 1
        var tokens = [Int](repeating: 0, count: (1 + books) * length)
        tokens.replaceSubrange(0 ..< prompt.count, with: prompt)
        var place = prompt.count
        for sentence in codes {
            for code in sentence.values.prefix(sentence.frames) {
                tokens[place] = try writer.mainToken(firstCode: Int(code))
                place += 1
            }
        }
        tokens[length - 1] = writer.end
        for book in 0 ..< books {
            var at = (1 + book) * length + prompt.count
            for sentence in codes {
                for frame in 0 ..< sentence.frames {
                    tokens[at] = Int(sentence.values[book * sentence.frames + frame]) + format.codeOffset
                    at += 1
                }
            }
        }
        let rows = 1 + books
        if skipText, format.ignoresSkipped {
            return TrainingRow(
                rows: rows, tokens: tokens, labels: Array(repeating: Self.ignoredLabel, count: tokens.count))
        }
        var labels = tokens
        let unlabelled = parts[0].count + writer.unlabelled(ofOpening: parts[1].count)
        if !format.labelsText { for i in 0 ..< unlabelled { labels[i] = Self.ignoredLabel } }
        for book in 1 ..< max(rows, 1) {
            for i in 0 ..< prompt.count { labels[book * length + i] = Self.ignoredLabel }
        }
        func columns(_ values: [Int], _ range: Range<Int>) -> [Int] {
            (0 ..< rows).flatMap { values[$0 * length + range.lowerBound ..< $0 * length + range.upperBound] }
        }
        return TrainingRow(rows: rows, tokens: columns(tokens, 0 ..< length - 1), labels: columns(labels, 1 ..< length))
    }
}
