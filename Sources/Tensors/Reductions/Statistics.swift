import Support

extension Tensor {
    /// The variance over `dims` (nil: all), divided by n - correction.
    public func `var`(dims: Dims? = nil, correction: Int = 1, keepDim: Bool = false) throws -> Tensor {
        guard dtype.isFloating else {
            return try to(.float32).var(dims: dims, correction: correction, keepDim: keepDim)
        }
        // Half types: one rounding at the end, not one per step.
        let x = try to(dtype.computing), reduction = try Reduction(x, dims, "var")
        let distance = try x.sub(x.mean(dims: reduction.dims, keepDim: true))
        return try distance.mul(distance).sum(dims: reduction.dims, keepDim: keepDim)
            .div(Double(Swift.max(0, reduction.length(x) - correction))).to(dtype)
    }

    /// The standard deviation: the root of `var`. Its gradient is 0 where it is 0.
    public func std(dims: Dims? = nil, correction: Int = 1, keepDim: Bool = false) throws -> Tensor {
        try self.var(dims: dims, correction: correction, keepDim: keepDim).smoothRoot("std")
    }

    /// The p-norm over `dims` (nil: all): (sum of |x|^p)^(1/p); infinity for the largest |x|, 0 counts
    /// what is not zero. The gradient of the 2-norm is 0 at 0.
    public func norm(_ p: Double = 2, dims: Dims? = nil, keepDim: Bool = false) throws -> Tensor {
        guard dtype.isFloating else { return try to(.float32).norm(p, dims: dims, keepDim: keepDim) }
        let x = try to(dtype.computing), reduction = try Reduction(x, dims, "norm"), over = reduction.dims
        let result: Tensor =
            switch p {
            case 2: try x.mul(x).sum(dims: over, keepDim: keepDim).smoothRoot("norm")
            case 1: try x.abs().sum(dims: over, keepDim: keepDim)
            case 0: try x.ne(0).to(x.dtype).sum(dims: over, keepDim: keepDim)
            case .infinity, -.infinity:
                // Over several dimensions: over one after the other, from the last on, so that numbers stay.
                try over.reversed().reduce(x.abs()) {
                    p > 0 ? try $0.max(dim: $1, keepDim: keepDim).values : try $0.min(dim: $1, keepDim: keepDim).values
                }
            default: try x.abs().pow(p).sum(dims: over, keepDim: keepDim).pow(1 / p)
            }
        return try result.to(dtype)
    }

    /// A root whose gradient is 0, not infinite, at 0.
    private func smoothRoot(_ name: String) throws -> Tensor {
        try function(SquareRoot.self, name, SmoothRootGradient.self, .output)
    }

    /// The product over all elements; integers and bools give int64.
    public func prod() throws -> Tensor { try prod(nil, keepDim: false) }
    public func prod(dim: Int, keepDim: Bool = false) throws -> Tensor { try prod([dim], keepDim: keepDim) }

    private func prod(_ dims: Dims?, keepDim: Bool) throws -> Tensor {
        let reduction = try Reduction(self, dims, "prod")
        let (source, rows, length, _) = try reduction.arranged(plain(dtype.computing), rowsOnly: true)
        let products = try Tensor(empty: reduction.dropped, source.dtype)
        func multiply<T, Wide>(_: T.Type, _ one: Wide, _ times: (Wide, T) -> Wide, _ done: (Wide) -> T) {
            let x = source.pointer(T.self), to = products.pointer(T.self)
            Parallel.forRange(rows, grain: Swift.max(1, Parallel.grain / Swift.max(1, length))) { range in
                for row in range {
                    var product = one
                    for i in 0 ..< length { product = times(product, x[row &* length &+ i]) }
                    to[row] = done(product)
                }
            }
        }
        switch source.dtype {
        case .float32: multiply(Float.self, 1.0, { $0 * Double($1) }, { Float($0) })
        case .float64: multiply(Double.self, 1.0, *, { $0 })
        default: multiply(Int.self, 1, &*, { $0 })
        }
        let shaped = keepDim ? products.reshaped(reduction.kept) : products
        let result = try shaped.plain(dtype.isFloating ? dtype : .int64)
        if Autograd.wants(self) {
            let x = Saved(self), (shape, dtype) = (self.shape, gradientDType)
            Autograd.record(result, "prod", [self]) { g in
                [
                    try x.value("prod").productsOfOthers(reduction).to(dtype).mul(g.to(dtype).reshape(reduction.kept))
                        .expand(shape)
                ]
            }
        }
        return result
    }

