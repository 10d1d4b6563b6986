import Support

/// `packs.json` beside the shards: which ones belong together, and what is in them. Written first as
/// unfinished and last as complete, so a pack that was interrupted is never trained on, and shards that an
/// earlier, longer pack left behind are never taken for part of a new one.
struct PackManifest {
    struct Shard: Equatable {
        var name: String, bytes: Int
        /// `Digest` of the file.
        var digest: String
    }

    static let name = "packs.json"
    var complete: Bool
    var shards: [Shard]
    /// Where the sentences came from, in their order in the shards; empty in manifests of older programs.
    var clips: [String]

    init(complete: Bool, shards: [Shard], clips: [String] = []) {
        (self.complete, self.shards, self.clips) = (complete, shards, clips)
    }

    /// That of a folder; nil where there is none (packs of the original).
    init?(folder: String) throws {
        let path = PathName.join(folder, Self.name)
        guard FileKind.exists(path) else { return nil }
        let value = try JSON.read(path)
        guard let complete = value["complete"]?.bool, let list = value["shards"]?.list else { throw Self.damaged(path) }
        self.complete = complete
        clips = value["clips"]?.list?.compactMap(\.string) ?? []
        shards = try list.map { entry in
            guard let name = entry["name"]?.string, let bytes = entry["bytes"]?.int,
                let digest = entry["digest"]?.string,
                !name.contains("/")
            else { throw Self.damaged(path) }
            return Shard(name: name, bytes: bytes, digest: digest)
        }
    }

    private static func damaged(_ path: String) -> OpahError {
        OpahError(.format, "\(name: path): is damaged", hint: "run build-dataset again into an empty folder")
    }

    func write(to folder: String) throws {
        let list = shards.map {
            ["name": .string($0.name), "bytes": .int($0.bytes), "digest": .string($0.digest)] as ConfigValue
        }
        var value: ConfigMap = ["complete": .bool(complete), "shards": .list(list)]
        if !clips.isEmpty { value["clips"] = .list(clips.map(ConfigValue.string)) }
        try AtomicFile.write(PathName.join(folder, Self.name), JSON.encode(.map(value), indent: 1) + "\n")
    }

    /// What is in a finished shard.
    static func shard(_ path: String) throws -> Shard {
        let file = try MappedFile(path)
        return withExtendedLifetime(file) {
            Shard(name: PathName.last(path), bytes: file.bytes.count, digest: Digest.of(file.bytes))
        }
    }

    /// Whether a shard of this name is, or may be, ours: an unfinished pack has not listed its shards yet.
    func owns(_ name: String) -> Bool {
        if shards.contains(where: { $0.name == name }) { return true }
        return !complete && name.utf8.count == 15 && name.hasSuffix(".protos")
            && name.utf8.prefix(8).allSatisfy { (48 ... 57).contains($0) }
    }

    /// Throws unless the shards in `folder` are those of the manifest, byte for byte.
    func check(_ folder: String) throws {
        guard complete else {
            throw OpahError(.data, "\(name: folder): this pack was not finished", hint: "run build-dataset again")
        }
        for shard in shards {
            let path = PathName.join(folder, shard.name)
            guard try Self.shard(path) == shard else {
                throw OpahError(
                    .data,
                    "\(name: path): is not as it was packed (\(PackManifest.name) says \(shard.bytes) bytes, digest \(shard.digest.prefix(8)))",
                    hint: "run build-dataset again")
            }
        }
    }
}
