import Support
import Tensors

/// Writes values as a pickle of protocol 2 in the subset that `torch.load(weights_only=True)` accepts,
/// and collects the storages that must stand beside it.
struct Pickler {
    private(set) var bytes: [UInt8] = [PickleOpcode.proto.rawValue, 2]
    private(set) var storages: [PickledStorage] = []
    private var places: [PickledStorage.Identity: Int] = [:]
    private var memo: [String: Int] = [:]

    /// The whole pickle of `value`.
    init(_ value: CheckpointValue) throws {
        try collect(value, depth: 0)
        for storage in storages { try storage.check() }
        write(value)
        op(.stop)
    }

    // MARK: Storages

    /// First pass: how far into each storage the tensors reach.
    private mutating func collect(_ value: CheckpointValue, depth: Int) throws {
        guard depth < PickleTree.maxDepth else {
            throw OpahError(.argument, "a checkpoint may not be nested more than \(PickleTree.maxDepth) deep")
        }
        switch value {
        case .list(let values), .tuple(let values):
            for value in values { try collect(value, depth: depth + 1) }
        case .dict(let pairs):
            for (key, value) in pairs {
                try collect(key, depth: depth + 1)
                try collect(value, depth: depth + 1)
            }
        case .tensor(let tensor):
            let identity = PickledStorage.Identity(tensor)
            if let place = places[identity] {
                storages[place].cover(tensor)
            } else {
                places[identity] = storages.count
                storages.append(PickledStorage(tensor))
            }
        case .record(let record): try collect(record.table, depth: depth)
        default: break
        }
    }

    // MARK: Values

    private mutating func write(_ value: CheckpointValue) {
        switch value {
        case .none: op(.none)
        case .bool(let value): op(value ? .newTrue : .newFalse)
        case .int(let value): write(value)
        case .double(let value):
            op(.binFloat)
            bytes += value.bitPattern.littleEndianBytes.reversed()
        case .string(let value): write(value)
        case .bytes(let value):
            // Protocol 2 has no bytes; this is what Python itself writes for them.
            writeGlobal("_codecs", "encode")
            write(String(String.UnicodeScalarView(value.map { Unicode.Scalar($0) })))
            write("latin1")
            op(.tuple2)
            op(.reduce)
        case .list(let values):
            op(.emptyList)
            guard !values.isEmpty else { return }
            op(.mark)
            for value in values { write(value) }
            op(.appends)
        case .tuple(let values): writeTuple(values) { $0.write($1) }
        case .dict(let pairs):
            op(.emptyDict)
            guard !pairs.isEmpty else { return }
            op(.mark)
            for (key, value) in pairs {
                write(key)
                write(value)
            }
            op(.setItems)
        case .tensor(let tensor): write(tensor)
        // As the table that describes it: files of ours hold data only.
        case .record(let record): write(record.table)
        }
    }

    private mutating func write(_ tensor: Tensor) {
        let place = places[PickledStorage.Identity(tensor)]!, storage = storages[place]
        writeGlobal("torch._utils", "_rebuild_tensor_v2")
        op(.mark)
        op(.mark)
        writeOnce("storage")
        writeGlobal("torch", PickleGlobal.storages.first { $0.value == tensor.dtype }!.key)
        write(String(place))
        writeOnce("cpu")
        write(storage.count)
        op(.tuple)
        op(.persistentID)
        write(storage.isGathered ? 0 : tensor.offset - storage.start)
        writeTuple(Array(tensor.shape)) { $0.write($1) }
        writeTuple(Array(storage.isGathered ? tensor.shape.contiguousStrides : tensor.strides)) { $0.write($1) }
        op(.newFalse)
        writeGlobal("collections", "OrderedDict")
        op(.emptyTuple)
        op(.reduce)
        op(.tuple)
        op(.reduce)
    }

