import Support

extension NN {
    /// y = x W^T + bias.
    /// - Parameters:
    ///   - x: [..., in], any rank from 1.
    ///   - weight: [out, in]; float32, or half-stored, which is read in panels.
    ///   - bias: [out].
    ///   - valueWanted: false leaves the result's elements undefined and only records the backward pass, for a second
    ///     run whose result nobody reads.
    ///   - precision: of the products with the weight, forward and backward.
    /// - Returns: [..., out] in float32. What does not require a gradient costs none.
    public static func linear(
        _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, valueWanted: Bool = true,
        precision: ProductPrecision = .float32
    ) throws -> Tensor {
        let x = try x.single(), weight = try weight.single(), bias = try bias?.single()
        let w = try WeightMatrix(weight, "linear", precision)
        let rows = try rowCount(x, w, "linear")
        if let bias, bias.shape != [w.rows] {
            throw OpahError(
                .shape, "linear: a bias of shape \(bias.shape) for a weight of shape \(weight.shape)",
                hint: "the bias must have one number per row of the weight")
        }
        let plain = try x.dense("linear")
        let result = try Tensor(empty: x.shape.replacingLast(w.rows))
        let y = result.pointer(Float.self)
        if valueWanted {
            if let bias { fillRows(try bias.dense("linear"), y, rows: rows) }
            try w.multiplyTransposed(plain.pointer(Float.self), count: rows, beta: bias == nil ? 0 : 1, into: y)
        }

        let savedWeight = Saved(weight), shape = x.shape
        let wants = (x: x.requiresGrad, weight: weight.requiresGrad, bias: bias?.requiresGrad ?? false),
            hasBias = bias != nil
        let savedX = SavedInput(x, plain, wanted: wants.weight)
        Autograd.record(result, "linear", [x, weight] + (bias.map { [$0] } ?? [])) { gradient in
            let g = try gradient.dense("linear")
            var dx: Tensor?, dW: Tensor?, db: Tensor?
            if wants.x {
                dx = try Tensor(empty: shape)
                try WeightMatrix(savedWeight.value("linear"), "linear", precision)
                    .multiply(g.pointer(Float.self), count: rows, into: dx!.pointer(Float.self))
            }
            if wants.weight { dW = try w.gradient(g, try savedX.value("linear"), count: rows) }
            if wants.bias { db = try columnSums(g, rows: rows, width: w.rows) }
            return [dx, dW] + (hasBias ? [db] : [])
        }
        return result
    }

    /// The input of a linear layer, which only the gradient of its weights needs: the elements or, when what made them
    /// can make them again cheaply (a norm, a gated unit), how. Of a transformer layer this keeps 12.5 instead of 18.7
    /// thousand floats per row (D 1024, FFN 4096), for two norms and two gated units more in the backward pass: about 1
    /// % of its time.
    enum SavedInput {
        case nothing
        case elements(Saved)
        case remade(() throws -> Tensor)

        /// - Parameter plain: the elements of `x`, contiguous.
        init(_ x: Tensor, _ plain: Tensor, wanted: Bool) {
            // A write in place after the operation would be lost by making the elements again.
            if !wanted {
                self = .nothing
            } else if let remake = x.node?.remake, x.storage.version == 0 {
                self = .remade(remake)
            } else {
                self = .elements(Saved(plain))
            }
        }

        func value(_ operation: String) throws -> Tensor {
            switch self {
            case .elements(let saved): try saved.value(operation)
            case .remade(let make): try make()
            case .nothing: preconditionFailure("the input of \(operation) was not kept")
            }
        }
    }

    /// The number of rows of `x` [..., in], when it fits the weight [out, in].
    static func rowCount(_ x: Tensor, _ w: WeightMatrix, _ operation: String) throws -> Int {
        guard x.rank > 0, x.shape[x.rank - 1] == w.columns, w.columns > 0 else {
            throw OpahError(
                .shape, "\(operation): x of shape \(x.shape) and a weight of shape [\(w.rows), \(w.columns)]",
                hint: "the last dimension of x must be the weight's second")
        }
        return x.count / w.columns
    }

    /// The sum of each column of g [rows, width], rows in order.
    static func columnSums(_ g: Tensor, rows: Int, width: Int) throws -> Tensor {
        let sums = try Tensor(zeros: [width])
        let from = g.pointer(Float.self), to = sums.pointer(Float.self)
        Parallel.forRange((width + 63) / 64) { blocks in
            let lower = blocks.lowerBound * 64, upper = min(blocks.upperBound * 64, width)
            for n in 0 ..< rows { addScaled(1, from + n * width + lower, to: to + lower, upper - lower) }
        }
        return sums
    }

    /// Every row of y [rows, width] = the vector.
    static func fillRows(_ vector: Tensor, _ y: UnsafeMutablePointer<Float>, rows: Int) {
        let from = vector.pointer(Float.self)
        let width = vector.count
        Parallel.forRange(rows, grain: max(1, 16384 / max(width, 1))) { range in
            for n in range { (y + n * width).update(from: from, count: width) }
        }
    }
}

extension Dims {
    /// The same sizes, but the last.
    func replacingLast(_ size: Int) -> Dims {
        var result = self
        result[count - 1] = size
        return result
    }
}
