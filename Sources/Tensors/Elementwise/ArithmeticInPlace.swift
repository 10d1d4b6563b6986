import Support

// `op_` writes its result over the tensor and returns it. The result must have the tensor's shape, and
// a dtype of the same kind or a lower one (no float into an integer tensor).

extension Tensor {
    @discardableResult
    public func add_(_ other: Tensor) throws -> Tensor { try update(Add.self, "add_", other) { try $0.add(other) } }
    @discardableResult
    public func sub_(_ other: Tensor) throws -> Tensor {
        try update(Subtract.self, "sub_", other) { try $0.sub(other) }
    }
    @discardableResult
    public func mul_(_ other: Tensor) throws -> Tensor {
        try update(Multiply.self, "mul_", other) { try $0.mul(other) }
    }
    @discardableResult
    public func div_(_ other: Tensor) throws -> Tensor { try update(Divide.self, "div_", other) { try $0.div(other) } }
    @discardableResult
    public func pow_(_ other: Tensor) throws -> Tensor { try replace("pow_", other) { try $0.pow(other) } }
    @discardableResult
    public func remainder_(_ other: Tensor) throws -> Tensor {
        try replace("remainder_", other) { try $0.remainder(other) }
    }
    @discardableResult
    public func maximum_(_ other: Tensor) throws -> Tensor {
        try update(Maximum.self, "maximum_", other) { try $0.maximum(other) }
    }
    @discardableResult
    public func minimum_(_ other: Tensor) throws -> Tensor {
        try update(Minimum.self, "minimum_", other) { try $0.minimum(other) }
    }

    @discardableResult
    public func add_(_ value: some ScalarConvertible) throws -> Tensor {
        try update(Add.self, "add_", value.scalar) { try $0.add(value) }
    }
    @discardableResult
    public func sub_(_ value: some ScalarConvertible) throws -> Tensor {
        try update(Subtract.self, "sub_", value.scalar) { try $0.sub(value) }
    }
    @discardableResult
    public func mul_(_ value: some ScalarConvertible) throws -> Tensor {
        try update(Multiply.self, "mul_", value.scalar) { try $0.mul(value) }
    }
    @discardableResult
    public func div_(_ value: some ScalarConvertible) throws -> Tensor {
        try update(Divide.self, "div_", value.scalar) { try $0.div(value) }
    }
    @discardableResult
    public func pow_(_ value: some ScalarConvertible) throws -> Tensor { try replace("pow_") { try $0.pow(value) } }
    @discardableResult
    public func remainder_(_ value: some ScalarConvertible) throws -> Tensor {
        try replace("remainder_") { try $0.remainder(value) }
    }
    @discardableResult
    public func clamp_(low: (some ScalarConvertible)?, high: (some ScalarConvertible)?) throws -> Tensor {
        try replace("clamp_") { try $0.clamp(low: low, high: high) }
    }

    /// Writes directly where the arithmetic runs in this tensor's own type.
    private func update<K: BinaryKernel>(
        _: K.Type, _ name: String, _ other: Tensor,
        _ recorded: (Tensor) throws -> Tensor
    ) throws -> Tensor {
        guard dtype == dtype.computing, dtype.isFloating, DType.promote(self, other) == dtype,
            other.storage !== storage || Geometry(other).isSame(as: Geometry(self))
        else {
            return try replace(name, other, recorded)
        }
        guard shape == other.shape || Dims.broadcast(shape, other.shape) == shape else {
            throw misfit(name, Dims.broadcast(shape, other.shape), other)
        }
        return try inPlace(
            name, with: other,
            direct: {
                Elementwise.binary(K.self, self, try other.plain(dtype), into: self)
            }, recorded: recorded)
    }

    private func update<K: BinaryKernel>(
        _: K.Type, _ name: String, _ value: Scalar,
        _ recorded: (Tensor) throws -> Tensor
    ) throws -> Tensor {
        guard dtype == dtype.computing, dtype.isFloating else { return try replace(name, nil, recorded) }
        return try inPlace(
            name,
            direct: {
                if dtype == .float32, isContiguous {
                    Elementwise.binary(K.self, self, Float(value.double), into: self)
                } else {
                    Elementwise.binary(K.self, self, try Tensor(value, dtype), into: self)
                }
            }, recorded: recorded)
    }

    /// Computes a new tensor and copies it over this one.
    func replace(_ name: String, _ other: Tensor? = nil, _ operation: (Tensor) throws -> Tensor) throws -> Tensor {
        func checked(_ old: Tensor) throws -> Tensor {
            let result = try operation(old)
            guard result.shape == shape else { throw misfit(name, result.shape, other) }
            guard result.dtype.isFloating ? dtype.isFloating : dtype != .bool || result.dtype == .bool else {
                throw OpahError(
                    .dtype,
                    "\(name): the result is \(result.dtype.rawValue), which a tensor of \(dtype.rawValue) cannot hold",
                    hint: "use \(name.dropLast()) without the underscore, or convert first")
            }
            return try result.to(dtype)
        }
        return try inPlace(
            name, with: other,
            direct: {
                copyElements(from: try Autograd.withoutGradients { try checked(self) })
            }, recorded: checked)
    }

    private func misfit(_ name: String, _ result: Dims?, _ other: Tensor?) -> OpahError {
        guard let result else { return other.map { Tensor.mismatch(name, self, $0) } ?? OpahError(.shape, name) }
        return OpahError(
            .shape,
            "\(name): a result of shape \(result) does not fit into shape \(shape)"
                + (other.map { "; the other shape is \($0.shape)" } ?? ""),
            hint: "use \(name.dropLast()) without the underscore")
    }
}
