import Glibc
import Support

extension Tensor {
    /// e^x / sum of e^x along `dim`, computed from x - max(x): no overflow.
    public func softmax(dim: Int) throws -> Tensor {
        try overRows("softmax", dim, SoftmaxRows.self)
    }

    /// x - log(sum of e^x) along `dim`.
    public func logSoftmax(dim: Int) throws -> Tensor {
        try overRows("log_softmax", dim, LogSoftmaxRows.self)
    }

    private func overRows<K: RowKernel>(_ name: String, _ dim: Int, _: K.Type) throws -> Tensor {
        guard dtype.isFloating else { return try to(.float32).overRows(name, dim, K.self) }
        if rank == 0 { return try reshape([1]).overRows(name, dim, K.self).reshape([]) }
        let d = try dimension(dim, name), dtype = gradientDType
        let rows = try plain(self.dtype.computing).detach().transpose(d, -1).contiguous()
        let y = try Tensor(empty: rows.shape, rows.dtype)
        y.forEachRow { first, length in
            if y.dtype == .float32 {
                K.forward(rows.pointer(Float.self) + first, y.pointer(Float.self) + first, length)
            } else {
                K.forward(rows.pointer(Double.self) + first, y.pointer(Double.self) + first, length)
            }
        }
        let result = try y.transpose(d, -1).contiguous().plain(self.dtype)
        if Autograd.wants(self) {
            let saved = Saved(y)
            // `y` may be the result itself, which the caller may change in place.
            Autograd.record(result, name, [self]) { g in
                let y = try saved.value(name), g = try g.to(dtype).transpose(d, -1).contiguous(),
                    dx = try Tensor(empty: y.shape, dtype)
                dx.forEachRow { first, length in
                    if dtype == .float32 {
                        K.backward(
                            g.pointer(Float.self) + first, y.pointer(Float.self) + first,
                            dx.pointer(Float.self) + first, length)
                    } else {
                        K.backward(
                            g.pointer(Double.self) + first, y.pointer(Double.self) + first,
                            dx.pointer(Double.self) + first, length)
                    }
                }
                return [try dx.transpose(d, -1)]
            }
        }
        return result
    }

    /// Calls `body` with the first element and the length of each row of this contiguous tensor, on all threads.
    private func forEachRow(_ body: (Int, Int) -> Void) {
        guard count > 0 else { return }
        let length = shape[rank - 1]
        Parallel.forRange(count / length, grain: Swift.max(1, Parallel.grain / 4 / length)) { range in
            for row in range { body(row * length, length) }
        }
    }

    /// log(sum of e^x) over `dims`, nil for all; -inf of nothing and where all are -inf.
    public func logsumexp(dims: Dims? = nil, keepDim: Bool = false) throws -> Tensor {
        guard dtype.isFloating else { return try to(.float32).logsumexp(dims: dims, keepDim: keepDim) }
        let reduction = try Reduction(self, dims, "logsumexp")
        let (source, rows, length, _) = try reduction.arranged(plain(dtype.computing), rowsOnly: true)
        let sums = try Tensor(empty: reduction.dropped, source.dtype)
        Parallel.forRange(rows, grain: Swift.max(1, Parallel.grain / 4 / Swift.max(1, length))) { range in
            for row in range {
                if source.dtype == .float32 {
                    sums.pointer(Float.self)[row] = SoftmaxRows.logSumExp(
                        source.pointer(Float.self) + row * length, length)
                } else {
                    sums.pointer(Double.self)[row] = SoftmaxRows.logSumExp(
                        source.pointer(Double.self) + row * length, length)
                }
            }
        }
        let result = try (keepDim ? sums.reshaped(reduction.kept) : sums).plain(dtype)
        if Autograd.wants(self) {
            let x = Saved(self), y = Saved(sums.reshaped(reduction.kept)), dtype = gradientDType
            Autograd.record(result, "logsumexp", [self]) { g in
                let share = try x.value("logsumexp").to(dtype).sub(y.value("logsumexp")).exp()
                return [try share.mul(g.to(dtype).reshape(reduction.kept))]
            }
        }
        return result
    }
}

/// A function of a row of `n` elements, and its gradient from that of its result g and the result y.
private protocol RowKernel {
    static func forward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int)
    static func forward(_ x: UnsafePointer<Double>, _ y: UnsafeMutablePointer<Double>, _ n: Int)
    static func backward(
        _ g: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int)
    static func backward(
        _ g: UnsafePointer<Double>, _ y: UnsafePointer<Double>, _ dx: UnsafeMutablePointer<Double>, _ n: Int)
}

/// Applies `body` to eight elements after the other of rows a and b; the last ones are padded with zeros.
@inline(__always)
private func mapRow(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ to: UnsafeMutablePointer<Float>, _ n: Int,
    _ body: (Float8, Float8) -> Float8
) {
    var i = 0
    while i &+ 8 <= n { body(Float8(a + i), Float8(b + i)).store(to + i); i &+= 8 }
    if i < n { body(Float8(a + i, count: n &- i), Float8(b + i, count: n &- i)).store(to + i, count: n &- i) }
}

