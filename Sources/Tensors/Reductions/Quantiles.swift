import Support

// Elements by their rank, as PyTorch picks them. A row that holds a NaN gives NaN.

extension Tensor {
    /// The middle element over all: the lower one of two.
    public func median() throws -> Tensor {
        if count == 0, dtype.isFloating { return try Tensor.full([], Scalar.real(.nan), dtype) }
        return try flattened.median(dim: 0).values
    }

    /// The middle element along `dim`, the lower one of two, and its position (int64).
    public func median(dim: Int, keepDim: Bool = false) throws -> (values: Tensor, indices: Tensor) {
        let d = try dimension(dim, "median"), x = rank == 0 ? try reshape([1]) : self
        let places = try x.places(dim: d, ranks: [(x.shape[d] - 1) / 2], "median"),
            values = try x.gather(dim: d, places)
        return keepDim && rank > 0 ? (values, places) : (try values.squeeze(dim: d), try places.squeeze(dim: d))
    }

    /// The elements below which the shares `q` (0 to 1) of all elements lie (`dim` nil), or of those along `dim`,
    /// linear between two of them. `q` stands in a first dimension of the result, unless `isSingle`.
    public func quantile(_ q: [Double], isSingle: Bool = false, dim: Int? = nil, keepDim: Bool = false) throws -> Tensor
    {
        guard dtype.isFloating else {
            throw OpahError(
                .dtype, "quantile: \(summary) is not floating", hint: "convert it to float32 or float64 first")
        }
        if let wrong = q.first(where: { !(0 ... 1).contains($0) }) {
            throw OpahError(.argument, "quantile: a share is from 0 to 1, not \(wrong)")
        }
        let d = try dim.map { try dimension($0, "quantile") } ?? 0, x = dim == nil || rank == 0 ? try flattened : self
        let ranks = q.map { $0 * Double(x.shape[d] - 1) }, below = ranks.map { Int($0.rounded(.down)) }
        let lower = try x.gather(dim: d, x.places(dim: d, ranks: below, "quantile")).to(.float64)
        let upper = try x.gather(dim: d, x.places(dim: d, ranks: ranks.map { Int($0.rounded(.up)) }, "quantile")).to(
            .float64)
        var along = Dims(repeating: 1, count: x.rank)
        along[d] = q.count
        let share = try Tensor(zip(ranks, below).map { $0 - Double($1) }, along, .float64)
        // An element alone stays what it is, an infinite one as well.
        let between = try Tensor.where(share.eq(0), lower, lower.mul(share.neg().add(1)).add(upper.mul(share)))
        let result = try between.to(dtype)
        guard !isSingle else {
            guard dim == nil || rank == 0 else { return try keepDim ? result : result.squeeze(dim: d) }
            return try result.reshape(keepDim ? Dims(repeating: 1, count: rank) : [])
        }
        guard dim != nil, rank > 0 else {
            return keepDim ? try result.reshape(Dims([q.count] + Array(repeating: 1, count: rank))) : result
        }
        let first = try result.permute(Dims([d] + x.shape.indices.filter { $0 != d }))
        return keepDim ? try first.unsqueeze(dim: d + 1) : first
    }

    private var flattened: Tensor { get throws { try reshape([count]) } }

    /// Where the elements of these ranks (from 0, the smallest) stand along `d`; in a row with a NaN, where that
    /// stands.
    private func places(dim d: Int, ranks: [Int], _ name: String) throws -> Tensor {
        let length = shape[d]
        guard length > 0 else {
            throw OpahError(.argument, "\(name): there are no elements along dimension \(d) of shape \(shape)")
        }
        let (values, order) = try Autograd.withoutGradients { try detach().sort(dim: d) }
        let rows = try order.transpose(d, -1).contiguous(),
            sorted = try values.to(dtype.isFloating ? .float64 : .int64).transpose(d, -1).contiguous()
        var target = rows.shape
        target[rank - 1] = ranks.count
        let picked = try Tensor(empty: target, .int64), to = picked.pointer(Int.self), from = rows.pointer(Int.self)
        for row in 0 ..< (length > 0 ? rows.count / length : 0) {
            let last = (row + 1) * length - 1, hasNaN = dtype.isFloating && sorted.pointer(Double.self)[last].isNaN
            for (i, rank) in ranks.enumerated() {
                to[row * ranks.count + i] = from[hasNaN ? last : row * length + rank]
            }
        }
        return try picked.transpose(d, -1).contiguous()
    }
}
