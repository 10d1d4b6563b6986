import Dataset
import Formats
import Foundation
import Support
import Tensors
import TestSupport
import XCTest

final class PackFolderTests: XCTestCase {
    /// A copy, so that tests may write into it.
    private func withDataset<R>(_ body: (String) throws -> R) throws -> R {
        try withTemporaryFolder { folder in
            try FileManager.default.copyItem(atPath: Vectors.path("dataset/data"), toPath: folder + "/data")
            return try body(folder)
        }
    }

    private func groups(_ shards: [String]) throws -> [PackedGroup] {
        try shards.flatMap { try ProtosReader($0).rest() }
    }

    /// Groups as the vectors' JSON has them.
    private func expected(_ name: String) throws -> [PackedGroup] {
        try XCTUnwrap(Vectors.json("dataset/\(name).json") as? [[String: Any]]).map { group in
            PackedGroup(
                source: group["source"] as! String, name: group["name"] as! String,
                sentences: (group["sentences"] as! [[String: Any]]).map { sentence in
                    PackedSentence(
                        texts: sentence["texts"] as! [String],
                        codes: (sentence["semantics"] as! [[Int]]).map { $0.map(UInt32.init) })
                })
        }
    }

    func testFolder() throws {
        for (name, extensions) in [("protos_lab", [".lab"]), ("protos_lab_txt", ["lab", ".txt"])] {
            try withDataset { folder in
                var settings = PackFolder.Settings()
                settings.extensions = extensions
                let report = try PackFolder.build(
                    inputs: [folder + "/data"], output: folder + "/protos", settings: settings)
                XCTAssertEqual(report.shards, [folder + "/protos/00000000.protos"])
                XCTAssertEqual(try groups(report.shards), try expected(name))
                XCTAssertEqual([report.groups, report.sentences, report.frames], [3, 6, 113 + 77 + 37 + 88 + 69 + 32])
                // One recording without codes, one file of codes without a text.
                XCTAssertEqual(
                    report.skipped.map { String($0.path.dropFirst(folder.count)) },
                    ["/data/SPK1/5.25-7.0.mp3", "/data/SPK2/4.10-4.50.npy"])
                XCTAssertTrue(report.skipped[0].reason.contains("no codes"))
                XCTAssertTrue(report.skipped[1].reason.contains("no .lab"))
                XCTAssertEqual(try groups([Vectors.path("dataset/\(name)/00000000.protos")]), try expected(name))
            }
        }
    }

    func testFilelist() throws {
        try withDataset { folder in
            // Paths in a filelist are written from the working directory.
            let list = try String(contentsOfFile: Vectors.path("dataset/vits_filelist.txt"), encoding: .utf8)
                .replacingOccurrences(of: "data/", with: folder + "/data/")
            try list.write(toFile: folder + "/list.txt", atomically: true, encoding: .utf8)
            let report = try PackFolder.build(inputs: [folder + "/list.txt"], output: folder + "/protos")
            XCTAssertEqual(try groups(report.shards), try expected("protos_filelist"))
            XCTAssertEqual(report.skipped.map(\.reason), ["has 1 of 4 fields", "does not exist"])
            XCTAssertTrue(report.notes.contains { $0.note.contains("same codes") })
        }
    }

    func testStoreReadsPacksOfBoth() throws {
        let theirs = try SentenceStore(protos: [Vectors.path("dataset/protos_lab")])
        XCTAssertEqual([theirs.groups.count, theirs.sentenceCount, theirs.frameCount], [3, 6, 416])
        try withDataset { folder in
            _ = try PackFolder.build(inputs: [folder + "/data"], output: folder + "/protos")
            let ours = try SentenceStore(protos: [folder + "/protos"])
            XCTAssertEqual(ours.digest, theirs.digest)
            XCTAssertNotEqual(ours.digest, try SentenceStore(protos: [Vectors.path("dataset/protos_lab_txt")]).digest)
        }
    }

