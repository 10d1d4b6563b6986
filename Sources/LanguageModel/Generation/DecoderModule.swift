import Support
import Tensors

/// A linear layer as generation runs it: the streamed base, a bias, and the changes of live adapters beside it.
struct DecoderLinear {
    let rows: Int, columns: Int
    private let matrix: StreamedMatrix
    private let bias: Tensor?
    private let adapters: [(a: StreamedMatrix, transposedB: Tensor, scale: Float)]
    /// What the adapters multiply the base's rows by, [rows], or of a tied table its columns, [columns].
    private let gain, inputGain: Tensor?

    init(_ module: Module, _ quantized: StreamedMatrix.Quantization?) throws {
        let changes = try Autograd.withoutGradients { try module.changes() }
        matrix = try module.weight.streamedMatrix(quantized)
        (rows, columns) = (matrix.rows, matrix.columns)
        bias = try module.bias?.tensor.detach().to(.float32).contiguous()
        adapters = try changes.map {
            (try StreamedMatrix(try $0.a.detach().to(.float32)), try transposed($0.b), $0.scale)
        }
        gain = try Autograd.withoutGradients { try Module.gain(changes)?.detach() }
        inputGain = nil
    }

    /// The output projection of a model with tied embeddings: the embedding's adapter W + s A^T B^T acts as a linear
    /// layer's, with the factors in each other's role.
    init(tied module: Module, _ quantized: StreamedMatrix.Quantization?) throws {
        let changes = try Autograd.withoutGradients { try module.changes() }
        matrix = try module.weight.streamedMatrix(quantized)
        (rows, columns) = (matrix.rows, matrix.columns)
        bias = nil
        adapters = try changes.map {
            (try StreamedMatrix(try transposed($0.b)), try $0.a.detach().contiguous(), $0.scale)
        }
        gain = nil
        inputGain = try Autograd.withoutGradients { try Module.gain(changes)?.detach() }
    }

    /// Least rows worth handing to a thread.
    var grain: Int { matrix.grain }
    /// Floats that `prepare` needs per vector.
    var scratchWidth: Int {
        matrix.vectorWidth + adapters.reduce(0) { $0 + $1.a.rows } + (inputGain == nil ? 0 : columns)
    }

    /// Vectors x[n, columns] made ready for `apply`, by each thread for itself.
    struct Input {
        let count: Int
        fileprivate let vectors: UnsafePointer<Float>
        /// x A^T of every adapter, one [n, rank] after the other.
        fileprivate let lowRank: UnsafePointer<Float>
    }

    func prepare(_ x: UnsafePointer<Float>, count n: Int, in scratch: UnsafeMutablePointer<Float>) -> Input {
        let lowRank = scratch + n * matrix.vectorWidth
        var at = lowRank
        for (a, _, _) in adapters {
            a.products(0 ..< a.rows, x, count: n, into: at, stride: a.rows)   // float32: no order of its own
            at += n * a.rows
        }
        var base = x
        if let inputGain {
            for i in 0 ..< n { multiplied(x + i * columns, inputGain, into: at + i * columns) }
            base = UnsafePointer(at)
        }
        let vectors = matrix.arranged(base, count: n, in: scratch)
        return Input(count: n, vectors: vectors, lowRank: lowRank)
    }

    /// y[n, rows] = gain * (x W^T) + bias + scale (x A^T) B^T, for a range of the rows.
    func apply(_ range: Range<Int>, _ input: Input, into y: UnsafeMutablePointer<Float>) {
        let n = input.count, first = range.lowerBound
        matrix.products(range, input.vectors, count: n, into: y, stride: rows)
        if let gain {
            for i in 0 ..< n {
                let y = y + i * rows, factors = gain.pointer(Float.self)
                for row in range { y[row] *= factors[row] }
            }
        }
        if let bias {
            for i in 0 ..< n { accumulate(1, bias.pointer(Float.self) + first, to: y + i * rows + first, range.count) }
        }
        var lowRank = input.lowRank
        for (a, transposedB, scale) in adapters {
            let b = transposedB.pointer(Float.self)
            for i in 0 ..< n {
                for k in 0 ..< a.rows {
                    accumulate(
                        scale * lowRank[i * a.rows + k], b + k * rows + first, to: y + i * rows + first, range.count)
                }
            }
            lowRank += n * a.rows
        }
    }

