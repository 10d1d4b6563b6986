import Support
import Tensors

/// Reads what `torch.save` writes: the zip format since torch 1.6, and the older one.
enum TorchReader {
    /// A zip with `<root>/data.pkl` and one entry `<root>/data/<key>` per storage. Tensors are views of the
    /// mapped file.
    static func loadZip(_ file: MappedFile, verify: Bool) throws -> CheckpointValue {
        let archive = try ZipArchive(file), path = file.path
        guard let pickle = archive.entries.first(where: { $0.name.hasSuffix("/data.pkl") }) else {
            let what =
                archive.entries.contains { $0.name.hasSuffix(".npy") }
                ? "a NumPy .npz archive"
                : "a zip archive with "
                    + (archive.entries.isEmpty
                        ? "nothing in it" : archive.entries.prefix(4).map(\.name).joined(separator: ", "))
            throw OpahError(.format, "\(name: path): not a torch checkpoint but \(what)")
        }
        let root = pickle.name.dropLast("data.pkl".count)
        if archive.entry(root + "constants.pkl") != nil {
            throw OpahError(
                .unsafe, "\(name: path): a TorchScript program, not a checkpoint",
                hint: "save the model's state_dict instead")
        }
        if let order = archive.entry(root + "byteorder") {
            let text = try archive.withBytes(of: order) { String(decoding: $0.prefix(16), as: UTF8.self) }
            guard text == "little" else {
                throw OpahError(
                    .format,
                    "\(name: path): the checkpoint was written with byte order '\(name: text)'; only little is read")
            }
        }
        return try archive.withBytes(of: pickle) { bytes in
            var unpickler = Unpickler(bytes, place: path)
            let result = try unpickler.run()
            var tree = PickleTree(unpickler.nodes, place: path) { storage in
                let name = root + "data/" + storage.key
                guard let entry = archive.entry(name) else {
                    throw OpahError(
                        .format, "\(name: path): the storage '\(name: name)' is missing",
                        hint: "the file is damaged; get it again")
                }
                guard entry.size >= storage.byteCount else {
                    throw OpahError(
                        .format,
                        "\(name: path): the storage '\(name: name)' has \(entry.size) bytes, and \(storage.byteCount) are wanted",
                        hint: "the file is damaged or was made to do harm")
                }
                if verify { try archive.verify(entry) }
                if entry.isStored {
                    return try Storage.mapping(
                        try archive.mapped(entry), elementSize: storage.dtype?.size ?? 8, owner: file)
                }
                return try archive.withBytes(of: entry) { unpacked in
                    let copy = try Storage(byteCount: unpacked.count)
                    if let base = unpacked.baseAddress {
                        copy.pointer.copyMemory(from: base, byteCount: unpacked.count)
                    }
                    return copy
                }
            }
            return try tree.value(of: result)
        }
    }

    /// The format before torch 1.6: five pickles (magic number, version, system, the object, storage keys),
    /// then each storage as a 64-bit count and its elements.
    static func loadLegacy(_ file: MappedFile) throws -> CheckpointValue {
        let bytes = file.bytes, path = file.path
        var position = 0
        func next() throws -> (nodes: [PickleNode], result: Int32) {
            var unpickler = Unpickler(bytes, place: path, position: position)
            let result = try unpickler.run()
            position = unpickler.position
            return (unpickler.nodes, result)
        }
        let magic = try next()
        guard case .bigInt("119547037146038801333356") = magic.nodes[Int(magic.result)] else {
            throw OpahError(
                .format, "\(name: path): a Python pickle, but not one that torch.save wrote",
                hint: "save it again with torch.save, or as safetensors")
        }
        let version = try next()
        guard case .int(1001) = version.nodes[Int(version.result)] else {
            throw OpahError(.format, "\(name: path): an unknown version of torch's old format")
        }
        let system = try next()
        guard case .dict(let facts) = system.nodes[Int(system.result)] else { throw damaged(path) }
        for i in stride(from: 0, to: facts.count, by: 2) {
            if case .string("little_endian") = system.nodes[Int(facts[i])],
                case .bool(false) = system.nodes[Int(facts[i + 1])]
            {
                throw OpahError(
                    .format,
                    "\(name: path): the checkpoint was written on a big-endian machine; only little-endian is read")
            }
        }
        let object = try next(), keys = try next()
        guard case .list(let order) = keys.nodes[Int(keys.result)] else { throw damaged(path) }

        var wanted: [String: PickleStorage] = [:]
        for case .storage(let storage) in object.nodes { wanted[storage.key] = storage }
        var found: [String: UnsafeRawBufferPointer] = [:]
        var reader = ByteReader(bytes, place: path, position: position)
        for key in order {
            guard case .string(let name) = keys.nodes[Int(key)], let storage = wanted[name] else { throw damaged(path) }
            let count = try reader.integer(Int64.self, "the storage '\(name: name)'")
            guard count == Int64(storage.count) else { throw damaged(path) }
            found[name] = try reader.take(storage.byteCount, "the storage '\(name: name)'")
        }
        var tree = PickleTree(object.nodes, place: path) { storage in
            guard let bytes = found[storage.key], bytes.count == storage.byteCount else { throw damaged(path) }
            return try Storage.mapping(bytes, elementSize: storage.dtype?.size ?? 8, owner: file)
        }
        return try tree.value(of: object.result)
    }

    private static func damaged(_ path: String) -> OpahError {
        OpahError(
            .format, "\(name: path): the old-format checkpoint contradicts itself",
            hint: "the file is damaged; get it again")
    }
}
