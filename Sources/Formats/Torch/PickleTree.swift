import Support
import Tensors

/// Turns the objects of a pickle into values and its tensors into views.
///
/// Shared objects stay shared in memory, but a value is walked as a tree by whoever reads it: so the size of the whole
/// tree and its depth are limited here, and cycles are refused. Inside a record, which nobody needs whole, what is too
/// deep, too much or a circle becomes the text "..." instead.
struct PickleTree {
    private let nodes: [PickleNode]
    private let place: String
    private let bytes: (PickleStorage) throws -> Storage
    private var finished: [Int32: Part] = [:]
    private var open: Set<Int32> = []
    private var storages: [String: Storage] = [:]

    /// `isWhole`: nothing in it, records apart, was left out.
    private struct Part { let value: CheckpointValue, size: Int, height: Int, isWhole: Bool }

    /// Records around the node that is being read.
    private var records = 0
    /// Values of the whole tree: shared objects count each time.
    private let maxSize: Int

    static let maxDepth = 200

    /// - Parameter bytes: the bytes of a storage, asked for once per key.
    init(_ nodes: [PickleNode], place: String, bytes: @escaping (PickleStorage) throws -> Storage) {
        (self.nodes, self.place, self.bytes) = (nodes, place, bytes)
        maxSize = min(100_000 + 8 * nodes.count, 10_000_000)
    }

    mutating func value(of root: Int32) throws -> CheckpointValue { try part(root, depth: 0).value }

    private mutating func part(_ index: Int32, depth: Int) throws -> Part {
        func leaf(_ value: CheckpointValue) -> Part { Part(value: value, size: 1, height: 0, isWhole: true) }
        switch nodes[Int(index)] {
        case .none: return leaf(.none)
        case .bool(let value): return leaf(.bool(value))
        case .int(let value): return leaf(.int(value))
        case .bigInt(let digits): return leaf(.string(digits))
        case .double(let value): return leaf(.double(value))
        case .string(let value): return leaf(.string(value))
        case .bytes(let value): return leaf(.bytes(value))
        case .global(.dtype(let name)): return leaf(.string("torch." + name))
        case .global(let global): return leaf(.record(CheckpointRecord(className: global.className)))
        case .storage:
            throw OpahError(.format, "\(name: place): the checkpoint holds a bare storage, which is no data")
        case .tensor(let tensor):
            if let part = finished[index] { return part }
            let part = leaf(.tensor(try self.tensor(tensor)))
            finished[index] = part
            return part
        case .list(let items): return try container(index, items, depth) { .list($0) }
        case .tuple(let items): return try container(index, items, depth) { .tuple($0) }
        case .dict(let items): return try container(index, items, depth) { .dict(Self.pairs($0[...])) }
        case .record(let record):
            if let part = finished[index] { return part }
            let state = record.state.map { [$0] } ?? []
            records += 1
            defer { records -= 1 }
            let part = try container(index, record.arguments + state + record.items + record.entries, depth) { values in
                .record(Self.record(record, values))
            }
            // A circle closes here with "..."; whoever asks for the record once more gets it whole.
            guard case .record = part.value else { return part }
            let whole = Part(value: part.value, size: part.size, height: part.height, isWhole: true)
            finished[index] = whole
            return whole
        }
    }