    /// For each element the product of all others that it was multiplied with: from both ends, so that
    /// zeros need no division.
    private func productsOfOthers(_ reduction: Reduction) throws -> Tensor {
        var order = Dims(shape.indices.filter { !reduction.dims.contains($0) }),
            inverse = Dims(repeating: 0, count: rank)
        for dim in reduction.dims { order.append(dim) }
        for i in 0 ..< rank { inverse[order[i]] = i }
        let x = try plain(.float64).permute(order).contiguous(), result = try Tensor(empty: x.shape, .float64)
        let from = x.pointer(Double.self), to = result.pointer(Double.self), length = reduction.length(self)
        for first in stride(from: 0, to: count, by: Swift.max(length, 1)) {
            var product = 1.0
            for i in first ..< (first + length) { to[i] = product; product *= from[i] }
            product = 1
            for i in (first ..< (first + length)).reversed() { to[i] *= product; product *= from[i] }
        }
        return try result.permute(inverse)
    }

    /// Sums of the elements up to each along `dim`; integers and bools give int64.
    public func cumsum(dim: Int) throws -> Tensor {
        let d = try dimension(dim, "cumsum")
        let result = try running(d, backwards: false).plain(dtype.isFloating ? dtype : .int64)
        if Autograd.wants(self) {
            let dtype = gradientDType
            Autograd.record(result, "cumsum", [self]) { [try $0.to(dtype).running(d, backwards: true)] }
        }
        return result
    }

    /// Running sums in the computing dtype; float32 is summed in float64.
    private func running(_ d: Int, backwards: Bool) throws -> Tensor {
        let source = try plain(dtype.computing).detach()
        if rank == 0 { return try source.clone() }
        let result = try source.transpose(d, -1).contiguous().clone(), length = result.shape[rank - 1]
        guard result.count > 0 else { return try result.transpose(d, -1) }
        func run<T, Wide>(_: T.Type, _ zero: Wide, _ plus: (Wide, T) -> Wide, _ done: (Wide) -> T) {
            let x = result.pointer(T.self)
            Parallel.forRange(result.count / length, grain: Swift.max(1, Parallel.grain / length)) { range in
                for row in range {
                    var sum = zero
                    for i in 0 ..< length {
                        let at = row &* length &+ (backwards ? length &- 1 &- i : i)
                        sum = plus(sum, x[at])
                        x[at] = done(sum)
                    }
                }
            }
        }
        switch result.dtype {
        case .float32: run(Float.self, 0.0, { $0 + Double($1) }, { Float($0) })
        case .float64: run(Double.self, 0.0, +, { $0 })
        default: run(Int.self, 0, &+, { $0 })
        }
        return try result.transpose(d, -1).contiguous()
    }

    /// Whether any element is not zero: over all, or along `dim`.
    public func any(dim: Int? = nil, keepDim: Bool = false) throws -> Tensor {
        try scan("any", dim, keepDim, stopsAt: true)
    }
    /// Whether no element is zero: over all, or along `dim`.
    public func all(dim: Int? = nil, keepDim: Bool = false) throws -> Tensor {
        try scan("all", dim, keepDim, stopsAt: false)
    }

    private func scan(_ name: String, _ dim: Int?, _ keepDim: Bool, stopsAt stop: Bool) throws -> Tensor {
        let reduction = try Reduction(self, dim.map { [$0] }, name)
        let (source, rows, length, _) = try reduction.arranged(plain(.bool), rowsOnly: true)
        let result = try Tensor(empty: keepDim ? reduction.kept : reduction.dropped, .bool)
        let bits = source.pointer(UInt8.self), to = result.pointer(UInt8.self)
        for row in 0 ..< rows {
            let isFound = UnsafeBufferPointer(start: bits + row * length, count: length).contains { ($0 != 0) == stop }
            to[row] = isFound == stop ? 1 : 0
        }
        return result
    }
}

/// y = sqrt(x): g / 2y, and 0 at 0
private enum SmoothRootGradient: FloatingBinaryKernel {
    static func apply(_ g: Float8, _ y: Float8) -> Float8 { (g / (y + y)).replacing(with: 0, where: y .== 0) }
    static func apply(_ g: Double, _ y: Double) -> Double { y == 0 ? 0 : g / (y + y) }
}
