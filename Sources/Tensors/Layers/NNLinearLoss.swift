import Support

extension NN {
    /// A low-rank adapter of a weight [out, in]: a [r, in], b [out, r], scale = alpha / r. The effective weight is
    /// diag(gain) W + scale B A.
    public struct Adapter {
        public var a: Tensor, b: Tensor
        public var scale: Float
        /// What the weight's rows are multiplied by, [out]; nil for 1.
        public var gain: Tensor?
        /// Dropout on the input of what the adapter adds.
        public var dropout: DropoutMask?

        public init(a: Tensor, b: Tensor, scale: Float, gain: Tensor? = nil, dropout: DropoutMask? = nil) {
            (self.a, self.b, self.scale, self.gain, self.dropout) = (a, b, scale, gain, dropout)
        }
    }

    /// What `linearCrossEntropy` found.
    public struct LinearLoss {
        /// Mean loss of the counted rows, shape []; 0 when there is none.
        public var loss: Tensor
        /// Counted rows whose target is among the `topK` largest logits (of equal logits, the lower id ranks first).
        public var correct: Int
        /// Rows whose target is not ignored.
        public var count: Int
    }

    /// Output projection and cross-entropy as one operation, a block of rows at a time: the [N, V] logits never exist.
    ///
    /// Rows with an ignored target cost nothing. When gradients are recorded, those of hidden, weight and adapter are
    /// computed in the same pass, while a block's probabilities are at hand, and only scaled during backward.
    /// - Parameters:
    ///   - hidden: [N, D].
    ///   - weight: [V, D], any floating dtype; gets a gradient only when it requires one.
    ///   - targets: N integers, 0-based class ids or `ignoreIndex`.
    ///   - precision: of the products with the weight, forward and backward.
    public static func linearCrossEntropy(
        _ hidden: Tensor, _ weight: Tensor, adapter: Adapter? = nil, targets: Tensor,
        ignoreIndex: Int = -100, topK: Int = 5,
        precision: ProductPrecision = .float32
    ) throws -> LinearLoss {
        let name = "linearCrossEntropy"
        let hidden = try hidden.single(), weight = try weight.single()
        let adapter = try adapter.map {
            Adapter(
                a: try $0.a.single(), b: try $0.b.single(), scale: $0.scale, gain: try $0.gain?.single(),
                dropout: $0.dropout)
        }
        let w = try WeightMatrix(weight, name, precision)
        guard hidden.rank == 2, targets.shape == [hidden.shape[0]] else {
            throw OpahError(
                .shape, "\(name): hidden of shape \(hidden.shape) and targets of shape \(targets.shape)",
                hint: "wanted [N, D] and [N]")
        }
        _ = try rowCount(hidden, w, name)
        let ids = try targets.positions(below: w.rows, except: ignoreIndex, name, "target")
        let inputs = [hidden, weight] + (adapter.map { [$0.a, $0.b] + ($0.gain.map { [$0] } ?? []) } ?? [])
        let wanted = inputs.map { Autograd.isEnabled && $0.requiresGrad }
        var pass = try LinearLossPass(try hidden.dense(name), w, adapter, ids, ignoreIndex, topK: topK, wanted: wanted)
        try pass.run()
        let result = try Tensor([pass.rows.isEmpty ? 0 : Float(pass.total / Double(pass.rows.count))], [])
        let gradients = pass.gradients
        Autograd.record(result, name, inputs) { gradient in
            let factor = try gradient.number(name)
            return try gradients.map { try $0.map { try scaled($0, factor) } }
        }
        return LinearLoss(loss: result, correct: pass.correct, count: pass.rows.count)
    }

    /// Rows whose logits exist at once: as many as 64 MiB hold, but at least 64; all blocks are about equally large.
    public static func lossBlock(rows: Int, classes: Int) -> Int {
        let most = max(64, (1 << 24) / max(classes, 1)), blocks = max((rows + most - 1) / most, 1)
        return (rows + blocks - 1) / blocks
    }

    private static func scaled(_ x: Tensor, _ factor: Float) throws -> Tensor {
        if factor == 1 { return x }
        let result = try Tensor(empty: x.shape), from = x.pointer(Float.self), to = result.pointer(Float.self)
        Parallel.forRange(x.count, grain: 16384) { range in
            eachVector(range.count) { j, lanes in
                store(load(from + range.lowerBound + j, lanes) * factor, to + range.lowerBound + j, lanes)
            }
        }
        return result
    }
}

/// One pass over the counted rows, in blocks.
private struct LinearLossPass {
    /// Numbers of the rows that count.
    let rows: [Int]
    private(set) var total = 0.0
    private(set) var correct = 0
    /// Of hidden, weight, a, b, gain; nil where not wanted.
    private(set) var gradients: [Tensor?]

