import Glibc
import Support
import Tensors

extension SpeechSession {
    /// How likely the codes of a clip are after a text, under the weights and adapters that this session speaks with.
    /// - Parameters:
    ///   - codes: the codec's [C, T].
    ///   - speaker: who answers.
    /// - Returns: the negative logarithm for each frame, the mean over codebooks, in nats for a code: [T].
    public func nats(_ text: String, codes: Tensor, speaker: String = "assistant") throws -> Tensor {
        let books = model.configuration.codebookCount
        func columns(_ codes: [[Int32]]?) throws -> [[Int32]] {
            guard let writer = model.writer else {
                throw OpahError(.argument, "this model has no tokenizer: load it from its folder")
            }
            return try Prompt.columns(
                writer, text: text, codes: codes, codebookCount: books, speaker: speaker, allowSpecial: false)
        }
        let whole = try columns(Prompt.codebooks(codes, books)), first = try columns(nil).count
        guard whole.count <= model.maxLength else {
            throw OpahError(
                .argument,
                "text and codes are \(whole.count) tokens, and this model takes \(model.maxLength) at once",
                hint: "give them in pieces")
        }
        for (t, column) in whole.enumerated() { try model.check(column, at: t) }
        return try generator.nats(whole, frames: first ..< whole.count - 1)
    }
}

extension Generator {
    /// - Parameter frames: the columns that are frames, behind at least one other.
    fileprivate func nats(_ columns: [[Int32]], frames: Range<Int>) throws -> Tensor {
        let result = try Tensor(zeros: [frames.count]), sums = result.pointer(Float.self)
        guard !frames.isEmpty else { return result }
        let hidden = try decoder.prompt(decoder.makeCache(), position: 0, columns: columns[..<(frames.upperBound - 1)])
        let books = decoder.configuration.codebookCount, size = decoder.configuration.codebookSize
        let logits = try decoder.codeLogits(columns, Array(frames), after: hidden)
        for (place, t) in frames.enumerated() {
            for book in 0 ..< books {
                let row = UnsafeBufferPointer(
                    start: logits.pointer(Float.self) + (place * books + book) * size, count: size)
                let most = row.max() ?? 0, total = row.reduce(Float(0)) { $0 + exp($1 - most) }
                sums[place] += (log(total) + most - row[Int(columns[t][1 + book])]) / Float(books)
            }
        }
        return result
    }
}

extension Decoder {
    /// Frames that go through the fast stack together: a few hundred rows of products, whatever the sequence's length.
    private static let together = 64

    /// The codes' logits [M * C, K] at M frames of a sequence.
    /// - Parameters:
    ///   - frames: columns that are frames, none of them the first.
    ///   - hidden: the slow stack's states of all columns before the last frame, [T, D].
    func codeLogits(_ columns: [[Int32]], _ frames: [Int], after hidden: Tensor) throws -> Tensor {
        let width = configuration.dim, books = configuration.codebookCount, size = configuration.codebookSize
        let result = try Tensor(empty: [frames.count * books, size])
        for start in stride(from: 0, to: frames.count, by: Self.together) {
            let some = frames[start ..< min(start + Self.together, frames.count)]
            let before = try Tensor(empty: [some.count, width])
            // The column before a frame predicts it.
            for (row, t) in some.enumerated() {
                (before.pointer(Float.self) + row * width).update(
                    from: hidden.pointer(Float.self) + (t - 1) * width, count: width)
            }
            let part = try logits(of: some.map { columns[$0] }[...], after: before)
            (result.pointer(Float.self) + start * books * size).update(
                from: part.pointer(Float.self), count: part.count)
        }
        return result
    }
}