    /// A second, shorter pack replaces all shards of the first, in any order of failures between.
    func testShardsOfEarlierRunsGo() throws {
        try withDataset { folder in
            let output = folder + "/protos"
            var settings = PackFolder.Settings()
            settings.shardSize = 0.0001
            XCTAssertEqual(
                try PackFolder.build(inputs: [folder + "/data"], output: output, settings: settings).shards.count, 3)
            try FileManager.default.removeItem(atPath: folder + "/data/SPK2")
            let again = try PackFolder.build(inputs: [folder + "/data"], output: output, settings: settings)
            XCTAssertEqual(
                try FileManager.default.contentsOfDirectory(atPath: output).sorted(),
                ["00000000.protos", "00000001.protos", "packs.json"])
            XCTAssertEqual(try PackFolder.shards(output), again.shards)

            // A run that was killed after its first shard: not trained on, and packed anew without complaint.
            try JSON.encode(["complete": false, "shards": []]).write(
                toFile: output + "/packs.json", atomically: true, encoding: .utf8)
            assertThrows(.data, containing: "not finished") { try SentenceStore(protos: [output]) }
            _ = try PackFolder.build(inputs: [folder + "/data"], output: output)
            XCTAssertEqual(
                try FileManager.default.contentsOfDirectory(atPath: output).sorted(), ["00000000.protos", "packs.json"])
        }
    }

    func testOnePacksAtATime() throws {
        try withDataset { folder in
            let lock = try FolderLock(folder + "/protos", for: "packing")
            assertThrows(.file, containing: "at work here already (packing)") {
                try PackFolder.build(inputs: [folder + "/data"], output: folder + "/protos")
            }
            lock.release()
            _ = try PackFolder.build(inputs: [folder + "/data"], output: folder + "/protos")
            XCTAssertFalse(FileKind.exists(folder + "/protos/.lock"))
        }
    }

    func testForeignPacksStopTheRun() throws {
        try withDataset { folder in
            let output = folder + "/protos"
            try FileManager.default.createDirectory(atPath: output + "/old", withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                atPath: Vectors.path("dataset/protos_lab/00000000.protos"), toPath: output + "/old/00000000.protos")
            assertThrows(.data, containing: "old/00000000.protos") {
                try PackFolder.build(inputs: [folder + "/data"], output: output)
            }
            XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: output), ["old"])

