import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// What a stage leaves out is told, whatever then ends the run; what can never work is refused before the first clip;
/// what all clips share is one line.
final class NothingSwallowedTests: XCTestCase {
    private static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"
    private let alice = OpahProcess.checkout + "/examples/data/Alice/"

    private func opah(_ folder: TestFolder, _ arguments: String...) throws -> OpahProcess.Result {
        try OpahProcess.run(["run"] + arguments, folder: folder.path)
    }

    private func copy(_ from: String, _ to: String) throws {
        try FileManager.default.createDirectory(
            atPath: (to as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: from, toPath: to)
    }

    private func write(_ text: String, _ path: String) throws {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    private func check(_ code: LuaScript, file: StaticString = #filePath, line: UInt = #line) throws {
        try LuaFixture.check(code, file: file, line: line)
    }

    func testAFilelistWithoutAGoodLineIsListedLineByLine() throws {
        let folder = try TestFolder("filelist")
        try write("a|Hello there.\nb|How are you?\n", folder("metadata.csv"))
        try write("a.mp3\tS\tEN\tHello.\n", folder("tabs.txt"))
        try write("audio_file|text|speaker_name\nwavs/a.wav|Hello.|S\n", folder("coqui.csv"))
        for (list, lines) in [("metadata.csv", 2), ("tabs.txt", 1), ("coqui.csv", 2)] {
            for recipe in [
                ["build-dataset", "--input", list, "--output", "out"],
                [
                    "extract-vq", ".", "--filelist", list, "--config-name", Self.tiny + "/codec.lua",
                    "--checkpoint-path", Self.tiny + "/codec.pth"
                ]
            ] {
                let result = try OpahProcess.run(["run"] + recipe, folder: folder.path)
                XCTAssertEqual(result.code, 1, result.errors)
                for line in 1 ... lines {
                    XCTAssertTrue(result.errors.contains("\(list), line \(line): has "), result.errors)
                }
                XCTAssertTrue(result.errors.contains("write path|speaker|language|text"), result.errors)
            }
            let pack = try opah(folder, "build-dataset", "--input", list, "--output", "out")
            XCTAssertTrue(pack.errors.contains("none of \(lines) could be used"), pack.errors)
        }
    }

    func testClipsThatCouldNotBePackedAreListedEachByName() throws {
        let folder = try TestFolder("unpacked")
        for name in ["a", "b", "c"] {
            try copy(alice + "4.80-7.20.wav", folder("in/S/\(name).wav"))
            try write("Hello.", folder("in/S/\(name).lab"))
        }
        let result = try opah(folder, "build-dataset", "--input", "in", "--output", "out", "--text-extension", ".lab")
        XCTAssertEqual(result.code, 1)
        for name in ["a", "b", "c"] {
            XCTAssertTrue(result.errors.contains("in/S/\(name).wav: has no codes"), result.errors)
        }
        XCTAssertTrue(result.errors.contains("none of the 3 clips could be packed"), result.errors)
        let lua = try OpahProcess.run(
            ["-e", "require('opah').data.pack { input = 'in', output = 'out' }"], folder: folder.path)
        XCTAssertEqual(lua.code, 1)
        for name in ["a", "b", "c"] { XCTAssertTrue(lua.errors.contains("in/S/\(name).wav: has no codes"), lua.errors) }
    }

    func testFilesWithoutARecordingAreNoSuccess() throws {
        let folder = try TestFolder("none")
        try write("words", folder("in/S/a.doc"))
        try write("words", folder("in/S/b.lab"))
        try FileManager.default.createDirectory(atPath: folder("empty"), withIntermediateDirectories: true)
        try write("", folder("hidden/.DS_Store"))
        try write("\n", folder("list.txt"))
        let codec = ["--config-name", Self.tiny + "/codec.lua", "--checkpoint-path", Self.tiny + "/codec.pth"]
        func refused(_ arguments: [String], _ reason: String) throws {
            let result = try OpahProcess.run(["run"] + arguments, folder: folder.path)
            XCTAssertEqual(result.code, 1, "\(arguments): \(result.errors)")
            let said = result.output + result.errors
            XCTAssertTrue(said.contains(reason), "\(arguments): \(said)")
        }
        for (input, reason) in [
            ("in", "2 files and no recording"), ("empty", "holds no recording"), ("hidden", "holds no recording")
        ] {
            for stage in ["loudness-norm", "resample", "slice-audio", "slice-audio-v2", "merge-short", "augment"] {
                try refused([stage, input, "out"], reason)
            }
            for stage in ["length", "doctor"] { try refused([stage, input], reason) }
            try refused(["extract-vq", input] + codec, reason)
        }
        try refused(["extract-vq", ".", "--filelist", "list.txt"] + codec, "list.txt: names no clip")
        try refused(["build-dataset", "--input", "list.txt", "--output", "packs"], "list.txt: no clips")
    }

    /// What is said of the folder itself, as of names in it that are no UTF-8, one part of several says.
    func testNamesThatAreNoUTF8InTheFolderItself() throws {
        let folder = try TestFolder("names")
        try copy(alice + "4.80-7.20.wav", folder("in/good.wav"))
        let path = Array((folder("in") + "/").utf8) + [0x83, 0x6E, 0x83, 0x69] + Array(".wav".utf8) + [0]
        let file = path.withUnsafeBytes { open($0.bindMemory(to: CChar.self).baseAddress!, O_WRONLY | O_CREAT, 0o644) }
        guard file >= 0 else { throw XCTSkip("this file system takes UTF-8 alone") }
        close(file)
        for stage in ["loudness-norm", "resample", "slice-audio"] {
            for input in ["in", "in/", "./in"] {
                let result = try opah(folder, stage, input, "out-\(stage)")
                XCTAssertEqual(result.code, 3, "\(stage) \(input): \(result.errors)")
                XCTAssertTrue(result.errors.contains("convmv -f cp932"), result.errors)
            }
        }
        let parts = try ["1/3", "2/3", "3/3"].map { try opah(folder, "resample", "in", "parts", "--shard", $0) }
        XCTAssertEqual(parts.filter { $0.errors.contains("convmv") }.count, 1)
        XCTAssertTrue(FileManager.default.fileExists(atPath: folder("parts/good.wav")))
    }

    func testWhatWasSkippedIsToldWhenTheRecipeFailsLater() throws {
        let folder = try TestFolder("fails")
        try write(
            """
            local stage_over = require "opah.stage"
            local stage <close> = stage_over("measure", 2)
            stage:try("bad.wav", function() error("its header is broken") end)
            stage:note("good.wav", "it is quiet")
            error("the disk went away")
            """, folder("recipe.lua"))
        let result = try opah(folder, "recipe.lua")
        XCTAssertEqual(result.code, 1)
        for part in ["bad.wav: ", "its header is broken", "good.wav: it is quiet", "the disk went away"] {
            XCTAssertTrue(result.errors.contains(part), result.errors)
        }
    }

    func testANoteOfAllClipsIsOneLine() throws {
        let folder = try TestFolder("flood")
        try write(
            """
            local stage_over = require "opah.stage"
            local stage <close> = stage_over("measure", 100)
            for i = 1, 100 do
              stage:try(i .. ".wav", function() stage:note(i .. ".wav", "at 16000 Hz there is nothing above 8000 Hz") end)
            end
            for i = 1, 5 do stage:note(i .. ".wav", ("gain of %d dB"):format(i)) end
            return stage:finish("clips measured")
            """, folder("recipe.lua"))
        let result = try opah(folder, "recipe.lua")
        XCTAssertEqual(result.code, 0)
        XCTAssertTrue(
            result.errors.contains("100 clips: at 16000 Hz there is nothing above 8000 Hz (1.wav, ...)"), result.errors)
        for i in 1 ... 5 { XCTAssertTrue(result.errors.contains("\(i).wav: gain of \(i) dB"), result.errors) }
        XCTAssertEqual(result.errors.ranges(of: "16000 Hz").count, 1)
        let json = try OpahProcess.run(["run", "recipe.lua", "--json"], folder: folder.path)
        let record = try XCTUnwrap(
            (json.output + json.errors).split(separator: "\n").first { $0.contains("\"notes\"") },
            json.output + json.errors)
        let fields = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(record.utf8)) as? [String: Any])
        XCTAssertEqual(fields["event"] as? String, "stage")
        XCTAssertEqual((fields["notes"] as? [Any])?.count, 105)
    }

