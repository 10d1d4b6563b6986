import Support
import SwiftProtobuf

/// Reads the groups of one `.protos` shard in turn, each only when it is asked for.
///
/// Memory: that of one group, whose sentences, texts and codebooks are counted before any of them is made.
public final class ProtosReader {
    private let file: MappedFile
    private var reader: ByteReader
    public private(set) var groupsRead = 0
    public var path: String { file.path }
    /// Where the next group starts, in bytes.
    public var position: Int { reader.position }

    public init(_ path: String) throws {
        file = try MappedFile(path)
        guard file.bytes.count > 0 else {
            throw OpahError(.format, "\(path): the shard is empty (0 bytes)", hint: "pack the dataset again")
        }
        reader = ByteReader(file.bytes, place: path)
    }

    /// The next group; nil after the last. An error names the shard, the byte offset and the groups read before.
    public func next() throws -> PackedGroup? {
        try Interrupt.check()
        let start = reader.position
        guard reader.remaining > 0 else { return nil }
        guard reader.remaining >= 4 else {
            throw damaged(start, "\(reader.remaining) trailing bytes are too few for another group")
        }
        let length = Int(try reader.integer(UInt32.self, "a length"))
        guard length <= reader.remaining else {
            reader.position = start
            throw damaged(start, "the group claims \(length) bytes, and \(reader.remaining - 4) are left" + (start == 0
                ? " (\(describeContent(file.bytes)))" : ""))
        }
        let bytes = try reader.take(length, "a group"), parts = ProtosWire.parts(bytes)
        // A clip of a third of a second takes 12 bytes for each of its parts.
        guard parts <= Self.partLimit + length / 8 else {
            reader.position = start
            throw damaged(start, "the group has \(parts) sentences, texts and codebooks in \(length) bytes, most of them empty")
        }
        let message: TextData_TextData
        do {
            message = try TextData_TextData(serializedBytes: Array(bytes))
        } catch {
            reader.position = start
            throw damaged(start, "the group is no TextData message (\(error))")
        }
        guard message.hasOnlyKnownFields, length > 0 else {
            reader.position = start
            throw damaged(start, "the group has another layout than TextData")
        }
        groupsRead += 1
        return PackedGroup(message)
    }

    /// Parts of a group that may be empty.
    private static let partLimit = 1 << 16

    /// All groups that are left.
    public func rest() throws -> [PackedGroup] {
        var result: [PackedGroup] = []
        while let group = try next() { result.append(group) }
        return result
    }

    private func damaged(_ position: Int, _ why: String) -> OpahError {
        OpahError(.format, "\(path): damaged at byte \(position) of \(file.bytes.count), after \(groupsRead) whole "
                  + "group\(groupsRead == 1 ? "" : "s"): \(why)", hint: "pack the dataset again")
    }
}

extension TextData_TextData {
    /// A message of another kind may parse, but leaves fields behind that this one does not have.
    fileprivate var hasOnlyKnownFields: Bool {
        func known(_ fields: UnknownStorage) -> Bool { fields.data.isEmpty }
        return known(unknownFields) && sentences.allSatisfy { sentence in
            known(sentence.unknownFields) && sentence.semantics.allSatisfy { known($0.unknownFields) }
        }
    }
}
