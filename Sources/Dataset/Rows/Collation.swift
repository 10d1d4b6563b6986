import Support
import Tensors

/// Rows of different lengths as one batch of tensors.
public struct TokenBatch {
    /// int64 [B, 1 + C, T]; text row padded with `padding`, code rows with 0.
    public let inputs: Tensor
    /// bool [B, T], true where padded.
    public let attentionMasks: Tensor
    /// int64 [B, 1 + C, T], -100 where ignored.
    public let labels: Tensor
    /// Columns that are no padding, of all rows together.
    public let tokenCount: Int
    /// How many tokens of rows longer than `maxLength` were cut off.
    public let truncatedTokens: Int

    /// - Parameters:
    ///   - rows: all with the same number of codebooks.
    ///   - maxLength: longer rows are cut there, and `truncatedTokens` says by how much.
    ///   - padding: the text token that fills up short rows (the tokenizer's end of sequence).
    public init(_ rows: [TrainingRow], maxLength: Int, padding: Int) throws {
        guard let height = rows.first?.rows, rows.allSatisfy({ $0.rows == height }) else {
            throw OpahError(
                .data, rows.isEmpty ? "collate: no rows" : "collate: rows with different numbers of codebooks")
        }
        guard maxLength > 0 else { throw OpahError(.argument, "collate: max_length must be above 0") }
        let length = min(rows.map(\.length).max()!, maxLength), count = rows.count
        var inputs = [Int](repeating: 0, count: count * height * length)
        var labels = [Int](repeating: SentencePacker.ignoredLabel, count: inputs.count)
        let masks = try Tensor(empty: [count, length], .bool)
        let mask = masks.pointer(UInt8.self)
        var cut = 0
        for (b, row) in rows.enumerated() {
            let used = min(row.length, length)
            cut += row.length - used
            for h in 0 ..< height {
                let from = h * row.length, to = (b * height + h) * length
                for t in 0 ..< used {
                    inputs[to + t] = row.tokens[from + t]
                    labels[to + t] = row.labels[from + t]
                }
                if h == 0 { for t in used ..< length { inputs[to + t] = padding } }
            }
            for t in 0 ..< length { mask[b * length + t] = t < used ? 0 : 1 }
        }
        self.inputs = try Tensor(integers: inputs, [count, height, length])
        self.labels = try Tensor(integers: labels, [count, height, length])
        attentionMasks = masks
        truncatedTokens = cut
        tokenCount = rows.reduce(0) { $0 + min($1.length, length) }
    }
}
