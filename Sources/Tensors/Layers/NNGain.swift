import Support

extension NN {
    /// A linear layer whose adapter also changes the length of the weight's rows: the effective weight is
    /// diag(gain) W + scale B A.
    ///
    /// y = gain * (x W^T) + scale (x A^T) B^T + bias. With dropout m, what the adapter adds sees m(x), the base sees x:
    /// y = x W^T + (gain - 1) * (m(x) W^T) + scale (m(x) A^T) B^T + bias, as PEFT does; that is a second product
    /// with W, forward and backward.
    /// Besides x, the [N, r] product is kept for backward, and the result itself, from which x W^T is found again.
    /// - Parameters:
    ///   - gain: [out].
    ///   - others: see the `loraLinear` without a gain.
    public static func loraLinear(
        _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, a: Tensor, b: Tensor, scale: Float, gain: Tensor,
        dropout mask: DropoutMask? = nil, valueWanted: Bool = true, precision: ProductPrecision = .float32
    ) throws -> Tensor {
        let name = "loraLinear"
        let x = try x.single(), weight = try weight.single(), bias = try bias?.single()
        let a = try a.single(), b = try b.single(), gain = try gain.single()
        let w = try WeightMatrix(weight, name, precision)
        let rows = try rowCount(x, w, name), out = w.rows, input = w.columns
        let rank = try adapterRank(a, b, input: input, output: out, name)
        guard gain.shape == [out], bias?.shape ?? [out] == [out] else {
            throw OpahError(
                .shape,
                "\(name): a gain of shape \(gain.shape) and a bias of shape \(bias?.shape ?? []) for a weight of shape \(weight.shape)",
                hint: "both must have one number per row of the weight")
        }
        let plain = try x.dense(name), plainA = try a.dense(name), plainB = try b.dense(name),
            plainGain = try gain.dense(name)
        let plainBias = try bias?.dense(name), transposedB = try transposed(plainB),
            factors = plainGain.pointer(Float.self)
        let wants = (
            x: x.requiresGrad, weight: weight.requiresGrad, a: a.requiresGrad, b: b.requiresGrad,
            bias: bias?.requiresGrad ?? false, gain: Autograd.wants(gain)
        )
        let masked = try maskedRows(plain, mask, rows, input)
        let product = try Tensor(empty: [rows, rank])   // m(x) A^T
        try NarrowProduct.products(
            masked, rows: rows, width: input, mask: nil, plainA, into: product)

        let result = try Tensor(empty: x.shape.replacingLast(out)), y = result.pointer(Float.self)
        /// m(x) W^T, where the result does not give it back: behind dropout, or a gain near 0.
        var base: Tensor?
        if valueWanted || wants.gain {
            try w.multiplyTransposed(plain.pointer(Float.self), count: rows, into: y)
            if mask != nil {
                base = try Tensor(empty: [rows, out])
                try w.multiplyTransposed(masked.pointer(Float.self), count: rows, into: base!.pointer(Float.self))
                scaleColumns(
                    base!.pointer(Float.self), by: factors, plus: -1, to: y, rows: rows, width: out, adding: true)
            } else {
                if wants.gain, (0 ..< out).contains(where: { abs(factors[$0]) < 1e-3 }) {
                    base = try result.detach().clone().reshape([rows, out])
                }
                scaleColumns(y, by: factors, to: y, rows: rows, width: out)
            }
            addLowRank(
                product.pointer(Float.self), rank: rank, transposedB.pointer(Float.self), scale: scale,
                to: y, rows: rows, width: out, mask: nil)
            if let plainBias { addRow(plainBias.pointer(Float.self), to: y, rows: rows, width: out) }
        }

        let savedBias = plainBias.map(Saved.init)
        let saved = (
            weight: Saved(weight), a: Saved(plainA), b: Saved(plainB), gain: Saved(plainGain),
            x: SavedInput(x, plain, wanted: wants.weight || wants.a), base: wants.gain ? Saved(base ?? result) : nil
        )
        let shape = x.shape, hasBias = bias != nil, keepsBase = base != nil
        Autograd.record(result, name, [x, weight, a, b, gain] + (bias.map { [$0] } ?? [])) { gradient in
            let g = try gradient.dense(name), from = g.pointer(Float.self)
            var dx: Tensor?, dW: Tensor?, dA: Tensor?, dB: Tensor?, dGain: Tensor?
            let factors = try saved.gain.pointer(name)
            let v = try Tensor(empty: [rows, rank])   // scale g B: the gradient of the product
            if wants.x || wants.a {
                try NarrowProduct.products(
                    g, rows: rows, width: out, mask: nil, transposed(saved.b.value(name)), scale: scale, into: v)
            }
            // The gradient of what is multiplied with W: without dropout all of it, else only what the gain adds.
            let inner = try Tensor(empty: [rows, out])
            if wants.x || wants.weight {
                scaleColumns(
                    from, by: factors, plus: mask == nil ? 0 : -1, to: inner.pointer(Float.self), rows: rows, width: out
                )
            }
            if wants.x {
                dx = try Tensor(empty: shape)
                let w = try WeightMatrix(saved.weight.value(name), name, precision), d = dx!.pointer(Float.self)
                try w.multiply(inner.pointer(Float.self), count: rows, into: d)
                if let mask {
                    mask.apply(d, d, rows: rows, width: input)
                    try w.multiply(from, count: rows, beta: 1, into: d)
                }
                addLowRank(
                    v.pointer(Float.self), rank: rank, try saved.a.pointer(name), scale: 1, to: d, rows: rows,
                    width: input, mask: mask)
            }
            if wants.weight || wants.a {
                let x = try saved.x.value(name), masked = try maskedRows(x, mask, rows, input)
                if wants.weight {
                    dW = try w.gradient(inner, masked, count: rows)
                    if mask != nil { dW = try dW!.add(w.gradient(g, x, count: rows)) }
                }
                if wants.a {
                    dA = try NarrowProduct.sums(v, masked, rows: rows, width: input, mask: nil)
                }
            }
            if wants.b {
                dB = try NarrowProduct.sums(
                    product, g, rows: rows, width: out, mask: nil, scale: scale, transposed: true)
            }
            if let base = saved.base {
                let kept = try base.pointer(name)
                if keepsBase {
                    dGain = try columnProducts(from, kept, rows: rows, width: out)
                } else {   // gain * (x W^T) = y - bias - what the adapter added
                    let p = inner.pointer(Float.self)
                    p.update(from: kept, count: rows * out)
                    addLowRank(
                        product.pointer(Float.self), rank: rank, transposedB.pointer(Float.self), scale: -scale,
                        to: p, rows: rows, width: out, mask: nil)
                    if let bias = savedBias {
                        addRow(try bias.pointer(name), to: p, rows: rows, width: out, factor: -1)
                    }
                    dGain = try columnProducts(from, p, rows: rows, width: out)
                    let d = dGain!.pointer(Float.self)
                    for i in 0 ..< out { d[i] /= factors[i] }
                }
            }
            return [dx, dW, dA, dB, dGain]
                + (hasBias ? [wants.bias ? try columnSums(g, rows: rows, width: out) : nil] : [])
        }
        return result
    }

