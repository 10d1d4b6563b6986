import Dataset
import Formats
import Foundation
import Support
import Tensors
import TestSupport
import Text
import XCTest

/// The index beside packs: made once, used while they stay, made again when they change, and never believed.
final class PackIndexTests: XCTestCase {
    private func withPacks<R>(_ body: (MadePacks) throws -> R) throws -> R {
        try withTemporaryFolder { try body(MadePacks(in: $0)) }
    }

    private func check(
        _ store: SentenceStore, is expected: SentenceStore, _ what: String = "", file: StaticString = #filePath,
        line: UInt = #line
    ) throws {
        XCTAssertEqual(store.digest, expected.digest, what, file: file, line: line)
        XCTAssertEqual(store.groups.map(\.name), expected.groups.map(\.name), what, file: file, line: line)
        XCTAssertEqual(store.groups.map(\.count), expected.groups.map(\.count), what, file: file, line: line)
        for (group, wanted) in zip(store.groups, expected.groups) {
            for place in 0 ..< min(group.count, wanted.count) {
                XCTAssertEqual(group.facts(place), wanted.facts(place), what, file: file, line: line)
                XCTAssertEqual(try group.texts(place), try wanted.texts(place), what, file: file, line: line)
                let (a, b) = (try group.sentence(place), try wanted.sentence(place))
                XCTAssertEqual([a.texts], [b.texts], what, file: file, line: line)
                XCTAssertEqual(a.codes, b.codes, what, file: file, line: line)
                XCTAssertEqual(a.id, b.id, what, file: file, line: line)
            }
        }
    }

    private let lie = String(repeating: "5", count: 32)
    /// The store's digest in the index becomes one that only this index has.
    private func mark(_ packs: MadePacks) throws {
        let digest = try MadePacks.store().digest
        try packs.rewriteIndex { head, _ in head = head.replacingOccurrences(of: digest, with: lie) }
    }

    func testIsMadeAndUsedAgain() throws {
        let expected = try MadePacks.store()
        try withPacks { packs in
            try check(packs.store(), is: expected, "read")
            XCTAssertTrue(FileKind.isFile(packs.index))
            try check(packs.store(), is: expected, "through the index")
            try mark(packs)
            let stamp = FileStamp(packs.index)
            XCTAssertEqual(try packs.store().digest, lie, "packs that are as they were are not read again")
            XCTAssertEqual(FileStamp(packs.index), stamp)
        }
    }

    /// Another stamp and the same content, as a copy has: the index stays. Another content: it is made again.
    func testChangedShards() throws {
        try withPacks { packs in
            _ = try packs.store()
            try mark(packs)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: packs.shard(1)))
            try bytes.write(to: URL(fileURLWithPath: packs.shard(1)))
            packs.settle()
            XCTAssertEqual(try packs.store().digest, lie)
            let stamp = FileStamp(packs.index)
            XCTAssertEqual(try packs.store().digest, lie)
            XCTAssertEqual(FileStamp(packs.index), stamp, "the new stamps are in it")

            var changed = MadePacks.groups()
            changed[1].sentences[7].texts = ["Something else."]
            let writer = try ProtosWriter(folder: packs.folder, shardSize: 1e-9)
            for group in changed { try writer.add(group) }
            _ = try writer.finish()
            packs.settle()
            try check(packs.store(), is: MadePacks.store(changed))

