import Support

extension NN {
    /// Rows of `weight` [V, D], any floating dtype, by id (0-based).
    /// - Parameter ids: integers of any shape; a value outside 0..<V is an `index` error.
    /// - Returns: [ids..., D] in float32.
    public static func embedding(_ weight: Tensor, _ ids: Tensor) throws -> Tensor {
        let weight = try weight.single()
        let w = try WeightMatrix(weight, "embedding")
        let rows = try ids.positions(below: w.rows, "embedding", "id"), width = w.columns
        let result = try Tensor(empty: try shape(of: ids, width))
        gather(w, rows, result.pointer(Float.self))
        Autograd.record(result, "embedding", [weight]) { gradient in
            [try scatter(try gradient.dense("embedding"), rows, height: w.rows, width: width)]
        }
        return result
    }

    /// An embedding with a low-rank adapter: gain * weight[i] + scale A^T[i] B^T.
    /// - Parameters:
    ///   - weight: [V, D], any floating dtype;  a: [r, V];  b: [D, r];  scale: alpha / r.
    ///   - gain: [D], what the columns of the weight are multiplied by; nil for 1.
    ///   - ids: integers of any shape, 0-based.
    /// - Returns: [ids..., D] in float32.
    public static func loraEmbedding(
        _ weight: Tensor, _ ids: Tensor, a: Tensor, b: Tensor, scale: Float, gain: Tensor? = nil
    ) throws -> Tensor {
        let weight = try weight.single(), a = try a.single(), b = try b.single(), gain = try gain?.single()
        let w = try WeightMatrix(weight, "loraEmbedding")
        let rows = try ids.positions(below: w.rows, "loraEmbedding", "id"), width = w.columns, height = w.rows
        let rank = try adapterRank(a, b, input: height, output: width, "loraEmbedding")
        if let gain, gain.shape != [width] {
            throw OpahError(
                .shape, "loraEmbedding: a gain of shape \(gain.shape) for a weight of shape \(weight.shape)",
                hint: "the gain must have one number per column of the weight")
        }
        let plainA = try a.dense("loraEmbedding"), plainB = try b.dense("loraEmbedding"),
            plainGain = try gain?.dense("loraEmbedding")
        let result = try Tensor(empty: try shape(of: ids, width))
        gather(w, rows, result.pointer(Float.self))
        if let plainGain {
            let y = result.pointer(Float.self)
            scaleColumns(y, by: plainGain.pointer(Float.self), to: y, rows: rows.count, width: width)
        }

        let picked = try Tensor(empty: [rows.count, rank])   // A^T[i]
        let c = picked.pointer(Float.self), from = plainA.pointer(Float.self)
        for (n, id) in rows.enumerated() { for k in 0 ..< rank { c[n * rank + k] = from[k * height + id] } }
        let transposedB = try transposed(plainB)
        addLowRank(
            c, rank: rank, transposedB.pointer(Float.self), scale: scale,
            to: result.pointer(Float.self), rows: rows.count, width: width, mask: nil)

        let savedB = Saved(plainB), savedGain = plainGain.map(Saved.init), savedWeight = Saved(weight)
        let wants = (
            weight: weight.requiresGrad, a: a.requiresGrad, b: b.requiresGrad, gain: gain?.requiresGrad ?? false
        )
        Autograd.record(result, "loraEmbedding", [weight, a, b] + (gain.map { [$0] } ?? [])) { gradient in
            let g = try gradient.dense("loraEmbedding")
            var dA: Tensor?, dB: Tensor?, dGain: Tensor?, dRows = g   // of the weight's rows
            if wants.gain {
                let base = try Tensor(empty: [rows.count, width])
                gather(
                    try WeightMatrix(savedWeight.value("loraEmbedding"), "loraEmbedding"), rows,
                    base.pointer(Float.self))
                dGain = try columnProducts(
                    g.pointer(Float.self), base.pointer(Float.self), rows: rows.count, width: width)
            }
            if wants.weight, let savedGain {
                dRows = try Tensor(empty: [rows.count, width])
                scaleColumns(
                    g.pointer(Float.self), by: try savedGain.pointer("loraEmbedding"), to: dRows.pointer(Float.self),
                    rows: rows.count, width: width)
            }
            if wants.a {
                dA = try Tensor(zeros: [rank, height])
                let v = try Tensor(empty: [rows.count, rank])
                matrixProduct(
                    rows.count, rank, width, alpha: scale, g.pointer(Float.self), lda: width,
                    try savedB.pointer("loraEmbedding"), ldb: rank, v.pointer(Float.self), ldc: rank)
                let from = v.pointer(Float.self), to = dA!.pointer(Float.self)
                for (n, id) in rows.enumerated() { for k in 0 ..< rank { to[k * height + id] += from[n * rank + k] } }
            }
            if wants.b {
                dB = try Tensor(zeros: [width, rank])
                if !rows.isEmpty {
                    matrixProduct(
                        width, rank, rows.count, alpha: scale, g.pointer(Float.self), lda: width, transposeA: true,
                        picked.pointer(Float.self), ldb: rank, dB!.pointer(Float.self), ldc: rank)
                }
            }
            return [wants.weight ? try scatter(dRows, rows, height: height, width: width) : nil, dA, dB]
                + (savedGain == nil ? [] : [dGain])
        }
        return result
    }

    private static func shape(of ids: Tensor, _ width: Int) throws -> Dims {
        guard ids.rank < Dims.maxCount else {
            throw OpahError(.shape, "embedding: ids of rank \(ids.rank) are too deep")
        }
        var shape = ids.shape
        shape.append(width)
        return shape
    }

    private static func gather(_ w: WeightMatrix, _ rows: [Int], _ out: UnsafeMutablePointer<Float>) {
        Parallel.forRange(rows.count, grain: max(1, 16384 / max(w.columns, 1))) { range in
            for n in range { w.copyRow(rows[n], to: out + n * w.columns) }
        }
    }

    /// dW[id] += g[n], n in order; threads share the columns, so equal ids never meet.
    private static func scatter(_ g: Tensor, _ rows: [Int], height: Int, width: Int) throws -> Tensor {
        let dW = try Tensor(zeros: [height, width])
        let from = g.pointer(Float.self), to = dW.pointer(Float.self)
        Parallel.forRange((width + 63) / 64) { blocks in
            let lower = blocks.lowerBound * 64, upper = min(blocks.upperBound * 64, width)
            for (n, id) in rows.enumerated() {
                addScaled(1, from + n * width + lower, to: to + id * width + lower, upper - lower)
            }
        }
        return dW
    }
}
