import Support

/// Products of rows with a few vectors, and sums of rows with a few factors each: the narrow sides of adapters.
///
/// A matrix product with 8 columns mostly packs, and dropout had to write the masked rows before it. Here they are
/// masked a piece at a time, in the first cache. Per row, 8 columns and 4 vectors: 4 fused multiply-and-adds and 3 loads.
/// Results of up to `mostVectors` do not depend on the number of threads.
enum NarrowProduct {
    /// With more vectors, packing pays.
    static let mostVectors = 32

    /// Rows and columns that are masked at a time.
    private static let rowStep = 16, columnStep = 256

    /// y[n, k] = scale * the sum over i of m(x)[n, i] basis[k, i].
    /// - Parameters:
    ///   - input: x [rows, width];  mask: m, none where nil.
    ///   - basis: [rank, width];  y: [rows, rank].
    static func products(
        _ input: Tensor, rows: Int, width: Int, mask: DropoutMask?, _ basis: Tensor, scale: Float = 1, into y: Tensor
    ) throws {
        let rank = basis.shape[0]
        nonisolated(unsafe) let x = UnsafePointer(input.pointer(Float.self)), y = y.pointer(Float.self)
        guard rank <= mostVectors else {
            let masked = try NN.maskedRows(input, mask, rows, width)
            matrixProduct(
                rows, rank, width, alpha: scale, masked.pointer(Float.self), lda: width, basis.pointer(Float.self),
                ldb: width, transposeB: true, y, ldc: rank)
            return withExtendedLifetime(masked) {}
        }
        let vectors = try padded(basis)
        let plain = vectors.pointer(Float.self), groups = vectors.shape[0] / 4
        Parallel.forRange((rows + rowStep - 1) / rowStep) { blocks in
            withRoom(2 * columnStep + rowStep * groups * 4) { room in
                let sums = room + 2 * columnStep
                for block in blocks {
                    let first = block &* rowStep, count = min(rowStep, rows &- first)
                    for i in 0 ..< rowStep &* groups &* 4 { sums[i] = 0 }
                    for column in stride(from: 0, to: width, by: columnStep) {
                        let length = min(columnStep, width &- column)
                        for n in stride(from: 0, to: count, by: 2) {
                            let second = n &+ 1 < count ? n &+ 1 : n
                            let a = masked(x, first &+ n, column, length, width, mask, room)
                            let b = masked(x, first &+ second, column, length, width, mask, room + columnStep)
                            for group in 0 ..< groups {
                                let to = sums + (n &* groups &+ group) &* 4
                                // The second of an odd number of rows goes where nobody looks.
                                addFour(
                                    a, b, plain + (group &* 4 &* width &+ column), width, length, to,
                                    to + groups &* 4)
                            }
                        }
                    }
                    for n in 0 ..< count {
                        for k in 0 ..< rank { y[(first &+ n) &* rank &+ k] = scale * sums[n &* groups &* 4 &+ k] }
                    }
                }
            }
        }
        withExtendedLifetime(vectors) {}
    }

    /// Adds the products of two pieces of rows with pieces of four vectors.
    @inline(__always)
    private static func addFour(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ vectors: UnsafePointer<Float>, _ width: Int,
        _ length: Int, _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>
    ) {
        var a0 = Float8(0), a1 = Float8(0), a2 = Float8(0), a3 = Float8(0)
        var b0 = Float8(0), b1 = Float8(0), b2 = Float8(0), b3 = Float8(0)
        let v1 = vectors + width, v2 = v1 + width, v3 = v2 + width
        eachVector(length) { i, lanes in
            let x = load(a + i, lanes), z = load(b + i, lanes)
            let w0 = load(vectors + i, lanes), w1 = load(v1 + i, lanes)
            let w2 = load(v2 + i, lanes), w3 = load(v3 + i, lanes)
            (a0, b0) = (a0.addingProduct(x, w0), b0.addingProduct(z, w0))
            (a1, b1) = (a1.addingProduct(x, w1), b1.addingProduct(z, w1))
            (a2, b2) = (a2.addingProduct(x, w2), b2.addingProduct(z, w2))
            (a3, b3) = (a3.addingProduct(x, w3), b3.addingProduct(z, w3))
        }
        first[0] += a0.sum()
        first[1] += a1.sum()
        first[2] += a2.sum()
        first[3] += a3.sum()
        second[0] += b0.sum()
        second[1] += b1.sum()
        second[2] += b2.sum()
        second[3] += b3.sum()
    }

