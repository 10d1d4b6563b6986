import Support
import Tensors

/// The model as generation runs it: one step reads every weight once, for all streams together.
///
/// Holds what the adapters were when it was made; the base weights are read where they lie.
final class Decoder {
    let configuration: ModelConfiguration
    let semanticId: Int
    private let embeddings, codebookEmbeddings: DecoderEmbedding
    private let slow: DecoderStack
    private let norm: Tensor
    private let output: DecoderLinear
    private let fast: Fast?
    private let naive: (norm: Tensor, output: DecoderLinear)?
    private let epsilon: Float

    private struct Fast {
        let project: DecoderLinear?
        let embeddings: DecoderEmbedding
        let stack: DecoderStack
        let norm: Tensor
        let output: DecoderLinear
    }

    init(_ model: LanguageModel) throws {
        configuration = model.configuration
        semanticId = model.semanticId
        let tree = model.tree, quantized = model.weightForm == .int8
        epsilon = Float(configuration.normEpsilon)
        embeddings = try DecoderEmbedding(tree.embeddings)
        codebookEmbeddings = try DecoderEmbedding(tree.codebookEmbeddings)
        slow = try DecoderStack(tree.layers, configuration.slowShape, rotary: try model.slowRotary(), epsilon: configuration.normEpsilon,
                                quantized: quantized)
        norm = try floatVector(tree.norm)
        output = try tree.output.map { try DecoderLinear($0, quantized: quantized) }
            ?? DecoderLinear(tied: tree.embeddings, quantized: quantized)
        fast = try tree.fast.map {
            Fast(project: try $0.project.map { try DecoderLinear($0, quantized: quantized) },
                 embeddings: try DecoderEmbedding($0.embeddings),
                 stack: try DecoderStack($0.layers, model.configuration.fastShape!, rotary: try model.fastRotary(),
                                         epsilon: model.configuration.normEpsilon, quantized: quantized),
                 norm: try floatVector($0.norm), output: try DecoderLinear($0.output, quantized: quantized))
        }
        naive = try tree.naive.map { (try floatVector($0.norm), try DecoderLinear($0.output, quantized: quantized)) }
    }

    /// A stream's memory for `capacity` tokens.
    func makeCache(capacity: Int) throws -> KeyValueCache { try slow.makeCache(capacity: capacity) }

    /// Runs columns [1 + C] of several streams through the slow stack.
    /// - Returns: per run, the hidden state of its last token, before the final norm, [runs, D].
    func run(_ runs: [(cache: KeyValueCache, position: Int, columns: ArraySlice<[Int32]>)]) throws -> Tensor {
        let dim = configuration.dim, total = runs.reduce(0) { $0 + $1.columns.count }
        let x = try Tensor(zeros: [total, dim]), out = try Tensor(empty: [runs.count, dim])
        var tokenRuns: [TokenRun] = [], row = 0
        for run in runs {
            tokenRuns.append(TokenRun(cache: run.cache, row: row, count: run.columns.count, position: run.position))
            for column in run.columns {
                embed(column, to: x.pointer(Float.self) + row * dim)
                row += 1
            }
        }
        try slow.run(x.pointer(), count: total, tokenRuns)
        for (i, run) in tokenRuns.enumerated() {
            (out.pointer(Float.self) + i * dim).update(from: x.pointer(Float.self) + (run.row + run.count - 1) * dim, count: dim)
        }
        return out
    }

    /// Codebook embeddings count only where the token is `<|semantic|>`.
    private func embed(_ column: [Int32], to out: UnsafeMutablePointer<Float>) {
        embeddings.add(Int(column[0]), to: out)
        guard Int(column[0]) == semanticId else { return }
        for c in 0..<configuration.codebookCount {
            codebookEmbeddings.add(Int(column[c + 1]) + c * configuration.codebookSize, to: out)
        }
    }

    /// Logits of the next token, [n, V], from hidden states [n, D].
    func tokenLogits(_ hidden: Tensor) throws -> Tensor { try project(hidden, norm, output) }

    /// The codes of one frame for each stream: `choose` gets the stream, the codebook and its logits [K], and
    /// returns the code (a value of the sequence, so 0 is padding).
    func codes(_ hidden: Tensor, choose: (Int, Int, UnsafeMutableBufferPointer<Float>) throws -> Int32) throws -> [[Int32]] {
        let n = hidden.shape[0], books = configuration.codebookCount, size = configuration.codebookSize
        var result = [[Int32]](repeating: [], count: n)
        if let naive {
            let logits = try project(hidden, naive.norm, naive.output)
            for i in 0..<n {
                for c in 0..<books {
                    let start = logits.pointer(Float.self) + (i * books + c) * size
                    result[i].append(try choose(i, c, UnsafeMutableBufferPointer(start: start, count: size)))
                }
            }
            return result
        }
        guard let fast else { return result }
        let width = fast.stack.shape.dim
        let caches = try (0..<n).map { _ in try fast.stack.makeCache(capacity: books) }
        let x = try Tensor(empty: [n, width])
        if let project = fast.project { project.apply(hidden.pointer(), count: n, into: x.pointer()) }
        else { x.pointer(Float.self).update(from: hidden.pointer(Float.self), count: n * width) }
        for c in 0..<books {
            try fast.stack.run(x.pointer(), count: n, (0..<n).map { TokenRun(cache: caches[$0], row: $0, count: 1, position: c) })
            let logits = try project(x, fast.norm, fast.output)
            for i in 0..<n {
                let row = UnsafeMutableBufferPointer(start: logits.pointer(Float.self) + i * size, count: size)
                let code = try choose(i, c, row)
                result[i].append(code)
                let next = x.pointer(Float.self) + i * width
                next.update(repeating: 0, count: width)
                fast.embeddings.add(Int(code), to: next)
            }
        }
        return result
    }

    private func project(_ x: Tensor, _ norm: Tensor, _ output: DecoderLinear) throws -> Tensor {
        let n = x.shape[0], normed = try Tensor(empty: x.shape), result = try Tensor(empty: [n, output.rows])
        rmsNorm(x.pointer(), norm, epsilon, n, into: normed.pointer())
        output.apply(normed.pointer(), count: n, into: result.pointer())
        return result
    }
}