            try FileManager.default.removeItem(atPath: output)
            _ = try PackFolder.build(inputs: [folder + "/data"], output: output + "/")
            try FileManager.default.copyItem(
                atPath: Vectors.path("dataset/protos_lab/00000000.protos"), toPath: output + "/00000009.protos")
            assertThrows(.data, containing: "00000009.protos") {
                try PackFolder.build(inputs: [folder + "/data"], output: output)
            }
            assertThrows(.data, containing: "00000009.protos") { try SentenceStore(protos: [output]) }
        }
    }

    func testChangedShardIsNoticed() throws {
        try withDataset { folder in
            let report = try PackFolder.build(inputs: [folder + "/data"], output: folder + "/protos")
            var bytes = try Data(contentsOf: URL(fileURLWithPath: report.shards[0]))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(fileURLWithPath: report.shards[0]))
            assertThrows(.data, containing: "not as it was packed") { try SentenceStore(protos: [folder + "/protos"]) }
        }
    }

    /// Every fault of a clip is listed with its file, its reason and what to do, and the others are packed.
    func testBadClipsAreListed() throws {
        try withTemporaryFolder { folder in
            let data = folder + "/data/ann"
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
            func clip(
                _ name: String, _ codes: Tensor?, label: [UInt8]? = Array("Hello.".utf8), suffix: String = ".lab"
            ) throws {
                if let codes { try Npy.save(codes, to: "\(data)/\(name).npy") }
                if let label { try Data(label).write(to: URL(fileURLWithPath: "\(data)/\(name)\(suffix)")) }
            }
            let good = try Tensor(integers: Array(0 ..< 40), [8, 5], .int32)
            try clip("a good", good)
            try clip("b good", Tensor(integers: (0 ..< 40).map { $0 % 7 }, [8, 5], .uint8))
            try clip("c float", Tensor(zeros: [8, 5]))
            try clip("d flat", Tensor(integers: [1, 2], [2]))
            try clip("e negative", Tensor(integers: [-1] + Array(1 ..< 40), [8, 5]))
            try clip("f transposed", Tensor(integers: Array(0 ..< 80), [10, 8]))
            try clip("g four", Tensor(integers: Array(0 ..< 20), [4, 5]))
            try clip("h empty", Tensor(zeros: [8, 0], .int32))
            try clip("i no label", good, label: nil)
            try clip("j txt", good, suffix: ".txt")
            try clip("k blank", good, label: Array(" \n".utf8))
            try clip("l tags", good, label: Array("<laugh>".utf8))
            try clip("m latin", good, label: [0x63, 0x61, 0x66, 0xE9, 0x20, 0x61])
            try clip("n cut", nil)
            try Data([0x93, 0x4E]).write(to: URL(fileURLWithPath: data + "/n cut.npy"))
            try clip("o bom", Tensor(integers: Array(1 ... 40), [8, 5]), label: [0xEF, 0xBB, 0xBF] + Array("Hi.".utf8))
            let report = try PackFolder.build(inputs: [folder + "/data"], output: folder + "/protos")
            XCTAssertEqual(report.sentences, 3)
            XCTAssertEqual(report.notes.map(\.path), [data + "/o bom.npy"])
            let wanted = [
                "c float": "float32", "d flat": "shape", "e negative": "-1", "f transposed": "transposed",
                "g four": "4 codebooks",
                "h empty": "no frames", "i no label": "no .lab", "j txt": "no .lab", "k blank": "white space",
                "l tags": "tags",
                "m latin": "UTF-8", "n cut": ".npy"
            ]
            XCTAssertEqual(
                Set(report.skipped.map { String($0.path.dropFirst(data.count + 1).dropLast(4)) }), Set(wanted.keys))
            for item in report.skipped {
                let name = String(item.path.dropFirst(data.count + 1).dropLast(4))
                XCTAssertTrue(item.reason.contains(wanted[name] ?? "?"), "\(name): \(item.reason)")
            }
            XCTAssertTrue(
                report.skipped.first { $0.path.contains("j txt") }?.remedy?.contains("--text-extension .txt") ?? false)
            let texts = try groups(report.shards)[0].sentences.map(\.texts)
            XCTAssertEqual(texts, [["Hello."], ["Hello."], ["Hi."]])
        }
    }

    func testNothingToPackLeavesTheFolderAlone() throws {
        try withDataset { folder in
            _ = try PackFolder.build(inputs: [folder + "/data"], output: folder + "/protos")
            try FileManager.default.createDirectory(atPath: folder + "/none", withIntermediateDirectories: true)
            assertThrows(.data, containing: "no clips") {
                try PackFolder.build(inputs: [folder + "/none"], output: folder + "/protos")
            }
            try Data([0]).write(to: URL(fileURLWithPath: folder + "/none/a.mp3"))
            assertThrows(.data, containing: "none of the 1") {
                try PackFolder.build(inputs: [folder + "/none"], output: folder + "/protos")
            }
            XCTAssertEqual(try SentenceStore(protos: [folder + "/protos"]).sentenceCount, 6)
        }
    }

    /// Composed and decomposed names belong together; two recordings of one name do not.
    func testScan() throws {
        try withTemporaryFolder { folder in
            for name in [
                "Zoe\u{301}.wav", "Zo\u{E9}.lab", "x.mp3", "x.wav", "x.lab", "._y.wav", "only.lab", "z.FLAC", "z.Lab"
            ] {
                try Data([1]).write(to: URL(fileURLWithPath: folder + "/" + name))
            }
            let found = try Clips(folder: folder)
            XCTAssertEqual(
                found.clips.map { $0.audio.map { String($0.dropFirst(folder.count + 1)) } },
                ["Zoe\u{301}.wav", "z.FLAC"])
            XCTAssertEqual(found.clips.map { $0.labels[".lab"] != nil }, [true, true])
            XCTAssertEqual(found.skipped.map(\.path), [folder + "/x.mp3", folder + "/x.wav"])
        }
    }

    /// What looks like a recording is a clip or listed with a way out, by its name or by its content beside a label.
    func testRecordingsThatCannotBeRead() throws {
        try withTemporaryFolder { folder in
            func write(_ name: String, _ bytes: [UInt8]) throws {
                try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name))
            }
            let webm: [UInt8] = [0x1A, 0x45, 0xDF, 0xA3] + [UInt8](repeating: 7, count: 100),
                mp4: [UInt8] = [0, 0, 0, 32] + Array("ftypM4A ".utf8) + webm
            let mp3 = Array(try Data(contentsOf: URL(fileURLWithPath: Vectors.path("audio/cbr64_mono_22050.mp3"))))
            for (name, bytes) in [
                ("a.webm", webm), ("b.MP4", mp4), ("c.3gp", mp4), ("d.mp4", mp3), ("e.mpga", mp3), ("f.dat", mp3),
                ("g", webm),
                ("h.webm", webm), ("h.wav", mp3), ("i.json", Array("{}".utf8))
            ] { try write(name, bytes) }
            for name in "abcdefghij" { try write("\(name).lab", Array("text".utf8)) }
            let found = try Clips(folder: folder)
            func names(_ paths: [String]) -> [String] { paths.map(PathName.last) }
            XCTAssertEqual(names(found.clips.compactMap(\.audio)), ["d.mp4", "e.mpga", "h.wav"])
            XCTAssertEqual(names(found.skipped.map(\.path)).sorted(), ["a.webm", "b.MP4", "c.3gp", "f.dat", "g"])
            for skipped in found.skipped where PathName.last(skipped.path) != "f.dat" {
                XCTAssertEqual(
                    skipped.remedy,
                    "convert it first: ffmpeg -i \(skipped.path) \(PathName.withoutSuffix(skipped.path)).wav")
            }
            XCTAssertTrue(
                found.skipped.contains {
                    $0.reason.contains("MP3 sound under a name") && ($0.remedy ?? "").hasSuffix("f.mp3")
                })
            XCTAssertEqual(names(found.notes.map(\.path)), ["i.lab", "j.lab"])
        }
        try withTemporaryFolder { folder in
            XCTAssertTrue(try Clips(folder: folder).skipped.isEmpty)
            try Data([1]).write(to: URL(fileURLWithPath: folder + "/x.pdf"))
            let skipped = try Clips(folder: folder).skipped
            XCTAssertTrue(
                skipped.count == 1 && skipped[0].reason.contains("1 file and no recording (.pdf)"), "\(skipped)")
        }
    }

    /// Names as unzip leaves them of archives made on Windows: one entry, with the command that mends them all.
    func testNamesThatAreNoUTF8() throws {
        let names: [(code: String, name: [UInt8])] = [
            ("cp932", [0x83, 0x6E, 0x83, 0x69, 0x83, 0x52]), ("gbk", [0xC4, 0xE3, 0xBA, 0xC3]),
            ("cp949", [0xBE, 0xC8, 0xB3, 0xE7]),
            ("koi8-r", [0xD0, 0xD2, 0xC9, 0xD7, 0xC5, 0xD4]), ("cp1251", [0xCF, 0xF0, 0xE8, 0xE2, 0xE5, 0xF2]),
            ("cp1252", Array("caf".utf8) + [0xE9])
        ]
        for (code, name) in names {
            try withTemporaryFolder { folder in
                for suffix in [".mp3", ".lab"] {
                    let path = Array((folder + "/").utf8) + name + Array(suffix.utf8) + [0]
                    let file = path.withUnsafeBytes {
                        open($0.bindMemory(to: CChar.self).baseAddress!, O_WRONLY | O_CREAT, 0o644)
                    }
                    guard file >= 0 else { throw XCTSkip("this file system takes UTF-8 alone") }
                    close(file)
                }
                let skipped = try FolderWalk(folder).skipped
                XCTAssertEqual(skipped.count, 1)
                XCTAssertEqual(skipped[0].path, folder)
                XCTAssertTrue(
                    skipped[0].reason.hasPrefix("the names of 2 files and folders in it are not valid UTF-8"),
                    skipped[0].reason)
                XCTAssertEqual(skipped[0].remedy, "rename them: convmv -f \(code) -t utf-8 -r --notest \(folder)")
            }
        }
    }
}
