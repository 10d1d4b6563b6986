import Support

// Largest and smallest elements. NaN counts as the largest and as the smallest: where there is one, it is
// the result. Of equal ones the first is chosen.

extension Tensor {
    /// The largest element. Equal ones share the gradient.
    public func max() throws -> Tensor { try extreme("max", largest: true) }
    /// The smallest element. Equal ones share the gradient.
    public func min() throws -> Tensor { try extreme("min", largest: false) }

    /// The largest elements along `dim`, and their positions (int64).
    public func max(dim: Int, keepDim: Bool = false) throws -> (values: Tensor, indices: Tensor) {
        try extreme("max", dim, keepDim, largest: true)
    }
    public func min(dim: Int, keepDim: Bool = false) throws -> (values: Tensor, indices: Tensor) {
        try extreme("min", dim, keepDim, largest: false)
    }

    /// The position of the largest element: along `dim`, or in C order over all.
    public func argmax(dim: Int? = nil, keepDim: Bool = false) throws -> Tensor {
        try argument("argmax", dim, keepDim, largest: true)
    }
    public func argmin(dim: Int? = nil, keepDim: Bool = false) throws -> Tensor {
        try argument("argmin", dim, keepDim, largest: false)
    }

    private func argument(_ name: String, _ dim: Int?, _ keepDim: Bool, largest: Bool) throws -> Tensor {
        let reduction = try Reduction(self, dim.map { [$0] }, name)
        let indices = try extremes(reduction, name, largest).indices
        return keepDim ? indices.reshaped(reduction.kept) : indices
    }

    private func extreme(_ name: String, largest: Bool) throws -> Tensor {
        let result = try extremes(try Reduction(self, nil, name), name, largest).values
        if Autograd.wants(self) {
            let x = Saved(self), y = Saved(result), dtype = gradientDType
            Autograd.record(result, name, [self]) { g in
                let hits = try x.value(name).eq(y.value(name)).to(dtype)
                return [try hits.mul(g.to(dtype).div(hits.sum()))]
            }
        }
        return result
    }

    private func extreme(
        _ name: String, _ dim: Int, _ keepDim: Bool, largest: Bool
    ) throws -> (values: Tensor, indices: Tensor) {
        let reduction = try Reduction(self, [dim], name)
        var (values, indices) = try extremes(reduction, name, largest)
        let kept = indices.reshaped(reduction.kept)
        if keepDim { (values, indices) = (values.reshaped(reduction.kept), kept) }
        if Autograd.wants(self) {
            if rank == 0 {
                Autograd.record(values, name, [self]) { [$0] }
            } else {
                let (shape, dtype, d) = (self.shape, gradientDType, reduction.dims[0])
                Autograd.record(values, name, [self]) { g in
                    [try Tensor(zeros: shape, dtype).scatter_(dim: d, kept, g.reshape(kept.shape))]
                }
            }
        }
        return (values, indices)
    }

    /// Values and positions, shaped as `reduction.dropped`, not recorded.
    private func extremes(
        _ reduction: Reduction, _ name: String, _ largest: Bool
    ) throws -> (values: Tensor, indices: Tensor) {
        let (source, rows, length, _) = try reduction.arranged(plain(dtype.computing), rowsOnly: true)
        guard length > 0 || rows == 0 else {
            throw OpahError(
                .shape, "\(name): a tensor of shape \(shape) has no elements there", hint: "check its size first")
        }
        let values = try Tensor(empty: reduction.dropped, source.dtype),
            indices = try Tensor(empty: reduction.dropped, .int64)
        let at = indices.pointer(Int.self)
        /// `better(a, b)`: a replaces b.
        func scan<T>(_: T.Type, _ better: (T, T) -> Bool) {
            let x = source.pointer(T.self), to = values.pointer(T.self)
            Parallel.forRange(rows, grain: Swift.max(1, Parallel.grain / Swift.max(1, length))) { range in
                for row in range {
                    let x = x + row * length
                    var best = 0
                    for i in 1 ..< Swift.max(length, 1) where better(x[i], x[best]) { best = i }
                    (to[row], at[row]) = (x[best], best)
                }
            }
        }
        switch (source.dtype, largest) {
        case (.float32, _): Tensor.scan(source.pointer(), rows, length, values.pointer(), at, largest)
        case (.float64, true): scan(Double.self) { $0 > $1 || ($0 != $0 && $1 == $1) }
        case (.float64, false): scan(Double.self) { $0 < $1 || ($0 != $0 && $1 == $1) }
        case (_, true): scan(Int.self, >)
        case (_, false): scan(Int.self, <)
        }
        return (try values.plain(dtype), indices)
    }

