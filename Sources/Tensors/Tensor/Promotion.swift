import Support

/// A number that stands beside a tensor in an operation. Integers leave an integer tensor what it is;
/// reals make it float32.
public enum Scalar: Sendable {
    case int(Int), real(Double)

    public var double: Double {
        switch self {
        case .int(let value): Double(value)
        case .real(let value): value
        }
    }

    fileprivate var dtype: DType { if case .int = self { .int64 } else { .float32 } }
}

/// What may be written for a `Scalar`: `x.add(2)`, `x.mul(0.5)`.
public protocol ScalarConvertible { var scalar: Scalar { get } }
extension Int: ScalarConvertible { @inlinable public var scalar: Scalar { .int(self) } }
extension Double: ScalarConvertible { @inlinable public var scalar: Scalar { .real(self) } }
extension Float: ScalarConvertible { @inlinable public var scalar: Scalar { .real(Double(self)) } }
extension Scalar: ScalarConvertible { @inlinable public var scalar: Scalar { self } }

extension DType {
    /// bool < integers < floats
    private var category: Int { self == .bool ? 0 : isFloating ? 2 : 1 }

    /// The dtype that holds the values of both, PyTorch's table: the wider one of a kind, floats over
    /// integers; uint8 with int8 gives int16, float16 with bfloat16 gives float32.
    public static func promote(_ a: DType, _ b: DType) -> DType {
        if a == b { return a }
        if a.category != b.category { return a.category > b.category ? a : b }
        if a.isHalf, b.isHalf { return .float32 }
        if a.size == b.size { return .int16 }
        return a.size > b.size ? a : b
    }

    /// The dtype of `a op b`. A tensor without dimensions counts only when it is of a higher kind, so
    /// that a number in a tensor behaves like a number.
    static func promote(_ a: Tensor, _ b: Tensor) -> DType {
        if a.dtype == b.dtype { return a.dtype }
        if (a.rank == 0) != (b.rank == 0) {
            let (whole, single) = a.rank == 0 ? (b.dtype, a.dtype) : (a.dtype, b.dtype)
            return single.category > whole.category ? single : whole
        }
        return promote(a.dtype, b.dtype)
    }

    static func promote(_ a: Tensor, _ b: Scalar) -> DType {
        b.dtype.category > a.dtype.category ? b.dtype : a.dtype
    }

    /// The type that arithmetic with results of this dtype runs in: halves in float32, all integers
    /// and bool in int64.
    var computing: DType {
        switch self {
        case .float64: .float64
        case .float32, .float16, .bfloat16: .float32
        default: .int64
        }
    }
}

extension Tensor {
    /// A tensor without dimensions.
    convenience init(_ value: Scalar, _ dtype: DType) throws {
        try self.init(empty: Dims(), dtype)
        setElements(value)
    }

    /// The sum of this gradient over what broadcasting had repeated: the gradient of an operand of
    /// shape `shape`, as `dtype`.
    func reduced(to shape: Dims, _ dtype: DType) throws -> Tensor {
        if self.shape == shape { return try to(dtype) }
        let lead = rank - shape.count
        let repeated = (0 ..< rank).filter { $0 < lead || (shape[$0 - lead] == 1 && self.shape[$0] != 1) }
        return try sum(dims: Dims(repeated), keepDim: true).reshape(shape).to(dtype)
    }
}
