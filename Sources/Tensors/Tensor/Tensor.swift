import Support

/// An n-dimensional array: a view of a `Storage` with a shape and strides (in elements), plus what
/// autograd needs to know about where it came from.
///
/// In Swift, dimensions and positions count from 0; the Lua binding shifts them (1-based there).
/// Operations are throwing methods, not operators: an error is never found later than it happens.
public final class Tensor {
    // Exclusive access is not checked at run time: the reference is set once, in `init`, and only ever
    // inspected in place afterwards, to ask whether it is the only one.
    @exclusivity(unchecked) public internal(set) var storage: Storage
    /// First element, in elements from the start of the storage.
    public let offset: Int
    public let shape: Dims
    public let strides: Dims
    public let dtype: DType
    public let count: Int
    /// Whether the elements lie one after the other in C order.
    public let isContiguous: Bool

    /// The gradient summed so far; only on leaves. Gradients of half types are float32.
    public var grad: Tensor?
    /// Wants a gradient, as of `viewVersion`. `requiresGrad` is the question to ask.
    var isTracked = false
    /// The operation that made this tensor, as of `viewVersion`. `edge` is the question to ask.
    var node: Node?
    /// What this tensor is a view of: never itself a view that follows a base.
    let base: Tensor?
    /// The storage's version when `node` was last derived from `base`; negative when this tensor does
    /// not follow a base: it is none's view, was made inside `withoutGradients`, or became a leaf.
    var viewVersion: Int

    init(storage: Storage, offset: Int, shape: Dims, strides: Dims, dtype: DType, base: Tensor?, viewVersion: Int) {
        self.storage = storage
        self.offset = offset
        self.shape = shape
        self.strides = strides
        self.dtype = dtype
        self.base = base
        self.viewVersion = viewVersion
        count = shape.product
        var expected = 1, contiguous = true
        var i = shape.count - 1
        while i >= 0 {
            if shape[i] != 1 {
                if strides[i] != expected { contiguous = false; break }
                expected &*= shape[i]
            }
            i -= 1
        }
        isContiguous = contiguous || count == 0
    }

    /// A tensor over existing bytes. `offset` and `strides` count elements and must stay inside them.
    public convenience init(storage: Storage, offset: Int, shape: Dims, strides: Dims, dtype: DType) {
        self.init(
            storage: storage, offset: offset, shape: shape, strides: strides, dtype: dtype, base: nil,
            viewVersion: -1)
    }

    /// Uninitialised elements.
    public convenience init(empty shape: Dims, _ dtype: DType = .float32) throws {
        self.init(
            storage: try Storage(byteCount: try Tensor.byteCount(shape, dtype)), offset: 0, shape: shape,
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
        elements.withUnsafeBytes {
            storage.pointer.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(storage.pointer), byteCount: $0.count)
        }
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

    /// Bytes of a shape, or an error when a size is negative or no machine has so many. A size of 0 excuses no other
    /// that is impossible, so products of sizes never overflow anywhere.
    static func byteCount(_ shape: Dims, _ dtype: DType) throws -> Int {
        var bytes = dtype.size, isEmpty = false
        for size in shape {
            guard size >= 0 else { throw OpahError(.shape, "negative size in shape \(shape)") }
            if size == 0 { isEmpty = true; continue }
            let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
            guard !overflow, product <= 1 << 50 else {
                throw OpahError(.memory, "a tensor of shape \(shape) cannot be allocated")
            }
            bytes = product
        }
        return isEmpty ? 0 : bytes
    }

    @inline(__always) public var rank: Int { shape.count }

    /// The first element, as `T`: which must be the dtype's own type.
    @inline(__always)
    public func pointer<T>(_: T.Type = T.self) -> UnsafeMutablePointer<T> {
        storage.pointer.assumingMemoryBound(to: T.self) + offset
    }
}
