import Dataset
import Formats
import Foundation
import Support

/// Packs of 300 clips of 3 speakers, each in a shard of its own, as the original would write them: without a manifest.
struct MadePacks {
    static let speakers = 3, clips = 100
    let folder: String

    init(in parent: String, name: String = "packs", groups: [PackedGroup] = groups()) throws {
        folder = parent + "/" + name
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // Above any size, so that each group ends its shard.
        let writer = try ProtosWriter(folder: folder, shardSize: 1e-9)
        for group in groups { try writer.add(group) }
        _ = try writer.finish()
        settle()
    }

    /// 8 codebooks of 5 + (7 i + 3 g) mod 40 frames; every fifth clip has two texts.
    static func groups(from first: Int = 0) -> [PackedGroup] {
        (0 ..< speakers).map { g in
            PackedGroup(
                source: "folder", name: "Speaker \(g)",
                sentences: (first ..< first + clips).map { i in
                    let texts = ["Clip number \(i) of speaker \(g)."] + (i % 5 == 0 ? ["Another spelling, \(i)"] : [])
                    return PackedSentence(
                        texts: texts,
                        codes: (0 ..< 8).map { book in
                            (0 ..< 5 + (7 * i + 3 * g) % 40).map { t in
                                UInt32((i * 131 + g * 977 + book * 17 + t * 29) % 1000)
                            }
                        })
                })
        }
    }

    /// The same in memory.
    static func store(_ groups: [PackedGroup] = groups()) throws -> SentenceStore {
        SentenceStore(
            groups: try groups.map { group in
                SentenceGroup(
                    source: group.source, name: group.name,
                    sentences: try group.sentences.map {
                        Sentence(texts: $0.texts, codes: try SentenceCodes(rows: $0.codes))
                    })
            })
    }

    var index: String { folder + "/.packs.index" }
    func shard(_ number: Int) -> String { folder + "/0000000\(number).protos" }

    /// Until every later change of a file shows in its stamp.
    func settle() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            while FileStamp(folder + "/" + name).map({ !$0.isSettled }) ?? false { usleep(5000) }
        }
    }

    func store() throws -> SentenceStore { try SentenceStore(protos: [folder]) }

    /// Writes the index with other content, and a digest that is right.
    func rewriteIndex(_ change: (_ head: inout String, _ records: inout [UInt8]) -> Void) throws {
        let bytes = try RegularFile.contents(index), start = 40
        let length = bytes[start ..< start + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
        var head = String(decoding: bytes[start + 8 ..< start + 8 + length], as: UTF8.self)
        var records = Array(bytes[(start + 8 + length)...])
        change(&head, &records)
        let rest = (0 ..< 8).map { UInt8(truncatingIfNeeded: head.utf8.count >> (8 * $0)) } + Array(head.utf8) + records
        let digest = rest.withUnsafeBytes { Digest.of($0) }
        try Data(bytes[..<8] + Array(digest.utf8) + rest).write(to: URL(fileURLWithPath: index))
    }
}