    private mutating func container(
        _ index: Int32, _ items: [Int32], _ depth: Int,
        _ make: ([CheckpointValue]) -> CheckpointValue
    ) throws -> Part {
        if let part = finished[index], part.isWhole || records > 0 { return part }
        let abbreviated = Part(value: .string("..."), size: 1, height: 0, isWhole: false)
        func tooMuch(_ why: String) throws -> Part {
            guard records == 0 else { return abbreviated }
            throw OpahError(.unsafe, "\(name: place): the checkpoint \(why)", hint: Unpickler.hint)
        }
        guard depth < Self.maxDepth else { return try tooMuch("is nested more than \(Self.maxDepth) deep") }
        guard open.insert(index).inserted else { return try tooMuch("contains itself") }
        var values: [CheckpointValue] = [], size = 1, height = 0, isWhole = true
        values.reserveCapacity(items.count)
        for item in items {
            var part = try part(item, depth: depth + 1)
            // A shared object may have been read at a shallower place.
            if depth + 1 + part.height > Self.maxDepth {
                part = isRecord(item) ? abbreviated : try tooMuch("is nested more than \(Self.maxDepth) deep")
            }
            if size + part.size > maxSize {
                part = isRecord(item) ? abbreviated : try tooMuch("unfolds to more than \(maxSize) values")
            }
            values.append(part.value)
            size += part.size
            height = max(height, part.height + 1)
            isWhole = isWhole && part.isWhole
        }
        open.remove(index)
        let part = Part(value: make(values), size: size, height: height, isWhole: isWhole)
        finished[index] = part
        return part
    }

    private func isRecord(_ index: Int32) -> Bool { if case .record = nodes[Int(index)] { true } else { false } }

    /// `values` are what `record` holds, one after the other.
    private static func record(_ record: PickleRecord, _ values: [CheckpointValue]) -> CheckpointRecord {
        var rest = values[...]
        func take(_ count: Int) -> ArraySlice<CheckpointValue> {
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        var result = CheckpointRecord(className: record.className)
        result.arguments = Array(take(record.arguments.count))
        result.state = record.state == nil ? nil : take(1).first
        result.items = Array(take(record.items.count))
        result.entries = pairs(rest)
        return result
    }

    private enum Key: Hashable { case bool(Bool), int(Int), double(Double), string(String) }

    /// Keys and values in turn as pairs. As in Python a key that comes again replaces the value.
    private static func pairs(_ items: ArraySlice<CheckpointValue>) -> [(key: CheckpointValue, value: CheckpointValue)]
    {
        var result: [(key: CheckpointValue, value: CheckpointValue)] = [], places: [Key: Int] = [:]
        result.reserveCapacity(items.count / 2)
        for i in stride(from: items.startIndex, to: items.endIndex - 1, by: 2) {
            let key: Key? =
                switch items[i] {
                case .bool(let value): .bool(value)
                case .int(let value): .int(value)
                case .double(let value): .double(value)
                case .string(let value): .string(value)
                default: nil
                }
            if let key, let place = places[key] {
                result[place].value = items[i + 1]
            } else {
                if let key { places[key] = result.count }
                result.append((items[i], items[i + 1]))
            }
        }
        return result
    }

    private mutating func tensor(_ tensor: PickleTensor) throws -> Tensor {
        let storage: Storage
        if let known = storages[tensor.storage.key] {
            storage = known
        } else {
            storage = try bytes(tensor.storage)
            storages[tensor.storage.key] = storage
        }
        // The sizes fit the storage that this tensor speaks of; another one with the same key may be smaller.
        guard tensor.storage.byteCount <= storage.byteCount else {
            throw OpahError(.format, "\(name: place): the storage '\(name: tensor.storage.key)' is used with two sizes")
        }
        return Tensor(
            storage: storage, offset: tensor.offset, shape: Dims(tensor.shape), strides: Dims(tensor.strides),
            dtype: tensor.dtype)
    }
}

extension Storage {
    /// The mapped bytes themselves, or a copy where they do not lie at a multiple of the element size
    /// (files of torch before 1.6).
    static func mapping(_ bytes: UnsafeRawBufferPointer, elementSize: Int, owner: AnyObject) throws -> Storage {
        guard let base = bytes.baseAddress, Int(bitPattern: base) % elementSize != 0 else {
            return Storage(borrowing: bytes, owner: owner)
        }
        let copy = try Storage(byteCount: bytes.count)
        copy.pointer.copyMemory(from: base, byteCount: bytes.count)
        return copy
    }
}