    private let hidden: Tensor, w: WeightMatrix, ids: [Int], topK: Int
    private let adapter:
        (a: Tensor, b: Tensor, transposedB: Tensor, rank: Int, scale: Float, gain: Tensor?, dropout: DropoutMask?)?

    init(
        _ hidden: Tensor, _ w: WeightMatrix, _ adapter: NN.Adapter?, _ ids: [Int], _ ignored: Int, topK: Int,
        wanted: [Bool]
    ) throws {
        (self.hidden, self.w, self.ids, self.topK) = (hidden, w, ids, topK)
        rows = ids.indices.filter { ids[$0] != ignored }
        self.adapter = try adapter.map {
            let rank = try NN.adapterRank($0.a, $0.b, input: w.columns, output: w.rows, "linearCrossEntropy")
            let a = try $0.a.dense("linearCrossEntropy"), b = try $0.b.dense("linearCrossEntropy")
            if let gain = $0.gain, gain.shape != [w.rows] {
                throw OpahError(
                    .shape,
                    "linearCrossEntropy: a gain of shape \(gain.shape) for a weight of shape [\(w.rows), \(w.columns)]",
                    hint: "the gain must have one number per row of the weight")
            }
            return (a, b, try NN.transposed(b), rank, $0.scale, try $0.gain?.dense("linearCrossEntropy"), $0.dropout)
        }
        let shapes =
            [hidden.shape, [w.rows, w.columns]]
            + (adapter.map { [$0.a.shape, $0.b.shape] + ($0.gain.map { [$0.shape] } ?? []) } ?? [])
        gradients = try zip(shapes, wanted).map { shape, wants in wants ? try Tensor(zeros: shape) : nil }
    }

    mutating func run() throws {
        guard !rows.isEmpty else { return }
        let size = NN.lossBlock(rows: rows.count, classes: w.rows), blocks = (rows.count + size - 1) / size
        let logits = try Tensor(empty: [size, w.rows]), x = try Tensor(empty: [size, w.columns])
        for block in 0 ..< blocks {
            try Interrupt.check()
            let numbers = Array(rows[rows.count * block / blocks ..< rows.count * (block + 1) / blocks])
            try run(numbers, logits.pointer(Float.self), x.pointer(Float.self))
        }
    }

    private mutating func run(
        _ numbers: [Int], _ logits: UnsafeMutablePointer<Float>, _ x: UnsafeMutablePointer<Float>
    ) throws {
        let count = numbers.count, input = w.columns, classes = w.rows
        let from = hidden.pointer(Float.self)
        for (n, row) in numbers.enumerated() { (x + n * input).update(from: from + row * input, count: input) }
        try w.multiplyTransposed(x, count: count, into: logits)
        var product: Tensor?, masked: Tensor?
        if let adapter {
            masked = try adapter.dropout.map { mask in
                let result = try Tensor(empty: [count, input])
                mask.apply(x, result.pointer(Float.self), rows: count, width: input, numbers: numbers)
                return result
            }
            product = try Tensor(empty: [count, adapter.rank])
            matrixProduct(
                count, adapter.rank, input, masked?.pointer(Float.self) ?? x, lda: input,
                adapter.a.pointer(Float.self), ldb: input, transposeB: true, product!.pointer(Float.self),
                ldc: adapter.rank)
        }
        let base = try adapter?.gain.map { try applyGain($0, logits, count: count, masked) }
        softmax(numbers, logits, product)
        guard gradients.contains(where: { $0 != nil }) else { return }
        if let base, let gain = adapter?.gain { try takeGain(gain, logits, count: count, base) }
        // The gradient of the product with W: of the logits, unless a gain stands between. Behind dropout there are
        // two.
        let inner = UnsafePointer(base?.pointer(Float.self) ?? logits), isSplit = base != nil && masked != nil

        if gradients[0] != nil || gradients.count > 2 {
            let dx = try Tensor(empty: [count, input]), d = dx.pointer(Float.self)
            if gradients[0] != nil {
                try w.multiply(inner, count: count, into: d)
                if isSplit, let mask = adapter?.dropout {
                    mask.apply(d, d, rows: count, width: input, numbers: numbers)
                    try w.multiply(logits, count: count, beta: 1, into: d)
                }
            }
            if let adapter {
                let v = try Tensor(empty: [count, adapter.rank])
                matrixProduct(
                    count, adapter.rank, classes, alpha: adapter.scale, logits, lda: classes,
                    adapter.b.pointer(Float.self), ldb: adapter.rank, v.pointer(Float.self), ldc: adapter.rank)
                if gradients[0] != nil {
                    NN.addLowRank(
                        v.pointer(Float.self), rank: adapter.rank, adapter.a.pointer(Float.self), scale: 1, to: d,
                        rows: count, width: input, mask: adapter.dropout, numbers: numbers)
                }
                if let dA = gradients[2] {
                    matrixProduct(
                        adapter.rank, input, count, v.pointer(Float.self), lda: adapter.rank, transposeA: true,
                        masked?.pointer(Float.self) ?? x, ldb: input, beta: 1, dA.pointer(Float.self), ldc: input)
                }
                if let dB = gradients[3] {
                    matrixProduct(
                        classes, adapter.rank, count, alpha: adapter.scale, logits, lda: classes, transposeA: true,
                        product!.pointer(Float.self), ldb: adapter.rank, beta: 1, dB.pointer(Float.self),
                        ldc: adapter.rank)
                }
            }
            if let out = gradients[0]?.pointer(Float.self) {
                for (n, row) in numbers.enumerated() { (out + row * input).update(from: d + n * input, count: input) }
            }
        }
        if let dW = gradients[1] {
            try w.addGradient(
                inner, isSplit ? masked!.pointer(Float.self) : x, count: count, to: dW.pointer(Float.self))
            if isSplit { try w.addGradient(logits, x, count: count, to: dW.pointer(Float.self)) }
        }
    }

