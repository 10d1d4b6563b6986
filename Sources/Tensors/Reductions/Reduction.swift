import Support

/// Which dimensions an operation reduces, and what remains.
struct Reduction {
    /// Reduced dimensions, ascending, each once.
    let dims: Dims
    /// The result's shape with the reduced dimensions as 1, and without them.
    let kept: Dims, dropped: Dims

    /// - Parameter dims: nil for all.
    init(_ tensor: Tensor, _ dims: Dims?, _ name: String) throws {
        var reduced = dims == nil ? ~0 : 0   // one bit for each dimension
        if let dims {
            for dim in dims {
                let d = try tensor.dimension(dim, name)
                guard reduced & 1 << d == 0 else {
                    throw OpahError(.argument, "\(name): dimension \(dim) twice in \(dims)")
                }
                reduced |= 1 << d
            }
        }
        var over = Dims(), kept = tensor.shape, dropped = Dims()
        for d in 0 ..< tensor.rank {
            if reduced & 1 << d != 0 { over.append(d); kept[d] = 1 } else { dropped.append(tensor.shape[d]) }
        }
        (self.dims, self.kept, self.dropped) = (over, kept, dropped)
    }

    /// Elements that make up one result.
    func length(_ tensor: Tensor) -> Int { dims.reduce(1) { $0 * tensor.shape[$1] } }

    /// `tensor` as [outer, length, inner] in C order, to be reduced over the middle; copied only when the
    /// reduced dimensions do not stand together.
    func arranged(
        _ tensor: Tensor, rowsOnly: Bool = false
    ) throws -> (source: Tensor, outer: Int, length: Int, inner: Int) {
        let length = length(tensor)
        if tensor.isContiguous, dims.count == tensor.rank { return (tensor, 1, length, 1) }
        if tensor.isContiguous, let first = dims.first, let last = dims.last, last - first == dims.count - 1 {
            let inner = tensor.shape[(last + 1)...].reduce(1, *)
            if inner == 1 || !rowsOnly { return (tensor, tensor.shape[..<first].reduce(1, *), length, inner) }
        } else if dims.isEmpty, tensor.isContiguous {
            return (tensor, tensor.count, 1, 1)
        }
        var order = Dims(tensor.shape.indices.filter { !dims.contains($0) })
        for dim in dims { order.append(dim) }
        let source = try tensor.detach().permute(order).contiguous()
        return (source, dropped.product, length, 1)
    }
}

extension Tensor {
    /// The sum over all elements. Integers and bools sum to int64.
    public func sum() throws -> Tensor { try sum(nil, keepDim: false) }
    public func sum(dim: Int, keepDim: Bool = false) throws -> Tensor { try sum([dim], keepDim: keepDim) }
    /// The sum over several dimensions; `keepDim` leaves them with size 1.
    public func sum(dims: Dims, keepDim: Bool = false) throws -> Tensor { try sum(dims, keepDim: keepDim) }

    private func sum(_ dims: Dims?, keepDim: Bool) throws -> Tensor {
        let reduction = try Reduction(self, dims, "sum")
        let result = try summed(reduction).plain(dtype.isFloating ? dtype : .int64)
        return recorded(result, reduction, keepDim, "sum") { $0 }
    }

    /// The mean over all elements; of integers and bools too, as float32.
    public func mean() throws -> Tensor { try mean(nil, keepDim: false) }
    public func mean(dim: Int, keepDim: Bool = false) throws -> Tensor { try mean([dim], keepDim: keepDim) }
    public func mean(dims: Dims, keepDim: Bool = false) throws -> Tensor { try mean(dims, keepDim: keepDim) }

    private func mean(_ dims: Dims?, keepDim: Bool) throws -> Tensor {
        let reduction = try Reduction(self, dims, "mean"), length = Double(reduction.length(self))
        let result = try Autograd.withoutGradients { try summed(reduction).div(length) }.plain(
            dtype.isFloating ? dtype : .float32)
        return recorded(result, reduction, keepDim, "mean") { try $0.div(length) }
    }

    /// Gives a result, shaped as `reduction.dropped`, the wanted shape and records that every element's
    /// gradient is `gradient` of the result's.
    private func recorded(
        _ result: Tensor, _ reduction: Reduction, _ keepDim: Bool, _ name: String,
        _ gradient: @escaping (Tensor) throws -> Tensor
    ) -> Tensor {
        let result = keepDim ? result.reshaped(reduction.kept) : result
        if Autograd.wants(self) {
            let (shape, dtype) = (self.shape, gradientDType)
            Autograd.record(result, name, [self]) { g in
                [try gradient(g.reshape(reduction.kept)).to(dtype).expand(shape)]
            }
        }
        return result
    }

    /// This contiguous tensor, just made and known to nobody, with another shape of as many elements.
    func reshaped(_ shape: Dims) -> Tensor {
        Tensor(storage: storage, offset: offset, shape: shape, strides: shape.contiguousStrides, dtype: dtype)
    }

    /// Sums in the computing dtype, shaped as `reduction.dropped`, not recorded.
    func summed(_ reduction: Reduction) throws -> Tensor {
        let (source, outer, length, inner) = try reduction.arranged(plain(dtype.computing))
        let result = try Tensor(empty: reduction.dropped, source.dtype)
        guard result.count > 0 else { return result }
        switch source.dtype {
        case .float32: Summation.sum(source.pointer(Float.self), outer, length, inner, result.pointer(Float.self))
        case .float64: Summation.sum(source.pointer(Double.self), outer, length, inner, result.pointer(Double.self), +)
        default: Summation.sum(source.pointer(Int.self), outer, length, inner, result.pointer(Int.self), &+)
        }
        return result
    }
}

