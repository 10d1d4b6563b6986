import Support

/// A weight matrix [rows, columns] as the kernels read it: as it lies (`PackedProduct`, oneDNN), or float32, to which half
/// types are expanded in panels of rows into a small buffer, so that a half-stored model never exists in float32 at once.
struct WeightMatrix {
    let rows: Int, columns: Int
    /// In which numbers its products with rows are computed.
    let precision: ProductPrecision
    private let tensor: Tensor
    /// Expanded rows at a time: 8 MiB or at least 256 rows. Large enough that repacking the other factor for each
    /// panel costs little, small enough to stay in the last-level cache.
    private var panelRows: Int { min(rows, max(256, (1 << 21) / max(columns, 1))) }

    init(_ weight: Tensor, _ operation: String, _ precision: ProductPrecision = .float32) throws {
        guard weight.rank == 2 else {
            throw OpahError(.shape, "\(operation): the weight must be [out, in], not \(weight.shape)")
        }
        rows = weight.shape[0]
        columns = weight.shape[1]
        self.precision = precision
        tensor = weight.dtype.isHalf && weight.isContiguous ? weight : try weight.dense(operation)
    }

    var isHalf: Bool { tensor.dtype.isHalf }

    /// Calls `body(first row, row count, float32 rows)` for consecutive panels that cover the matrix.
    func forEachPanel(_ body: (Int, Int, UnsafePointer<Float>) throws -> Void) throws {
        let isRounded = precision == .bfloat16 && tensor.dtype != .bfloat16
        guard isHalf || isRounded else { return try body(0, rows, tensor.pointer(Float.self)) }
        let step = panelRows
        let panel = try Storage(byteCount: step * columns * 4)
        let floats = panel.pointer.assumingMemoryBound(to: Float.self)
        for first in Swift.stride(from: 0, to: rows, by: max(step, 1)) {
            let count = min(step, rows - first)
            expand(first * columns, count * columns, to: floats)
            if isRounded { Rounding.floats(floats, count * columns, to: floats) }
            try body(first, count, floats)
        }
    }

    /// `out` = one row in float32.
    func copyRow(_ row: Int, to out: UnsafeMutablePointer<Float>) {
        HalfFloats.widen(tensor, row * columns, columns, to: out)
    }

    private func expand(_ start: Int, _ count: Int, to out: UnsafeMutablePointer<Float>) {
        Parallel.forRange(count, grain: 65536) {
            HalfFloats.widen(tensor, start + $0.lowerBound, $0.count, to: out + $0.lowerBound)
        }
    }

    /// The same as bfloat16 bits: all at once as they lie when stored so, otherwise rounded.
    private func forEachPanelOfBits(_ body: (Int, Int, Rounding.Bits) throws -> Void) throws {
        if tensor.dtype == .bfloat16 {
            return try body(0, rows, Rounding.Bits(tensor.pointer(UInt16.self), tensor.storage))
        }
        try forEachPanel { first, count, panel in try body(first, count, Rounding.Bits(of: panel, count * columns)) }
    }

    /// For the kernels that read it as it lies; nil where they are not there, or not worth while for products with `n`
    /// rows that are added to `beta` times what is there.
    private func packable(isTransposed: Bool, by n: Int, beta: Float) -> PackedProduct.Matrix? {
        let (width, depth) = isTransposed ? (rows, columns) : (columns, rows)
        guard precision == .float32, tensor.dtype != .float16, beta == 0 || beta == 1,
            PackedProduct.isWorthwhile(rows: n, columns: width, depth: depth)
        else { return nil }
        let start =
            isHalf ? UnsafeRawPointer(tensor.pointer(UInt16.self)) : UnsafeRawPointer(tensor.pointer(Float.self))
        return PackedProduct.Matrix(start, isHalf: isHalf, stride: columns, isTransposed: isTransposed)
    }