    /// The same for all rows by matrix products, for prompts.
    func multiply(_ x: UnsafePointer<Float>, count n: Int, into y: UnsafeMutablePointer<Float>) {
        if let inputGain {
            withUnsafeTemporaryAllocation(of: Float.self, capacity: n * columns) { buffer in
                for i in 0 ..< n { multiplied(x + i * columns, inputGain, into: buffer.baseAddress! + i * columns) }
                matrix.multiply(buffer.baseAddress!, count: n, into: y)
            }
        } else {
            matrix.multiply(x, count: n, into: y)
        }
        if let gain {
            for i in 0 ..< n { multiplied(y + i * rows, gain, into: y + i * rows) }
        }
        if let bias {
            let b = bias.pointer(Float.self)
            for i in 0 ..< n { accumulate(1, b, to: y + i * rows, rows) }
        }
        for (a, transposedB, scale) in adapters {
            let rank = a.rows, rows = rows
            withUnsafeTemporaryAllocation(of: Float.self, capacity: n * rank) { buffer in
                let product = buffer.baseAddress!
                a.multiply(x, count: n, into: product)
                matrixProduct(
                    n, rows, rank, alpha: scale, product, lda: rank, transposedB.pointer(), ldb: rows, beta: 1, y,
                    ldc: rows)
            }
        }
    }
}

/// An embedding table as generation runs it.
struct DecoderEmbedding {
    let rows: Int, columns: Int
    private let matrix: StreamedMatrix
    private let adapters: [(a: Tensor, transposedB: Tensor, scale: Float)]
    /// What the adapters multiply the table's columns by, [columns].
    private let gain: Tensor?

    init(_ module: Module) throws {
        matrix = try module.weight.streamedMatrix(nil)
        (rows, columns) = (matrix.rows, matrix.columns)
        let changes = try Autograd.withoutGradients { try module.changes() }
        adapters = try changes.map { (try $0.a.detach().contiguous(), try transposed($0.b), $0.scale) }
        gain = try Autograd.withoutGradients { try Module.gain(changes)?.detach() }
    }

    /// out[columns] += the row `id`; `id` lies in the table.
    func add(_ id: Int, to out: UnsafeMutablePointer<Float>) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { row in
            matrix.expand(id ..< (id + 1), to: row.baseAddress!)
            if let gain { multiplied(row.baseAddress!, gain, into: row.baseAddress!) }
            accumulate(1, row.baseAddress!, to: out, columns)
        }
        for (a, transposedB, scale) in adapters {
            for k in 0 ..< a.shape[0] {
                accumulate(
                    scale * a.pointer(Float.self)[k * rows + id], transposedB.pointer(Float.self) + k * columns,
                    to: out, columns)
            }
        }
    }
}

/// out = x * factors, element by element.
private func multiplied(_ x: UnsafePointer<Float>, _ factors: Tensor, into out: UnsafeMutablePointer<Float>) {
    let f = factors.pointer(Float.self)
    for i in 0 ..< factors.count { out[i] = x[i] * f[i] }
}

/// A small float32 matrix [m, n] as [n, m].
func transposed(_ matrix: Tensor) throws -> Tensor {
    let (m, n) = (matrix.shape[0], matrix.shape[1])
    let plain = try matrix.detach().contiguous(), result = try Tensor(empty: [n, m])
    let from = plain.pointer(Float.self), to = result.pointer(Float.self)
    for i in 0 ..< m { for j in 0 ..< n { to[j * m + i] = from[i * n + j] } }
    return result
}
