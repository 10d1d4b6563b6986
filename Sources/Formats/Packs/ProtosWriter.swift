import Support
import SwiftProtobuf

/// Writes groups to numbered shards `00000000.protos`, `00000001.protos`, ... Each shard appears under its
/// name only when it is complete.
///
/// A shard ends after the group with which its bytes (lengths included) exceed `shardSize`: the rule of the
/// original packer, so both cut at the same places.
public final class ProtosWriter {
    public struct Summary: Sendable {
        public let shards: [String]
        public let groups: Int, bytes: Int
        /// Shards in the folder that an earlier, longer pack left behind; a trainer would read them too.
        public let stale: [String]
    }

    private let folder: String
    private let limit: Double
    private var shard: AtomicFile?
    private var shards: [String] = []
    private var groups = 0, bytes = 0

    /// - Parameters:
    ///   - folder: must exist.
    ///   - shardSize: in MiB.
    public init(folder: String, shardSize: Double = 10) throws {
        guard shardSize > 0 else { throw OpahError(.argument, "the shard size must be above 0 MiB, not \(shardSize)") }
        self.folder = folder
        limit = shardSize * 1_048_576
    }

    public func add(_ group: PackedGroup) throws {
        try Interrupt.check()
        let message: [UInt8]
        do { message = try group.message.serializedBytes() } catch {
            throw OpahError(
                .data, "the group '\(name: group.name)' with \(group.sentences.count) clips cannot be packed: \(error)",
                hint: "a group may have 2 GiB: split the speaker over several folders")
        }
        if shard == nil { shard = try AtomicFile(folder + "/" + Self.name(shards.count)) }
        try shard!.write(UInt32(message.count).littleEndianBytes)
        try shard!.write(message)
        groups += 1
        bytes += message.count + 4
        if Double(shard!.bytesWritten) > limit { try closeShard() }
    }

    private func closeShard() throws {
        guard let file = shard else { return }
        try file.commit()
        shards.append(file.path)
        shard = nil
    }

    /// Completes the last shard. Without any group no file is written.
    public func finish() throws -> Summary {
        try closeShard()
        return Summary(shards: shards, groups: groups, bytes: bytes, stale: try staleShards())
    }

    private static func name(_ index: Int) -> String {
        let digits = String(index)
        return String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".protos"
    }

    private func staleShards() throws -> [String] {
        let written = Set(shards)
        return try FolderListing.names(folder).filter { name in
            name.hasSuffix(".protos") && name.utf8.count >= 15 && name.dropLast(7).allSatisfy(\.isNumber)
        }.map { folder + "/" + $0 }.filter { !written.contains($0) }.sorted()
    }
}
