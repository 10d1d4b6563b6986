import Support

extension NN {
    /// A linear layer with a low-rank adapter, y = x W^T + scale (m(x) A^T) B^T, as one operation.
    ///
    /// m is dropout on the adapter's input. Besides x, only the [N, r] product is kept for backward.
    /// - Parameters:
    ///   - x: [..., in]
    ///   - weight: [out, in], any floating dtype; gets a gradient only when it requires one.
    ///   - a: [r, in];  b: [out, r].
    ///   - scale: alpha / r.
    ///   - valueWanted, precision: see `linear`; products with A and B are in float32.
    public static func loraLinear(
        _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, a: Tensor, b: Tensor, scale: Float,
        dropout mask: DropoutMask? = nil, valueWanted: Bool = true, precision: ProductPrecision = .float32
    ) throws -> Tensor {
        let x = try x.single(), weight = try weight.single(), bias = try bias?.single(), a = try a.single(),
            b = try b.single()
        let w = try WeightMatrix(weight, "loraLinear", precision)
        let rows = try rowCount(x, w, "loraLinear"), out = w.rows, input = w.columns
        let rank = try adapterRank(a, b, input: input, output: out, "loraLinear")
        if let bias, bias.shape != [out] {
            throw OpahError(.shape, "loraLinear: a bias of shape \(bias.shape) for a weight of shape \(weight.shape)")
        }
        let plain = try x.dense("loraLinear"), plainA = try a.dense("loraLinear"), plainB = try b.dense("loraLinear")
        let result = try Tensor(empty: x.shape.replacingLast(out))
        let y = result.pointer(Float.self)
        if valueWanted {
            if let bias { fillRows(try bias.dense("loraLinear"), y, rows: rows) }
            try w.multiplyTransposed(plain.pointer(Float.self), count: rows, beta: bias == nil ? 0 : 1, into: y)
        }

        let product = try Tensor(empty: [rows, rank])   // m(x) A^T
        try NarrowProduct.products(
            plain, rows: rows, width: input, mask: mask, plainA, into: product)
        if valueWanted {
            let transposedB = try transposed(plainB)
            addLowRank(
                product.pointer(Float.self), rank: rank, transposedB.pointer(Float.self), scale: scale,
                to: y, rows: rows, width: out, mask: nil)
        }

        let savedWeight = Saved(weight), savedA = Saved(plainA), savedB = Saved(plainB)
        let shape = x.shape
        let
            wants = (
                x: x.requiresGrad, weight: weight.requiresGrad, a: a.requiresGrad, b: b.requiresGrad,
                bias: bias?.requiresGrad ?? false
            ), hasBias = bias != nil
        let savedX = SavedInput(x, plain, wanted: wants.weight || wants.a)
        Autograd.record(result, "loraLinear", [x, weight, a, b] + (bias.map { [$0] } ?? [])) { gradient in
            let g = try gradient.dense("loraLinear")
            var dx: Tensor?, dW: Tensor?, dA: Tensor?, dB: Tensor?, dBias: Tensor?
            let v = try Tensor(empty: [rows, rank])   // scale g B: the gradient of the product
            if wants.x || wants.a {
                try NarrowProduct.products(
                    g, rows: rows, width: out, mask: nil, transposed(savedB.value("loraLinear")), scale: scale, into: v)
            }
            if wants.x {
                dx = try Tensor(empty: shape)
                try WeightMatrix(savedWeight.value("loraLinear"), "loraLinear", precision)
                    .multiply(g.pointer(Float.self), count: rows, into: dx!.pointer(Float.self))
                addLowRank(
                    v.pointer(Float.self), rank: rank, try savedA.pointer("loraLinear"), scale: 1,
                    to: dx!.pointer(Float.self), rows: rows, width: input, mask: mask)
            }
            if wants.weight { dW = try w.gradient(g, try savedX.value("loraLinear"), count: rows) }
            if wants.a {
                dA = try NarrowProduct.sums(
                    v, savedX.value("loraLinear"), rows: rows, width: input, mask: mask)
            }
            if wants.b {
                dB = try NarrowProduct.sums(
                    product, g, rows: rows, width: out, mask: nil, scale: scale, transposed: true)
            }
            if wants.bias { dBias = try columnSums(g, rows: rows, width: out) }
            return [dx, dW, dA, dB] + (hasBias ? [dBias] : [])
        }
        return result
    }

    /// r of the adapter A [r, input], B [output, r], or an error that names both shapes.
    static func adapterRank(_ a: Tensor, _ b: Tensor, input: Int, output: Int, _ operation: String) throws -> Int {
        guard a.rank == 2, b.rank == 2, a.shape[1] == input, b.shape[0] == output, a.shape[0] == b.shape[1],
            a.shape[0] > 0
        else {
            throw OpahError(
                .shape,
                "\(operation): adapter A of shape \(a.shape) and B of shape \(b.shape) do not fit a weight of shape [\(output), \(input)]",
                hint: "A must be [r, \(input)] and B [\(output), r]")
        }
        return a.shape[0]
    }

