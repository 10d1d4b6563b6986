import Support

// Views: the same elements seen with another shape. Nothing is copied (but by `reshape` and `flatten`,
// where no view can do it); writing to a view writes to its base. Dimensions may be negative: -1 is
// the last.

extension Tensor {
    // MARK: Another shape

    /// The same elements in C order with another shape, in which one size may be -1: what is left.
    /// A view where strides allow, else a copy.
    public func reshape(_ sizes: Dims) throws -> Tensor {
        let target = try resolved("reshape", sizes)
        if let strides = strides(asShape: target) { return reshaped("reshape", target, strides) }
        return try contiguous().reshape(target)
    }

    /// `reshape` that never copies: an error where strides do not allow.
    public func view(_ sizes: Dims) throws -> Tensor {
        let target = try resolved("view", sizes)
        guard let strides = strides(asShape: target) else {
            throw OpahError(
                .shape,
                "view: a tensor of shape \(shape) and strides \(strides) cannot be seen as \(target) without a copy",
                hint: "use reshape")
        }
        return reshaped("view", target, strides)
    }

    /// Joins the dimensions from `start` to `end`.
    public func flatten(from start: Int = 0, to end: Int = -1) throws -> Tensor {
        if rank == 0 { return try reshape([1]) }
        let first = try dimension(start, "flatten"), last = try dimension(end, "flatten")
        guard first <= last else {
            throw OpahError(.argument, "flatten: the first dimension (\(start)) lies behind the last (\(end))")
        }
        var sizes = Dims(shape[0 ..< first])
        sizes.append(shape[first ... last].reduce(1, *))
        for size in shape[(last + 1)...] { sizes.append(size) }
        return try reshape(sizes)
    }

    /// Removes every dimension of size 1.
    public func squeeze() throws -> Tensor { try reshape(Dims(shape.filter { $0 != 1 })) }

    /// Removes dimension `dim` when its size is 1.
    public func squeeze(dim: Int) throws -> Tensor {
        let dim = try dimension(dim, "squeeze")
        if rank == 0 || shape[dim] != 1 { return self }
        var sizes = shape, steps = strides
        sizes.remove(at: dim); steps.remove(at: dim)
        return reshaped("squeeze", sizes, steps)
    }

    /// Inserts a dimension of size 1 so that it becomes `dim`.
    public func unsqueeze(dim: Int) throws -> Tensor {
        guard rank < Dims.maxCount else {
            throw OpahError(.shape, "unsqueeze: a tensor has at most \(Dims.maxCount) dimensions")
        }
        let at = dim < 0 ? dim + rank + 1 : dim
        guard (0 ... rank).contains(at) else { throw outOfRange("unsqueeze", dim, rank + 1) }
        var sizes = shape, steps = strides
        steps.insert(at < rank ? shape[at] * strides[at] : 1, at: at)
        sizes.insert(1, at: at)
        return reshaped("unsqueeze", sizes, steps)
    }

    // MARK: Another order

    /// Swaps two dimensions.
    public func transpose(_ a: Int, _ b: Int) throws -> Tensor {
        let a = try dimension(a, "transpose"), b = try dimension(b, "transpose")
        var sizes = shape, steps = strides
        if rank > 0 { sizes.swapAt(a, b); steps.swapAt(a, b) }
        let result = alias(offset, sizes, steps)
        if Autograd.wants(self) { Autograd.record(result, "transpose", [self]) { [try $0.transpose(a, b)] } }
        return result
    }

    /// Dimension i of the result is dimension order[i] of this.
    public func permute(_ order: Dims) throws -> Tensor {
        var inverse = Dims(repeating: -1, count: rank), sizes = shape, steps = strides
        guard order.count == rank else {
            throw OpahError(
                .argument, "permute: \(order.count) dimensions for a tensor of shape \(shape)",
                hint: "name each dimension once")
        }
        for i in 0 ..< rank {
            let from = try dimension(order[i], "permute")
            guard inverse[from] < 0 else {
                throw OpahError(
                    .argument, "permute: dimension \(order[i]) twice in \(order)", hint: "name each dimension once")
            }
            inverse[from] = i
            sizes[i] = shape[from]
            steps[i] = strides[from]
        }
        let result = alias(offset, sizes, steps)
        if Autograd.wants(self) { Autograd.record(result, "permute", [self]) { [try $0.permute(inverse)] } }
        return result
    }

