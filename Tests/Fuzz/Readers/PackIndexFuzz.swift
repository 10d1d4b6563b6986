import Dataset
import Formats
import Foundation
import Support

/// A pack of 300 clips with an index beside it that was made up.
enum PackIndexFuzz {
    private static let made = Result {
        let folder = Scratch.folder("indexed", [:]), writer = try ProtosWriter(folder: folder)
        let sentences = (0 ..< 300).map { i in
            PackedSentence(texts: ["Clip \(i)."], codes: [[UInt32(i), 1], [2, UInt32(3 * i)]])
        }
        try writer.add(PackedGroup(source: "folder", name: "A", sentences: sentences))
        let shard = try writer.finish().shards[0]
        while !(FileStamp(shard)?.isSettled ?? true) { usleep(5000) }
        _ = try SentenceStore(protos: [folder])
        let stamp = FileStamp(shard)?.text ?? "", bytes = try RegularFile.contents(folder + "/.packs.index")
        return (folder: folder, stamp: stamp, index: bytes)
    }

    /// What follows the digest, with a word for the stamp, and as few records as a pack may have.
    static func seed() throws -> [UInt8] {
        let (_, stamp, index) = try made.get()
        return replaced(Array(index[40...]), stamp, "STAMP")
    }

    static func read(_ bytes: [UInt8]) throws {
        let (folder, stamp, index) = try made.get()
        let rest = replaced(bytes, "STAMP", stamp), digest = rest.withUnsafeBytes { Digest.of($0) }
        _ = Scratch.file("indexed/.packs.index", Array(index[..<8]) + Array(digest.utf8) + rest)
        let store = try SentenceStore(protos: [folder])
        for group in store.groups {
            // Every record is looked at, and of the clips some: which, the input says.
            let step = 1 + Int(rest.last ?? 0) % 31
            for place in 0 ..< min(group.count, 400) {
                guard place % step == 0 || place < 8 else { continue }
                _ = try? group.texts(place)
                guard let sentence = try? group.sentence(place) else { continue }
                precondition(
                    sentence.codes.frames == group.facts(place).frames, "pack-index: a clip that is not the record's")
            }
        }
    }

    /// The first place of a word, put right together with the length of the head before it.
    private static func replaced(_ bytes: [UInt8], _ old: String, _ new: String) -> [UInt8] {
        let data = Data(bytes)
        guard let place = data.range(of: Data(old.utf8)), place.lowerBound >= 8 else { return bytes }
        let length = bytes[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let now = length &+ UInt64(new.utf8.count) &- UInt64(old.utf8.count)
        return (0 ..< 8).map { UInt8(truncatingIfNeeded: now >> (8 * UInt64($0))) } + bytes[8 ..< place.lowerBound]
            + Array(new.utf8)
            + bytes[place.upperBound...]
    }
}