    /// logits = gain * (x W^T), or with dropout x W^T + (gain - 1) * (m(x) W^T), from logits = x W^T.
    /// - Returns: what the gain is multiplied with, [count, classes].
    private func applyGain(
        _ gain: Tensor, _ logits: UnsafeMutablePointer<Float>, count: Int, _ masked: Tensor?
    ) throws -> Tensor {
        let base = try Tensor(empty: [count, w.rows]), p = base.pointer(Float.self), factors = gain.pointer(Float.self)
        if let masked {
            try w.multiplyTransposed(masked.pointer(Float.self), count: count, into: p)
            NN.scaleColumns(p, by: factors, plus: -1, to: logits, rows: count, width: w.rows, adding: true)
        } else {
            p.update(from: logits, count: count * w.rows)
            NN.scaleColumns(p, by: factors, to: logits, rows: count, width: w.rows)
        }
        return base
    }

    /// Adds the gain's gradient, and leaves in `base` the gradient of what was multiplied with the gain.
    private func takeGain(_ gain: Tensor, _ logits: UnsafePointer<Float>, count: Int, _ base: Tensor) throws {
        let p = base.pointer(Float.self)
        if let sums = gradients[4] { _ = try NN.columnProducts(logits, p, rows: count, width: w.rows, addedTo: sums) }
        NN.scaleColumns(
            logits, by: gain.pointer(Float.self), plus: adapter?.dropout == nil ? 0 : -1, to: p, rows: count,
            width: w.rows)
    }

    /// Adds the adapter's part to each row of logits, counts its loss and rank, and leaves the gradient of the mean
    /// loss in it.
    private mutating func softmax(_ numbers: [Int], _ logits: UnsafeMutablePointer<Float>, _ product: Tensor?) {
        let classes = w.rows, share = 1 / Float(rows.count), keep = gradients.contains { $0 != nil }
        var losses = [Float](repeating: 0, count: numbers.count), hits = [Bool](repeating: false, count: numbers.count)
        losses.withUnsafeMutableBufferPointer { losses in
            hits.withUnsafeMutableBufferPointer { hits in
                let losses = losses.baseAddress!, hits = hits.baseAddress!
                Parallel.forRange(numbers.count, grain: NN.grain(classes)) { range in
                    for n in range {
                        let row = logits + n &* classes, target = ids[numbers[n]]
                        if let adapter {
                            NN.addLowRank(
                                product!.pointer(Float.self) + n &* adapter.rank, rank: adapter.rank,
                                adapter.transposedB.pointer(Float.self), scale: adapter.scale, to: row, width: classes,
                                mask: nil)
                        }
                        let (top, log) = NN.logSumExp(row, classes)
                        losses[n] = (top - row[target]) + log
                        hits[n] = NN.rank(row, classes, of: target) < topK
                        guard keep else { continue }
                        eachVector(classes) { i, lanes in
                            store((load(row + i, lanes) - top - log).exponentialOfNegative() * share, row + i, lanes)
                        }
                        row[target] -= share
                    }
                }
            }
        }
        for loss in losses { total += Double(loss) }
        for hit in hits where hit { correct += 1 }
    }
}
