import Support

// Elements chosen by position or by a mask. Positions count from 0; those that a file or a caller gives
// are checked before anything is written.

extension Tensor {
    /// Positions `positions` [n] of dimension `dim`, in that order: [..., n, ...].
    public func indexSelect(dim: Int, _ positions: Tensor) throws -> Tensor {
        let d = try dimension(dim, "index_select", scalars: false)
        guard positions.rank <= 1 else {
            throw OpahError(
                .shape, "index_select: positions of shape \(positions.shape) for dimension \(dim) of shape \(shape)",
                hint: "a vector is wanted")
        }
        let index = try positions.positions(below: shape[d], "index_select", self)
        var target = shape
        target[d] = index.count
        let result = try Tensor(empty: target, dtype), source = try detach().contiguous()
        let inner = shape[(d + 1)...].reduce(1, *), size = shape[d], bytes = inner * dtype.size, count = index.count
        let from = source.storage.pointer + source.offset * dtype.size, to = result.storage.pointer,
            at = index.pointer(Int.self)
        Parallel.forRange(
            result.count == 0 ? 0 : result.count / inner, grain: Swift.max(1, (1 << 16) / Swift.max(1, bytes))
        ) { range in
            for row in range {
                let (outer, i) = row.quotientAndRemainder(dividingBy: count)
                (to + row &* bytes).copyMemory(from: from + (outer &* size &+ at[i]) &* bytes, byteCount: bytes)
            }
        }
        if Autograd.wants(self) {
            let (shape, dtype) = (self.shape, gradientDType)
            Autograd.record(result, "index_select", [self]) { g in
                let sum = try Tensor(zeros: shape, dtype)
                sum.addRows(d, index, try g.to(dtype).contiguous())
                return [sum]
            }
        }
        return result
    }

    /// self[..., positions[i], ...] += source[..., i, ...] along `dim`. Repeated positions add up, in order.
    @discardableResult
    public func indexAdd_(dim: Int, _ positions: Tensor, _ source: Tensor) throws -> Tensor {
        let d = try dimension(dim, "index_add_", scalars: false)
        let index = try positions.positions(below: shape[d], "index_add_", self)
        var expected = shape
        expected[d] = index.count
        guard positions.rank <= 1, source.shape == expected else {
            throw OpahError(
                .shape,
                "index_add_: positions of shape \(positions.shape) and source of shape \(source.shape) for shape \(shape)"
            )
        }
        return try inPlace(
            "index_add_", with: source,
            direct: {
                let sum = try Autograd.withoutGradients { try plain(dtype.computing).clone() }
                sum.addRows(d, index, try source.plain(sum.dtype).detach().contiguous())
                copyElements(from: try sum.plain(dtype))
            },
            recorded: { old in
                let sum = try old.detach().plain(dtype.computing).clone()
                sum.addRows(d, index, try source.plain(sum.dtype).detach().contiguous())
                let result = try sum.plain(dtype), (mine, theirs) = (gradientDType, source.gradientDType)
                Autograd.record(result, "index_add_", [old, source]) { g in
                    [try g.to(mine), try g.indexSelect(dim: d, index).to(theirs)]
                }
                return result
            })
    }

    /// Adds rows in the order of `index`, columns side by side on the threads: the same sums whatever
    /// their number. Both contiguous, of a computing dtype.
    private func addRows(_ d: Int, _ index: Tensor, _ source: Tensor) {
        guard source.count > 0 else { return }
        let outer = shape[..<d].reduce(1, *), inner = shape[(d + 1)...].reduce(1, *), size = shape[d], n = index.count
        let at = index.pointer(Int.self)
        func add<T>(_: T.Type, _ plus: (T, T) -> T) {
            let to = pointer(T.self), from = source.pointer(T.self), width = 64, tiles = (inner + width - 1) / width
            Parallel.forRange(outer * tiles, grain: Swift.max(1, Parallel.grain / (n * Swift.min(width, inner)))) {
                range in
                for task in range {
                    let (o, tile) = task.quotientAndRemainder(dividingBy: tiles)
                    let columns = tile * width ..< Swift.min(inner, (tile + 1) * width)
                    for i in 0 ..< n {
                        let to = to + (o &* size &+ at[i]) &* inner, from = from + (o &* n &+ i) &* inner
                        for c in columns { to[c] = plus(to[c], from[c]) }
                    }
                }
            }
        }
        switch dtype {
        case .float32: add(Float.self, +)
        case .float64: add(Double.self, +)
        default: add(Int.self, &+)
        }
    }

    /// result[i][j] = self[index[i][j]][j] for `dim` 0, and so on: the shape of `index`, which has as many
    /// dimensions and is no larger in the others.
    public func gather(dim: Int, _ index: Tensor) throws -> Tensor {
        let d = try dimension(dim, "gather", scalars: false)
        try checkFits("gather", d, index, self)
        let positions = try index.positions(below: shape[d], "gather", self),
            result = try Tensor(empty: index.shape, dtype)
        func gather<T>(_: T.Type) {
            let step = strides[d]
            var steps = strides
            steps[d] = 0
            let to = result.pointer(T.self), from = pointer(T.self), places = positions.pointer(Int.self)
            let loop = StridedLoop(index.shape, result.strides, steps, positions.strides), (i, j, k) = loop.steps
            loop.run { at, n in
                let to = to + at.0, from = from + at.1, chosen = places + at.2
                for e in 0 ..< n { to[e &* i] = from[e &* j &+ chosen[e &* k] &* step] }
            }
        }
        switch dtype.size {
        case 1: gather(UInt8.self)
        case 2: gather(UInt16.self)
        case 4: gather(UInt32.self)
        default: gather(UInt64.self)
        }
        if Autograd.wants(self) {
            let (shape, dtype) = (self.shape, gradientDType)
            Autograd.record(result, "gather", [self]) {
                [try Tensor(zeros: shape, dtype).scatterAdd_(dim: d, positions, $0)]
            }
        }
        return result
    }

