import Support

/// A type that tensors are made of, and how a number becomes one.
protocol Element {
    /// Floats become integers by truncation; what does not fit wraps, NaN is 0. Halves round to even.
    init(converting value: Float)
    init(converting value: Double)
    init(converting value: Int)
    var asDouble: Double { get }
    /// Exact for integers and float16, bfloat16, float32; rounds Double.
    var asFloat: Float { get }
    /// Truncates; out of range is clamped, NaN is 0.
    var asInt: Int { get }
    /// As `To`, by way of a type that can hold every value of ours.
    func convert<To: Element>(_: To.Type) -> To
}

extension Int {
    @inline(__always) init(truncating value: Double) {
        self = value != value ? 0 : value >= 0x1p63 ? .max : value < -0x1p63 ? .min : Int(value)
    }
}

extension Element where Self: FixedWidthInteger {
    @inline(__always) init(converting value: Float) { self.init(truncatingIfNeeded: Int(truncating: Double(value))) }
    @inline(__always) init(converting value: Double) { self.init(truncatingIfNeeded: Int(truncating: value)) }
    @inline(__always) init(converting value: Int) { self.init(truncatingIfNeeded: value) }
    @inline(__always) var asDouble: Double { Double(Int(truncatingIfNeeded: self)) }
    @inline(__always) var asFloat: Float { Float(Int(truncatingIfNeeded: self)) }
    @inline(__always) var asInt: Int { Int(truncatingIfNeeded: self) }
    @inline(__always) func convert<To: Element>(_: To.Type) -> To { To(converting: asInt) }
}

extension Int64: Element {}
extension Int32: Element {}
extension Int16: Element {}
extension Int8: Element {}
extension UInt8: Element {}

extension Float: Element {
    @inline(__always) init(converting value: Float) { self = value }
    @inline(__always) init(converting value: Double) { self.init(value) }
    @inline(__always) init(converting value: Int) { self.init(value) }
    @inline(__always) var asDouble: Double { Double(self) }
    @inline(__always) var asFloat: Float { self }
    @inline(__always) var asInt: Int { Int(truncating: Double(self)) }
    @inline(__always) func convert<To: Element>(_: To.Type) -> To { To(converting: asFloat) }
}

extension Double: Element {
    @inline(__always) init(converting value: Float) { self.init(value) }
    @inline(__always) init(converting value: Double) { self = value }
    @inline(__always) init(converting value: Int) { self.init(value) }
    @inline(__always) var asDouble: Double { self }
    @inline(__always) var asFloat: Float { Float(self) }
    @inline(__always) var asInt: Int { Int(truncating: self) }
    @inline(__always) func convert<To: Element>(_: To.Type) -> To { To(converting: asDouble) }
}

extension Float16: Element {
    @inline(__always) init(converting value: Float) { self.init(value) }
    @inline(__always) init(converting value: Double) { self.init(Float(value)) }
    @inline(__always) init(converting value: Int) { self.init(Float(value)) }
    @inline(__always) var asDouble: Double { Double(self) }
    @inline(__always) var asFloat: Float { Float(self) }
    @inline(__always) var asInt: Int { Int(truncating: Double(self)) }
    @inline(__always) func convert<To: Element>(_: To.Type) -> To { To(converting: asFloat) }
}

extension BFloat16: Element {
    @inline(__always) init(converting value: Float) { self.init(value) }
    @inline(__always) init(converting value: Double) { self.init(Float(value)) }
    @inline(__always) init(converting value: Int) { self.init(Float(value)) }
    @inline(__always) var asDouble: Double { Double(float) }
    @inline(__always) var asFloat: Float { float }
    @inline(__always) var asInt: Int { Int(truncating: Double(float)) }
    @inline(__always) func convert<To: Element>(_: To.Type) -> To { To(converting: asFloat) }
}

/// One byte, 0 or 1; every number but 0 is true, NaN too.
struct Boolean: Element {
    var bits: UInt8
    @inline(__always) init(_ value: Bool) { bits = value ? 1 : 0 }
    @inline(__always) init(converting value: Float) { bits = value != 0 ? 1 : 0 }
    @inline(__always) init(converting value: Double) { bits = value != 0 ? 1 : 0 }
    @inline(__always) init(converting value: Int) { bits = value != 0 ? 1 : 0 }
    @inline(__always) var asDouble: Double { bits == 0 ? 0 : 1 }
    @inline(__always) var asFloat: Float { bits == 0 ? 0 : 1 }
    @inline(__always) var asInt: Int { bits == 0 ? 0 : 1 }
    @inline(__always) func convert<To: Element>(_: To.Type) -> To { To(converting: asInt) }
}

extension Tensor {
    /// The same numbers as `dtype`; itself when it has that dtype already. Floats become integers by
    /// truncation towards zero.
    public func to(_ dtype: DType) throws -> Tensor {
        if dtype == self.dtype { return self }
        let result = try plain(dtype)
        if dtype.isFloating, Autograd.wants(self) {
            let from = gradientDType
            Autograd.record(result, "to", [self]) { [try $0.plain(from)] }
        }
        return result
    }

    /// `to` without recording.
    func plain(_ dtype: DType) throws -> Tensor {
        if dtype == self.dtype { return self }
        var source = self
        if !isContiguous {
            source = try Tensor(empty: shape, self.dtype)
            source.copyElements(from: self)
        }
        let result = try Tensor(empty: shape, dtype)
        result.convertElements(from: source)
        return result
    }