    private mutating func writeTuple<T>(_ values: [T], _ element: (inout Pickler, T) -> Void) {
        if values.isEmpty { return op(.emptyTuple) }
        if values.count > 3 { op(.mark) }
        for value in values { element(&self, value) }
        op([.tuple1, .tuple2, .tuple3][safe: values.count - 1] ?? .tuple)
    }

    private mutating func write(_ value: Int) {
        if let small = UInt8(exactly: value) {
            op(.binInt1); bytes.append(small)
        } else if let small = UInt16(exactly: value) {
            op(.binInt2); bytes += small.littleEndianBytes
        } else if let small = Int32(exactly: value) {
            op(.binInt); bytes += small.littleEndianBytes
        } else {
            op(.long1); bytes.append(8); bytes += value.littleEndianBytes
        }
    }

    private mutating func write(_ text: String) {
        op(.binUnicode)
        bytes += UInt32(text.utf8.count).littleEndianBytes
        bytes += Array(text.utf8)
    }

    /// A text that every tensor repeats: written once, recalled after.
    private mutating func writeOnce(_ text: String) { recallOrWrite("'" + text) { $0.write(text) } }

    private mutating func writeGlobal(_ module: String, _ name: String) {
        recallOrWrite(module + "." + name) {
            $0.op(.global)
            $0.bytes += Array("\(module)\n\(name)\n".utf8)
        }
    }

    private mutating func recallOrWrite(_ key: String, _ write: (inout Pickler) -> Void) {
        if let place = memo[key] {
            op(.binGet)
            bytes.append(UInt8(place))
        } else {
            write(&self)
            op(.binPut)
            bytes.append(UInt8(memo.count))
            memo[key] = memo.count
        }
    }

    private mutating func op(_ opcode: PickleOpcode) { bytes.append(opcode.rawValue) }
}

/// A storage as it will stand in the file: the part of it that its tensors reach, written once however
/// many share it.
struct PickledStorage {
    /// Tensors share a storage when they have the same bytes and the same dtype.
    struct Identity: Hashable {
        private let storage: ObjectIdentifier, dtype: DType
        /// A tensor with a negative stride, which torch does not have, is gathered into a storage of its own.
        private let gathered: ObjectIdentifier?

        init(_ tensor: Tensor) {
            storage = ObjectIdentifier(tensor.storage)
            dtype = tensor.dtype
            gathered = tensor.strides.contains { $0 < 0 } ? ObjectIdentifier(tensor) : nil
        }
    }

    let tensor: Tensor
    let isGathered: Bool
    /// Elements, from the start of the storage.
    private(set) var start: Int
    private var end: Int
    var count: Int { end - start }

    init(_ tensor: Tensor) {
        self.tensor = tensor
        isGathered = tensor.strides.contains { $0 < 0 }
        (start, end) = isGathered ? (0, tensor.count) : Self.reach(tensor)
    }

    mutating func cover(_ other: Tensor) {
        guard !isGathered else { return }
        let (from, to) = Self.reach(other)
        (start, end) = (min(start, from), max(end, to))
    }

    private static func reach(_ tensor: Tensor) -> (Int, Int) {
        guard tensor.count > 0 else { return (tensor.offset, tensor.offset) }
        let last = zip(tensor.shape, tensor.strides).reduce(tensor.offset) { $0 + ($1.0 - 1) * $1.1 }
        return (tensor.offset, last + 1)
    }

    func check() throws {
        guard isGathered || (start >= 0 && end * tensor.dtype.size <= tensor.storage.byteCount) else {
            throw OpahError(.shape, "a tensor reaches past its storage")
        }
    }

    /// Hands over all bytes in pieces.
    func forEachRun(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        if isGathered { return try tensor.forEachRun(body) }
        let span = Tensor(storage: tensor.storage, offset: start, shape: [count], strides: [1], dtype: tensor.dtype)
        try span.forEachRun(body)
    }
}

extension Array {
    fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
