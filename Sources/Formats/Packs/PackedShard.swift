import Support
import SwiftProtobuf

/// One `.protos` shard, mapped: its groups in turn, of which names are read and places of sentences are found; a
/// sentence is read where somebody asks for it. A group may have 2 GiB, so none is ever read as a whole.
///
/// Memory: 16 bytes for each sentence of a group, whose sentences, texts and codebooks are counted before any of them
/// is made.
package final class PackedShard: Sendable {
    /// A group's head, and where its sentences are.
    package struct Group: Sendable {
        /// How many groups come before it in the shard.
        package let number: Int
        package let source: String, name: String
        /// Bytes of the file: the group with its length in front, and each sentence.
        package let range: Range<Int>, sentences: [Range<Int>]
    }

    private let file: MappedFile
    package var path: String { file.path }
    /// In bytes.
    package var size: Int { file.bytes.count }

    package init(_ path: String) throws {
        file = try MappedFile(path)
        guard size > 0 else {
            throw OpahError(.format, "\(name: path): the shard is empty (0 bytes)", hint: "pack the dataset again")
        }
    }

    /// Gives back the memory of what was read; what is read again comes from the file.
    package func release() { file.release() }

    /// The group after another, or the first; nil after the last. An error names the shard, the byte offset and the
    /// groups read before.
    package func group(after previous: Group?) throws -> Group? {
        try Interrupt.check()
        let start = previous?.range.upperBound ?? 0, number = previous.map { $0.number + 1 } ?? 0
        var reader = ByteReader(file.bytes, place: path, position: start)
        guard reader.remaining > 0 else { return nil }
        func damaged(_ why: String) -> OpahError { self.damaged(start, groups: number, why) }
        guard reader.remaining >= 4 else {
            throw damaged("\(reader.remaining) trailing bytes are too few for another group")
        }
        let length = Int(try reader.integer(UInt32.self, "a length"))
        guard length <= reader.remaining else {
            throw damaged(
                "the group claims \(length) bytes, and \(reader.remaining) are left"
                    + (start == 0
                        ? " (\(describeContent(file.bytes)))" : ""))
        }
        let bytes = try reader.take(length, "a group"), parts = ProtosWire.parts(bytes)
        // A clip of a third of a second takes 12 bytes for each of its parts.
        guard parts <= Self.partLimit + length / 8 else {
            throw damaged(
                "the group has \(parts) sentences, texts and codebooks in \(length) bytes, most of them empty")
        }
        let otherLayout = "the group has another layout than TextData"
        var sentences: [Range<Int>] = [], rest: [UInt8] = []
        let isWhole = try ProtosWire.fields(bytes) { field in
            if field.number == 4, let content = field.content {
                sentences.append(start + 4 + content.lowerBound ..< start + 4 + content.upperBound)
            } else if field.number == 1 || field.number == 2 {
                rest.append(contentsOf: bytes[field.range])
            } else {
                throw damaged(otherLayout)
            }
        }
        guard isWhole else { throw damaged("the group is no TextData message (it ends inside a field)") }
        let head: TextData_TextData
        do { head = try TextData_TextData(serializedBytes: rest) } catch {
            throw damaged("the group is no TextData message (\(error))")
        }
        guard head.unknownFields.data.isEmpty, length > 0 else { throw damaged(otherLayout) }
        return Group(
            number: number, source: head.source, name: head.name, range: start ..< start + 4 + length,
            sentences: sentences)
    }

    /// Parts of a group that may be empty.
    private static let partLimit = 1 << 16

    private func damaged(_ position: Int, groups: Int, _ why: String) -> OpahError {
        OpahError(
            .format,
            "\(name: path): damaged at byte \(position) of \(size), after \(groups) whole "
                + "group\(groups == 1 ? "" : "s"): \(why)", hint: "pack the dataset again")
    }

    // MARK: Sentences

    /// A sentence of a group.
    package func sentence(_ place: Int, of group: Group) throws -> PackedSentence {
        try sentence(at: group.sentences[place]) {
            damaged(group.range.lowerBound, groups: group.number, "the group \($0)")
        }
    }

    /// The sentence in these bytes of the file.
    /// - Parameter problem: the error for what is wrong with it, as in `is no TextData message`.
    package func sentence(at range: Range<Int>, _ problem: (String) -> OpahError) throws -> PackedSentence {
        let message: TextData_Sentence
        do {
            message = try bytes(range, problem) { try TextData_Sentence(serializedBytes: Array($0)) }
        } catch let error as OpahError { throw error } catch { throw problem("is no TextData message (\(error))") }
        // A message of another kind may parse, but leaves fields behind that this one does not have.
        guard message.unknownFields.data.isEmpty, message.semantics.allSatisfy({ $0.unknownFields.data.isEmpty }) else {
            throw problem("has another layout than TextData")
        }
        return PackedSentence(texts: message.texts, codes: message.semantics.map(\.values))
    }

    /// The texts of the sentence in these bytes of the file; its codes are passed over.
    /// - Parameter limit: more than so many are wrong.
    package func texts(at range: Range<Int>, limit: Int = .max, _ problem: (String) -> OpahError) throws -> [String] {
        var texts: [String] = []
        let isWhole = try bytes(range, problem) { bytes in
            try ProtosWire.fields(bytes) { field in
                guard field.number == 1, let content = field.content else { return }
                guard texts.count < limit, let text = String(validating: bytes[content], as: UTF8.self) else {
                    throw problem("is no TextData message (its texts)")
                }
                texts.append(text)
            }
        }
        guard isWhole else { throw problem("is no TextData message (it ends inside a field)") }
        return texts
    }

    /// Texts and codebooks of the sentence in these bytes of the file, together.
    package func parts(at range: Range<Int>, _ problem: (String) -> OpahError) throws -> Int {
        try bytes(range, problem) { bytes in
            var count = 0
            ProtosWire.fields(bytes) { _ in count += 1 }
            return count
        }
    }

    private func bytes<R>(
        _ range: Range<Int>, _ problem: (String) -> OpahError,
        _ body: (UnsafeRawBufferPointer) throws -> R
    ) throws -> R {
        guard range.lowerBound >= 0, range.upperBound <= size else {
            throw problem("would be at bytes \(range.lowerBound) to \(range.upperBound) of \(size)")
        }
        return try file.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }
}