    /// Rows of float32: the extreme eight lanes at a time, then the first place where it stands.
    private static func scan(
        _ x: UnsafePointer<Float>, _ rows: Int, _ length: Int, _ values: UnsafeMutablePointer<Float>,
        _ at: UnsafeMutablePointer<Int>, _ largest: Bool
    ) {
        /// Eight extremes of all but the last few elements. Four at a time: each waits for its last comparison.
        @inline(__always)
        func lanesOf(
            _ x: UnsafePointer<Float>, _ count: Int, _ i: inout Int, _ better: (Float8, Float8) -> Float8
        ) -> Float8 {
            var a = Float8(repeating: x[0]), b = a, c = a, d = a
            while i &+ 32 <= count {
                a = better(a, Float8(x + i)); b = better(b, Float8(x + i + 8))
                c = better(c, Float8(x + i + 16)); d = better(d, Float8(x + i + 24))
                i &+= 32
            }
            while i &+ 8 <= count { a = better(a, Float8(x + i)); i &+= 8 }
            return better(better(a, b), better(c, d))
        }
        /// The extreme of `count` > 0 elements; NaN if one is.
        func extreme(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
            var lanes: Float8, i = 0
            if largest {
                lanes = lanesOf(x, count, &i, VectorMath.maximum)
                while i < count { lanes[0] = lanes[0] < x[i] || x[i] != x[i] ? x[i] : lanes[0]; i &+= 1 }
            } else {
                lanes = lanesOf(x, count, &i, VectorMath.minimum)
                while i < count { lanes[0] = lanes[0] > x[i] || x[i] != x[i] ? x[i] : lanes[0]; i &+= 1 }
            }
            var best = lanes[0]
            for i in 1 ..< 8 where lanes[i] != lanes[i] || (largest ? lanes[i] > best : lanes[i] < best) {
                best = lanes[i]
            }
            return best
        }
        func first(_ x: UnsafePointer<Float>, _ count: Int, _ value: Float) -> Int {
            var i = 0
            if value != value { while x[i] == x[i] { i &+= 1 } } else { while x[i] != value { i &+= 1 } }
            return i
        }
        // A long row is shared out in parts, whose extremes are compared in order.
        let part = 1 << 16
        if rows < 8, length > part {
            let parts = (length + part - 1) / part
            for row in 0 ..< rows {
                let x = x + row * length
                withUnsafeTemporaryAllocation(of: Float.self, capacity: parts) { bests in
                    let bests = bests.baseAddress!
                    Parallel.forEach(parts) { bests[$0] = extreme(x + $0 * part, Swift.min(part, length - $0 * part)) }
                    let best = extreme(bests, parts), start = first(bests, parts, best) * part
                    (values[row], at[row]) = (best, start + first(x + start, length - start, best))
                }
            }
            return
        }
        Parallel.forRange(rows, grain: Swift.max(1, Parallel.grain / Swift.max(1, length))) { range in
            for row in range {
                let x = x + row * length, best = extreme(x, length)
                (values[row], at[row]) = (best, first(x, length, best))
            }
        }
    }
}