    /// sums[k, i] = scale * the sum over n of factors[n, k] m(x)[n, i], or [i, k] when `transposed`.
    /// - Parameters:
    ///   - factors: [rows, rank];  input: x [rows, width];  mask: m, none where nil.
    static func sums(
        _ factors: Tensor, _ input: Tensor, rows: Int, width: Int, mask: DropoutMask?, scale: Float = 1,
        transposed: Bool = false
    ) throws -> Tensor {
        let rank = factors.shape[1], groups = (rank + 3) / 4, step = 128
        guard rank <= mostVectors else {
            return try manySums(
                factors, input, rows: rows, width: width, mask: mask, scale: scale, transposed: transposed)
        }
        let result = try Tensor(empty: transposed ? [width, rank] : [rank, width])
        nonisolated(unsafe) let x = UnsafePointer(input.pointer(Float.self)), f = factors.pointer(Float.self),
            to = result.pointer(Float.self)
        Parallel.forEach((width + step - 1) / step) { piece in
            withRoom((rowStep + groups * 4) * step + rowStep * groups * 4) { room in
                let column = piece &* step, length = min(step, width &- column)
                let sums = room + rowStep &* step, padded = sums + groups &* 4 &* step
                for i in 0 ..< groups &* 4 &* step { sums[i] = 0 }
                for i in 0 ..< rowStep &* groups &* 4 { padded[i] = 0 }
                for first in stride(from: 0, to: rows, by: rowStep) {
                    let count = min(rowStep, rows &- first)
                    for n in 0 ..< count {
                        if let mask {
                            _ = masked(x, first &+ n, column, length, width, mask, room + n &* step)
                        }
                        for k in 0 ..< rank { padded[n &* groups &* 4 &+ k] = f[(first &+ n) &* rank &+ k] }
                    }
                    let from = mask == nil ? x + (first &* width &+ column) : UnsafePointer(room)
                    for group in 0 ..< groups {
                        addRows(
                            from, mask == nil ? width : step, count, length, padded + group &* 4, groups &* 4,
                            sums + group &* 4 &* step, step)
                    }
                }
                for k in 0 ..< rank {
                    for i in 0 ..< length {
                        to[transposed ? (column &+ i) &* rank &+ k : k &* width &+ column &+ i] =
                            scale * sums[k &* step &+ i]
                    }
                }
            }
        }
        return result
    }

    /// The same by a matrix product.
    private static func manySums(
        _ factors: Tensor, _ input: Tensor, rows: Int, width: Int, mask: DropoutMask?, scale: Float, transposed: Bool
    ) throws -> Tensor {
        let rank = factors.shape[1], result = try Tensor(zeros: transposed ? [width, rank] : [rank, width])
        guard rows > 0 else { return result }
        let masked = try NN.maskedRows(input, mask, rows, width), x = masked.pointer(Float.self)
        let f = factors.pointer(Float.self), to = result.pointer(Float.self)
        if transposed {
            matrixProduct(
                width, rank, rows, alpha: scale, x, lda: width, transposeA: true, f, ldb: rank, to, ldc: rank)
        } else {
            matrixProduct(
                rank, width, rows, alpha: scale, f, lda: rank, transposeA: true, x, ldb: width, to, ldc: width)
        }
        withExtendedLifetime(masked) {}
        return result
    }

    /// Adds rows, each times four factors, to four sums that lie `step` apart.
    @inline(__always)
    private static func addRows(
        _ x: UnsafePointer<Float>, _ stride: Int, _ count: Int, _ length: Int, _ factors: UnsafePointer<Float>,
        _ factorStride: Int, _ sums: UnsafeMutablePointer<Float>, _ step: Int
    ) {
        eachVector(length) { i, lanes in
            let t0 = sums + i, t1 = t0 + step, t2 = t1 + step, t3 = t2 + step
            var s0 = load(t0, lanes), s1 = load(t1, lanes), s2 = load(t2, lanes), s3 = load(t3, lanes)
            var row = x + i, f = factors
            for _ in 0 ..< count {
                let v = load(row, lanes)
                s0 = s0.addingProduct(Float8(f[0]), v)
                s1 = s1.addingProduct(Float8(f[1]), v)
                s2 = s2.addingProduct(Float8(f[2]), v)
                s3 = s3.addingProduct(Float8(f[3]), v)
                row += stride
                f += factorStride
            }
            store(s0, t0, lanes)
            store(s1, t1, lanes)
            store(s2, t2, lanes)
            store(s3, t3, lanes)
        }
    }

    /// A piece of a row after dropout; the row itself where there is none.
    @inline(__always)
    private static func masked(
        _ x: UnsafePointer<Float>, _ n: Int, _ column: Int, _ length: Int, _ width: Int, _ mask: DropoutMask?,
        _ room: UnsafeMutablePointer<Float>
    ) -> UnsafePointer<Float> {
        let piece = x + (n &* width &+ column)
        guard let row = mask?.row(n) else { return piece }
        eachVector(length) { i, lanes in
            store(row.applied(to: load(piece + i, lanes), column &+ i), room + i, lanes)
        }
        return UnsafePointer(room)
    }

    /// Vectors [rank, width] with zeros to a multiple of four; themselves where they are one.
    private static func padded(_ vectors: Tensor) throws -> Tensor {
        let rank = vectors.shape[0], width = vectors.shape[1]
        if rank % 4 == 0 { return vectors }
        let result = try Tensor(zeros: [(rank + 3) / 4 * 4, width])
        result.pointer(Float.self).update(from: vectors.pointer(Float.self), count: rank * width)
        return result
    }

    @inline(__always)
    private static func withRoom(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { body($0.baseAddress!) }
    }
}
