import Support

// Comparisons give bool tensors. NaN equals nothing, itself included.

protocol Relation {
    static func apply(_ a: Float8, _ b: Float8) -> SIMDMask<SIMD8<Int32>>
    static func apply<T: Comparable>(_ a: T, _ b: T) -> Bool
}
enum Equal: Relation {
    @inline(__always) static func apply(_ a: Float8, _ b: Float8) -> SIMDMask<SIMD8<Int32>> { a .== b }
    @inline(__always) static func apply<T: Comparable>(_ a: T, _ b: T) -> Bool { a == b }
}
enum NotEqual: Relation {
    @inline(__always) static func apply(_ a: Float8, _ b: Float8) -> SIMDMask<SIMD8<Int32>> { a .!= b }
    @inline(__always) static func apply<T: Comparable>(_ a: T, _ b: T) -> Bool { a != b }
}
enum Less: Relation {
    @inline(__always) static func apply(_ a: Float8, _ b: Float8) -> SIMDMask<SIMD8<Int32>> { a .< b }
    @inline(__always) static func apply<T: Comparable>(_ a: T, _ b: T) -> Bool { a < b }
}
enum LessOrEqual: Relation {
    @inline(__always) static func apply(_ a: Float8, _ b: Float8) -> SIMDMask<SIMD8<Int32>> { a .<= b }
    @inline(__always) static func apply<T: Comparable>(_ a: T, _ b: T) -> Bool { a <= b }
}

extension Tensor {
    public func eq(_ other: Tensor) throws -> Tensor { try compare(Equal.self, "eq", self, other) }
    public func ne(_ other: Tensor) throws -> Tensor { try compare(NotEqual.self, "ne", self, other) }
    public func lt(_ other: Tensor) throws -> Tensor { try compare(Less.self, "lt", self, other) }
    public func le(_ other: Tensor) throws -> Tensor { try compare(LessOrEqual.self, "le", self, other) }
    public func gt(_ other: Tensor) throws -> Tensor { try compare(Less.self, "gt", other, self) }
    public func ge(_ other: Tensor) throws -> Tensor { try compare(LessOrEqual.self, "ge", other, self) }

    public func eq(_ value: some ScalarConvertible) throws -> Tensor { try eq(operand(value.scalar)) }
    public func ne(_ value: some ScalarConvertible) throws -> Tensor { try ne(operand(value.scalar)) }
    public func lt(_ value: some ScalarConvertible) throws -> Tensor { try lt(operand(value.scalar)) }
    public func le(_ value: some ScalarConvertible) throws -> Tensor { try le(operand(value.scalar)) }
    public func gt(_ value: some ScalarConvertible) throws -> Tensor { try gt(operand(value.scalar)) }
    public func ge(_ value: some ScalarConvertible) throws -> Tensor { try ge(operand(value.scalar)) }

    public func logicalAnd(_ other: Tensor) throws -> Tensor { try to(.bool).mul(other.to(.bool)) }
    public func logicalOr(_ other: Tensor) throws -> Tensor { try to(.bool).add(other.to(.bool)) }
    public func logicalXor(_ other: Tensor) throws -> Tensor { try to(.bool).ne(other.to(.bool)) }
    public func logicalNot() throws -> Tensor { try eq(0) }

    /// Whether both have the same shape and equal elements.
    public func equal(_ other: Tensor) throws -> Bool {
        try shape == other.shape && eq(other).all().item() != 0
    }

    /// Whether |a - b| <= absolute + relative |b| everywhere (broadcasting); infinities must be equal.
    public func allClose(
        _ other: Tensor, relative: Double = 1e-5, absolute: Double = 1e-8, equalNaN: Bool = false
    ) throws -> Bool {
        try Autograd.withoutGradients {
            let a = try to(.float64), b = try other.to(.float64)
            guard Dims.broadcast(a.shape, b.shape) != nil else { throw Tensor.mismatch("allclose", self, other) }
            let distance = try a.sub(b).abs(), limit = try b.abs().mul(relative).add(absolute)
            // An infinite limit would let anything pass.
            var close = try distance.le(limit).logicalAnd(distance.lt(Double.infinity)).logicalOr(a.eq(b))
            if equalNaN { close = try close.logicalOr(a.ne(a).logicalAnd(b.ne(b))) }
            return try close.all().item() != 0
        }
    }

    /// A number to compare with or choose: float64 where it would not be exact as float32.
    private func operand(_ value: Scalar) throws -> Tensor {
        if case .int = value { return try Tensor(value, .int64) }
        return try Tensor(value, dtype.isFloating ? dtype.computing : .float32)
    }

    private func compare<R: Relation>(_: R.Type, _ name: String, _ a: Tensor, _ b: Tensor) throws -> Tensor {
        guard let shape = Dims.broadcast(a.shape, b.shape) else {
            throw Tensor.mismatch(name, self, a === self ? b : a)
        }
        let computing = DType.promote(a, b).computing
        let a = try a.plain(computing), b = try b.plain(computing)
        let result = try Tensor(empty: shape, .bool)
        guard result.count > 0 else { return result }
        let loop = StridedLoop(
            shape, result.strides, a.strides.broadcast(from: a.shape, to: shape),
            b.strides.broadcast(from: b.shape, to: shape))
        let out = result.pointer(UInt8.self), (_, i, j) = loop.steps
        func scalars<T: Comparable>(_: T.Type) {
            let x = a.pointer(T.self), y = b.pointer(T.self)
            loop.run { at, n in
                let out = out + at.0, x = x + at.1, y = y + at.2
                for k in 0 ..< n { out[k] = R.apply(x[k &* i], y[k &* j]) ? 1 : 0 }
            }
        }
        switch computing {
        case .float64: scalars(Double.self)
        case .int64: scalars(Int.self)
        default:
            let x = UnsafePointer(a.pointer(Float.self)), y = UnsafePointer(b.pointer(Float.self))
            loop.run { at, n in
                let out = out + at.0, x = x + at.1, y = y + at.2
                var k = 0
                if i <= 1, j <= 1 {
                    while k &+ 8 <= n {
                        let left = i == 1 ? Float8(x + k) : Float8(repeating: x.pointee)
                        let right = j == 1 ? Float8(y + k) : Float8(repeating: y.pointee)
                        let mask = unsafeBitCast(R.apply(left, right), to: SIMD8<UInt32>.self)
                        UnsafeMutableRawPointer(out + k).storeBytes(
                            of: SIMD8<UInt8>(truncatingIfNeeded: mask & 1), as: SIMD8<UInt8>.self)
                        k &+= 8
                    }
                }
                while k < n { out[k] = R.apply(x[k &* i], y[k &* j]) ? 1 : 0; k &+= 1 }
            }
        }
        return result
    }
}
