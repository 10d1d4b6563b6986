import Support
import Tensors

/// The safetensors format: a 64-bit header length, a JSON header, then the tensors' bytes.
public enum SafeTensors {
    /// The tensors of one file, or of all shards named by a `model.safetensors.index.json`, in the order
    /// of the header. They are views of the mapped file.
    public static func load(_ path: String) throws -> StateDict {
        path.hasSuffix(".json") ? try loadShards(path) : try read(path).tensors
    }

    /// The tensors of one file, and the texts of its `__metadata__`.
    public static func read(_ path: String) throws -> (tensors: StateDict, metadata: [String: String]) {
        try read(try MappedFile(path))
    }

    /// Whether these bytes begin as a safetensors file does.
    static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 8, bytes[8] == UInt8(ascii: "{") else { return false }
        return bytes.loadUnaligned(as: UInt64.self).littleEndian < 1 << 32
    }

    private static let maxHeader = 100 << 20
    /// Tensors and metadata of one file. A tensor costs some hundred bytes, and can stand in 50 bytes of a header.
    static let maxEntries = 200_000
    private static let dtypes: [String: DType] = [
        "F64": .float64, "F32": .float32, "F16": .float16, "BF16": .bfloat16, "I64": .int64, "I32": .int32,
        "I16": .int16,
        "I8": .int8, "U8": .uint8, "BOOL": .bool
    ]

    static func read(_ file: MappedFile) throws -> (tensors: StateDict, metadata: [String: String]) {
        var reader = ByteReader(file.bytes, place: file.path)
        guard file.bytes.count >= 8 else {
            throw OpahError(.format, "\(name: file.path): not a safetensors file: \(describeContent(file.bytes))")
        }
        let length: UInt64 = try reader.integer("the safetensors header length")
        guard length <= UInt64(min(maxHeader, reader.remaining)) else {
            throw OpahError(
                .format,
                "\(name: file.path): the safetensors header claims \(length) bytes; the file has \(reader.remaining) after it "
                    + "(\(describeContent(file.bytes)))", hint: "the file is cut short, damaged, or no safetensors file"
            )
        }
        let header = try reader.take(Int(length), "the safetensors header")
        let data = UnsafeRawBufferPointer(rebasing: file.bytes[reader.position...])
        var json = try JSONReader(header, name: "\(name: file.path), header")
        var entries: [Entry] = [], metadata: [String: String] = [:], names: Set<String> = []
        try json.object { json, name in
            func count() throws {
                guard entries.count + metadata.count < maxEntries else {
                    throw OpahError(
                        .format, "\(name: file.path): the safetensors header has more than \(maxEntries) entries")
                }
            }
            if name == "__metadata__" {
                try json.object { json, key in
                    try count()
                    metadata[key] = try json.string()
                }
                return
            }
            try count()
            guard names.insert(name).inserted else {
                throw OpahError(.format, "\(name: file.path): the tensor '\(name: name)' is there twice")
            }
            entries.append(try Entry(name, &json, file.path))
        }
        // The rest of the header is padding by spaces, which the reader accepts.
        try json.end()

        // The tensors must fill the data without gaps or overlaps.
        var position = 0
        for entry in entries.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
            guard entry.start == position else {
                throw OpahError(
                    .format,
                    "\(name: file.path): the tensor '\(name: entry.name)' starts at byte \(entry.start), and the one before "
                        + "ends at \(position)")
            }
            position = entry.end
        }
        guard position == data.count else {
            throw OpahError(
                .format,
                "\(name: file.path): the header describes \(position) bytes of tensors, and the file has \(data.count)",
                hint: data.count < position ? "the download was broken off; get the file again" : nil)
        }
        var result = StateDict()
        for entry in entries {
            let bytes = UnsafeRawBufferPointer(rebasing: data[entry.start ..< entry.end])
            let storage = try Storage.mapping(bytes, elementSize: entry.dtype.size, owner: file)
            result[entry.name] = Tensor(
                storage: storage, offset: 0, shape: entry.shape, strides: entry.shape.contiguousStrides,
                dtype: entry.dtype)
        }
        return (result, metadata)
    }

    /// One tensor of a header, checked in itself.
    private struct Entry {
        let name: String, dtype: DType, shape: Dims, start: Int, end: Int

        init(_ name: String, _ json: inout JSONReader, _ path: String) throws {
            var type: String?, sizes: [Int]?, range: [Int]?
            func integers(_ json: inout JSONReader) throws -> [Int] {
                var result: [Int] = []
                try json.array { json in
                    guard case .int(let value) = try json.number(), value >= 0 else {
                        throw OpahError(
                            .format,
                            "\(name: path): the tensor '\(name: name)' has a size or offset that is no whole number")
                    }
                    result.append(value)
                }
                return result
            }
            try json.object { json, key in
                switch key {
                case "dtype": type = try json.string()
                case "shape": sizes = try integers(&json)
                case "data_offsets": range = try integers(&json)
                default:
                    throw OpahError(
                        .format, "\(name: path): the tensor '\(name: name)' has an unknown entry '\(name: key)'")
                }
            }
            guard let type, let sizes, let range, range.count == 2 else {
                throw OpahError(
                    .format, "\(name: path): the tensor '\(name: name)' misses its dtype, shape or data_offsets")
            }
            guard let dtype = SafeTensors.dtypes[type] else {
                throw OpahError(
                    .dtype, "\(name: path): the tensor '\(name: name)' has the type \(type), which cannot be read")
            }
            guard sizes.count <= Dims.maxCount else {
                throw OpahError(
                    .shape,
                    "\(name: path): the tensor '\(name: name)' has rank \(sizes.count) (at most \(Dims.maxCount))")
            }
            var bytes = dtype.size
            for size in sizes {
                let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
                guard !overflow else {
                    throw OpahError(
                        .format, "\(name: path): the tensor '\(name: name)' has the impossible shape \(sizes)")
                }
                bytes = product
            }
            guard range[0] <= range[1], range[1] - range[0] == bytes else {
                throw OpahError(
                    .format,
                    "\(name: path): the tensor '\(name: name)' of shape \(sizes) needs \(bytes) bytes, and its offsets are \(range)"
                )
            }
            (self.name, self.dtype, shape, start, end) = (name, dtype, Dims(sizes), range[0], range[1])
        }
    }

    /// Reads the index of a sharded model and every shard that it names.
    static func loadShards(_ path: String) throws -> StateDict {
        let index = try JSON.read(path)
        guard let map = index["weight_map"]?.map else {
            throw OpahError(.format, "\(name: path): no index of a sharded model: it has no weight_map")
        }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        var shards: [String: StateDict] = [:], result = StateDict()
        for (name, value) in map {
            guard let file = value.string, !file.isEmpty, !file.contains("/"), file != "..", file != "." else {
                throw OpahError(.unsafe, "\(name: path): the shard of '\(name: name)' is no plain file name")
            }
            if shards[file] == nil { shards[file] = try read(folder + file).tensors }
            guard let tensor = shards[file]![name] else {
                throw OpahError(
                    .format, "\(name: path): the tensor '\(name: name)' is not in its shard \(file)",
                    hint: "the index and the shards do not belong together")
            }
            result[name] = tensor
        }
        return result
    }

    /// Writes one file, streaming. Wide types come first, so that every tensor is aligned; names keep
    /// their order within a type. `metadata` is sorted, so the same tensors always give the same bytes.
    public static func save(_ tensors: StateDict, to path: String, metadata: [String: String] = [:]) throws {
        let ordered = tensors.enumerated().sorted {
            ($1.element.tensor.dtype.size, $0.offset) < ($0.element.tensor.dtype.size, $1.offset)
        }.map(\.element)
        var fields: [String] = []
        if !metadata.isEmpty {
            fields.append(
                "\"__metadata__\":{"
                    + metadata.sorted { $0.key < $1.key }
                    .map { JSON.encode(.string($0.key)) + ":" + JSON.encode(.string($0.value)) }.joined(separator: ",")
                    + "}")
        }
        var position = 0
        for (name, tensor) in ordered {
            guard name != "__metadata__" else {
                throw OpahError(.argument, "a tensor cannot be called __metadata__ in safetensors")
            }
            let type = dtypes.first { $0.value == tensor.dtype }!.key, end = position + tensor.count * tensor.dtype.size
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            fields.append(
                "\(JSON.encode(.string(name))):{\"dtype\":\"\(type)\",\"shape\":[\(shape)],\"data_offsets\":[\(position),\(end)]}"
            )
            position = end
        }
        var header = Array(("{" + fields.joined(separator: ",") + "}").utf8)
        header += [UInt8](repeating: 0x20, count: (8 - header.count % 8) % 8)
        let file = try AtomicFile(path)
        try file.write(UInt64(header.count).littleEndianBytes)
        try file.write(header)
        for (_, tensor) in ordered { try tensor.forEachRun { try file.write($0) } }
        try file.commit()
    }
}
