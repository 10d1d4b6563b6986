import Support
import Tensors

/// What the allowed names do: every "call" of a checkpoint's pickle is one of these.
extension Unpickler {
    mutating func apply(_ function: PickleGlobal, _ arguments: [PickleNode]) throws -> PickleNode {
        switch function {
        case .dictionary: return try dictionary(arguments.first)
        case .defaultDictionary: return try dictionary(arguments.count > 1 ? arguments[1] : nil)
        case .list, .set:
            guard let first = arguments.first else { return .list([]) }
            return .list(try elements(first))
        case .tuple, .size:
            guard let first = arguments.first else { return .tuple([]) }
            return .tuple(try elements(first))
        case .bytearray:
            if case .bytes(let bytes)? = arguments.first { return .bytes(bytes) }
            guard arguments.isEmpty else { throw damaged("a bytearray of something else than bytes") }
            return .bytes([])
        case .encode: return .bytes(try latin1(arguments))
        case .device:
            guard case .string(let name)? = arguments.first else { throw damaged("a device without a name") }
            return .string(name)
        case .rebuildTensor: return try rebuild(arguments, dtype: nil)
        case .rebuildTensorV3:
            guard arguments.count >= 7, case .global(.dtype(let name)) = arguments[6] else {
                throw damaged("a tensor without a dtype")
            }
            return try rebuild(arguments, dtype: try dtype(named: name))
        case .rebuildParameter:
            guard let first = arguments.first, case .tensor = first else {
                throw damaged("a parameter without a tensor")
            }
            return first
        case .rebuildFromType:
            // (function, type, arguments, state): what a tensor subclass with attributes becomes.
            guard arguments.count >= 3, case .global(let inner) = arguments[0], case .tuple(let items) = arguments[2]
            else {
                throw damaged("a tensor without arguments")
            }
            guard [.rebuildTensor, .rebuildTensorV3, .rebuildParameter].contains(inner) else {
                throw OpahError(
                    .unsafe, "\(name: place): the pickle rebuilds a tensor by an unknown function", hint: Self.hint)
            }
            return try apply(inner, items.map { nodes[Int($0)] })
        case .inertType, .storage, .dtype, .foreign:
            throw OpahError(
                .unsafe, "\(name: place): the pickle calls a type that only may be mentioned", hint: Self.hint)
        }
    }

    /// dict(), dict(another) or dict(pairs).
    private mutating func dictionary(_ argument: PickleNode?) throws -> PickleNode {
        guard let argument else { return .dict([]) }
        if case .dict(let items) = argument {
            try charge(items.count)
            return argument
        }
        var result: [Int32] = []
        for pair in try elements(argument) {
            let items = try elements(nodes[Int(pair)])
            guard items.count == 2 else { throw damaged("a dict of something else than pairs") }
            result += items
        }
        return .dict(result)
    }

    private mutating func elements(_ node: PickleNode) throws -> [Int32] {
        switch node {
        case .list(let items), .tuple(let items):
            try charge(items.count)
            return items
        default: throw damaged("a list or tuple was expected")
        }
    }

    /// `_codecs.encode(text, "latin1")`: each character is one byte.
    private mutating func latin1(_ arguments: [PickleNode]) throws -> [UInt8] {
        guard case .string(let text)? = arguments.first else { throw damaged("bytes without a text") }
        try charge(text.utf8.count)
        return try text.unicodeScalars.map { scalar in
            guard let byte = UInt8(exactly: scalar.value) else { throw damaged("bytes with a character beyond 255") }
            return byte
        }
    }

    // MARK: Tensors

    /// ('storage', class, key, device, element count[, view]).
    func storage(_ identifier: PickleNode) throws -> PickleStorage {
        guard case .tuple(let items) = identifier, items.count >= 5, case .string("storage") = nodes[Int(items[0])],
            case .global(.storage(let dtype)) = nodes[Int(items[1])], case .string(let key) = nodes[Int(items[2])],
            case .int(let count) = nodes[Int(items[4])]
        else { throw damaged("a storage of an unknown kind") }
        if items.count > 5, case .none = nodes[Int(items[5])] {
        } else if items.count > 5 {
            throw OpahError(
                .format, "\(name: place): views of storages, as torch before 0.4 wrote them, are not read",
                hint: "load and save the file once with a newer torch")
        }
        guard count >= 0, count <= Int.max / 8 else { throw damaged("a storage of \(count) elements") }
        return PickleStorage(key: key, dtype: dtype, count: count)
    }

    private mutating func rebuild(_ arguments: [PickleNode], dtype: DType?) throws -> PickleNode {
        guard arguments.count >= 4, case .storage(let storage) = arguments[0], case .int(let offset) = arguments[1]
        else {
            throw damaged("a tensor without a storage")
        }
        guard let dtype = dtype ?? storage.dtype else { throw damaged("a tensor without a dtype") }
        let shape = try integers(arguments[2]), strides = try integers(arguments[3])
        guard shape.count == strides.count else {
            throw damaged("a tensor with \(shape.count) sizes and \(strides.count) strides")
        }
        guard shape.count <= Dims.maxCount else {
            throw OpahError(
                .shape, "\(name: place): a tensor of rank \(shape.count) cannot be read (at most \(Dims.maxCount))")
        }
        try check(storage, dtype, offset, shape, strides)
        return .tensor(PickleTensor(storage: storage, dtype: dtype, offset: offset, shape: shape, strides: strides))
    }

    private mutating func integers(_ node: PickleNode) throws -> [Int] {
        try elements(node).map {
            guard case .int(let value) = nodes[Int($0)] else { throw damaged("a size that is no whole number") }
            return value
        }
    }

    /// Every element of the view must lie inside the storage, and no size may overflow.
    private func check(_ storage: PickleStorage, _ dtype: DType, _ offset: Int, _ shape: [Int], _ strides: [Int]) throws
    {
        func wrong(_ why: String) -> OpahError {
            OpahError(
                .format,
                "\(name: place): a tensor of shape \(shape), strides \(strides), offset \(offset) in a storage of "
                    + "\(storage.count) elements: \(why)", hint: "the file is damaged or was made to do harm")
        }
        guard offset >= 0, shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 }) else {
            throw wrong("negative numbers")
        }
        var count = 1, last = offset
        for (size, stride) in zip(shape, strides) {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            let (reach, tooFar) = max(size - 1, 0).multipliedReportingOverflow(by: stride)
            let (sum, past) = last.addingReportingOverflow(reach)
            guard !overflow, !tooFar, !past, product <= Int.max / 8 else { throw wrong("impossible sizes") }
            (count, last) = (product, sum)
        }
        let available = storage.byteCount / dtype.size
        guard count == 0 || last < available else { throw wrong("it reaches past the end") }
        // An expanded view (stride 0) may be larger than its storage, but not larger than the machine.
        guard count <= available || count * dtype.size <= Memory.limit else {
            throw wrong("it repeats its elements too often")
        }
    }

    private func dtype(named name: String) throws -> DType {
        let aliases: [String: DType] = [
            "float": .float32, "double": .float64, "half": .float16, "long": .int64, "int": .int32,
            "short": .int16
        ]
        guard let dtype = DType(rawValue: name) ?? aliases[name] else {
            throw OpahError(.dtype, "\(name: place): tensors of type torch.\(name) cannot be read")
        }
        return dtype
    }

    func damaged(_ why: String) -> OpahError {
        OpahError(
            .format, "\(name: place): the pickle is damaged near byte \(position): \(why)",
            hint: "the file is damaged; get it again")
    }
}
