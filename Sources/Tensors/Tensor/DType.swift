/// What one element is. The raw value is the name that Lua and the file formats use.
///
/// float16 and bfloat16 are for storage: arithmetic reads them into float32 and computes there.
public enum DType: String, CaseIterable, Sendable {
    case float32, float64, float16, bfloat16, int64, int32, int16, int8, uint8, bool

    /// Bytes of one element.
    public var size: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16, .int16: 2
        case .int8, .uint8, .bool: 1
        }
    }

    public var isFloating: Bool {
        switch self {
        case .float32, .float64, .float16, .bfloat16: true
        default: false
        }
    }

    /// float16 and bfloat16.
    public var isHalf: Bool { self == .float16 || self == .bfloat16 }
    public var isInteger: Bool { !isFloating && self != .bool }
}

/// bfloat16: the upper half of a float32. Rounds half to even; NaN stays NaN.
public struct BFloat16: Sendable {
    public var bits: UInt16
    @inlinable @inline(__always) public init(bits: UInt16) { self.bits = bits }
    @inlinable @inline(__always) public init(_ value: Float) {
        let raw = value.bitPattern
        if value != value { bits = UInt16(truncatingIfNeeded: raw >> 16) | 0x40; return }
        bits = UInt16(truncatingIfNeeded: (raw &+ 0x7FFF &+ ((raw >> 16) & 1)) >> 16)
    }
    @inlinable @inline(__always) public var float: Float { Float(bitPattern: UInt32(bits) << 16) }
}
