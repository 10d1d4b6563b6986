import Support
import Tensors
import Text

/// Tokens in the form the model reads: columns of 1 + C values, the token and its codes, as `PromptFormat` has them.
public enum Prompt {
    /// One turn of a conversation: the cleaned text as the user's, then the start of the answer; with `codes`, the
    /// whole answer, closed by `<|im_end|>`.
    /// - Parameters:
    ///   - codes: the codec's codes [C, T] or [1, C, T]; surplus codebooks are dropped.
    ///   - speaker: who answers; models are trained with `assistant` unless speakers were asked for.
    ///   - allowSpecial: whether control tokens in the text, such as `<|im_end|>`, count as such. Else it is only text.
    /// - Returns: int32 [1 + C, n].
    public static func encode(
        _ tokenizer: Tokenizer, text: String, codes: Tensor? = nil, codebookCount: Int,
        speaker: String = "assistant", allowSpecial: Bool = false
    ) throws -> Tensor {
        try tensor(
            columns(
                TurnWriter(tokenizer), text: text, codes: codes.map { try codebooks($0, codebookCount) },
                codebookCount: codebookCount,
                speaker: speaker, allowSpecial: allowSpecial), rows: codebookCount + 1)
    }

    static func columns(
        _ writer: TurnWriter, text: String, codes: [[Int32]]?, codebookCount: Int,
        speaker: String, allowSpecial: Bool
    ) throws -> [[Int32]] {
        guard !speaker.contains("<|"), !speaker.contains("\n"), !speaker.isEmpty else {
            throw OpahError(.argument, "'\(name: speaker)' cannot be the name of a speaker")
        }
        let words = cleanText(text, writer.format.cleaning), offset = Int32(writer.format.codeOffset)
        var columns = plain(
            try writer.opening(allowSpecial ? .control(words) : .plain(words), speaker: speaker), codebookCount)
        guard let codes else { return columns }
        for t in 0 ..< (codes.first?.count ?? 0) {
            columns.append([Int32(try writer.mainToken(firstCode: Int(codes[0][t])))] + codes.map { $0[t] + offset })
        }
        return columns + plain([writer.end], codebookCount)
    }

    /// Tokens that are no frames, as columns.
    static func plain(_ ids: [Int], _ codebookCount: Int) -> [[Int32]] {
        ids.map { [Int32($0)] + [Int32](repeating: 0, count: codebookCount) }
    }

    /// The first `count` codebooks of [C, T] or [1, C, T], as rows.
    static func codebooks(_ codes: Tensor, _ count: Int) throws -> [[Int32]] {
        let shape = codes.shape
        guard shape.count == 2 || (shape.count == 3 && shape[0] == 1), codes.dtype.isInteger else {
            throw OpahError(
                .shape, "prompt codes of shape \(shape) and dtype \(codes.dtype.rawValue); wanted integers [C, T]")
        }
        let books = shape[shape.count - 2], frames = shape[shape.count - 1]
        guard books >= count else {
            throw OpahError(
                .shape, "prompt codes have \(books) codebooks, the model reads \(count)",
                hint: "they come from another codec; extract them again with the codec of the model")
        }
        let values = try codes.ints()
        return try (0 ..< count).map { c in
            try (0 ..< frames).map { t in
                let code = values[c * frames + t]
                guard code >= 0, code < Int(Int32.max) else {
                    throw OpahError(.index, "prompt codes: \(code) in codebook \(c + 1), frame \(t + 1) is no code")
                }
                return Int32(code)
            }
        }
    }

    /// Columns as an int32 tensor [rows, columns].
    static func tensor(_ columns: some Collection<[Int32]>, rows: Int) throws -> Tensor {
        let result = try Tensor(empty: [rows, columns.count], .int32), to = result.pointer(Int32.self)
        for (t, column) in columns.enumerated() { for r in 0 ..< rows { to[r * columns.count + t] = column[r] } }
        return result
    }

    /// An integer tensor [rows, columns] as columns.
    static func columns(of tensor: Tensor, rows: Int) throws -> [[Int32]] {
        guard tensor.rank == 2, tensor.shape[0] == rows, tensor.dtype.isInteger else {
            throw OpahError(
                .shape,
                "a prompt of shape \(tensor.shape) and dtype \(tensor.dtype.rawValue); wanted integers [\(rows), T]")
        }
        let values = try tensor.ints(), count = tensor.shape[1]
        return try (0 ..< count).map { t in
            try (0 ..< rows).map { r in
                guard let value = Int32(exactly: values[r * count + t]) else {
                    throw OpahError(.index, "prompt: \(values[r * count + t]) is no token")
                }
                return value
            }
        }
    }

    /// Which earlier segments a new one still sees, so that the prompt stays near the length the model was trained on.
    ///
    /// `lengths` are those of all segments so far (text, answer, text, answer, ..., text). The newest that fit are
    /// kept, and always the first two, because they set the voice.
    /// - Parameter budget: tokens available for them.
    public static func window(_ lengths: [Int], budget: Int) -> [Int] {
        var count = 0, newest = 0
        for (i, length) in lengths.reversed().enumerated() {
            newest = i
            count += length
            if count + length > budget { break }
        }
        if newest != 0, newest % 2 == 0 { newest -= 1 }
        newest = max(newest, 1)
        guard newest < lengths.count - 2 else { return Array(lengths.indices) }
        return [0, 1] + Array((lengths.count - newest) ..< lengths.count)
    }
}