    /// Repeats dimensions of size 1 to the given sizes without copying; -1 keeps a size. New dimensions
    /// may stand in front.
    public func expand(_ sizes: Dims) throws -> Tensor {
        let lead = sizes.count - rank
        guard lead >= 0 else { throw OpahError(.shape, "expand: shape \(shape) has more dimensions than \(sizes)") }
        var target = sizes, steps = Dims(repeating: 0, count: sizes.count)
        for i in 0 ..< sizes.count {
            let own = i < lead ? 1 : shape[i - lead]
            if sizes[i] == -1, i >= lead { target[i] = own }
            guard target[i] >= 0, target[i] == own || own == 1 else {
                throw OpahError(
                    .shape, "expand: shape \(shape) does not expand to \(sizes)",
                    hint: "only dimensions of size 1 can be repeated")
            }
            steps[i] = i < lead || (own == 1 && target[i] != 1) ? 0 : strides[i - lead]
        }
        _ = try Tensor.byteCount(target, dtype)
        let result = alias(offset, target, steps)
        if Autograd.wants(self) {
            let (shape, dtype) = (self.shape, gradientDType)
            Autograd.record(result, "expand", [self]) { [try $0.reduced(to: shape, dtype)] }
        }
        return result
    }

    /// `expand` to the shape of `other`.
    public func expand(as other: Tensor) throws -> Tensor { try expand(other.shape) }

    // MARK: A part

    /// `length` positions of `dim` from `start` on.
    public func narrow(dim: Int, start: Int, length: Int) throws -> Tensor {
        let d = try dimension(dim, "narrow", scalars: false), size = shape[d], first = start < 0 ? start + size : start
        guard length >= 0, first >= 0, first <= size - length else {
            throw OpahError(
                .index, "narrow: \(length) positions from \(start) on exceed dimension \(dim) of shape \(shape)")
        }
        return part("narrow", d, first, length, 1)
    }

    /// Position `index` of `dim`, which disappears.
    public func select(dim: Int, index: Int) throws -> Tensor {
        let d = try dimension(dim, "select", scalars: false), size = shape[d], at = index < 0 ? index + size : index
        guard at >= 0, at < size else {
            throw OpahError(.index, "select: position \(index) is outside dimension \(dim) of shape \(shape)")
        }
        var sizes = shape, steps = strides
        sizes.remove(at: d); steps.remove(at: d)
        let result = alias(count == 0 ? offset : offset + at * strides[d], sizes, steps)
        if Autograd.wants(self) {
            let (shape, dtype) = (self.shape, gradientDType)
            Autograd.record(result, "select", [self]) { g in
                let whole = try Tensor(zeros: shape, dtype)
                whole.part("select", d, at, 1, 1).copyElements(from: try g.plain(dtype).unsqueeze(dim: d))
                return [whole]
            }
        }
        return result
    }

    /// Positions `from` (included) to `to` (excluded) of `dim`, every `step`-th. Bounds beyond the ends
    /// mean the ends; nil means from the first, to the last. A negative step counts backwards: the
    /// result is then a copy.
    public func slice(dim: Int, from: Int? = nil, to: Int? = nil, step: Int = 1) throws -> Tensor {
        let d = try dimension(dim, "slice", scalars: false), size = shape[d]
        guard step != 0 else { throw OpahError(.argument, "slice: the step must not be 0") }
        func bound(_ value: Int, _ low: Int, _ high: Int) -> Int {
            Swift.min(Swift.max(value < 0 ? value + size : value, low), high)
        }
        if step > 0 {
            let first = bound(from ?? 0, 0, size), end = bound(to ?? size, 0, size)
            return part("slice", d, first, end > first ? (end - first - 1) / step + 1 : 0, step)
        }
        let first = from.map { bound($0, -1, size - 1) } ?? size - 1, end = to.map { bound($0, -1, size - 1) } ?? -1
        let positions = Array(Swift.stride(from: first, to: end, by: step))
        return try indexSelect(dim: d, Tensor(integers: positions, [positions.count]))
    }

    /// Parts of `size` positions of `dim`; the last may be smaller.
    public func split(_ size: Int, dim: Int = 0) throws -> [Tensor] {
        let d = try dimension(dim, "split", scalars: false)
        guard size > 0 else { throw OpahError(.argument, "split: parts of \(size) positions") }
        if shape[d] == 0 { return [self] }
        return try Swift.stride(from: 0, to: shape[d], by: size).map {
            try narrow(dim: d, start: $0, length: Swift.min(size, shape[d] - $0))
        }
    }

    /// Parts of the given sizes, which must add up to the size of `dim`.
    public func split(sizes: [Int], dim: Int = 0) throws -> [Tensor] {
        let d = try dimension(dim, "split", scalars: false)
        guard sizes.allSatisfy({ $0 >= 0 }), sizes.reduce(0, { $0 &+ $1 }) == shape[d] else {
            throw OpahError(.shape, "split: sizes \(sizes) do not add up to dimension \(dim) of shape \(shape)")
        }
        var start = 0
        return try sizes.map { size in
            defer { start += size }
            return try narrow(dim: d, start: start, length: size)
        }
    }

