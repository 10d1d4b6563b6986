import Support

extension NN {
    /// The length of each output's row of W + scale B A, without making that matrix. Nothing is recorded.
    ///
    /// About (2 r + 3) operations per element of W, which is read once.
    /// - Parameters:
    ///   - weight: [out, in], any floating dtype;  a: [r, in];  b: [out, r].
    /// - Returns: [out] in float32.
    public static func rowNorms(_ weight: Tensor, a: Tensor, b: Tensor, scale: Float) throws -> Tensor {
        let name = "rowNorms", w = try WeightMatrix(weight, name), width = w.columns
        let rank = try adapterRank(a, b, input: width, output: w.rows, name)
        let plainA = try a.dense(name), plainB = try b.dense(name), result = try Tensor(empty: [w.rows])
        let basis = plainA.pointer(Float.self), factors = plainB.pointer(Float.self), norms = result.pointer(Float.self)
        Parallel.forRange(w.rows, grain: max(1, 16384 / max(width * rank, 1))) { range in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: width) { buffer in
                let row = buffer.baseAddress!
                for n in range {
                    w.copyRow(n, to: row)
                    addLowRank(factors + n &* rank, rank: rank, basis, scale: scale, to: row, width: width, mask: nil)
                    norms[n] = dot(row, row, width).squareRoot()
                }
            }
        }
        return result
    }

    /// The same for an embedding table, whose outputs are its columns: the lengths of the columns of
    /// W + scale A^T B^T. Sums in Double, as a table is high.
    /// - Parameters:
    ///   - weight: [V, D], any floating dtype;  a: [r, V];  b: [D, r].
    /// - Returns: [D] in float32.
    public static func columnNorms(_ weight: Tensor, a: Tensor, b: Tensor, scale: Float) throws -> Tensor {
        let name = "columnNorms", w = try WeightMatrix(weight, name), height = w.rows, width = w.columns
        let rank = try adapterRank(a, b, input: height, output: width, name)
        let plainA = try a.dense(name), basis = try transposed(b.dense(name)), result = try Tensor(empty: [width])
        // A block of rows per sum: the order of additions does not depend on the threads.
        let block = 512, blocks = (height + block - 1) / block
        let partial = try Tensor(zeros: [max(blocks, 1), width], .float64), sums = partial.pointer(Double.self)
        let from = plainA.pointer(Float.self), basisRows = basis.pointer(Float.self)
        Parallel.forRange(blocks, grain: 1) { range in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: width + rank) { buffer in
                let row = buffer.baseAddress!, factors = row + width
                for n in range {
                    let sum = sums + n &* width
                    for i in n &* block ..< min((n &+ 1) &* block, height) {
                        w.copyRow(i, to: row)
                        for k in 0 ..< rank { factors[k] = from[k &* height &+ i] }
                        addLowRank(factors, rank: rank, basisRows, scale: scale, to: row, width: width, mask: nil)
                        for c in 0 ..< width { sum[c] += Double(row[c]) * Double(row[c]) }
                    }
                }
            }
        }
        let norms = result.pointer(Float.self)
        for c in 0 ..< width {
            norms[c] = Float((0 ..< blocks).reduce(0.0) { $0 + sums[$1 &* width &+ c] }.squareRoot())
        }
        return result
    }
}
