import Support
import Tensors

/// A linear layer as generation runs it: the streamed base, a bias, and live adapters beside it.
struct DecoderLinear {
    let rows: Int, columns: Int
    private let matrix: StreamedMatrix
    private let bias: Tensor?
    private let adapters: [(a: StreamedMatrix, transposedB: Tensor, scale: Float)]

    init(_ module: Module, quantized: Bool) throws {
        matrix = try module.weight.streamedMatrix(quantized: quantized)
        (rows, columns) = (matrix.rows, matrix.columns)
        bias = try module.bias?.tensor.detach().to(.float32).contiguous()
        adapters = try module.factors.filter { $0.scale != 0 }.map {
            (try StreamedMatrix($0.a), try transposed($0.b), $0.scale)
        }
    }

    /// The output projection of a model with tied embeddings: the embedding's adapter W + s A^T B^T acts as a linear
    /// layer's, with the factors in each other's role.
    init(tied module: Module, quantized: Bool) throws {
        matrix = try module.weight.streamedMatrix(quantized: quantized)
        (rows, columns) = (matrix.rows, matrix.columns)
        bias = nil
        adapters = try module.factors.filter { $0.scale != 0 }.map {
            (try StreamedMatrix(try transposed($0.b)), $0.a.detach(), $0.scale)
        }
    }

    /// y[n, rows] = x[n, columns] W^T + bias + scale (x A^T) B^T
    func apply(_ x: UnsafePointer<Float>, count n: Int, into y: UnsafeMutablePointer<Float>) {
        matrix.multiply(x, count: n, into: y)
        if let bias {
            let b = bias.pointer(Float.self)
            for i in 0..<n { accumulate(1, b, to: y + i * rows, rows) }
        }
        for (a, transposedB, scale) in adapters {
            let rank = a.rows, rows = rows
            withUnsafeTemporaryAllocation(of: Float.self, capacity: n * rank) { buffer in
                nonisolated(unsafe) let product = buffer.baseAddress!, b = transposedB.pointer(Float.self), y = y
                a.multiply(x, count: n, into: product)
                let blocks = (rows + 2047) / 2048
                Parallel.forRange(n * blocks, grain: 4) { range in
                    for task in range {
                        let i = task / blocks, start = task % blocks * 2048, count = min(2048, rows - start)
                        for k in 0..<rank {
                            accumulate(scale * product[i * rank + k], b + k * rows + start, to: y + i * rows + start, count)
                        }
                    }
                }
            }
        }
    }
}

/// An embedding table as generation runs it.
struct DecoderEmbedding {
    let rows: Int, columns: Int
    private let matrix: StreamedMatrix
    private let adapters: [(a: Tensor, transposedB: Tensor, scale: Float)]

    init(_ module: Module) throws {
        matrix = try module.weight.streamedMatrix(quantized: false)
        (rows, columns) = (matrix.rows, matrix.columns)
        adapters = try module.factors.filter { $0.scale != 0 }.map { ($0.a.detach(), try transposed($0.b), $0.scale) }
    }

    /// out[columns] += the row `id`; `id` lies in the table.
    func add(_ id: Int, to out: UnsafeMutablePointer<Float>) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { row in
            matrix.expand(id..<(id + 1), to: row.baseAddress!)
            accumulate(1, row.baseAddress!, to: out, columns)
        }
        for (a, transposedB, scale) in adapters {
            for k in 0..<a.shape[0] {
                accumulate(scale * a.pointer(Float.self)[k * rows + id], transposedB.pointer(Float.self) + k * columns, to: out, columns)
            }
        }
    }
}

/// A small float32 matrix [m, n] as [n, m].
func transposed(_ matrix: Tensor) throws -> Tensor {
    let (m, n) = (matrix.shape[0], matrix.shape[1])
    let plain = try matrix.detach().contiguous(), result = try Tensor(empty: [n, m])
    let from = plain.pointer(Float.self), to = result.pointer(Float.self)
    for i in 0..<m { for j in 0..<n { to[j * m + i] = from[i * n + j] } }
    return result
}