    /// to[n, c] = from[n, c] * (factors[c] + plus), or added to what is there; `from` may be `to`.
    static func scaleColumns(
        _ from: UnsafePointer<Float>, by factors: UnsafePointer<Float>, plus: Float = 0,
        to: UnsafeMutablePointer<Float>,
        rows: Int, width: Int, adding: Bool = false
    ) {
        Parallel.forRange(rows, grain: max(1, 16384 / max(width, 1))) { range in
            for n in range {
                let from = from + n &* width, to = to + n &* width
                eachVector(width) { i, lanes in
                    let scaled = load(from + i, lanes) * (load(factors + i, lanes) + plus)
                    store(adding ? load(to + i, lanes) + scaled : scaled, to + i, lanes)
                }
            }
        }
    }

    /// Every row of y [rows, width] += factor * the vector.
    static func addRow(
        _ vector: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, rows: Int, width: Int, factor: Float = 1
    ) {
        Parallel.forRange(rows, grain: max(1, 16384 / max(width, 1))) { range in
            for n in range { addScaled(factor, vector, to: y + n &* width, width) }
        }
    }

    /// The sum of each column of g * p, both [rows, width], rows in order; added to `sums` where given.
    static func columnProducts(
        _ g: UnsafePointer<Float>, _ p: UnsafePointer<Float>, rows: Int, width: Int, addedTo sums: Tensor? = nil
    ) throws -> Tensor {
        let sums = try sums ?? Tensor(zeros: [width]), to = sums.pointer(Float.self)
        Parallel.forRange((width + 63) / 64) { blocks in
            let lower = blocks.lowerBound * 64, upper = min(blocks.upperBound * 64, width)
            for n in 0 ..< rows {
                let g = g + n &* width, p = p + n &* width
                eachVector(upper - lower) { i, lanes in
                    let at = lower &+ i
                    store(load(to + at, lanes).addingProduct(load(g + at, lanes), load(p + at, lanes)), to + at, lanes)
                }
            }
        }
        return sums
    }
}