    /// The rows after dropout; without a mask, the rows themselves.
    static func maskedRows(_ x: Tensor, _ mask: DropoutMask?, _ rows: Int, _ width: Int) throws -> Tensor {
        guard let mask else { return x }
        let result = try Tensor(empty: [rows, width])
        mask.apply(x.pointer(Float.self), result.pointer(Float.self), rows: rows, width: width)
        return result
    }

    /// A small plain matrix [m, n] as [n, m].
    static func transposed(_ matrix: Tensor) throws -> Tensor {
        let m = matrix.shape[0], n = matrix.shape[1]
        let result = try Tensor(empty: [n, m])
        let from = matrix.pointer(Float.self), to = result.pointer(Float.self)
        for i in 0 ..< m { for j in 0 ..< n { to[j * m + i] = from[i * n + j] } }
        return result
    }

    /// y[rows, width] += scale mask(c[rows, rank] basis[rank, width]): one pass over y, where a matrix product with so
    /// short an inner dimension would mostly pack. Four rows share what is loaded of the basis, which lies in the
    /// second cache: one row at a time, with its factors scaled on the way, was 2.3 % of a training step.
    /// - Parameter numbers: the rows' numbers in the mask when not 0, 1, 2, ...
    static func addLowRank(
        _ c: UnsafePointer<Float>, rank: Int, _ basis: UnsafePointer<Float>, scale: Float,
        to y: UnsafeMutablePointer<Float>, rows: Int, width: Int, mask: DropoutMask?, numbers: [Int]? = nil
    ) {
        let grain = max(1, 16384 / max(width * rank, 1))
        Parallel.forRange((rows + 3) / 4, grain: grain) { blocks in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 4 * rank) { scaled in
                let f = scaled.baseAddress!
                for block in blocks {
                    let first = block &* 4, count = min(4, rows &- first)
                    for i in 0 ..< count &* rank { f[i] = c[first &* rank &+ i] * scale }
                    let y = y + first &* width
                    func masks(_ n: Int) -> DropoutMask.Row? { mask?.row(numbers?[first &+ n] ?? (first &+ n)) }
                    if count == 4 {
                        addFour(
                            f, rank, basis, y, width, mask == nil ? nil : (masks(0)!, masks(1)!, masks(2)!, masks(3)!))
                    } else {
                        for n in 0 ..< count {
                            addLowRank(
                                f + n &* rank, rank: rank, basis, scale: 1, to: y + n &* width, width: width,
                                mask: masks(n))
                        }
                    }
                }
            }
        }
    }

    /// Four rows of it, their factors [4, rank] scaled already.
    @inline(__always)
    private static func addFour(
        _ f: UnsafePointer<Float>, _ rank: Int, _ basis: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
        _ width: Int, _ masks: (DropoutMask.Row, DropoutMask.Row, DropoutMask.Row, DropoutMask.Row)?
    ) {
        eachVector(width) { i, lanes in
            var s0 = Float8(0), s1 = Float8(0), s2 = Float8(0), s3 = Float8(0)
            for k in 0 ..< rank {
                let b = load(basis + (k &* width &+ i), lanes)
                s0 = s0.addingProduct(Float8(f[k]), b)
                s1 = s1.addingProduct(Float8(f[rank &+ k]), b)
                s2 = s2.addingProduct(Float8(f[2 &* rank &+ k]), b)
                s3 = s3.addingProduct(Float8(f[3 &* rank &+ k]), b)
            }
            if let masks {
                s0 = masks.0.applied(to: s0, i)
                s1 = masks.1.applied(to: s1, i)
                s2 = masks.2.applied(to: s2, i)
                s3 = masks.3.applied(to: s3, i)
            }
            let y0 = y + i, y1 = y0 + width, y2 = y1 + width, y3 = y2 + width
            store(load(y0, lanes) + s0, y0, lanes)
            store(load(y1, lanes) + s1, y1, lanes)
            store(load(y2, lanes) + s2, y2, lanes)
            store(load(y3, lanes) + s3, y3, lanes)
        }
    }

    /// One row of it.
    @inline(__always)
    static func addLowRank(
        _ c: UnsafePointer<Float>, rank: Int, _ basis: UnsafePointer<Float>, scale: Float,
        to y: UnsafeMutablePointer<Float>, width: Int, mask: DropoutMask.Row?
    ) {
        eachVector(width) { i, lanes in
            var sum = Float8(0)
            for k in 0 ..< rank {
                sum = sum.addingProduct(Float8(c[k] * scale), load(basis + (k &* width &+ i), lanes))
            }
            if let mask { sum = mask.applied(to: sum, i) }
            store(load(y + i, lanes) + sum, y + i, lanes)
        }
    }
}