            try FileManager.default.removeItem(atPath: packs.shard(2))
            try check(packs.store(), is: MadePacks.store(Array(changed.prefix(2))), "a shard that is gone")
            try FileManager.default.createDirectory(atPath: packs.folder + "/more", withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: packs.shard(0), toPath: packs.folder + "/more/x.protos")
            try check(packs.store(), is: MadePacks.store([changed[0], changed[1], changed[0]]), "a shard that came")
        }
    }

    /// Packs with a manifest: it is asked again when it changes, and what is not in it is noticed with an index, too.
    func testManifest() throws {
        try withTemporaryFolder { folder in
            func pack(_ first: Int) throws {
                for group in MadePacks.groups(from: first) {
                    try FileManager.default.createDirectory(
                        atPath: "\(folder)/data/\(group.name)", withIntermediateDirectories: true)
                    for (i, sentence) in group.sentences.enumerated() {
                        let stem = "\(folder)/data/\(group.name)/" + String(format: "%03d", i)
                        try Npy.save(sentence.codesTensor(), to: stem + ".npy")
                        try sentence.texts[0].write(toFile: stem + ".lab", atomically: false, encoding: .utf8)
                    }
                }
                _ = try PackFolder.build(inputs: [folder + "/data"], output: folder + "/protos")
            }
            func store() throws -> SentenceStore { try SentenceStore(protos: [folder + "/protos"]) }
            try pack(0)
            usleep(50_000)
            let first = try store()
            XCTAssertEqual(first.sentenceCount, 300)
            XCTAssertTrue(FileKind.isFile(folder + "/protos/.packs.index"))
            XCTAssertEqual(try store().digest, first.digest)
            // Names come from the manifest, and only when they are needed.
            let tokenizer = try Tokenizer(directory: Vectors.path("tokenizer/a_bytelevel"))
            var settings = SamplingSettings()
            settings.codebookSize = 990
            let skipped = try TrainingDataset(store: store(), tokenizer: tokenizer, settings: settings).skipped
            XCTAssertTrue(
                skipped.first?.path.hasPrefix(folder + "/data/Speaker 0/") ?? false, "\(skipped.first?.path ?? "none")")

            try pack(500)
            XCTAssertNotEqual(try store().digest, first.digest)
            try FileManager.default.copyItem(
                atPath: folder + "/protos/00000000.protos", toPath: folder + "/protos/00000009.protos")
            assertThrows(.data, containing: "00000009.protos") { try store() }
            try FileManager.default.removeItem(atPath: folder + "/protos/00000009.protos")
            XCTAssertEqual(try store().sentenceCount, 300)
            try JSON.encode(["complete": false, "shards": []]).write(
                toFile: folder + "/protos/packs.json", atomically: true, encoding: .utf8)
            assertThrows(.data, containing: "not finished") { try store() }
        }
    }

    func testDamagedIndexIsMadeAgain() throws {
        let expected = try MadePacks.store()
        try withPacks { packs in
            _ = try packs.store()
            let whole = try RegularFile.contents(packs.index)
            for bytes in [
                [], Array("OPAHIDX1".utf8), Array(whole.dropLast()), whole + [0], [UInt8](repeating: 0, count: 4096)
            ]
                + stride(from: 0, to: whole.count, by: 997).map({ place in
                    var bytes = whole
                    bytes[place] ^= 0x40
                    return bytes
                })
            {
                try Data(bytes).write(to: URL(fileURLWithPath: packs.index))
                XCTAssertEqual(try packs.store().digest, expected.digest)
                XCTAssertEqual(try RegularFile.contents(packs.index), whole)
            }
        }
    }

    /// An index whose digest is right and whose numbers are not: an error that names it, wherever a clip is not what it
    /// says.
    func testLyingIndex() throws {
        typealias Change = (inout [UInt8]) -> Void
        let expected = try MadePacks.store()
        func put(_ value: UInt64, _ size: Int, _ offset: Int, of record: Int = 0) -> Change {
            { records in
                for i in 0 ..< size {
                    records[32 * record + offset + i] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(i)))
                }
            }
        }
        let changes: [(String, Change)] = [
            ("offset beyond", put(1 << 40, 8, 0)), ("offset at the end of numbers", put(.max, 8, 0)),
            ("offset of another", put(100, 8, 0)),
            ("length", put(0xFFFF_FFFF, 4, 8)), ("shorter", put(3, 4, 8)), ("nothing", put(0, 4, 8)),
            ("frames", put(6, 4, 12)),
            ("many frames", put(0xFFFF_FFFF, 4, 12)), ("id", put(5, 8, 16)), ("code", put(0, 4, 24)),
            ("codebooks", put(7, 2, 28)),
            ("many codebooks", put(65535, 2, 28)), ("texts", put(1, 2, 30)), ("no texts", put(0, 2, 30))
        ]
        try withPacks { packs in
            for (what, change) in changes {
                _ = try packs.store()
                try packs.rewriteIndex { _, records in change(&records) }
                let group = try packs.store().groups[0]
                let error = assertThrows(.data, containing: "is not as the index of the packs says") {
                    try group.sentence(0)
                }
                XCTAssertEqual(error?.hint, "remove \(packs.index): it is made again", what)
                _ = try? group.texts(0)
                XCTAssertEqual(try group.sentence(1).codes, try expected.groups[0].sentence(1).codes, what)
                try FileManager.default.removeItem(atPath: packs.index)
                XCTAssertEqual(try packs.store().digest, expected.digest, what)
            }
            for (old, new) in [
                ("\"Speaker 0\", 0, 100", "\"Speaker 0\", 0, 101"), ("\"Speaker 0\", 0, 100", "\"Speaker 0\", 0, -1"),
                ("\"Speaker 0\", 0, 100", "\"Speaker 0\", 3, 100"), ("\"Speaker 0\", 0, 100", "\"Speaker 0\", -1, 100"),
                ("\"Speaker 0\", 0, 100", "\"Speaker 0\", 0, 9223372036854775807"),
                ("00000000.protos", "../0000.protos"),
                ("\"shards\"", "\"shard\""), ("{", "[")
            ] {
                try packs.rewriteIndex { head, _ in
                    XCTAssertTrue(head.contains(old), head)
                    head = head.replacingOccurrences(of: old, with: new)
                }
                try check(packs.store(), is: expected, "\(old) -> \(new)")
            }
            // A clip in another speaker's shard.
            try packs.rewriteIndex { head, _ in
                head = head.replacingOccurrences(of: "\"Speaker 0\", 0, 100", with: "\"Speaker 0\", 2, 100")
            }
            assertThrows(.data, containing: "index of the packs") { try packs.store().groups[0].sentence(3) }
        }
    }

    /// Where the index cannot be written all goes on in memory.
    func testFolderThatCannotBeWritten() throws {
        let expected = try MadePacks.store()
        try withPacks { packs in
            // What only root may do as well.
            try FileManager.default.createDirectory(atPath: packs.index, withIntermediateDirectories: true)
            try check(packs.store(), is: expected)
            try check(packs.store(), is: expected)
            XCTAssertTrue(FileKind.isFolder(packs.index))
        }
    }

    func testSingleFilesAndSeveralPaths() throws {
        try withTemporaryFolder { folder in
            let packs = try MadePacks(in: folder), groups = MadePacks.groups()
            try check(
                SentenceStore(protos: [packs.shard(2), packs.shard(0)]), is: MadePacks.store([groups[2], groups[0]]))
            XCTAssertEqual(
                try FileManager.default.contentsOfDirectory(atPath: packs.folder).count, 3,
                "small packs have no index beside them")

            var large = groups[0]
            large.sentences = groups.flatMap(\.sentences)
            let single = try MadePacks(in: folder, name: "single")
            let writer = try ProtosWriter(folder: single.folder)
            try writer.add(large)
            _ = try writer.finish()
            single.settle()
            let path = single.shard(0)
            for _ in 0 ..< 2 { try check(SentenceStore(protos: [path]), is: MadePacks.store([large])) }
            XCTAssertTrue(FileKind.isFile(single.folder + "/.00000000.protos.index"))
            try check(SentenceStore(protos: [packs.folder, path]), is: MadePacks.store(groups + [large]))
        }
    }

    func testBytesOfAClip() throws {
        try withPacks { packs in
            let tokenizer = try Tokenizer(directory: Vectors.path("tokenizer/a_bytelevel"))
            _ = try TrainingDataset(store: packs.store(), tokenizer: tokenizer)
            let size =
                try MappedFile(packs.index).bytes.count + MappedFile(packs.folder + "/.packs.lengths").bytes.count
            XCTAssertLessThan(size, 100 * 300)
        }
    }

    /// Lengths that were kept are taken for the same tokenizer, roles and clips alone, and never when they are wrong.
    func testLengthsThatWereKept() throws {
        let tokenizer = try Tokenizer(directory: Vectors.path("tokenizer/a_bytelevel"))
        try withPacks { packs in
            func reasons(_ change: (inout SamplingSettings) -> Void = { _ in }) throws -> [String] {
                var settings = SamplingSettings()
                settings.maxLength = 60
                change(&settings)
                let found = try TrainingDataset(store: packs.store(), tokenizer: tokenizer, settings: settings).skipped
                    .map(\.reason)
                XCTAssertEqual(
                    found,
                    try TrainingDataset(store: MadePacks.store(), tokenizer: tokenizer, settings: settings).skipped.map(
                        \.reason))
                return found
            }
            let lengths = packs.folder + "/.packs.lengths"
            let first = try reasons()
            XCTAssertFalse(first.isEmpty)
            let stamp = FileStamp(lengths)
            XCTAssertNotNil(stamp)
            XCTAssertEqual(try reasons(), first)
            XCTAssertEqual(FileStamp(lengths), stamp, "kept")
            _ = try reasons { $0.speakerProbability = 1 }
            XCTAssertNotEqual(FileStamp(lengths), stamp)
            _ = try reasons { $0.skipTextProbability = 0.5 }
            // Of another program: every length is one more, and the digest is right.
            XCTAssertEqual(try reasons(), first)
            var bytes = try RegularFile.contents(lengths)
            for place in stride(from: 72, to: bytes.count, by: 4) { bytes[place] += 1 }
            let digest = bytes[40...].withUnsafeBytes { Digest.of($0) }
            bytes.replaceSubrange(8 ..< 40, with: digest.utf8)
            try Data(bytes).write(to: URL(fileURLWithPath: lengths))
            XCTAssertEqual(try reasons(), first)
            for damaged in [
                [], Array(bytes.prefix(71)), Array(bytes.prefix(72)), [UInt8](repeating: 255, count: bytes.count)
            ] {
                try Data(damaged).write(to: URL(fileURLWithPath: lengths))
                XCTAssertEqual(try reasons(), first)
            }
        }
    }
}
