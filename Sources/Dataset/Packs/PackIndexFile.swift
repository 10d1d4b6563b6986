import Support

/// An index as a file, hidden beside the packs: `.packs.index` in their folder, `.x.protos.index` beside a single
/// `x.protos`.
///
///     8 bytes   "OPAHIDX1"
///     32 bytes  the digest of all that follows, in hexadecimal digits
///     8 bytes   length of the head, little-endian
///     head      JSON: {"shards": [[name, bytes, digest, stamp]..], "manifest": stamp,
///               "groups": [[source, name, shard, count]..], "digest": of the store}
///     records   32 bytes a clip, group by group (`ClipRecords`)
///
/// One that is damaged or of another kind is none: it is made again.
enum PackIndexFile {
    private static let magic = Array("OPAHIDX1".utf8), digestSize = 32

    static func place(beside path: String) -> String {
        FileKind.isFolder(path)
            ? PathName.join(path, ".packs.index")
            : PathName.join(PathName.folder(path), ".\(PathName.last(path)).index")
    }

    static func read(_ place: String) -> PackIndex.Contents? {
        guard let file = try? MappedFile(place) else { return nil }
        return file.withBytes { bytes in
            let start = magic.count + digestSize
            guard bytes.count >= start + 8, bytes.starts(with: magic),
                Digest.of(UnsafeRawBufferPointer(rebasing: bytes[start...])).utf8.elementsEqual(
                    bytes[magic.count ..< start])
            else { return nil }
            let length = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self)),
                rest = bytes.count - start - 8
            guard length <= UInt64(rest), (rest - Int(length)) % ClipRecords.size == 0 else { return nil }
            let head = start + 8 ..< start + 8 + Int(length), count = (rest - Int(length)) / ClipRecords.size
            guard let value = try? JSON.decode(UnsafeRawBufferPointer(rebasing: bytes[head])) else { return nil }
            return contents(value, .mapped(file, start: head.upperBound, count: count))
        }
    }

    private static func contents(_ head: ConfigValue, _ records: ClipRecords) -> PackIndex.Contents? {
        guard let digest = head["digest"]?.string, digest.utf8.count == digestSize, let shards = head["shards"]?.list,
            let groups = head["groups"]?.list
        else { return nil }
        var contents = PackIndex.Contents(manifest: head["manifest"]?.string, digest: digest, records: records)
        for entry in shards {
            guard let fields = entry.list, fields.count == 4, let name = fields[0].string, let bytes = fields[1].int,
                let digest = fields[2].string, let stamp = fields[3].string
            else { return nil }
            contents.shards.append(.init(name: name, bytes: bytes, digest: digest, stamp: stamp))
        }
        var first = 0
        for entry in groups {
            guard let fields = entry.list, fields.count == 4, let source = fields[0].string,
                let name = fields[1].string,
                let shard = fields[2].int, contents.shards.indices.contains(shard), let count = fields[3].int,
                count >= 0, count <= records.count - first, count <= Int32.max
            else { return nil }
            contents.groups.append(.init(source: source, name: name, shard: shard, first: first, count: count))
            first += count
        }
        return first == records.count ? contents : nil
    }

    static func write(_ contents: PackIndex.Contents, to place: String) throws {
        let shards = contents.shards.map {
            [.string($0.name), .int($0.bytes), .string($0.digest), .string($0.stamp)] as ConfigValue
        }
        let groups = contents.groups.map {
            [.string($0.source), .string($0.name), .int($0.shard), .int($0.count)] as ConfigValue
        }
        var head: ConfigMap = ["shards": .list(shards), "groups": .list(groups), "digest": .string(contents.digest)]
        if let manifest = contents.manifest { head["manifest"] = .string(manifest) }
        let text = Array(JSON.encode(.map(head)).utf8),
            length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
        let digest = Digest()
        for part in [length, text] { part.withUnsafeBytes { digest.update($0) } }
        contents.records.withBytes { digest.update($0) }
        let file = try AtomicFile(place)
        try file.write(magic + Array(digest.finish().utf8) + length + text)
        try contents.records.withBytes { try file.write($0) }
        try file.commit()
    }
}
