import COpenBLAS
import Support

/// One matrix as the BLAS sees it: rows `lead` elements apart, possibly to be read transposed.
private struct Matrix {
    let lead: Int, isTransposed: Bool

    /// Nil when neither dimension has its elements side by side.
    init?(rows: Int, columns: Int, rowStep: Int, columnStep: Int) {
        if columnStep == 1 || columns == 1, rowStep >= Swift.max(columns, 1) || rows == 1 {
            (lead, isTransposed) = (rows == 1 ? Swift.max(columns, 1) : rowStep, false)
        } else if rowStep == 1 || rows == 1, columnStep >= Swift.max(rows, 1) || columns == 1 {
            (lead, isTransposed) = (columns == 1 ? Swift.max(rows, 1) : columnStep, true)
        } else {
            return nil
        }
    }
}

extension Tensor {
    /// The matrix product, PyTorch's rules: [n] x [n] is a number, [m, k] x [k, n] is [m, n], a vector
    /// counts as a row on the left and as a column on the right, and leading dimensions are batches that
    /// broadcast. Float dtypes promote; half types are multiplied in float32.
    public func matmul(_ other: Tensor) throws -> Tensor {
        guard rank > 0, other.rank > 0 else {
            throw OpahError(
                .shape, "matmul: shapes \(shape) and \(other.shape)", hint: "numbers are multiplied with mul")
        }
        let a = rank == 1 ? try unsqueeze(dim: 0) : self, b = other.rank == 1 ? try other.unsqueeze(dim: 1) : other
        guard a.shape[a.rank - 1] == b.shape[b.rank - 2],
            let batch = Dims.broadcast(Dims(a.shape.dropLast(2)), Dims(b.shape.dropLast(2)))
        else {
            throw OpahError(
                .shape, "matmul: shapes \(shape) and \(other.shape) do not fit",
                hint: "the last size of the first must equal the last but one of the second")
        }
        var result = try Tensor.product(a, b, batch)
        if Autograd.wants(self, other) {
            let first = Saved(a), second = Saved(b), wantsFirst = requiresGrad, wantsSecond = other.requiresGrad
            let (shapes, dtypes) = ((a.shape, b.shape), (a.gradientDType, b.gradientDType))
            Autograd.record(result, "matmul", [a, b]) { g in
                var parts: [Tensor?] = [nil, nil]
                if wantsFirst { parts[0] = try Tensor.gradientOfFirst(g, second.value("matmul"), shapes.0, dtypes.0) }
                if wantsSecond { parts[1] = try Tensor.gradientOfSecond(first.value("matmul"), g, shapes.1, dtypes.1) }
                return parts
            }
        }
        if rank == 1 { result = try result.squeeze(dim: -2) }
        if other.rank == 1 { result = try result.squeeze(dim: -1) }
        return result
    }

    /// g b^T, summed over broadcast batches.
    private static func gradientOfFirst(_ g: Tensor, _ b: Tensor, _ shape: Dims, _ dtype: DType) throws -> Tensor {
        try g.matmul(b.transpose(-1, -2)).reduced(to: shape, dtype)
    }

    /// a^T g. Where the second operand was one matrix for a batch, the batch is one long sum: no matrix
    /// per batch entry is made.
    private static func gradientOfSecond(_ a: Tensor, _ g: Tensor, _ shape: Dims, _ dtype: DType) throws -> Tensor {
        if shape.count == 2, a.rank > 2, g.rank == a.rank, a.shape.dropLast(1).elementsEqual(g.shape.dropLast(1)) {
            let rows = try a.reshape([-1, a.shape[a.rank - 1]]), gradients = try g.reshape([-1, g.shape[g.rank - 1]])
            return try rows.transpose(0, 1).matmul(gradients).to(dtype)
        }
        return try a.transpose(-1, -2).matmul(g).reduced(to: shape, dtype)
    }

    /// The sum of products of two vectors of equal length.
    public func dot(_ other: Tensor) throws -> Tensor {
        guard rank == 1, other.rank == 1, count == other.count else {
            throw OpahError(
                .shape, "dot: shapes \(shape) and \(other.shape)", hint: "two vectors of the same length are wanted")
        }
        return try matmul(other)
    }