    /// self[index[i][j]][j] = source[i][j] for `dim` 0, and so on. Where positions repeat, the last counts.
    @discardableResult
    public func scatter_(dim: Int, _ index: Tensor, _ source: Tensor) throws -> Tensor {
        try scatter("scatter_", dim, index, source, adds: false)
    }

    /// `scatter_` of one value everywhere.
    @discardableResult
    public func scatter_(dim: Int, _ index: Tensor, value: some ScalarConvertible) throws -> Tensor {
        try scatter("scatter_", dim, index, try Tensor(value.scalar, dtype).repeated(index.shape), adds: false)
    }

    /// `scatter_` that adds. Repeated positions add up, in order.
    @discardableResult
    public func scatterAdd_(dim: Int, _ index: Tensor, _ source: Tensor) throws -> Tensor {
        try scatter("scatter_add_", dim, index, source, adds: true)
    }

    private func scatter(_ name: String, _ dim: Int, _ index: Tensor, _ source: Tensor, adds: Bool) throws -> Tensor {
        let d = try dimension(dim, name, scalars: false)
        try checkFits(name, d, index, self)
        guard source.rank == rank, zip(index.shape, source.shape).allSatisfy(<=) else {
            throw OpahError(.shape, "\(name): index of shape \(index.shape) for a source of shape \(source.shape)")
        }
        let positions = try index.positions(below: shape[d], name, self), area = index.shape
        return try inPlace(
            name, with: source,
            direct: {
                try write(d, positions, source, adds)
            },
            recorded: { old in
                let result = try old.detach().clone(),
                    (mine, theirs, sourceShape) = (gradientDType, source.gradientDType, source.shape)
                try result.write(d, positions, source, adds)
                Autograd.record(result, name, [old, source]) { g in
                    let rest = try adds ? g : g.clone().scatter_(dim: d, positions, value: 0)
                    let part = try Tensor(zeros: sourceShape, theirs)
                    var corner = part
                    for i in 0 ..< area.count { corner = corner.block(i, 0, area[i]) }
                    corner.copyElements(from: try g.gather(dim: d, positions).to(theirs))
                    return [try rest.to(mine), part]
                }
                return result
            })
    }

    /// Scatters on one thread: positions may repeat.
    private func write(_ d: Int, _ positions: Tensor, _ source: Tensor, _ adds: Bool) throws {
        let sum = adds && dtype != dtype.computing ? try plain(dtype.computing) : self
        let source = try source.plain(sum.dtype), step = sum.strides[d]
        var steps = sum.strides
        steps[d] = 0
        let loop = StridedLoop(positions.shape, steps, source.strides, positions.strides), (i, j, k) = loop.steps
        func write<T>(_: T.Type, _ combine: (T, T) -> T) {
            let to = sum.pointer(T.self), from = source.pointer(T.self), places = positions.pointer(Int.self)
            loop.run(grain: Parallel.never) { at, n in
                let to = to + at.0, from = from + at.1, chosen = places + at.2
                for e in 0 ..< n {
                    let place = e &* i &+ chosen[e &* k] &* step
                    to[place] = combine(to[place], from[e &* j])
                }
            }
        }
        switch (adds, sum.dtype) {
        case (true, .float32): write(Float.self, +)
        case (true, .float64): write(Double.self, +)
        case (true, _): write(Int.self, &+)
        default:
            switch dtype.size {
            case 1: write(UInt8.self) { $1 }
            case 2: write(UInt16.self) { $1 }
            case 4: write(UInt32.self) { $1 }
            default: write(UInt64.self) { $1 }
            }
        }
        if sum !== self { copyElements(from: try sum.plain(dtype)) }
    }

    private func checkFits(_ name: String, _ d: Int, _ index: Tensor, _ other: Tensor) throws {
        guard index.rank == rank, shape.indices.allSatisfy({ $0 == d || index.shape[$0] <= shape[$0] }) else {
            throw OpahError(
                .shape, "\(name): index of shape \(index.shape) for a tensor of shape \(shape)",
                hint: "it needs as many dimensions, and may be larger only in the one that is indexed")
        }
    }

    /// This tensor's integers as contiguous int64 positions, checked.
    func positions(below limit: Int, _ name: String, _ tensor: Tensor, negative: Bool = false) throws -> Tensor {
        guard dtype.isInteger else {
            throw OpahError(.dtype, "\(name): positions of dtype \(dtype.rawValue)", hint: "integers are wanted")
        }
        var result = try Autograd.withoutGradients { try plain(.int64).contiguous() }
        // A copy of what the caller may change later, while a gradient still needs it.
        if result.storage === storage { result = try result.detach().clone() }
        let at = result.pointer(Int.self)
        for i in 0 ..< count {
            let value = at[i]
            if value >= 0, value < limit { continue }
            guard negative, value < 0, value + limit >= 0 else {
                throw OpahError(
                    .index,
                    "\(name): position \(value) is outside a dimension of size \(limit) of shape \(tensor.shape)")
            }
            at[i] = value + limit
        }
        return result
    }
}

extension Parallel {
    /// A grain that keeps work on the calling thread.
    static let never = 1 << 40
}
