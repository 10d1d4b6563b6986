import Support
import Tensors

/// The model as generation runs it: one step reads every weight once, for all streams together.
///
/// Holds what the adapters were when it was made; the base weights are read where they lie.
final class Decoder {
    let configuration: ModelConfiguration
    let frameIds: Range<Int>
    private let embeddings, codebookEmbeddings: DecoderEmbedding
    let slow: DecoderStack
    private let norm: Tensor
    let output: DecoderLinear
    let fast: Fast?
    let naive: (norm: Tensor, output: DecoderLinear)?
    private let epsilon: Float
    /// Of the last step's size, for the next one.
    private var slowScratch, fastScratch: DecoderStack.Scratch?
    /// For the codes of one frame; begun anew with each.
    private var fastCaches: [KeyValueCache] = []

    struct Fast {
        let project: DecoderLinear?
        let embeddings: DecoderEmbedding
        let stack: DecoderStack
        let norm: Tensor
        let output: DecoderLinear
    }

    init(_ model: LanguageModel) throws {
        configuration = model.configuration
        frameIds = model.frameIds
        let tree = model.tree, form = MatrixForms(model.weightForm)
        epsilon = Float(configuration.normEpsilon)
        embeddings = try DecoderEmbedding(tree.embeddings)
        codebookEmbeddings = try DecoderEmbedding(tree.codebookEmbeddings)
        slow = try DecoderStack(
            tree.layers, configuration.slowShape, rotary: try model.slowRotary(), epsilon: configuration.normEpsilon,
            form)
        norm = try floatVector(tree.norm)
        output =
            try tree.output.map { try DecoderLinear($0, form.others) }
            ?? DecoderLinear(tied: tree.embeddings, form.others)
        fast = try tree.fast.map {
            Fast(
                project: try $0.project.map { try DecoderLinear($0, form.others) },
                embeddings: try DecoderEmbedding($0.embeddings),
                stack: try DecoderStack(
                    $0.layers, model.configuration.fastShape!, rotary: try model.fastRotary(),
                    epsilon: model.configuration.normEpsilon, form),
                norm: try floatVector($0.norm), output: try DecoderLinear($0.output, form.others))
        }
        naive = try tree.naive.map { (try floatVector($0.norm), try DecoderLinear($0.output, form.others)) }
    }

    /// A stream's memory.
    func makeCache() throws -> KeyValueCache { try slow.makeCache() }

    /// Runs several columns [1 + C] of one stream through the slow stack, by matrix products.
    /// - Returns: the hidden states before the final norm, [columns, D].
    func prompt(_ cache: KeyValueCache, position: Int, columns: ArraySlice<[Int32]>) throws -> Tensor {
        try cache.reserve(position + columns.count, keeping: position)
        let x = try embedded(columns)
        try slow.runPrompt(x.pointer(), [TokenRun(cache: cache, count: columns.count, position: position)])
        return x
    }

    /// Runs one column [1 + C] of each of n streams through the slow stack.
    /// - Returns: the hidden states before the final norm, [n, D]. A stream's does not depend on the others.
    func step(_ streams: [(cache: KeyValueCache, position: Int, column: [Int32])]) throws -> Tensor {
        for stream in streams { try stream.cache.reserve(stream.position + 1, keeping: stream.position) }
        let x = try embedded(streams.map(\.column)[...]),
            rows = streams.map { TokenRow(cache: $0.cache, position: $0.position) }
        if slowScratch?.count != rows.count { slowScratch = try slow.makeScratch(count: rows.count) }
        let pointer = x.pointer(Float.self), scratch = slowScratch!
        Parallel.team { member in slow.step(member, pointer, rows, scratch) }
        return x
    }

    private func embedded(_ columns: ArraySlice<[Int32]>) throws -> Tensor {
        let x = try Tensor(zeros: [columns.count, configuration.dim])
        for (row, column) in columns.enumerated() { embed(column, to: x.pointer(Float.self) + row * configuration.dim) }
        return x
    }

    /// Codebook embeddings count only where the token is a frame.
    private func embed(_ column: [Int32], to out: UnsafeMutablePointer<Float>) {
        embeddings.add(Int(column[0]), to: out)
        guard frameIds.contains(Int(column[0])) else { return }
        for c in 0 ..< configuration.codebookCount {
            codebookEmbeddings.add(Int(column[c + 1]) + c * configuration.codebookSize, to: out)
        }
    }

    /// Logits of the next token, [n, V], from hidden states [n, D].
    func tokenLogits(_ hidden: Tensor) throws -> Tensor { try project(hidden, norm, output) }

