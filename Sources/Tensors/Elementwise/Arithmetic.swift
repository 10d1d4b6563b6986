import Support

// Operations on two operands. Shapes broadcast as in NumPy; dtypes promote as in PyTorch (see
// `DType.promote`); half types are computed in float32 and rounded once. Integers wrap.

extension Tensor {
    // MARK: Sums and differences

    /// a + b. Of bools: or.
    public func add(_ other: Tensor) throws -> Tensor {
        let result = try combine(Add.self, "add", other)
        if Autograd.wants(self, other) { record(result, "add", other, { g in g }, { g in g }) }
        return result
    }

    public func add(_ value: some ScalarConvertible) throws -> Tensor {
        let result = try combine(Add.self, "add", value.scalar)
        if Autograd.wants(self) { record(result, "add") { $0 } }
        return result
    }

    /// a - b. Not for bools.
    public func sub(_ other: Tensor) throws -> Tensor {
        let result = try combine(Subtract.self, "sub", other)
        if Autograd.wants(self, other) { record(result, "sub", other, { g in g }, { g in try g.neg() }) }
        return result
    }

    public func sub(_ value: some ScalarConvertible) throws -> Tensor {
        let result = try combine(Subtract.self, "sub", value.scalar)
        if Autograd.wants(self) { record(result, "sub") { $0 } }
        return result
    }

    /// value - a
    public func subtracted(from value: some ScalarConvertible) throws -> Tensor { try neg().add(value) }

    // MARK: Products and quotients

    /// a b, element by element. Of bools: and.
    public func mul(_ other: Tensor) throws -> Tensor {
        let result = try combine(Multiply.self, "mul", other)
        if Autograd.wants(self, other) {
            let a = Saved(self), b = Saved(other)
            record(result, "mul", other, { g in try g.mul(b.value("mul")) }, { g in try g.mul(a.value("mul")) })
        }
        return result
    }

    public func mul(_ value: some ScalarConvertible) throws -> Tensor {
        let value = value.scalar
        let result = try combine(Multiply.self, "mul", value)
        if Autograd.wants(self) { record(result, "mul") { try $0.mul(value) } }
        return result
    }

    /// a / b; of integers too a float.
    public func div(_ other: Tensor) throws -> Tensor {
        let result = try combine(Divide.self, "div", other, floating: true)
        if Autograd.wants(self, other) {
            let a = Saved(self), b = Saved(other)
            record(
                result, "div", other, { g in try g.div(b.value("div")) },
                { g in
                    let b = try b.value("div")
                    return try g.mul(a.value("div")).div(b).div(b).neg()
                })
        }
        return result
    }

    public func div(_ value: some ScalarConvertible) throws -> Tensor {
        let value = value.scalar
        let result = try combine(Divide.self, "div", value, floating: true)
        if Autograd.wants(self) { record(result, "div") { try $0.div(value) } }
        return result
    }

    /// value / a
    public func divided(into value: some ScalarConvertible) throws -> Tensor {
        try Tensor(value.scalar, dtype.isFloating ? dtype : .float32).div(self)
    }

    /// a - b floor(a / b): the sign of b, as `%` in Lua. Integers must not be divided by 0.
    public func remainder(_ other: Tensor) throws -> Tensor {
        if !DType.promote(self, other).isFloating, try other.eq(0).any().item() != 0 {
            throw OpahError(.argument, "remainder: integer division by zero")
        }
        let result = try combine(Remainder.self, "remainder", other)
        if Autograd.wants(self, other) {
            let a = Saved(self), b = Saved(other)
            record(
                result, "remainder", other, { g in g },
                { g in
                    try a.value("remainder").div(b.value("remainder")).floor().mul(g).neg()
                })
        }
        return result
    }

    public func remainder(_ value: some ScalarConvertible) throws -> Tensor {
        let value = value.scalar
        if !DType.promote(self, value).isFloating, value.double == 0 {
            throw OpahError(.argument, "remainder: integer division by zero")
        }
        let result = try combine(Remainder.self, "remainder", value)
        if Autograd.wants(self) { record(result, "remainder") { $0 } }
        return result
    }