    /// self = beta self + alpha a b, for matrices; beta = 0 ignores what self holds.
    @discardableResult
    public func addmm_(_ a: Tensor, _ b: Tensor, beta: Double = 1, alpha: Double = 1) throws -> Tensor {
        guard a.rank == 2, b.rank == 2, a.shape[1] == b.shape[0], shape == [a.shape[0], b.shape[1]] else {
            throw OpahError(.shape, "addmm_: shapes \(a.shape) and \(b.shape) for a result of shape \(shape)")
        }
        func functional(_ old: Tensor) throws -> Tensor {
            let product = try a.matmul(b).mul(alpha)
            return try (beta == 0 ? product : old.mul(beta).add(product)).to(dtype)
        }
        if Autograd.wants([self, a, b]) {
            return try inPlace("addmm_", with: a.requiresGrad ? a : b, direct: {}, recorded: functional)
        }
        return try inPlace(
            "addmm_",
            direct: {
                let isDirect =
                    dtype == .float32 && strides[1] == 1 && strides[0] >= shape[1] && a.dtype == .float32
                    && b.dtype == .float32
                    && a.storage !== storage && b.storage !== storage && count > 0
                guard isDirect else { copyElements(from: try functional(self)); return }
                let (x, left) = try a.asMatrix(), (y, right) = try b.asMatrix()
                matrixProduct(
                    shape[0], shape[1], a.shape[1], alpha: Float(alpha), x.pointer(), lda: left.lead,
                    transposeA: left.isTransposed,
                    y.pointer(), ldb: right.lead, transposeB: right.isTransposed, beta: Float(beta), pointer(),
                    ldc: strides[0])
            }, recorded: functional)
    }

    /// The last two dimensions for the BLAS, copied when their strides do not suit it.
    private func asMatrix() throws -> (Tensor, Matrix) {
        let r = rank - 2, c = rank - 1
        if let matrix = Matrix(rows: shape[r], columns: shape[c], rowStep: strides[r], columnStep: strides[c]) {
            return (self, matrix)
        }
        let copy = try Tensor(empty: shape, dtype)
        copy.copyElements(from: self)
        return (copy, Matrix(rows: shape[r], columns: shape[c], rowStep: copy.strides[r], columnStep: copy.strides[c])!)
    }

    /// a [..., m, k] b [..., k, n] -> [batch..., m, n], not recorded.
    private static func product(_ a: Tensor, _ b: Tensor, _ batch: Dims) throws -> Tensor {
        let dtype = DType.promote(a.dtype, b.dtype), computing = dtype == .bool ? .int64 : dtype.computing
        let m = a.shape[a.rank - 2], k = a.shape[a.rank - 1], n = b.shape[b.rank - 1]
        var shape = batch
        guard shape.count + 2 <= Dims.maxCount else {
            throw OpahError(.shape, "matmul: shapes \(a.shape) and \(b.shape) have too many dimensions")
        }
        shape.append(m); shape.append(n)
        let result = try Tensor(empty: shape, computing)
        guard result.count > 0 else { return try result.plain(dtype) }
        if k == 0 { result.setElements(.int(0)); return try result.plain(dtype) }
        if b.dtype.isHalf, b.rank == 2, computing == .float32 {
            try productInPanels(a.plain(.float32), b, result)
            return try result.plain(dtype)
        }
        var (x, left) = try a.plain(computing).asMatrix(), (y, right) = try b.plain(computing).asMatrix()
        // One matrix for the whole batch: one product of all its rows.
        if y.rank == 2, x.rank > 2, !left.isTransposed, let rows = try? x.detach().view([-1, k]),
            rows.strides[1] == 1 || k == 1
        {
            x = rows
            try interruptibleGemm(
                result.count / n, n, k, x, 0, Swift.max(rows.strides[0], k), false, y, 0, right.lead,
                right.isTransposed, result, 0)
            return try result.plain(dtype)
        }
        let steps = (x.strides.dropLast(2), y.strides.dropLast(2))
        let stepsA = Dims(steps.0).broadcast(from: Dims(x.shape.dropLast(2)), to: batch)
        let stepsB = Dims(steps.1).broadcast(from: Dims(y.shape.dropLast(2)), to: batch)
        typealias Gemm<E: Error> = (Int, Int, Int, Tensor, Int, Int, Bool, Tensor, Int, Int, Bool, Tensor, Int)
            throws(E) -> Void
        func one<E: Error>(_ index: Int, _ gemm: Gemm<E>) throws(E) {
            var rest = index, atA = 0, atB = 0
            for d in stride(from: batch.count - 1, through: 0, by: -1) {
                let (quotient, i) = rest.quotientAndRemainder(dividingBy: batch[d])
                atA += i * stepsA[d]; atB += i * stepsB[d]
                rest = quotient
            }
            try gemm(
                m, n, k, x, atA, left.lead, left.isTransposed, y, atB, right.lead, right.isTransposed, result,
                index * m * n)
        }
        // Many small products: each on one thread. Few large ones: each on all threads.
        let count = batch.product
        if count >= 2 * Parallel.threadCount, m * n * k < 1 << 24 {
            Parallel.forRange(count, grain: Swift.max(1, (1 << 17) / (m * n * k))) { for i in $0 { one(i, gemm) } }
        } else {
            for i in 0 ..< count { try one(i, interruptibleGemm) }
        }
        return try result.plain(dtype)
    }