    func testFoldersOfOneNameAreOneSpeakerAndToldSo() throws {
        let folder = try TestFolder("speakers")
        try copy(alice + "0.00-2.10.mp3", folder("in/set1/Alice/a.mp3"))
        try copy(alice + "2.10-4.80.flac", folder("in/set2/Alice/b.flac"))
        try copy(alice + "4.80-7.20.wav", folder("in/set2/Bob/c.wav"))
        for clip in ["set1/Alice/a", "set2/Alice/b", "set2/Bob/c"] { try write("Hello.", folder("in/\(clip).lab")) }
        XCTAssertEqual(
            try opah(
                folder, "extract-vq", "in", "--config-name", Self.tiny + "/codec.lua", "--checkpoint-path",
                Self.tiny + "/codec.pth"
            ).code, 0)
        let pack = try opah(folder, "build-dataset", "--input", "in", "--output", "out", "--text-extension", ".lab")
        XCTAssertEqual(pack.code, 0, pack.errors)
        XCTAssertTrue(pack.errors.contains("3 sentences packed, 2 speakers"), pack.errors)
        XCTAssertTrue(pack.errors.contains("in/set1/Alice and in/set2/Alice are both the speaker Alice"), pack.errors)
    }

    func testWhatReadingSaysIsToldByEveryRecipe() throws {
        let folder = try TestFolder("told")
        // Two clips whose names say another kind than they are, and a list of pieces of one of them.
        for name in ["a", "b"] {
            try copy(alice + "4.80-7.20.wav", folder("in/S/\(name).mp3"))
            try write("Hello there.", folder("in/S/\(name).lab"))
        }
        try copy(alice + "4.80-7.20.wav", folder("talk.mp3"))
        try write("0.2\t1.0\tHello\n1.1\t2.0\tthere\n", folder("talk.txt"))
        let codec = ["--config-name", Self.tiny + "/codec.lua", "--checkpoint-path", Self.tiny + "/codec.pth"]
        let cases: [(name: String, arguments: [String])] = [
            ("in/S/a.mp3", ["augment", "in", "out"]), ("in/S/a.mp3", ["extract-vq", "in"] + codec),
            ("in/S/a.mp3", ["vqgan", "-i", "in/S/a.mp3", "-o", "a.wav"] + codec),
            (
                "in/S/a.mp3",
                [
                    "train-codec", "in", "--output", "codec", "--encoder-steps", "1", "--vocoder-steps", "0",
                    "--joint-steps", "0", "--batch-size", "1", "--seconds", "0.3", "--config-name",
                    OpahProcess.checkout + "/Tests/Lua/codec/small.lua"
                ]
            ),
            ("./talk.mp3", ["import", "talk.txt", "pieces", "--format", "audacity"])
        ]
        for (name, arguments) in cases {
            let result = try OpahProcess.run(["run"] + arguments, folder: folder.path)
            XCTAssertEqual(result.code, 0, result.errors)
            XCTAssertEqual(
                result.errors.ranges(of: "note: \(name): the name says .mp3, the content is WAV").count, 1,
                "\(arguments): \(result.errors)")
        }
    }