    // MARK: Powers

    /// a^b. Integers to a negative integer power are refused.
    public func pow(_ other: Tensor) throws -> Tensor {
        if !DType.promote(self, other).isFloating, try other.lt(0).any().item() != 0 { throw Tensor.negativePower }
        let result = try combine(Power.self, "pow", other)
        if Autograd.wants(self, other) {
            let a = Saved(self), b = Saved(other), y = Saved(result)
            record(
                result, "pow", other,
                { g in
                    let b = try b.value("pow")
                    let slope = try a.value("pow").pow(b.sub(1)).mul(b)
                    return try g.mul(Tensor.where(b.eq(0), Tensor(zeros: Dims(), slope.dtype), slope))
                },
                { g in
                    // 0^b does not change with b.
                    let a = try a.value("pow"), slope = try y.value("pow").mul(a.log())
                    return try g.mul(Tensor.where(a.eq(0), Tensor(zeros: Dims(), slope.dtype), slope))
                })
        }
        return result
    }

    /// a^value; squares, roots and reciprocals without the general power function.
    public func pow(_ value: some ScalarConvertible) throws -> Tensor {
        let value = value.scalar
        let result = try power(value)
        if Autograd.wants(self) {
            let a = Saved(self)
            record(result, "pow") { g in
                let a = try a.value("pow")
                switch value.double {
                case 0: return try Tensor(zeros: g.shape, g.dtype)
                case 1: return g
                case 2: return try g.mul(a).mul(2)
                default: return try g.mul(a.power(.real(value.double - 1))).mul(value)
                }
            }
        }
        return result
    }

    private func power(_ value: Scalar) throws -> Tensor {
        let isFloating = DType.promote(self, value).isFloating
        if !isFloating, value.double < 0 { throw Tensor.negativePower }
        if isFloating, dtype.isFloating {
            switch value.double {
            case 2: return try combine(Multiply.self, "pow", self)
            case 0.5: return try apply(SquareRoot.self, floating: true)
            case -0.5: return try apply(ReciprocalRoot.self, floating: true)
            case -1: return try Tensor(.int(1), dtype).combine(Divide.self, "pow", self, floating: true)
            default: break
            }
        }
        return try combine(Power.self, "pow", value)
    }

    /// value^a
    public func power(of value: some ScalarConvertible) throws -> Tensor {
        let value = value.scalar
        let dtype = DType.promote(self, value)
        return try Tensor(value, dtype).pow(self)
    }

    private static let negativePower = OpahError(
        .argument, "pow: an integer tensor cannot be raised to a negative integer power",
        hint: "convert it first: t:to(\"float32\")")

    // MARK: Extremes and limits

    /// The larger of each pair; NaN where either is. Equal ones share the gradient.
    public func maximum(_ other: Tensor) throws -> Tensor {
        let result = try combine(Maximum.self, "maximum", other)
        if Autograd.wants(self, other) { try recordExtreme(result, "maximum", other, Tensor.gt) }
        return result
    }

    /// The smaller of each pair; NaN where either is. Equal ones share the gradient.
    public func minimum(_ other: Tensor) throws -> Tensor {
        let result = try combine(Minimum.self, "minimum", other)
        if Autograd.wants(self, other) { try recordExtreme(result, "minimum", other, Tensor.lt) }
        return result
    }

    private func recordExtreme(
        _ result: Tensor, _ name: String, _ other: Tensor,
        _ wins: @escaping (Tensor) -> (Tensor) throws -> Tensor
    ) throws {
        let a = Saved(self), b = Saved(other)
        func share(_ g: Tensor, _ a: Tensor, _ b: Tensor) throws -> Tensor {
            let share = try wins(a)(b).to(g.dtype).add(a.eq(b).to(g.dtype).mul(0.5))
            return try g.mul(share)
        }
        record(
            result, name, other, { g in try share(g, a.value(name), b.value(name)) },
            { g in try share(g, b.value(name), a.value(name)) })
    }