    /// `gemm` in pieces of rows that take about a second each, so that a long one can be interrupted.
    private static func interruptibleGemm(
        _ m: Int, _ n: Int, _ k: Int, _ a: Tensor, _ atA: Int, _ lda: Int, _ transposeA: Bool,
        _ b: Tensor, _ atB: Int, _ ldb: Int, _ transposeB: Bool, _ c: Tensor, _ atC: Int
    ) throws {
        let products = c.dtype == .int64 ? 1 << 28 : 1 << 35, step = Swift.max(48, products / (n * k) / 48 * 48)
        for first in stride(from: 0, to: m, by: step) {
            try Interrupt.check()
            gemm(
                Swift.min(step, m - first), n, k, a, atA + first * (transposeA ? 1 : lda), lda, transposeA,
                b, atB, ldb, transposeB, c, atC + first * n)
        }
    }

    /// One product in the computing type of `c`, from the given elements on.
    private static func gemm(
        _ m: Int, _ n: Int, _ k: Int, _ a: Tensor, _ atA: Int, _ lda: Int, _ transposeA: Bool,
        _ b: Tensor, _ atB: Int, _ ldb: Int, _ transposeB: Bool, _ c: Tensor, _ atC: Int
    ) {
        switch c.dtype {
        case .float32:
            matrixProduct(
                m, n, k, a.pointer(Float.self) + atA, lda: lda, transposeA: transposeA,
                b.pointer(Float.self) + atB, ldb: ldb, transposeB: transposeB, c.pointer(Float.self) + atC, ldc: n)
        case .float64:
            let x = a.pointer(Double.self) + atA, y = b.pointer(Double.self) + atB, z = c.pointer(Double.self) + atC
            _ = OpenBLAS.isReady
            let pieces = m * n * k < 1 << 18 ? 1 : Swift.min(Parallel.threadCount, m)
            Parallel.forEach(pieces) { piece in
                let first = m * piece / pieces, rows = m * (piece + 1) / pieces - first
                cblas_dgemm(
                    CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
                    blasint(rows), blasint(n), blasint(k), 1, x + first * (transposeA ? 1 : lda), blasint(lda),
                    y, blasint(ldb), 0, z + first * n, blasint(n))
            }
        default:
            let x = a.pointer(Int.self) + atA, y = b.pointer(Int.self) + atB, z = c.pointer(Int.self) + atC
            for i in 0 ..< m {
                for j in 0 ..< n {
                    var sum = 0
                    for l in 0 ..< k {
                        sum &+=
                            x[transposeA ? l &* lda &+ i : i &* lda &+ l]
                            &* y[transposeB ? j &* ldb &+ l : l &* ldb &+ j]
                    }
                    z[i &* n &+ j] = sum
                }
            }
        }
    }

    /// a [..., m, k] float32 times one matrix b [k, n] of a half type: b is widened in panels of columns,
    /// so that a large weight never exists as float32 as a whole.
    private static func productInPanels(_ a: Tensor, _ b: Tensor, _ result: Tensor) throws {
        let k = b.shape[0], n = b.shape[1], width = Swift.min(n, Swift.max(48, (1 << 20) / k / 48 * 48))
        let rows = try a.detach().reshape([-1, k]), (x, left) = try rows.asMatrix(), m = rows.shape[0]
        for start in stride(from: 0, to: n, by: width) {
            try Interrupt.check()
            let columns = Swift.min(width, n - start), part = b.block(1, start, columns)
            // Widened as it lies: a weight [n, k] seen transposed stays so.
            let isTransposed = part.strides[0] == 1 && k > 1
            let panel = try (isTransposed ? part.swapped() : part).plain(.float32)
            let (y, right) = try panel.asMatrix()
            matrixProduct(
                m, columns, k, x.pointer(), lda: left.lead, transposeA: left.isTransposed,
                y.pointer(), ldb: right.lead, transposeB: right.isTransposed != isTransposed,
                result.pointer(Float.self) + start, ldc: n)
        }
    }

    /// A matrix with its two dimensions exchanged: a view without history.
    private func swapped() -> Tensor {
        Tensor(
            storage: storage, offset: offset, shape: [shape[1], shape[0]], strides: [strides[1], strides[0]],
            dtype: dtype)
    }
}
