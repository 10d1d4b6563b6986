import Support

extension Tensor {
    // MARK: Masks

    /// The elements where `mask` is true, in C order: [n]. Mask and tensor broadcast.
    public func maskedSelect(_ mask: Tensor) throws -> Tensor {
        guard let target = Dims.broadcast(shape, mask.shape) else { throw Tensor.mismatch("masked_select", self, mask) }
        try mask.checkMask("masked_select")
        let chosen = try mask.expand(target).reshape([-1]).nonzero().reshape([-1])
        return try expand(target).reshape([-1]).indexSelect(dim: 0, chosen)
    }

    /// A copy with `value` where `mask`, which broadcasts, is true.
    public func maskedFill(_ mask: Tensor, _ value: some ScalarConvertible) throws -> Tensor {
        try mask.checkMask("masked_fill")
        guard Dims.broadcast(shape, mask.shape) != nil else { throw Tensor.mismatch("masked_fill", self, mask) }
        return try Tensor.where(mask, Tensor(value.scalar, dtype), self)
    }

    /// Sets the elements where `mask`, which must broadcast to this shape, is true.
    @discardableResult
    public func maskedFill_(_ mask: Tensor, _ value: some ScalarConvertible) throws -> Tensor {
        try mask.checkMask("masked_fill_")
        guard Dims.broadcast(shape, mask.shape) == shape else {
            throw OpahError(.shape, "masked_fill_: a mask of shape \(mask.shape) for a tensor of shape \(shape)")
        }
        return try inPlace(
            "masked_fill_",
            direct: {
                copyElements(from: try Tensor(value.scalar, dtype).repeated(shape), where: mask.repeated(shape))
            }, recorded: { try $0.maskedFill(mask, value) })
    }

    private func checkMask(_ name: String) throws {
        guard dtype == .bool else {
            throw OpahError(
                .dtype, "\(name): a mask of dtype \(dtype.rawValue)",
                hint: "bool is wanted: compare first, as in t:gt(0)")
        }
    }

    /// The positions of the elements that are not zero, in C order: int64 [n, rank].
    public func nonzero() throws -> Tensor {
        let mask = try Autograd.withoutGradients { try plain(.bool).contiguous() }, bits = mask.pointer(UInt8.self)
        var count = 0
        for i in 0 ..< mask.count { count &+= Int(bits[i]) }
        let result = try Tensor(empty: [count, rank], .int64)
        guard rank > 0, count > 0 else { return result }
        var to = result.pointer(Int.self), index = Dims(repeating: 0, count: rank)
        let row = shape[rank - 1]
        for start in stride(from: 0, to: mask.count, by: row) {
            for i in 0 ..< row where bits[start &+ i] != 0 {
                for d in 0 ..< (rank - 1) { to[d] = index[d] }
                to[rank - 1] = i
                to += rank
            }
            var d = rank - 2
            while d >= 0 {
                index[d] += 1
                if index[d] < shape[d] { break }
                index[d] = 0
                d -= 1
            }
        }
        return result
    }

    // MARK: Positions in several dimensions

    /// Elements by positions: `indices[k]` holds positions in dimension k; together they broadcast to the
    /// leading dimensions of the result, the dimensions without positions follow. A bool tensor stands for
    /// as many dimensions as it has: it picks what is true. Negative positions count from the end.
    public func index(_ indices: [Tensor]) throws -> Tensor {
        let (flat, leading, count) = try flatPositions("index", indices)
        var folded: Dims = [shape[..<count].reduce(1, *)], target = leading
        for size in shape[count...] { folded.append(size) }
        guard target.count + rank - count <= Dims.maxCount else {
            throw OpahError(.shape, "index: a result of more than \(Dims.maxCount) dimensions")
        }
        for size in shape[count...] { target.append(size) }
        return try reshape(folded).indexSelect(dim: 0, flat).reshape(target)
    }

