import Support

/// How text and speech are written as tokens: everything about a row in which releases of fish-speech differ.
///
/// A row has columns of 1 + C values: the main token, and the codes of its frame.
public struct PromptFormat: Sendable, Equatable {
    /// The release that began with it.
    public let release: String
    /// Added to the codec's codes in rows and labels. Where it is 1, the value 0 is padding.
    public let codeOffset: Int
    /// Spelling of the main token of a frame; with `#` for the first code, or one for all frames.
    let frame: String
    /// What the system says before the first turn, if anything.
    let system: String?
    /// How an answer begins, after its role.
    let answer: String
    /// Whether the words around a text are encoded together with it, so that tokens may span both.
    let joinsText: Bool
    /// Whether an answer's role may be a speaker's name, several sentences may share a turn, and rows are filled up to
    /// a budget of tokens.
    public let hasSpeakers: Bool
    /// Whether the text and the words around it are labels too, or only what the answer says.
    public let labelsText: Bool
    /// Whether a turn without its text is a label to nobody.
    public let ignoresSkipped: Bool
    /// How texts are cleaned.
    public let cleaning: TextCleaning

    public static let v1_4 = PromptFormat(
        release: "1.4", codeOffset: 1, frame: "<|semantic|>", system: nil, answer: "", joinsText: true,
        hasSpeakers: true,
        labelsText: true, ignoresSkipped: true, cleaning: .thorough)
    public static let v1_5 = PromptFormat(
        release: "1.5", codeOffset: 0, frame: "<|semantic:#|>", system: "Speak out the provided text.",
        answer: "<|voice|>",
        joinsText: false, hasSpeakers: false, labelsText: false, ignoresSkipped: false, cleaning: .light)

    /// All, the newest first.
    public static let all = [v1_5, v1_4]

    /// The format that a tokenizer was made for: the one whose frames it can spell.
    public static func of(_ tokenizer: Tokenizer) -> PromptFormat? {
        all.first { tokenizer.id(of: $0.frameToken(0)) != nil }
    }

    func frameToken(_ code: Int) -> String { frame.replacing("#", with: String(code)) }
}

/// Writes turns in the format and with the ids of a tokenizer.
public struct TurnWriter: Sendable {
    public let tokenizer: Tokenizer
    public let format: PromptFormat
    /// Main tokens that are frames: one, or one for each first code.
    public let frames: Range<Int>
    /// `<|im_end|>`
    public let end: Int

    /// Throws when the tokenizer has no words for frames or for the end of a turn.
    public init(_ tokenizer: Tokenizer) throws {
        guard let format = PromptFormat.of(tokenizer), let first = tokenizer.id(of: format.frameToken(0)) else {
            throw Self.missing(PromptFormat.all.map { $0.frameToken(0) }.joined(separator: " or "), tokenizer)
        }
        guard let end = tokenizer.id(of: "<|im_end|>") else { throw Self.missing("<|im_end|>", tokenizer) }
        var count = 1
        while format.frame != format.frameToken(0), tokenizer.id(of: format.frameToken(count)) == first + count {
            count += 1
        }
        (self.tokenizer, self.format, self.end, frames) = (tokenizer, format, end, first ..< first + count)
    }

    private static func missing(_ token: String, _ tokenizer: Tokenizer) -> OpahError {
        OpahError(
            .text, "\(tokenizer.directory): the tokenizer has no \(token)",
            hint: "use the tokenizer files that belong to the model (fish-speech 1.4 or 1.5)")
    }

    /// What comes before the first turn of a conversation; empty where nothing does.
    public func system() throws -> [Int] {
        guard let system = format.system else { return [] }
        return try encode([.control("<|im_start|>system\n"), .control(system), .control("<|im_end|>")])
    }

    /// A turn that holds a text, and the beginning of its answer.
    /// - Parameter speaker: who answers; "assistant" in formats without speakers.
    public func opening(_ text: TextPart, speaker: String? = nil) throws -> [Int] {
        let answer: [TextPart] =
            format.hasSpeakers
            ? [.control("<|im_end|><|im_start|>"), .plain(speaker ?? "assistant"), .control("\n" + format.answer)]
            : [.control("<|im_end|><|im_start|>assistant\n" + format.answer)]
        return try encode([.control("<|im_start|>user\n"), text] + answer)
    }

    /// What stands for the text of a turn that goes without it.
    public var skippedText: TextPart { .control("<|skip_text|>") }

    /// The main token of a frame.
    public func mainToken(firstCode code: Int) throws -> Int {
        guard frames.count > 1 else { return frames.lowerBound }
        guard code >= 0, code < frames.count else {
            throw OpahError(
                .index, "the code \(code) of codebook 1 has no token: they run from 0 to \(frames.count - 1)",
                hint: "these codes come from another codec than the model's: extract them again")
        }
        return frames.lowerBound + code
    }

    /// How many of the opening's tokens are no labels.
    public func unlabelled(ofOpening count: Int) -> Int {
        format.labelsText ? 0 : count - (format.answer.isEmpty ? 0 : 1)
    }

    private func encode(_ parts: [TextPart]) throws -> [Int] {
        try format.joinsText ? tokenizer.encode(parts) : parts.flatMap { try tokenizer.encode([$0]) }
    }
}
