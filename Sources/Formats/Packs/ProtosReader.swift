import Support

/// Reads the groups of one `.protos` shard in turn, each only when it is asked for.
///
/// Memory: that of one group.
public final class ProtosReader {
    private let shard: PackedShard
    private var last: PackedShard.Group?
    public var groupsRead: Int { last.map { $0.number + 1 } ?? 0 }
    public var path: String { shard.path }
    /// Where the next group starts, in bytes.
    public var position: Int { last?.range.upperBound ?? 0 }

    public init(_ path: String) throws { shard = try PackedShard(path) }

    /// The next group; nil after the last. An error names the shard, the byte offset and the groups read before.
    public func next() throws -> PackedGroup? {
        guard let group = try shard.group(after: last) else { return nil }
        let sentences = try group.sentences.indices.map { try shard.sentence($0, of: group) }
        last = group
        return PackedGroup(source: group.source, name: group.name, sentences: sentences)
    }

    /// All groups that are left.
    public func rest() throws -> [PackedGroup] {
        var result: [PackedGroup] = []
        while let group = try next() { result.append(group) }
        return result
    }
}
