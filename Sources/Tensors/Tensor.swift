import Support

/// An n-dimensional array: a view of a `Storage` with a shape and strides (in elements), plus what
/// autograd needs to know about where it came from.
///
/// In Swift, dimensions and positions count from 0; the Lua binding shifts them (1-based there).
/// Operations are throwing methods, not operators: an error is never found later than it happens.
public final class Tensor {
    public let storage: Storage
    /// First element, in elements from the start of the storage.
    public let offset: Int
    public let shape: Dims
    public let strides: Dims
    public let dtype: DType
    public let count: Int

    /// Autograd: wants a gradient (a leaf), or comes from something that does.
    public var requiresGrad = false
    /// The gradient summed so far; only on leaves.
    public var grad: Tensor?
    /// The operation that made this tensor, when gradients are recorded.
    public internal(set) var node: Node?

    public init(storage: Storage, offset: Int, shape: Dims, strides: Dims, dtype: DType) {
        self.storage = storage
        self.offset = offset
        self.shape = shape
        self.strides = strides
        self.dtype = dtype
        count = shape.product
    }

    /// Uninitialised elements.
    public convenience init(empty shape: Dims, _ dtype: DType = .float32) throws {
        self.init(storage: try Storage(byteCount: try Tensor.byteCount(shape, dtype)), offset: 0, shape: shape,
                  strides: shape.contiguousStrides, dtype: dtype)
    }

    public convenience init(zeros shape: Dims, _ dtype: DType = .float32) throws {
        try self.init(empty: shape, dtype)
        storage.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: storage.byteCount)
    }

    /// A float32 tensor of these elements, in C order.
    public convenience init(_ elements: [Float], _ shape: Dims) throws {
        guard elements.count == shape.product else {
            throw OpahError(.shape, "\(elements.count) elements do not fill the shape \(shape)")
        }
        try self.init(empty: shape, .float32)
        elements.withUnsafeBytes { storage.pointer.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(storage.pointer), byteCount: $0.count) }
    }

    /// An integer tensor of these elements, in C order. Values must fit the dtype.
    public convenience init(integers elements: [Int], _ shape: Dims, _ dtype: DType = .int64) throws {
        guard elements.count == shape.product else {
            throw OpahError(.shape, "\(elements.count) elements do not fill the shape \(shape)")
        }
        try self.init(empty: shape, dtype)
        func fill<T: FixedWidthInteger>(_: T.Type) throws {
            let pointer = storage.pointer.assumingMemoryBound(to: T.self)
            for (i, value) in elements.enumerated() {
                guard let element = T(exactly: value) else {
                    throw OpahError(.dtype, "\(value) does not fit \(dtype.rawValue)")
                }
                pointer[i] = element
            }
        }
        switch dtype {
        case .int64: try fill(Int64.self)
        case .int32: try fill(Int32.self)
        case .int16: try fill(Int16.self)
        case .int8: try fill(Int8.self)
        case .uint8: try fill(UInt8.self)
        default: throw OpahError(.dtype, "integers cannot fill a tensor of \(dtype.rawValue)")
        }
    }

    /// Bytes of a shape, or an error when a size is negative or the product overflows.
    static func byteCount(_ shape: Dims, _ dtype: DType) throws -> Int {
        var bytes = dtype.size
        for size in shape {
            guard size >= 0 else { throw OpahError(.shape, "negative size in shape \(shape)") }
            let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
            guard !overflow else { throw OpahError(.memory, "a tensor of shape \(shape) cannot be allocated") }
            bytes = product
        }
        return bytes
    }

    @inline(__always) public var rank: Int { shape.count }

    /// Whether the elements lie one after the other in C order.
    public var isContiguous: Bool {
        var expected = 1
        for i in stride(from: rank - 1, through: 0, by: -1) where shape[i] != 1 {
            if strides[i] != expected { return false }
            expected &*= shape[i]
        }
        return true
    }

    /// The first element, as `T`: which must be the dtype's own type.
    @inline(__always)
    public func pointer<T>(_: T.Type = T.self) -> UnsafeMutablePointer<T> {
        storage.pointer.assumingMemoryBound(to: T.self) + offset
    }
}