/// Sums whose order depends only on the shape, never on the number of threads.
///
/// float32 is added up in blocks of 512 (32 sums side by side, so 16 additions deep), and the blocks in
/// float64: the result is exact to about the last place whatever the length.
enum Summation {
    /// Elements that one task adds up; partial sums are then added in order.
    private static let part = 1 << 15

    /// [outer, length, inner] -> [outer, inner]
    static func sum(
        _ x: UnsafePointer<Float>, _ outer: Int, _ length: Int, _ inner: Int, _ result: UnsafeMutablePointer<Float>
    ) {
        if inner == 1 {
            if outer == 1, length <= part { result.pointee = Float(total(x, length)); return }
            let parts = Swift.max(1, (length + part - 1) / part)
            withUnsafeTemporaryAllocation(of: Double.self, capacity: outer * parts) { partial in
                let partial = partial.baseAddress!
                Parallel.forRange(
                    outer * parts, grain: Swift.max(1, Parallel.grain / Swift.max(1, Swift.min(length, part)))
                ) { range in
                    for task in range {
                        let (row, first) = (task / parts, task % parts * part)
                        partial[task] = total(x + row * length + first, Swift.min(part, length - first))
                    }
                }
                for row in 0 ..< outer { result[row] = Float(added(partial + row * parts, parts)) }
            }
            return
        }
        // Columns, 32 at a time: long ones in parts.
        let rows = Swift.min(length, 1024), parts = Swift.max(1, (length + 1023) / 1024), tiles = (inner + 31) / 32
        withUnsafeTemporaryAllocation(of: Double.self, capacity: outer * parts * inner) { partial in
            let partial = partial.baseAddress!
            Parallel.forRange(
                outer * parts * tiles, grain: Swift.max(1, Parallel.grain / Swift.max(1, rows * Swift.min(inner, 32)))
            ) { range in
                for task in range {
                    let tile = task % tiles, block = task / tiles % parts, batch = task / tiles / parts
                    let first = block * 1024, count = Swift.min(1024, length - first), column = tile * 32
                    columns(
                        x + (batch * length + first) * inner + column, count, inner, Swift.min(32, inner - column),
                        partial + (batch * parts + block) * inner + column)
                }
            }
            for batch in 0 ..< outer {
                for column in 0 ..< inner {
                    var sum = 0.0
                    for block in 0 ..< parts { sum += partial[(batch * parts + block) * inner + column] }
                    result[batch * inner + column] = Float(sum)
                }
            }
        }
    }

    /// The sum of `count` elements.
    static func total(_ x: UnsafePointer<Float>, _ count: Int) -> Double {
        var sum = SIMD8<Double>(), i = 0
        while i < count {
            let end = Swift.min(i + 512, count)
            var a = Float8(), b = Float8(), c = Float8(), d = Float8()
            while i &+ 32 <= end {
                a += Float8(x + i); b += Float8(x + i + 8); c += Float8(x + i + 16); d += Float8(x + i + 24)
                i &+= 32
            }
            while i &+ 8 <= end { a += Float8(x + i); i &+= 8 }
            if i < end { b += Float8(x + i, count: end &- i); i = end }
            sum += SIMD8<Double>((a + b) + (c + d))
        }
        return sum.sum()
    }

    /// Sums of `width` <= 32 columns over `rows` rows that lie `step` apart.
    private static func columns(
        _ x: UnsafePointer<Float>, _ rows: Int, _ step: Int, _ width: Int, _ result: UnsafeMutablePointer<Double>
    ) {
        if width == 32 {
            var a = SIMD8<Double>(), b = SIMD8<Double>(), c = SIMD8<Double>(), d = SIMD8<Double>(), row = x
            for _ in 0 ..< rows {
                a += SIMD8<Double>(Float8(row)); b += SIMD8<Double>(Float8(row + 8))
                c += SIMD8<Double>(Float8(row + 16)); d += SIMD8<Double>(Float8(row + 24))
                row += step
            }
            for i in 0 ..< 8 { result[i] = a[i]; result[i + 8] = b[i]; result[i + 16] = c[i]; result[i + 24] = d[i] }
            return
        }
        for i in 0 ..< width { result[i] = 0 }
        for row in 0 ..< rows { for i in 0 ..< width { result[i] += Double(x[row &* step &+ i]) } }
    }

    private static func added(_ x: UnsafePointer<Double>, _ count: Int) -> Double {
        var sum = 0.0
        for i in 0 ..< count { sum += x[i] }
        return sum
    }

    /// [outer, length, inner] -> [outer, inner] for the other types; blocks of 256, then their sums.
    static func sum<T: AdditiveArithmetic>(
        _ x: UnsafePointer<T>, _ outer: Int, _ length: Int, _ inner: Int,
        _ result: UnsafeMutablePointer<T>, _ add: (T, T) -> T
    ) {
        Parallel.forRange(outer * inner, grain: Swift.max(1, Parallel.grain / Swift.max(1, length))) { range in
            for task in range {
                let x = x + (task / inner * length * inner + task % inner)
                var sum = T.zero, first = 0
                while first < length {
                    let end = Swift.min(first + 256, length)
                    var block = T.zero
                    for i in first ..< end { block = add(block, x[i &* inner]) }
                    sum = add(sum, block)
                    first = end
                }
                result[task] = sum
            }
        }
    }
}
