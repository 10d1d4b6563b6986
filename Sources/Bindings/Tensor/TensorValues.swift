import LuaHost
import Support
import Tensors

// Tensors from Lua's numbers and tables, and back.

extension Tensor {
    /// One element, `offset` elements from the first, as Lua sees it: an integer, a number, or a boolean.
    func value(at offset: Int) -> LuaValue {
        switch dtype {
        case .float32: .number(Double(pointer(Float.self)[offset]))
        case .float64: .number(pointer(Double.self)[offset])
        case .float16: .number(Double(pointer(Float16.self)[offset]))
        case .bfloat16: .number(Double(pointer(BFloat16.self)[offset].float))
        case .int64: .integer(pointer(Int.self)[offset])
        case .int32: .integer(Int(pointer(Int32.self)[offset]))
        case .int16: .integer(Int(pointer(Int16.self)[offset]))
        case .int8: .integer(Int(pointer(Int8.self)[offset]))
        case .uint8: .integer(Int(pointer(UInt8.self)[offset]))
        case .bool: .boolean(pointer(UInt8.self)[offset] != 0)
        }
    }

    /// Position `i` (from 0) of the first dimension: a number when there is no other dimension, else a view.
    func row(_ i: Int) throws -> LuaValue {
        rank == 1 ? value(at: i * strides[0]) : .object(try select(dim: 0, index: i))
    }
}

/// A tensor as nested lists.
struct NestedLists: LuaPushable {
    let tensor: Tensor
    private let depth: Int
    private let offset: Int

    init(_ tensor: Tensor) { self.init(tensor, 0, 0) }

    private init(_ tensor: Tensor, _ depth: Int, _ offset: Int) {
        (self.tensor, self.depth, self.offset) = (tensor, depth, offset)
    }

    func push(onto stack: Stack) throws {
        guard depth < tensor.rank else { try tensor.value(at: offset).push(onto: stack); return }
        try Interrupt.check()
        try stack.reserve(4)
        let size = tensor.shape[depth], step = tensor.strides[depth]
        stack.pushTable(list: size)
        for i in 0 ..< size {
            if depth == tensor.rank - 1 {
                try stack.setElement(i + 1, tensor.value(at: offset + i * step))
            } else {
                try stack.setElement(i + 1, NestedLists(tensor, depth + 1, offset + i * step))
            }
        }
    }
}

/// Numbers and booleans in lists in lists, as `tensor.new` takes them.
struct NestedData: LuaReadable {
    let data: Tensor.Nested

    /// How many lists are being read now: a list may contain itself. Only the interpreter's thread reads.
    nonisolated(unsafe) private static var depth = 0

    static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> NestedData {
        switch try LuaValue.read(stack, index) {
        case .integer(let value): return NestedData(data: .integer(value))
        case .number(let value): return NestedData(data: .number(value))
        case .boolean(let value): return NestedData(data: .bool(value))
        case .table:
            guard depth < Dims.maxCount else { throw Mismatch("lists nested deeper than \(Dims.maxCount) levels") }
            depth += 1
            defer { depth -= 1 }
            return NestedData(data: .list(try [NestedData].read(stack, index).map(\.data)))
        default: return NestedData(data: .number(try Double.read(stack, index)))   // says what was expected
        }
    }
}