private enum SoftmaxRows: RowKernel {
    /// The largest element, NaN if there is one.
    static func top(_ x: UnsafePointer<Float>, _ n: Int) -> Float {
        var lanes = Float8(repeating: -.infinity), i = 0
        while i &+ 8 <= n { lanes = VectorMath.maximum(lanes, Float8(x + i)); i &+= 8 }
        var top = -Float.infinity
        for i in 0 ..< 8 where lanes[i] > top || lanes[i] != lanes[i] { top = lanes[i] }
        while i < n { if x[i] > top || x[i] != x[i] { top = x[i] }; i &+= 1 }
        return top
    }

    /// max(x) and the sum of e^(x - max(x)), blocks of 512 in float32 and their sums in float64. With
    /// `to`, the terms are stored there.
    static func sumExp(
        _ x: UnsafePointer<Float>, _ n: Int, storing to: UnsafeMutablePointer<Float>? = nil
    ) -> (Float, Double) {
        let top = top(x, n), shift = Float8(repeating: top)
        var sum = SIMD8<Double>(), i = 0
        while i < n {
            let end = Swift.min(i + 512, n)
            var block = Float8()
            while i &+ 8 <= end {
                let terms = VectorMath.exp(Float8(x + i) - shift)
                if let to { terms.store(to + i) }
                block += terms
                i &+= 8
            }
            if i < end {
                let terms = VectorMath.exp(Float8(x + i, count: end &- i) - shift)
                if let to { terms.store(to + i, count: end &- i) }
                for lane in 0 ..< (end &- i) { block[lane] += terms[lane] }
                i = end
            }
            sum += SIMD8<Double>(block)
        }
        return (top, sum.sum())
    }

    static func sumExp(_ x: UnsafePointer<Double>, _ n: Int) -> (Double, Double) {
        var top = -Double.infinity, sum = 0.0
        for i in 0 ..< n where x[i] > top || x[i] != x[i] { top = x[i] }
        for i in 0 ..< n { sum += exp(x[i] - top) }
        return (top, sum)
    }

    /// Infinite, not NaN, where the largest element is.
    static func logSumExp(_ x: UnsafePointer<Float>, _ n: Int) -> Float {
        let (top, sum) = sumExp(x, n)
        return top.isInfinite ? top : Float(Double(top) + log(sum))
    }

    static func logSumExp(_ x: UnsafePointer<Double>, _ n: Int) -> Double {
        let (top, sum) = sumExp(x, n)
        return top.isInfinite ? top : top + log(sum)
    }

    static func forward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int) {
        let scale = Float8(repeating: Float(1 / sumExp(x, n, storing: y).1))
        mapRow(y, y, y, n) { terms, _ in terms * scale }
    }

    static func forward(_ x: UnsafePointer<Double>, _ y: UnsafeMutablePointer<Double>, _ n: Int) {
        let (top, sum) = sumExp(x, n)
        for i in 0 ..< n { y[i] = exp(x[i] - top) / sum }
    }

    /// y (g - sum of g y)
    static func backward(
        _ g: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int
    ) {
        mapRow(g, y, dx, n) { $0 * $1 }
        let sum = Float8(repeating: Float(Summation.total(dx, n)))
        mapRow(g, y, dx, n) { g, y in y * (g - sum) }
    }

    static func backward(
        _ g: UnsafePointer<Double>, _ y: UnsafePointer<Double>, _ dx: UnsafeMutablePointer<Double>, _ n: Int
    ) {
        var sum = 0.0
        for i in 0 ..< n { sum += g[i] * y[i] }
        for i in 0 ..< n { dx[i] = y[i] * (g[i] - sum) }
    }
}

private enum LogSoftmaxRows: RowKernel {
    static func forward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int) {
        let (top, sum) = SoftmaxRows.sumExp(x, n), shift = Float8(repeating: top),
            rest = Float8(repeating: Float(log(sum)))
        mapRow(x, x, y, n) { x, _ in x - shift - rest }
    }

    static func forward(_ x: UnsafePointer<Double>, _ y: UnsafeMutablePointer<Double>, _ n: Int) {
        let (top, sum) = SoftmaxRows.sumExp(x, n), rest = log(sum)
        for i in 0 ..< n { y[i] = x[i] - top - rest }
    }

    /// g - e^y sum of g
    static func backward(
        _ g: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int
    ) {
        let sum = Float8(repeating: Float(Summation.total(g, n)))
        mapRow(g, y, dx, n) { g, y in g - VectorMath.exp(y) * sum }
    }

    static func backward(
        _ g: UnsafePointer<Double>, _ y: UnsafePointer<Double>, _ dx: UnsafeMutablePointer<Double>, _ n: Int
    ) {
        var sum = 0.0
        for i in 0 ..< n { sum += g[i] }
        for i in 0 ..< n { dx[i] = g[i] - exp(y[i]) * sum }
    }
}