    /// The codes of one frame for each stream: `choose` gets the stream, the codebook and its logits [K], and
    /// returns the code (a value of the sequence).
    /// - Parameter first: the first code of each stream where it is known; nobody is asked for it then.
    func codes(
        _ hidden: Tensor, first: [Int32]? = nil,
        choose: (Int, Int, UnsafeMutableBufferPointer<Float>) throws -> Int32
    ) throws -> [[Int32]] {
        let n = hidden.shape[0], books = configuration.codebookCount, size = configuration.codebookSize
        var result = [[Int32]](repeating: [], count: n)
        if let naive {
            let logits = try project(hidden, naive.norm, naive.output)
            for i in 0 ..< n {
                for c in 0 ..< books {
                    if c == 0, let first {
                        result[i].append(first[i])
                        continue
                    }
                    let start = logits.pointer(Float.self) + (i * books + c) * size
                    result[i].append(try choose(i, c, UnsafeMutableBufferPointer(start: start, count: size)))
                }
            }
            return result
        }
        guard let fast else { return result }
        let width = fast.stack.shape.dim
        while fastCaches.count < n { fastCaches.append(try fast.stack.makeCache(capacity: books)) }
        if fastScratch?.count != n { fastScratch = try fast.stack.makeScratch(count: n) }
        let x = try Tensor(empty: [n, width]), next = x.pointer(Float.self), scratch = fastScratch!
        let logits = try Tensor(empty: [n, size]), found = logits.pointer(Float.self)
        if let project = fast.project {
            Parallel.team { member in apply(project, hidden.pointer(), n, member, into: next) }
        } else {
            next.update(from: hidden.pointer(Float.self), count: n * width)
        }
        for c in 0 ..< books {
            let rows = (0 ..< n).map { TokenRow(cache: fastCaches[$0], position: c) }
            let given = c == 0 ? first : nil
            Parallel.team { member in
                fast.stack.step(member, next, rows, scratch)
                if given == nil { apply(fast.output, next, norm: fast.norm, n, member, into: found) }
            }
            for i in 0 ..< n {
                let code =
                    try given?[i] ?? choose(i, c, UnsafeMutableBufferPointer(start: found + i * size, count: size))
                result[i].append(code)
                (next + i * width).update(repeating: 0, count: width)
                fast.embeddings.add(Int(code), to: next + i * width)
            }
        }
        return result
    }

    /// What was expected in the place of codes that are given, by matrix products.
    /// - Parameters:
    ///   - columns: frames as the sequence has them, [1 + C] each.
    ///   - hidden: the slow stack's state before each of them, [n, D].
    /// - Returns: logits [n * C, K].
    func logits(of columns: ArraySlice<[Int32]>, after hidden: Tensor) throws -> Tensor {
        let n = columns.count, books = configuration.codebookCount, size = configuration.codebookSize
        let result = try Tensor(empty: [n * books, size])
        if let naive {
            let all = try project(hidden, naive.norm, naive.output)
            result.pointer(Float.self).update(from: all.pointer(Float.self), count: n * books * size)
            return result
        }
        guard let fast else { return result }
        let width = fast.stack.shape.dim, x = try Tensor(zeros: [n * books, width]), rows = x.pointer(Float.self)
        let first = try Tensor(empty: [n, width])
        if let project = fast.project {
            project.multiply(hidden.pointer(), count: n, into: first.pointer())
        } else {
            first.pointer(Float.self).update(from: hidden.pointer(Float.self), count: n * width)
        }
        for (i, column) in columns.enumerated() {
            let row = rows + i * books * width
            row.update(from: first.pointer(Float.self) + i * width, count: width)
            for c in 1 ..< max(books, 1) { fast.embeddings.add(Int(column[c]), to: row + c * width) }
        }
        let runs = try (0 ..< n).map { _ in
            TokenRun(cache: try fast.stack.makeCache(capacity: books), count: books, position: 0)
        }
        try fast.stack.runPrompt(rows, runs)
        let normed = try Tensor(empty: [n * books, width])
        rmsNorm(rows, fast.norm, epsilon, n * books, into: normed.pointer())
        fast.output.multiply(normed.pointer(), count: n * books, into: result.pointer())
        return result
    }

    private func project(_ x: Tensor, _ norm: Tensor, _ output: DecoderLinear) throws -> Tensor {
        let n = x.shape[0], result = try Tensor(empty: [n, output.rows]), from = x.pointer(Float.self),
            to = result.pointer(Float.self)
        Parallel.team { member in apply(output, from, norm: norm, n, member, into: to) }
        return result
    }

    /// y[n, rows] of a linear layer over (normed) x[n, columns], shared by a team.
    private func apply(
        _ linear: DecoderLinear, _ x: UnsafePointer<Float>, norm: Tensor? = nil, _ n: Int, _ member: TeamMember,
        into y: UnsafeMutablePointer<Float>
    ) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: n * (linear.columns + linear.scratchWidth)) { buffer in
            let normed = buffer.baseAddress!, scratch = normed + n * linear.columns
            if let norm { rmsNorm(x, norm, epsilon, n, into: normed) }
            let input = linear.prepare(norm == nil ? x : UnsafePointer(normed), count: n, in: scratch)
            member.share(linear.rows, grain: linear.grain) { linear.apply($0, input, into: y) }
        }
    }
}