    /// Sets the elements that `index(indices)` would give to `values`, which broadcast to them. Where
    /// positions repeat, the last counts; with `accumulate`, values are added to what is there, all of them.
    @discardableResult
    public func indexPut_(_ indices: [Tensor], _ values: Tensor, accumulate: Bool = false) throws -> Tensor {
        let (flat, leading, count) = try flatPositions("index_put_", indices)
        var area = leading
        for size in shape[count...] {
            guard area.count < Dims.maxCount else {
                throw OpahError(.shape, "index_put_: more than \(Dims.maxCount) dimensions")
            }
            area.append(size)
        }
        guard Dims.broadcast(values.shape, area) == area else {
            throw OpahError(.shape, "index_put_: values of shape \(values.shape) for elements of shape \(area)")
        }
        var folded: Dims = [shape[..<count].reduce(1, *)], rows: Dims = [flat.count]
        for size in shape[count...] { folded.append(size); rows.append(size) }

        /// The changed elements of `old`, contiguous, of its own shape.
        func changed(_ old: Tensor) throws -> Tensor {
            let result = try old.detach().clone(), place = result.reshaped(folded)
            let source = try values.detach().plain(dtype).expand(area).reshape(rows)
            if accumulate {
                try place.indexAdd_(dim: 0, flat, source)
            } else if place.count > 0 {
                // Row by row, in order.
                let inner = place.count / folded[0], bytes = inner * dtype.size, from = try source.contiguous()
                let at = flat.pointer(Int.self)
                for i in 0 ..< flat.count {
                    (place.storage.pointer + at[i] * bytes).copyMemory(
                        from: from.storage.pointer + from.offset * dtype.size + i * bytes, byteCount: bytes)
                }
            }
            return result
        }
        return try inPlace(
            "index_put_", with: values,
            direct: {
                copyElements(from: try Autograd.withoutGradients { try changed(self) })
            },
            recorded: { old in
                let result = try Autograd.withoutGradients { try changed(old) }
                let (mine, theirs, valuesShape, whole) = (gradientDType, values.gradientDType, values.shape, shape)
                Autograd.record(result, "index_put_", [old, values]) { g in
                    let g = try g.contiguous()
                    let part = try g.reshape(folded).indexSelect(dim: 0, flat).reshape(area).reduced(
                        to: valuesShape, theirs)
                    guard !accumulate else { return [try g.to(mine), part] }
                    let keep = try Tensor.ones([folded[0]], mine)
                    try keep.scatter_(dim: 0, flat, value: 0)
                    let shape = Dims([folded[0]] + Array(repeating: 1, count: folded.count - 1))
                    return [try g.to(mine).reshape(folded).mul(keep.reshape(shape)).reshape(whole), part]
                }
                return result
            })
    }

    /// Positions in the first `count` dimensions folded into one: [n], and the shape they had.
    private func flatPositions(_ name: String, _ indices: [Tensor]) throws -> (flat: Tensor, leading: Dims, count: Int)
    {
        var each: [Tensor] = []
        for index in indices {
            guard index.dtype == .bool else { each.append(index); continue }
            let d = each.count
            guard d + index.rank <= rank, index.shape.elementsEqual(shape[d ..< (d + index.rank)]), index.rank > 0
            else {
                throw OpahError(
                    .shape, "\(name): a mask of shape \(index.shape) for a tensor of shape \(shape)",
                    hint: "its sizes must be those of the dimensions that it stands for")
            }
            let places = try index.nonzero()
            for column in 0 ..< index.rank { each.append(try places.select(dim: 1, index: column)) }
        }
        guard !each.isEmpty, each.count <= rank else {
            throw OpahError(.index, "\(name): positions for \(each.count) dimensions of shape \(shape)")
        }
        var leading = Dims()
        for index in each {
            guard let both = Dims.broadcast(leading, index.shape) else {
                throw OpahError(
                    .shape,
                    "\(name): positions of shapes \(each.map { $0.shape.description }.joined(separator: ", ")) do not broadcast"
                )
            }
            leading = both
        }
        return try Autograd.withoutGradients {
            var flat = try Tensor(zeros: leading, .int64)
            for (d, index) in each.enumerated() {
                flat = try flat.mul(shape[d]).add(index.positions(below: shape[d], name, self, negative: true))
            }
            return (try flat.reshape([-1]).contiguous(), leading, each.count)
        }
    }
}