    /// Every element brought into low...high; nil leaves that side open. NaN stays NaN.
    public func clamp(low: (some ScalarConvertible)?, high: (some ScalarConvertible)?) throws -> Tensor {
        try clamp(low?.scalar, high?.scalar)
    }

    func clamp(_ low: Scalar?, _ high: Scalar?) throws -> Tensor {
        var result = self
        if let low { result = try result.combine(Maximum.self, "clamp", low) }
        if let high { result = try result.combine(Minimum.self, "clamp", high) }
        if result === self { return try clone() }
        if Autograd.wants(self) {
            let x = Saved(self)
            record(result, "clamp") { g in
                let x = try x.value("clamp")
                var inside = g
                if let low { inside = try inside.mul(x.ge(low).to(g.dtype)) }
                if let high { inside = try inside.mul(x.le(high).to(g.dtype)) }
                return inside
            }
        }
        return result
    }

    // MARK: How they are computed and recorded

    /// `self op other`, not recorded.
    @inline(__always)
    func combine<K: BinaryKernel>(_: K.Type, _ name: String, _ other: Tensor, floating: Bool = false) throws -> Tensor {
        if dtype == .float32, other.dtype == .float32, shape == other.shape {
            let result = try Tensor(empty: shape, .float32)
            Elementwise.binary(K.self, self, other, into: result)
            return result
        }
        return try combineGeneral(K.self, name, other, floating)
    }

    @inline(never)
    private func combineGeneral<K: BinaryKernel>(
        _: K.Type, _ name: String, _ other: Tensor, _ floating: Bool
    ) throws -> Tensor {
        guard let shape = Dims.broadcast(shape, other.shape) else { throw Tensor.mismatch(name, self, other) }
        let dtype = try Tensor.resultDType(name, DType.promote(self, other), floating)
        let computing = dtype.computing
        let result = try Tensor(empty: shape, computing)
        try Elementwise.binary(K.self, plain(computing), other.plain(computing), into: result)
        return try result.plain(dtype)
    }

    /// `self op value`, not recorded.
    func combine<K: BinaryKernel>(_: K.Type, _ name: String, _ value: Scalar, floating: Bool = false) throws -> Tensor {
        if dtype == .float32, isContiguous {
            let result = try Tensor(empty: shape, .float32)
            Elementwise.binary(K.self, self, Float(value.double), into: result)
            return result
        }
        let dtype = try Tensor.resultDType(name, DType.promote(self, value), floating)
        let computing = dtype.computing
        let result = try Tensor(empty: shape, computing)
        try Elementwise.binary(K.self, plain(computing), Tensor(value, computing), into: result)
        return try result.plain(dtype)
    }

    private static func resultDType(_ name: String, _ promoted: DType, _ floating: Bool) throws -> DType {
        if promoted == .bool, name == "sub" || name == "sub_" {
            throw OpahError(.dtype, "\(name): bools cannot be subtracted", hint: "use logical_not or ne")
        }
        return floating && !promoted.isFloating ? .float32 : promoted
    }

    static func mismatch(_ name: String, _ a: Tensor, _ b: Tensor) -> OpahError {
        OpahError(
            .shape, "\(name): shapes \(a.shape) and \(b.shape) do not broadcast",
            hint: "sizes must be equal or 1, counted from the last dimension")
    }

    private func record(_ result: Tensor, _ name: String, _ gradient: @escaping (Tensor) throws -> Tensor) {
        let dtype = gradientDType
        Autograd.record(result, name, [self]) { [try gradient($0).to(dtype)] }
    }

    private func record(
        _ result: Tensor, _ name: String, _ other: Tensor, _ first: @escaping (Tensor) throws -> Tensor,
        _ second: @escaping (Tensor) throws -> Tensor
    ) {
        let (shape, dtype) = (requiresGrad ? self.shape : nil, gradientDType)
        let (otherShape, otherDType) = (other.requiresGrad ? other.shape : nil, other.gradientDType)
        Autograd.record(result, name, [self, other]) { g in
            [
                try shape.map { try first(g).reduced(to: $0, dtype) },
                try otherShape.map { try second(g).reduced(to: $0, otherDType) }
            ]
        }
    }
}
