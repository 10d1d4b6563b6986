import Support

extension Tensor {
    /// The tensors one after the other along `dim`; their other sizes must be equal. Dtypes promote.
    public static func cat(_ tensors: [Tensor], dim: Int = 0) throws -> Tensor {
        guard let first = tensors.first else { throw OpahError(.argument, "cat: no tensors") }
        let d = try first.dimension(dim, "cat", scalars: false)
        var shape = first.shape, dtype = first.dtype
        shape[d] = 0
        for tensor in tensors {
            var expected = first.shape
            if tensor.rank == first.rank { expected[d] = tensor.shape[d] }
            guard tensor.shape == expected else {
                throw OpahError(
                    .shape, "cat: shapes \(first.shape) and \(tensor.shape) cannot be joined along dimension \(dim)",
                    hint: "all sizes but that one must be equal")
            }
            let (size, overflow) = shape[d].addingReportingOverflow(tensor.shape[d])
            guard !overflow else { throw OpahError(.memory, "cat: the result cannot be allocated") }
            shape[d] = size
            dtype = DType.promote(dtype, tensor.dtype)
        }
        let result = try Tensor(empty: shape, dtype)
        var start = 0
        for tensor in tensors {
            result.block(d, start, tensor.shape[d]).copyElements(from: try tensor.plain(dtype))
            start += tensor.shape[d]
        }
        if Autograd.wants(tensors) {
            let parts = tensors.map { (size: $0.shape[d], wants: $0.requiresGrad, dtype: $0.gradientDType) }
            Autograd.record(result, "cat", tensors) { g in
                var start = 0
                return try parts.map { part in
                    defer { start += part.size }
                    return part.wants ? try g.narrow(dim: d, start: start, length: part.size).to(part.dtype) : nil
                }
            }
        }
        return result
    }

    /// The tensors, of equal shape, along a new dimension `dim`.
    public static func stack(_ tensors: [Tensor], dim: Int = 0) throws -> Tensor {
        guard let first = tensors.first else { throw OpahError(.argument, "stack: no tensors") }
        for tensor in tensors where tensor.shape != first.shape {
            throw OpahError(
                .shape, "stack: shapes \(first.shape) and \(tensor.shape) differ",
                hint: "use cat, or pad the smaller one")
        }
        return try cat(try tensors.map { try $0.unsqueeze(dim: dim) }, dim: dim)
    }

    /// `value` added around the tensor: `amounts` counts positions before and after the last dimension,
    /// then before and after the one before it, and so on. Negative amounts cut off.
    public func pad(_ amounts: [Int], value: some ScalarConvertible = 0) throws -> Tensor {
        guard amounts.count % 2 == 0, amounts.count <= 2 * rank else {
            throw OpahError(
                .argument, "pad: \(amounts.count) amounts for a tensor of shape \(shape)",
                hint: "give two for each dimension, the last one first")
        }
        var source = self, sizes = shape, starts = Dims(repeating: 0, count: rank)
        for i in 0 ..< (amounts.count / 2) {
            let d = rank - 1 - i, before = amounts[2 * i], after = amounts[2 * i + 1]
            let (size, overflow) = shape[d].addingReportingOverflow(before &+ after)
            guard size >= 0, !overflow, shape[d] + Swift.min(before, 0) + Swift.min(after, 0) >= 0 else {
                throw OpahError(
                    .argument, "pad: \(before) and \(after) leave nothing of dimension \(d) of shape \(shape)")
            }
            sizes[d] = size
            starts[d] = Swift.max(before, 0)
            let cut = Swift.max(-before, 0)
            source = try source.narrow(dim: d, start: cut, length: shape[d] - cut - Swift.max(-after, 0))
        }
        let result = try Tensor.full(sizes, value, dtype)
        var inside = result.detach()
        for d in 0 ..< rank { inside = inside.block(d, starts[d], source.shape[d]) }
        inside.copyElements(from: source)
        if Autograd.wants(source) {
            let shape = source.shape
            Autograd.record(result, "pad", [source]) { g in
                var inside = g
                for d in 0 ..< shape.count { inside = try inside.narrow(dim: d, start: starts[d], length: shape[d]) }
                return [inside]
            }
        }
        return result
    }

    /// The elements of `a` where `condition` is true, of `b` elsewhere. All three broadcast.
    public static func `where`(_ condition: Tensor, _ a: Tensor, _ b: Tensor) throws -> Tensor {
        guard let pair = Dims.broadcast(a.shape, b.shape), let shape = Dims.broadcast(condition.shape, pair) else {
            throw OpahError(.shape, "where: shapes \(condition.shape), \(a.shape) and \(b.shape) do not broadcast")
        }
        let dtype = DType.promote(a, b)
        // b everywhere, then a where the condition says so.
        let result = try Tensor(empty: shape, dtype)
        result.copyElements(from: try b.plain(dtype).repeated(shape))
        result.copyElements(from: try a.plain(dtype).repeated(shape), where: try condition.plain(.bool).repeated(shape))
        if Autograd.wants(a, b) {
            let mask = Saved(condition)
            let first = a.requiresGrad ? (a.shape, a.gradientDType) : nil,
                second = b.requiresGrad ? (b.shape, b.gradientDType) : nil
            Autograd.record(result, "where", [a, b]) { g in
                let mask = try mask.value("where"), zero = try Tensor(zeros: Dims(), g.dtype)
                return [
                    try first.map { try Tensor.where(mask, g, zero).reduced(to: $0.0, $0.1) },
                    try second.map { try Tensor.where(mask, zero, g).reduced(to: $0.0, $0.1) }
                ]
            }
        }
        return result
    }

    /// Seen as `shape`, to which it must broadcast; a view without history.
    func repeated(_ shape: Dims) -> Tensor {
        Tensor(
            storage: storage, offset: offset, shape: shape, strides: strides.broadcast(from: self.shape, to: shape),
            dtype: dtype)
    }

    /// Copies the elements of `source` where `mask`, of bools, is true; all three of the same shape.
    func copyElements(from source: Tensor, where mask: Tensor) {
        func copy<T>(_: T.Type) {
            let to = pointer(T.self), from = source.pointer(T.self), chosen = mask.pointer(UInt8.self)
            let loop = StridedLoop(shape, strides, source.strides, mask.strides), (i, j, k) = loop.steps
            loop.run { at, n in
                let to = to + at.0, from = from + at.1, chosen = chosen + at.2
                for e in 0 ..< n where chosen[e &* k] != 0 { to[e &* i] = from[e &* j] }
            }
        }
        switch dtype.size {
        case 1: copy(UInt8.self)
        case 2: copy(UInt16.self)
        case 4: copy(UInt32.self)
        default: copy(UInt64.self)
        }
    }

    /// Positions `start`..<`start + length` of dimension `d`: a view without history, unchecked.
    func block(_ d: Int, _ start: Int, _ length: Int) -> Tensor {
        var sizes = shape
        sizes[d] = length
        return Tensor(
            storage: storage, offset: offset + start * strides[d], shape: sizes, strides: strides, dtype: dtype)
    }
}