    /// Converts the elements of `source`: both contiguous, same number, different dtypes.
    func convertElements(from source: Tensor) {
        switch (source.dtype, dtype) {
        case (.bfloat16, .float32): widenBits(source.pointer(UInt16.self), pointer(), count)
        case (.float32, .bfloat16): roundToBits(source.pointer(), pointer(UInt16.self), count)
        case (.float32, _): convert(from: Float.self, source)
        case (.float64, _): convert(from: Double.self, source)
        case (.float16, _): convert(from: Float16.self, source)
        case (.bfloat16, _): convert(from: BFloat16.self, source)
        case (.int64, _): convert(from: Int64.self, source)
        case (.int32, _): convert(from: Int32.self, source)
        case (.int16, _): convert(from: Int16.self, source)
        case (.int8, _): convert(from: Int8.self, source)
        case (.uint8, _): convert(from: UInt8.self, source)
        case (.bool, _): convert(from: Boolean.self, source)
        }
    }

    private func convert<From: Element>(from _: From.Type, _ source: Tensor) {
        switch dtype {
        case .float32: convert(From.self, to: Float.self, source)
        case .float64: convert(From.self, to: Double.self, source)
        case .float16: convert(From.self, to: Float16.self, source)
        case .bfloat16: convert(From.self, to: BFloat16.self, source)
        case .int64: convert(From.self, to: Int64.self, source)
        case .int32: convert(From.self, to: Int32.self, source)
        case .int16: convert(From.self, to: Int16.self, source)
        case .int8: convert(From.self, to: Int8.self, source)
        case .uint8: convert(From.self, to: UInt8.self, source)
        case .bool: convert(From.self, to: Boolean.self, source)
        }
    }

    private func convert<From: Element, To: Element>(_: From.Type, to _: To.Type, _ source: Tensor) {
        let to = pointer(To.self), from = source.pointer(From.self)
        Parallel.forRange(count, grain: Parallel.grain) { range in
            for i in range { to[i] = from[i].convert(To.self) }
        }
    }

    /// The elements in C order as `[Float]`, whatever the dtype and strides.
    public func floats() throws -> [Float] { try elements(.float32) }
    /// The elements in C order as `[Double]`, whatever the dtype and strides.
    public func doubles() throws -> [Double] { try elements(.float64) }
    /// The elements in C order as `[Int]`, whatever the dtype and strides; floats are truncated.
    public func ints() throws -> [Int] { try elements(.int64) }
    /// The elements in C order as `[Bool]`: false where they are zero.
    public func bools() throws -> [Bool] { try elements(.bool) }

    private func elements<T>(_ dtype: DType) throws -> [T] {
        let source = try detach().to(dtype).contiguous()
        return Array(UnsafeBufferPointer(start: source.pointer(T.self), count: count))
    }

    /// The only element of a tensor that has one.
    public func item() throws -> Double {
        guard count == 1 else {
            throw OpahError(
                .shape, "item: a tensor of shape \(shape) has \(count) elements, not one",
                hint: "pick one, or reduce it first, as in t:sum():item()")
        }
        return switch dtype {
        case .float32: Double(pointer(Float.self).pointee)
        case .float64: pointer(Double.self).pointee
        default: try doubles()[0]
        }
    }
}

/// bfloat16 bits -> float32, eight at a time.
func widenBits(_ from: UnsafePointer<UInt16>, _ to: UnsafeMutablePointer<Float>, _ count: Int) {
    Parallel.forRange(count, grain: Parallel.grain) { range in
        var i = range.lowerBound
        while i &+ 8 <= range.upperBound {
            let bits = UnsafeRawPointer(from + i).loadUnaligned(as: SIMD8<UInt16>.self)
            let wide = SIMD8<UInt32>(truncatingIfNeeded: bits) &<< 16
            UnsafeMutableRawPointer(to + i).storeBytes(of: wide, as: SIMD8<UInt32>.self)
            i &+= 8
        }
        while i < range.upperBound { to[i] = BFloat16(bits: from[i]).float; i &+= 1 }
    }
}

/// float32 -> bfloat16 bits, rounded half to even; NaN stays NaN.
func roundToBits(_ from: UnsafePointer<Float>, _ to: UnsafeMutablePointer<UInt16>, _ count: Int) {
    Parallel.forRange(count, grain: Parallel.grain) { range in
        var i = range.lowerBound
        while i &+ 8 <= range.upperBound {
            let value = UnsafeRawPointer(from + i).loadUnaligned(as: SIMD8<Float>.self)
            let bits = unsafeBitCast(value, to: SIMD8<UInt32>.self)
            var rounded = (bits &+ 0x7FFF &+ ((bits &>> 16) & 1)) &>> 16
            rounded.replace(with: (bits &>> 16) | 0x40, where: value .!= value)
            UnsafeMutableRawPointer(to + i).storeBytes(
                of: SIMD8<UInt16>(truncatingIfNeeded: rounded), as: SIMD8<UInt16>.self)
            i &+= 8
        }
        while i < range.upperBound { to[i] = BFloat16(from[i]).bits; i &+= 1 }
    }
}
