import Support

/// What the stages of a tokenizer may write while they rewrite one text. Files can ask for stages that multiply a text;
/// every stage takes what it writes from here, so that neither memory nor time grows beyond a multiple of the text.
struct TextBudget {
    private var left: Int

    /// Bytes that any text may cost.
    static let base = 1 << 22
    /// And for each of its bytes: a real tokenizer has fewer than ten stages, each of which writes at most three times
    /// what it reads.
    static let factor = 64

    init(for bytes: Int) { left = Self.base + Self.factor * bytes }

    /// Before a stage writes `bytes`. A stage costs something even where it writes nothing.
    mutating func take(_ bytes: Int) throws {
        left -= bytes + 4
        guard left >= 0 else {
            throw OpahError(
                .memory, "the tokenizer's stages would make more than \(Self.base >> 20) MB of a short text",
                hint:
                    "its normalizer, pre_tokenizer or decoder multiplies what it reads; get the file from a source that you trust"
            )
        }
    }
}