    /// y[n, rows] = x[n, columns] W^T + beta y
    func multiplyTransposed(
        _ x: UnsafePointer<Float>, count n: Int, beta: Float = 0, into y: UnsafeMutablePointer<Float>
    ) throws {
        if precision == .bfloat16, OneDNN.isUsed {
            let factor = try Rounding.Bits(of: x, n * columns)
            return try forEachPanelOfBits { first, count, panel in
                try OneDNN.product(
                    n, count, columns, factor, lda: columns, panel, ldb: columns, transposeB: true, beta: beta,
                    y + first, ldc: rows)
            }
        }
        if let matrix = packable(isTransposed: true, by: n, beta: beta) {
            return try PackedProduct.product(
                n, rows, columns, x, stride: columns, matrix, adds: beta == 1, to: y, stride: rows)
        }
        let factor = try Rounding.Floats(of: x, n * columns, precision)
        defer { withExtendedLifetime(factor) {} }
        try forEachPanel { first, count, panel in
            matrixProduct(
                n, count, columns, factor.start, lda: columns, panel, ldb: columns, transposeB: true,
                beta: beta, y + first, ldc: rows)
        }
    }

    /// y[n, columns] = g[n, rows] W + beta y
    func multiply(_ g: UnsafePointer<Float>, count n: Int, beta: Float = 0, into y: UnsafeMutablePointer<Float>) throws
    {
        if precision == .bfloat16, OneDNN.isUsed {
            let factor = try Rounding.Bits(of: g, n * rows)
            return try forEachPanelOfBits { first, count, panel in
                try OneDNN.product(
                    n, columns, count, factor.from(first), lda: rows, panel, ldb: columns, beta: first == 0 ? beta : 1,
                    y, ldc: columns)
            }
        }
        if let matrix = packable(isTransposed: false, by: n, beta: beta) {
            return try PackedProduct.product(
                n, columns, rows, g, stride: rows, matrix, adds: beta == 1, to: y, stride: columns)
        }
        let factor = try Rounding.Floats(of: g, n * rows, precision)
        defer { withExtendedLifetime(factor) {} }
        try forEachPanel { first, count, panel in
            matrixProduct(
                n, columns, count, factor.start + first, lda: rows, panel, ldb: columns,
                beta: first == 0 ? beta : 1, y, ldc: columns)
        }
    }

    /// dW[rows, columns] = g[n, rows]^T x[n, columns]
    func gradient(_ g: Tensor, _ x: Tensor, count n: Int) throws -> Tensor {
        let dW = try Tensor(zeros: [rows, columns])
        if n > 0 { try addGradient(g.pointer(Float.self), x.pointer(Float.self), count: n, to: dW.pointer(Float.self)) }
        return dW
    }

    /// dW[rows, columns] += g[n, rows]^T x[n, columns]
    func addGradient(
        _ g: UnsafePointer<Float>, _ x: UnsafePointer<Float>, count n: Int, to dW: UnsafeMutablePointer<Float>
    ) throws {
        if precision == .bfloat16, OneDNN.isUsed {
            return try OneDNN.product(
                rows, columns, n, Rounding.Bits(of: g, n * rows), lda: rows, transposeA: true,
                Rounding.Bits(of: x, n * columns),
                ldb: columns, beta: 1, dW, ldc: columns)
        }
        let left = try Rounding.Floats(of: g, n * rows, precision),
            right = try Rounding.Floats(of: x, n * columns, precision)
        defer { withExtendedLifetime((left, right)) {} }
        matrixProduct(
            rows, columns, n, left.start, lda: rows, transposeA: true, right.start, ldb: columns, beta: 1, dW,
            ldc: columns)
    }
}

/// float16 and bfloat16 into float32, which holds both exactly.
enum HalfFloats {
    /// `count` elements of a contiguous floating tensor from `start` on.
    static func widen(_ tensor: Tensor, _ start: Int, _ count: Int, to out: UnsafeMutablePointer<Float>) {
        switch tensor.dtype {
        case .bfloat16:
            let source = tensor.pointer(UInt16.self) + start
            var i = 0
            while i &+ 8 <= count {
                let bits = UnsafeRawPointer(source + i).loadUnaligned(as: SIMD8<UInt16>.self)
                store(
                    unsafeBitCast(SIMD8<UInt32>(truncatingIfNeeded: bits) &<< SIMD8(repeating: 16), to: Float8.self),
                    out + i)
                i &+= 8
            }
            while i < count { out[i] = BFloat16(bits: source[i]).float; i &+= 1 }
        case .float16:
            let source = tensor.pointer(Float16.self) + start
            var i = 0
            while i &+ 8 <= count {
                store(Float8(UnsafeRawPointer(source + i).loadUnaligned(as: SIMD8<Float16>.self)), out + i)
                i &+= 8
            }
            while i < count { out[i] = Float(source[i]); i &+= 1 }
        default:
            out.update(from: tensor.pointer(Float.self) + start, count: count)
        }
    }
}