    func testMostLabelsMissingStopsThePacking() throws {
        let folder = try TestFolder("labels")
        for i in 0 ..< 6 { try copy(alice + "4.80-7.20.wav", folder("in/S/\(i).wav")) }
        for i in 0 ..< 2 { try write("Hello.", folder("in/S/\(i).lab")) }
        XCTAssertEqual(
            try opah(
                folder, "extract-vq", "in", "--config-name", Self.tiny + "/codec.lua", "--checkpoint-path",
                Self.tiny + "/codec.pth"
            ).code, 0)
        func pack(_ more: String...) throws -> OpahProcess.Result {
            try OpahProcess.run(
                ["run", "build-dataset", "--input", "in", "--output", "out", "--text-extension", ".lab"] + more,
                folder: folder.path)
        }
        let stopped = try pack()
        XCTAssertEqual(stopped.code, 1, stopped.errors)
        for part in ["4 of 6 clips have no .lab file", "--allow-missing-labels", "in/S/5.wav: has no .lab file"] {
            XCTAssertTrue(stopped.errors.contains(part), stopped.errors)
        }
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("out/00000000.protos")))
        let allowed = try pack("--allow-missing-labels")
        XCTAssertEqual(allowed.code, 3, allowed.errors)
        XCTAssertTrue(allowed.errors.contains("2 sentences packed"), allowed.errors)
        try write("Hello.", folder("in/S/2.lab"))   // half of them
        XCTAssertEqual(try pack().code, 3)
    }

    func testOptionsThatCannotWorkAreRefusedOnce() throws {
        let folder = try TestFolder("options")
        for i in 0 ..< 3 { try copy(alice + "4.80-7.20.wav", folder("in/S/\(i).wav")) }
        let codec = ["--config-name", Self.tiny + "/codec.lua", "--checkpoint-path", Self.tiny + "/codec.pth"]
        let cases: [[String]] = [
            ["resample", "in", "out", "--sampling-rate", "-5"], ["resample", "in", "out", "--sampling-rate", "0"],
            ["resample", "in", "out", "--sampling-rate", "99999999"],
            ["loudness-norm", "in", "out", "--loudness", "99"], ["loudness-norm", "in", "out", "--block-size", "0"],
            ["loudness-norm", "in", "out", "--peak", "20"],
            ["loudness-norm", "in", "out", "--loudness", "nan"], ["loudness-norm", "in", "out", "--max-gain", "-5"],
            ["loudness-norm", "in", "out", "--max-gain", "1e400"],
            ["slice-audio", "in", "out", "--min-duration", "40"], ["slice-audio", "in", "out", "--max-duration", "0"],
            ["slice-audio", "in", "out", "--hop-length", "0"],
            ["slice-audio", "in", "out", "--frame-length", "-1"], ["slice-audio", "in", "out", "--pad-silence", "-1"],
            ["slice-audio-v2", "in", "out", "--min-duration", "40"],
            ["slice-audio-v2", "in", "out", "--hop-length", "0"],
            ["slice-audio-v2", "in", "out", "--min-silence-duration", "9"],
            ["slice-audio-v2", "in", "out", "--max-silence-kept", "inf"],
            ["slice-audio-v2", "in", "out", "--top-db", "5"], ["slice-audio", "in", "out", "--max-duration", "inf"],
            ["merge-short", "in", "out", "--max-duration", "-1"],
            ["extract-vq", "in", "--batch-size", "0"] + codec,
            ["build-dataset", "--input", "in", "--output", "out", "--shard-size", "0"]
        ]
        for arguments in cases {
            let result = try OpahProcess.run(["run"] + arguments, folder: folder.path)
            XCTAssertEqual(result.code, 2, "\(arguments): \(result.errors)")
            XCTAssertTrue(
                result.errors.contains(arguments[arguments.count > 6 ? 2 : arguments.count - 2]),
                "\(arguments): \(result.errors)")
            XCTAssertFalse(
                result.errors.contains("skipped") || FileManager.default.fileExists(atPath: folder("out")),
                "\(arguments): \(result.errors)")
        }
    }

    func testCodesOutOfRangeAreNamedClipByClip() throws {
        try check(.file("codes_out_of_range_are_named_clip_by_clip"))
    }

    func testFitTellsWhatItLeavesOut() throws {
        let folder = try TestFolder("fit")
        let result = try OpahProcess.run(
            LuaScript.file("fit_tells_what_it_leaves_out").command([Self.tiny]), folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
        XCTAssertEqual(result.errors.ranges(of: "not trained on: data/S/5.npy: ").count, 1, result.errors)
    }

    /// A model's codebooks are larger than the codec's: what the codec does not have is never drawn for it, and never
    /// costs more than its frame.
    func testCodesThatTheCodecDoesNotHave() throws {
        try check(.file("codes_that_the_codec_does_not_have"))
    }

    func testSpoiledRecordsAreNotBelieved() throws {
        let folder = try TestFolder("spoiled")
        let result = try OpahProcess.run(LuaScript.file("spoiled_records").command(), folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
    }
}
