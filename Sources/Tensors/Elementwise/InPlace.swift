import Support

// Operations in place.
//
// Where nothing is recorded they simply write. Where gradients are recorded, `x.op_()` is computed as
// the operation without underscore on a copy of x's old values, with their history; the result is
// copied into x's memory and x takes over its history. For a view, what gets the history is its base:
// a tensor whose part has been replaced; every view of it then derives its own anew.

extension Tensor {
    /// - Parameters:
    ///   - name: with its underscore, for messages.
    ///   - direct: writes to this tensor's elements.
    ///   - recorded: the same, computed from the old values: same shape and dtype as this tensor.
    func inPlace(
        _ name: String, with other: Tensor? = nil, direct: () throws -> Void,
        recorded: (_ old: Tensor) throws -> Tensor
    ) throws -> Tensor {
        try checkWritable(name)
        if requiresGrad || other?.requiresGrad ?? false || base?.requiresGrad ?? false, Autograd.isEnabled {
            try rewrite(name, recorded)
        } else {
            try direct()
            storage.didChange()
        }
        return self
    }

    func checkWritable(_ name: String) throws {
        guard !storage.isMapped else {
            throw OpahError(
                .argument, "\(name): this tensor of shape \(shape) lies in a file that is mapped for reading",
                hint: "change a copy: t:clone()")
        }
        if isContiguous { return }
        for i in 0 ..< rank where strides[i] == 0 && shape[i] > 1 {
            throw OpahError(
                .argument, "\(name): elements of this tensor of shape \(shape) share memory (it was made by expand)",
                hint: "change a copy: t:clone()")
        }
    }

    private func rewrite(_ name: String, _ recorded: (Tensor) throws -> Tensor) throws {
        if isTracked, case .leaf? = edge {
            throw OpahError(
                .gradient,
                "\(name): this tensor of shape \(shape) is a leaf that requires a gradient, and cannot be changed in place",
                hint:
                    "inside tensor.no_grad it can, as an optimizer does; else use \(name.dropLast()) without the underscore"
            )
        }
        var target = self
        if let base, viewVersion >= 0 || base.requiresGrad {
            guard viewVersion >= 0 else {
                throw OpahError(
                    .gradient,
                    "\(name): this view was made inside tensor.no_grad, so the tensor that it is a view of cannot follow the change",
                    hint: "make the view outside of no_grad, or change it inside")
            }
            if case .leaf? = base.edge {
                throw OpahError(
                    .gradient,
                    "\(name): this is a view of a leaf that requires a gradient, and cannot be changed in place",
                    hint: "inside tensor.no_grad it can; else use \(name.dropLast()) without the underscore")
            }
            guard base.isContiguous else {
                throw OpahError(
                    .gradient,
                    "\(name): this is a view of a tensor of shape \(base.shape) that is not contiguous, which gradients cannot follow",
                    hint: "make that tensor contiguous first, or use \(name.dropLast()) without the underscore")
            }
            target = base
        }
        let before = edge
        let old = try Autograd.withoutGradients { try clone() }
        if case .node(let node)? = before { (old.node, old.isTracked) = (node, true) }
        let result = try recorded(old)
        copyElements(from: result)
        storage.didChange()
        guard result.requiresGrad || target.requiresGrad else { return }
        if target === self {
            node = result.node ?? Node(name: name, inputs: []) { _ in [] }
        } else {
            let part = Geometry(self), whole = Geometry(target), dtype = gradientDType
            target.node = Node(name: name, inputs: [target.edge, result.edge]) { gradient in
                let outside = try gradient.clone()
                let slot = try part.within(whole, of: outside)
                let inside = try slot.plain(dtype).clone()
                slot.setElements(.int(0))
                return [outside, inside]
            }
        }
        target.isTracked = true
    }

    /// Sets every element, without checks or record.
    func setElements(_ value: Scalar) {
        func fill<T>(_ value: T) {
            let to = pointer(T.self)
            if isContiguous {
                if count <= Parallel.grain { to.update(repeating: value, count: count); return }
                Parallel.forRange(count, grain: Parallel.grain) { range in
                    (to + range.lowerBound).update(repeating: value, count: range.count)
                }
                return
            }
            let loop = StridedLoop(shape, strides, strides, strides), step = loop.steps.0
            loop.run { at, n in
                let to = to + at.0
                for i in 0 ..< n { to[i &* step] = value }
            }
        }
        func fill<T: Element>(as _: T.Type) {
            switch value {
            case .int(let value): fill(T(converting: value))
            case .real(let value): fill(T(converting: value))
            }
        }
        switch dtype {
        case .float32: fill(as: Float.self)
        case .float64: fill(as: Double.self)
        case .float16: fill(as: Float16.self)
        case .bfloat16: fill(as: BFloat16.self)
        case .int64: fill(as: Int64.self)
        case .int32: fill(as: Int32.self)
        case .int16: fill(as: Int16.self)
        case .int8: fill(as: Int8.self)
        case .uint8: fill(as: UInt8.self)
        case .bool: fill(as: Boolean.self)
        }
    }

    /// Sets every element to `value`.
    @discardableResult
    public func fill_(_ value: some ScalarConvertible) throws -> Tensor {
        let value = value.scalar
        return try inPlace(
            "fill_", direct: { setElements(value) }, recorded: { try Tensor.full($0.shape, value, $0.dtype) })
    }

    /// Sets every element to 0.
    @discardableResult
    public func zero_() throws -> Tensor {
        try inPlace("zero_", direct: { setElements(.int(0)) }, recorded: { try Tensor(zeros: $0.shape, $0.dtype) })
    }

    /// Takes the elements of `source`, broadcast to this shape and converted to this dtype.
    @discardableResult
    public func copy_(_ source: Tensor) throws -> Tensor {
        guard Dims.broadcast(source.shape, shape) == shape else {
            throw OpahError(.shape, "copy_: a tensor of shape \(source.shape) does not fit into shape \(shape)")
        }
        return try inPlace(
            "copy_", with: source,
            direct: {
                var from = try source.plain(dtype)
                if from.storage === storage, !Geometry(from).isSame(as: Geometry(self)) {
                    from = try Autograd.withoutGradients { try from.clone() }
                }
                copyElements(
                    from: Tensor(
                        storage: from.storage, offset: from.offset, shape: shape,
                        strides: from.strides.broadcast(from: from.shape, to: shape), dtype: dtype))
            }, recorded: { try source.to($0.dtype).expand($0.shape).contiguous() })
    }
}

extension Geometry {
    func isSame(as other: Geometry) -> Bool {
        offset == other.offset && shape == other.shape && strides == other.strides
    }
}