    /// At most `count` parts of equal size; the last may be smaller.
    public func chunk(_ count: Int, dim: Int = 0) throws -> [Tensor] {
        let d = try dimension(dim, "chunk", scalars: false)
        guard count > 0 else { throw OpahError(.argument, "chunk: \(count) parts") }
        return try split(Swift.max(1, (shape[d] - 1) / count + 1), dim: d)
    }

    // MARK: How views are made

    /// A view of the same storage, which follows the history of this tensor's base.
    func alias(_ offset: Int, _ shape: Dims, _ strides: Dims) -> Tensor {
        Tensor(
            storage: storage, offset: offset, shape: shape, strides: strides, dtype: dtype,
            base: viewVersion >= 0 ? base : self, viewVersion: Autograd.isEnabled ? storage.version : -1)
    }

    private func reshaped(_ name: String, _ target: Dims, _ strides: Dims) -> Tensor {
        let result = alias(offset, target, strides)
        if Autograd.wants(self) {
            let shape = self.shape
            Autograd.record(result, name, [self]) { [try $0.reshape(shape)] }
        }
        return result
    }

    /// A part of dimension `d`; bounds are checked. The gradient is zero elsewhere.
    private func part(_ name: String, _ d: Int, _ first: Int, _ length: Int, _ step: Int) -> Tensor {
        var sizes = shape, steps = strides
        sizes[d] = length
        if length > 1 { steps[d] = strides[d] * step }   // one position may come with any step
        let result = alias(length == 0 ? offset : offset + first * strides[d], sizes, steps)
        if Autograd.wants(self) {
            let (shape, dtype) = (self.shape, gradientDType)
            Autograd.record(result, name, [self]) { g in
                let whole = try Tensor(zeros: shape, dtype)
                whole.part(name, d, first, length, step).copyElements(from: try g.plain(dtype))
                return [whole]
            }
        }
        return result
    }

    /// A dimension counted from 0, or from the end when negative. Tensors without dimensions accept
    /// 0 and -1, but where `scalars` is false.
    func dimension(_ dim: Int, _ name: String, scalars: Bool = true) throws -> Int {
        let extent = rank == 0 && scalars ? 1 : rank, result = dim < 0 ? dim + extent : dim
        guard result >= 0, result < extent else { throw outOfRange(name, dim, extent) }
        return result
    }

    private func outOfRange(_ name: String, _ dim: Int, _ extent: Int) -> OpahError {
        OpahError(
            .index, "\(name): dimension \(dim) of a tensor of shape \(shape)",
            hint: extent == 0 ? "it has no dimensions" : "it must lie in \(-extent)...\(extent - 1), counted from 0")
    }

    /// The shape that `sizes` asks for: -1 is what is left.
    private func resolved(_ name: String, _ sizes: Dims) throws -> Dims {
        var target = sizes, free: Int?, product = 1
        for i in 0 ..< sizes.count {
            if sizes[i] == -1, free == nil { free = i; continue }
            let (next, overflow) = product.multipliedReportingOverflow(by: sizes[i])
            guard sizes[i] >= 0, !overflow else {
                throw OpahError(.shape, "\(name): shape \(shape) cannot become \(sizes)")
            }
            product = next
        }
        if let free, product > 0, count % product == 0 { target[free] = count / product; product = count }
        guard product == count, target.allSatisfy({ $0 >= 0 }) else {
            throw OpahError(
                .shape, "\(name): shape \(shape) cannot become \(sizes)", hint: "\(count) elements must stay \(count)")
        }
        if count == 0 { _ = try Tensor.byteCount(target, dtype) }
        return target
    }

    /// Strides that show these elements in C order with shape `target`, or nil where none do.
    private func strides(asShape target: Dims) -> Dims? {
        if isContiguous { return target.contiguousStrides }
        // Own dimensions joined where they follow each other; each run is then split into target ones.
        var sizes = Dims(), steps = Dims()
        for i in 0 ..< rank where shape[i] != 1 {
            if let last = sizes.indices.last, steps[last] == strides[i] * shape[i] {
                sizes[last] *= shape[i]
                steps[last] = strides[i]
            } else {
                sizes.append(shape[i])
                steps.append(strides[i])
            }
        }
        var result = target.contiguousStrides, next = target.count - 1
        for run in sizes.indices.reversed() {
            var filled = 1
            while next >= 0, filled < sizes[run] || target[next] == 1 {
                result[next] = filled * steps[run]
                filled *= target[next]
                next -= 1
            }
            guard filled == sizes[run] else { return nil }
        }
        return result
    }
}
