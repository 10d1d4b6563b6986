import Support

/// Up to eight integers held inline: the shape, strides or positions of a tensor, without allocation.
public struct Dims: RandomAccessCollection, MutableCollection, ExpressibleByArrayLiteral, Equatable, Sendable,
    CustomStringConvertible
{
    /// The highest rank of a tensor.
    public static let maxCount = 8

    private var values: (Int, Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0, 0)
    public private(set) var count: Int

    @inline(__always) public init() { count = 0 }

    public init(repeating value: Int, count: Int) {
        precondition(count <= Dims.maxCount)
        self.count = count
        for i in 0 ..< count { self[i] = value }
    }

    /// Traps above eight; check what comes from outside with `Dims(checking:)`.
    @inline(__always)
    public init(_ elements: some Collection<Int>) {
        precondition(elements.count <= Dims.maxCount)
        count = elements.count
        var i = 0
        for element in elements { self[i] = element; i &+= 1 }
    }

    /// Checks what comes from outside: at most eight. `name` is the operation, for the message.
    public init(checking elements: some Collection<Int>, _ name: String) throws {
        guard elements.count <= Dims.maxCount else {
            throw OpahError(.shape, "\(name): \(elements.count) dimensions; a tensor has at most \(Dims.maxCount)")
        }
        self.init(elements)
    }

    public init(arrayLiteral elements: Int...) { self.init(elements) }

    @inline(__always) public var startIndex: Int { 0 }
    @inline(__always) public var endIndex: Int { count }

    public subscript(i: Int) -> Int {
        @inline(__always) get {
            precondition(i >= 0 && i < count)
            return withUnsafeBytes(of: values) { $0.load(fromByteOffset: i &* 8, as: Int.self) }
        }
        @inline(__always) set {
            precondition(i >= 0 && i < count)
            withUnsafeMutableBytes(of: &values) { $0.storeBytes(of: newValue, toByteOffset: i &* 8, as: Int.self) }
        }
    }

    public mutating func append(_ value: Int) {
        precondition(count < Dims.maxCount)
        count += 1
        self[count - 1] = value
    }

    public mutating func insert(_ value: Int, at index: Int) {
        append(value)
        var i = count - 1
        while i > index { self[i] = self[i - 1]; i -= 1 }
        self[index] = value
    }

    public mutating func remove(at index: Int) {
        for i in index ..< (count - 1) { self[i] = self[i + 1] }
        count -= 1
    }

    /// The product of all; 1 for none. Sizes are checked against overflow when a tensor is made.
    @inline(__always) public var product: Int {
        var result = 1
        for i in 0 ..< count { result &*= self[i] }
        return result
    }

    /// Strides of a C-contiguous tensor of this shape, in elements.
    public var contiguousStrides: Dims {
        var strides = self, step = 1
        for i in stride(from: count - 1, through: 0, by: -1) {
            strides[i] = step
            step &*= Swift.max(self[i], 1)
        }
        return strides
    }

    public static func == (a: Dims, b: Dims) -> Bool {
        guard a.count == b.count else { return false }
        for i in 0 ..< a.count where a[i] != b[i] { return false }
        return true
    }

    /// `[2, 3]`
    public var description: String { "[" + map(String.init).joined(separator: ", ") + "]" }
}
