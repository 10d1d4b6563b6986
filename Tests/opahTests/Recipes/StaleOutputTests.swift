import Foundation
import TestSupport
import XCTest

/// Every stage notices by content what its output was made from: a corrected label, a replaced recording, other
/// settings and another codec are never answered with what was there before; and a second run does nothing.
final class StaleOutputTests: XCTestCase {
    private static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"
    private let alice = OpahProcess.checkout + "/examples/data/Alice/"

    private func opah(_ folder: TestFolder, _ arguments: String...) throws -> OpahProcess.Result {
        try OpahProcess.run(["run"] + arguments, folder: folder.path)
    }

    private func extract(_ folder: TestFolder, _ input: String = "in", _ more: String...) throws -> OpahProcess.Result {
        try OpahProcess.run(
            [
                "run", "extract-vq", input, "--config-name", Self.tiny + "/codec.lua", "--checkpoint-path",
                Self.tiny + "/codec.pth"
            ] + more, folder: folder.path)
    }

    private func copy(_ from: String, _ to: String) throws {
        try? FileManager.default.removeItem(atPath: to)
        try FileManager.default.createDirectory(
            atPath: (to as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: from, toPath: to)
    }

    private func write(_ text: String, _ path: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
    private func bytes(_ path: String) -> Data? { FileManager.default.contents(atPath: path) }
    private func text(_ path: String) -> String? { bytes(path).map { String(decoding: $0, as: UTF8.self) } }

    /// `in/S/x.wav`, `y.mp3` with labels.
    private func twoClips(_ folder: TestFolder) throws {
        try copy(alice + "4.80-7.20.wav", folder("in/S/x.wav"))
        try copy(alice + "4.80-7.20.lab", folder("in/S/x.lab"))
        try copy(alice + "0.00-2.10.mp3", folder("in/S/y.mp3"))
        try copy(alice + "0.00-2.10.lab", folder("in/S/y.lab"))
    }

    /// The same samples but for a few, so that size and length stay.
    private func alter(_ path: String) throws {
        var data = try XCTUnwrap(bytes(path))
        for i in stride(from: 4000, to: 6000, by: 2) { data[i] ^= 0x10 }
        let date = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate]!
        try data.write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
    }

    /// Inode and time of change of every file: what a run that does nothing leaves as it is.
    private func stamps(_ folder: String) throws -> [String: String] {
        var result: [String: String] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            var info = stat()
            guard stat(folder + "/" + name, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { continue }
            result[name] = "\(info.st_ino) \(info.st_mtim.tv_sec) \(info.st_mtim.tv_nsec)"
        }
        return result
    }

    /// Copies begin later by exactly what was asked for, follow their clip and its label, and go when they are not
    /// asked for any more; those that nobody made stay.
    func testShiftedCopiesFollowTheirInputs() throws {
        let folder = try TestFolder("augment")
        try twoClips(folder)
        func augment(_ shifts: String) throws -> OpahProcess.Result {
            try opah(folder, "augment", "in", "out", "--shifts", shifts)
        }
        let first = try augment("10,20.5")
        XCTAssertEqual(first.code, 0, first.errors)
        XCTAssertTrue(first.errors.contains("2 clips, 4 copies; train with train_dataset.val_by=text"), first.errors)
        XCTAssertEqual(bytes(folder("out/S/y.mp3")), bytes(folder("in/S/y.mp3")))
        XCTAssertEqual(text(folder("out/S/y+20.5ms.lab")), text(folder("in/S/y.lab")))
        try write(
            """
            local audio = require "opah".audio
            local whole, info = audio.load("in/S/x.wav")
            for name, shift in pairs { ["10"] = 0.01, ["20.5"] = 0.0205 } do
              local copy, told = audio.load("out/S/x+" .. name .. "ms.wav")
              local from = math.floor(shift * info.sample_rate + 0.5)
              assert(told.sample_rate == info.sample_rate and copy:size(-1) == whole:size(-1) - from, name)
              assert((whole:narrow(-1, from + 1, copy:size(-1)) - copy):abs():max():item() < 1e-4, name)
            end
            """, folder("look.lua"))
        let copied = try opah(folder, "look.lua")
        XCTAssertEqual(copied.code, 0, copied.errors)
        let made = try stamps(folder("out")).filter { !$0.key.hasSuffix(".jsonl") }
        XCTAssertEqual(try augment("10,20.5").code, 0)
        XCTAssertEqual(try stamps(folder("out")).filter { !$0.key.hasSuffix(".jsonl") }, made)

        try alter(folder("in/S/x.wav"))
        try write("Corrected.", folder("in/S/x.lab"))
        try write("mine", folder("out/S/x+30ms.lab"))
        let before = bytes(folder("out/S/x+10ms.wav")), second = try augment("10")
        XCTAssertEqual(second.code, 0, second.errors)
        XCTAssertTrue(second.errors.contains("4 files of an earlier run were removed"), second.errors)
        XCTAssertNotEqual(bytes(folder("out/S/x+10ms.wav")), before)
        XCTAssertEqual(text(folder("out/S/x+10ms.lab")), "Corrected.")
        XCTAssertNil(bytes(folder("out/S/x+20.5ms.wav")))
        XCTAssertEqual(text(folder("out/S/x+30ms.lab")), "mine")
        // Another input may go into the same folder.
        try copy(folder("in/S/x.wav"), folder("more/T/z.wav"))
        XCTAssertEqual(try opah(folder, "augment", "more", "out", "--shifts", "10").code, 0)
        XCTAssertEqual(try augment("20").code, 0)
        XCTAssertNotNil(bytes(folder("out/T/z+10ms.wav")))
        XCTAssertNil(bytes(folder("out/S/x+10ms.wav")))
        for wrong in ["-5", "10,10", "", "10,x", "nan"] {
            let refused = try augment(wrong)
            XCTAssertEqual(refused.code, 2, wrong + refused.errors)
        }
    }

    func testConvertedClipsFollowTheirInputs() throws {
        for stage in [["loudness-norm", "in", "out"], ["resample", "in", "out", "--sampling-rate", "16000"]] {
            let folder = try TestFolder("stale")
            try twoClips(folder)
            func run(_ more: [String] = []) throws -> OpahProcess.Result {
                try OpahProcess.run(["run"] + stage + more, folder: folder.path)
            }
            XCTAssertEqual(try run().code, 0)
            let before = try stamps(folder("out")), sound = bytes(folder("out/S/x.wav"))
            usleep(50_000)
            let again = try run()
            XCTAssertEqual(again.code, 0)
            XCTAssertFalse(again.errors.contains("remade"), again.errors)
            XCTAssertEqual(
                try stamps(folder("out")).filter { !$0.key.hasSuffix(".jsonl") },
                before.filter { !$0.key.hasSuffix(".jsonl") })

            try alter(folder("in/S/x.wav"))
            try write("Another text.", folder("in/S/y.lab"))
            let changed = try run()
            XCTAssertTrue(changed.errors.contains("remade 2 (input changed: 1, label changed: 1)"), changed.errors)
            XCTAssertNotEqual(bytes(folder("out/S/x.wav")), sound)
            XCTAssertEqual(text(folder("out/S/y.lab")), "Another text.")

            // A label that was corrected in the output folder does not stand in the way of other settings.
            try write("Corrected there.", folder("out/S/x.lab"))
            let other = try run(stage[0] == "resample" ? ["--no-mono"] : ["--loudness", "-30"])
            XCTAssertTrue(other.errors.contains("remade 2 (settings: 2)"), other.errors)
            let rewritten = try run(stage[0] == "resample" ? ["--no-mono"] : ["--loudness", "-30.0"])
            XCTAssertFalse(rewritten.errors.contains("remade"), rewritten.errors)
            XCTAssertEqual(text(folder("out/S/x.lab")), "Corrected there.")
        }
    }

    func testWhatAHandChangedIsKeptAndTold() throws {
        let folder = try TestFolder("hand")
        try twoClips(folder)
        XCTAssertEqual(try opah(folder, "loudness-norm", "in", "out").code, 0)
        try write("Corrected.", folder("out/S/x.lab"))
        let kept = try opah(folder, "loudness-norm", "in", "out")
        XCTAssertEqual(kept.code, 0, kept.errors)
        XCTAssertTrue(
            kept.errors.contains("1 file was changed by hand") && kept.errors.contains("out/S/x.lab"), kept.errors)
        try write("Corrected twice.", folder("in/S/x.lab"))
        let both = try opah(folder, "loudness-norm", "in", "out")
        XCTAssertEqual(both.code, 3, both.errors)
        XCTAssertTrue(
            both.errors.contains("out/S/x.lab was changed by hand") && both.errors.contains("--overwrite"), both.errors)
        XCTAssertEqual(text(folder("out/S/x.lab")), "Corrected.")
        XCTAssertEqual(try opah(folder, "loudness-norm", "in", "out", "--overwrite").code, 0)
        XCTAssertEqual(text(folder("out/S/x.lab")), "Corrected twice.")

        try FileManager.default.removeItem(atPath: folder("in/S/y.mp3"))
        try FileManager.default.removeItem(atPath: folder("in/S/y.lab"))
        let orphan = try opah(folder, "loudness-norm", "in", "out")
        XCTAssertTrue(orphan.errors.contains("2 files were made from what is no longer there"), orphan.errors)
        XCTAssertNotNil(bytes(folder("out/S/y.mp3")))
        try copy(alice + "2.10-4.80.flac", folder("in/S/z.flac"))
        try copy(alice + "2.10-4.80.flac", folder("out/S/z.flac"))
        let strange = try opah(folder, "loudness-norm", "in", "out")
        XCTAssertTrue(strange.errors.contains("1 file has no record of what made it"), strange.errors)
        XCTAssertEqual(bytes(folder("out/S/z.flac")), bytes(folder("in/S/z.flac")))
    }

    func testPiecesFollowTheirRecording() throws {
        for (stage, first) in [
            ("slice-audio", "out/S/x/0000"), ("slice-audio-v2", "out/S/x/0000"),
            ("slice-audio-v2 --flat-layout", "out/S/x_0000")
        ] {
            let folder = try TestFolder("pieces")
            try copy(alice + "4.80-7.20.wav", folder("in/S/x.wav"))
            try write("One.", folder("in/S/x.lab"))
            let arguments =
                ["run"] + stage.split(separator: " ").map(String.init) + [
                    "in", "out", "--min-duration", "0.5", "--max-duration"
                ]
            func run(_ seconds: String, _ more: String...) throws -> OpahProcess.Result {
                try OpahProcess.run(arguments + [seconds] + more, folder: folder.path)
            }
            XCTAssertEqual(try run("1").code, 0)
            let pieces = try stamps(folder("out")).keys.filter { $0.hasSuffix(".wav") }.count
            XCTAssertGreaterThan(pieces, 1)
            let again = try run("1")
            XCTAssertTrue(again.errors.contains("0 pieces written") && !again.errors.contains("remade"), again.errors)
            let whole = try run("30")
            XCTAssertTrue(whole.errors.contains("remade 1 (settings: 1)"), whole.errors)
            XCTAssertEqual(
                try stamps(folder("out")).keys.filter { $0.hasSuffix(".wav") }.count, 1,
                "the pieces of the first cut are gone")
            XCTAssertEqual(text(folder(first + ".lab")), "One.")
            try write("Two.", folder("in/S/x.lab"))
            XCTAssertTrue(try run("30").errors.contains("remade 1 (label changed: 1)"))
            XCTAssertEqual(text(folder(first + ".lab")), "Two.")
            XCTAssertEqual(try run("1").code, 0)
            XCTAssertNil(bytes(folder(first + ".lab")), "the label of the whole is not that of a piece")
            // A label that somebody wrote for a piece does not fit another cut.
            try write("Mine.", folder(first + ".lab"))
            let refused = try run("30")
            XCTAssertEqual(refused.code, 1, refused.errors)
            XCTAssertTrue(refused.errors.contains("was written for a piece of it"), refused.errors)
            XCTAssertEqual(text(folder(first + ".lab")), "Mine.")

            // Of a recording that is gone, every piece is named, and kept.
            try copy(alice + "0.00-2.10.mp3", folder("in/S/y.mp3"))
            _ = try run("1")
            try FileManager.default.removeItem(atPath: folder("in/S/y.mp3"))
            let left = try stamps(folder("out")).keys.filter { $0.contains("/y") && $0.hasSuffix(".wav") }.count
            let gone = try run("1")
            XCTAssertTrue(
                left > 1 && gone.errors.contains("\(left) files were made from what is no longer there"), gone.errors)
        }
    }

    func testJoinedClipsFollowTheirParts() throws {
        let folder = try TestFolder("joined")
        try twoClips(folder)
        try copy(alice + "0.00-2.10.mp3", folder("in/S/z.mp3"))
        try copy(alice + "0.00-2.10.lab", folder("in/S/z.lab"))
        func run(_ more: String...) throws -> OpahProcess.Result {
            try OpahProcess.run(["run", "merge-short", "in", "out"] + more, folder: folder.path)
        }
        XCTAssertEqual(try run("--max-duration", "3").code, 0)
        XCTAssertTrue(try run("--max-duration", "3").errors.contains("3 clips joined, 0 written"))
        try write("Corrected.", folder("in/S/x.lab"))
        let label = try run("--max-duration", "3")
        XCTAssertTrue(label.errors.contains("remade 1 (label changed: 1)"), label.errors)
        XCTAssertEqual(text(folder("out/S/0.lab")), "Corrected.")
        let sound = bytes(folder("out/S/0.wav"))
        try alter(folder("in/S/x.wav"))
        XCTAssertTrue(try run("--max-duration", "3").errors.contains("input changed: 1"))
        XCTAssertNotEqual(bytes(folder("out/S/0.wav")), sound)
        XCTAssertNotNil(bytes(folder("out/S/1.wav")))
        try FileManager.default.removeItem(atPath: folder("in/S/z.mp3"))
        try FileManager.default.removeItem(atPath: folder("in/S/y.mp3"))
        XCTAssertTrue(try run("--max-duration", "3").errors.contains("remade 1"))
        XCTAssertNil(bytes(folder("out/S/1.wav")), "what is no longer joined goes")
    }

    func testCodesFollowRecordingAndCodec() throws {
        let folder = try TestFolder("codes")
        try twoClips(folder)
        XCTAssertEqual(try extract(folder).code, 0)
        let codes = bytes(folder("in/S/x.npy")), before = try stamps(folder("in"))
        usleep(50_000)
        let again = try extract(folder)
        XCTAssertTrue(again.errors.contains("2 clips have codes, 0 of them new"), again.errors)
        XCTAssertFalse(again.errors.contains("note"), again.errors)
        XCTAssertEqual(
            try stamps(folder("in")).filter { !$0.key.hasSuffix(".jsonl") },
            before.filter { !$0.key.hasSuffix(".jsonl") })

        try alter(folder("in/S/x.wav"))   // the same length
        let packed = try opah(
            folder, "build-dataset", "--input", "in", "--output", "protos", "--text-extension", ".lab")
        XCTAssertEqual(packed.code, 3, packed.errors)
        XCTAssertTrue(packed.errors.contains("in/S/x.wav: its codes are of an earlier recording"), packed.errors)
        let changed = try extract(folder)
        XCTAssertTrue(
            changed.errors.contains("1 of them new") && changed.errors.contains("remade 1 (input changed: 1)"),
            changed.errors)
        XCTAssertNotEqual(bytes(folder("in/S/x.npy")), codes)

        // Another codec: other weights under the same configuration.
        let other = folder("other.pth")
        let made = try OpahProcess.run(
            ["-e", "require('opah').vq.new({ config = '\(Self.tiny)/codec.lua', seed = 7 }):save('\(other)')"],
            folder: folder.path)
        XCTAssertEqual(made.code, 0, made.errors)
        try copy(alice + "12.0-14.2.mp3", folder("in/S/new.mp3"))
        try copy(alice + "0.00-2.10.lab", folder("in/S/new.lab"))
        for (name, data) in [("x", bytes(folder("in/S/x.npy"))), ("y", bytes(folder("in/S/y.npy")))] {
            XCTAssertNotNil(data, name)
        }
        // One clip by the other codec: told when it is packed with the rest.
        for name in ["x", "y"] {
            try FileManager.default.moveItem(
                atPath: folder("in/S/\(name).\(name == "x" ? "wav" : "mp3")"), toPath: folder("\(name)"))
        }
        _ = try OpahProcess.run(
            ["run", "extract-vq", "in", "--config-name", Self.tiny + "/codec.lua", "--checkpoint-path", other],
            folder: folder.path)
        for name in ["x", "y"] {
            try FileManager.default.moveItem(
                atPath: folder("\(name)"), toPath: folder("in/S/\(name).\(name == "x" ? "wav" : "mp3")"))
        }
        let mixed = try opah(folder, "build-dataset", "--input", "in", "--output", "protos", "--text-extension", ".lab")
        XCTAssertEqual(mixed.code, 3, mixed.errors)
        XCTAssertTrue(
            mixed.errors.contains("in/S/new.mp3: its codes are of another codec than those of 2 other clips"),
            mixed.errors)

        let all = try OpahProcess.run(
            ["run", "extract-vq", "in", "--config-name", Self.tiny + "/codec.lua", "--checkpoint-path", other],
            folder: folder.path)
        XCTAssertTrue(all.errors.contains("2 of them new") && all.errors.contains("remade 2 (settings: 2)"), all.errors)
        XCTAssertEqual(
            try opah(folder, "build-dataset", "--input", "in", "--output", "protos", "--text-extension", ".lab").code, 0
        )
    }

    func testCodesOfOthersAreKeptWithOneNote() throws {
        let folder = try TestFolder("theirs")
        try twoClips(folder)
        XCTAssertEqual(try extract(folder).code, 0)
        try FileManager.default.removeItem(atPath: folder("in/S/.opah-made.jsonl"))
        let codes = bytes(folder("in/S/x.npy"))
        let kept = try extract(folder)
        XCTAssertEqual(kept.code, 0)
        XCTAssertTrue(kept.errors.contains("2 codes have no record of what made them"), kept.errors)
        XCTAssertTrue(kept.errors.contains("0 of them new"), kept.errors)
        // Codes of another length cannot be this clip's.
        try copy(alice + "2.10-4.80.flac", folder("in/S/y.flac"))
        try FileManager.default.removeItem(atPath: folder("in/S/y.mp3"))
        let again = try extract(folder)
        XCTAssertTrue(
            again.errors.contains("extracted again") && again.errors.contains("1 code has no record"), again.errors)
        XCTAssertEqual(bytes(folder("in/S/x.npy")), codes)
        let all = try extract(folder, "in", "--overwrite")
        XCTAssertTrue(all.errors.contains("2 of them new") && !all.errors.contains("no record of"), all.errors)
        XCTAssertFalse(try extract(folder).errors.contains("no record of"))
    }

    /// Killed at any moment, the next run ends with what an undisturbed one gives.
    func testAKilledStageIsRightAfterTheNextRun() throws {
        let whole = try TestFolder("whole"), folder = try TestFolder("killed")
        for target in [whole, folder] {
            for i in 0 ..< 40 {
                try copy(alice + "4.80-7.20.wav", target("in/S/\(i).wav"))
                try write("Number \(i).", target("in/S/\(i).lab"))
            }
        }
        XCTAssertEqual(try opah(whole, "loudness-norm", "in", "out").code, 0)
        for delay in [60_000, 120_000, 180_000, 250_000] as [UInt32] {
            let running = try OpahProcess.start(["run", "loudness-norm", "in", "out"], folder: folder.path)
            usleep(delay)
            kill(running.process.processIdentifier, SIGKILL)
            _ = running.finish()
        }
        // Changed between a kill and the next run: noticed as well.
        for target in [whole, folder] { try alter(target("in/S/0.wav")) }
        for target in [whole, folder] { XCTAssertEqual(try opah(target, "loudness-norm", "in", "out").code, 0) }
        for i in 0 ..< 40 { XCTAssertEqual(bytes(folder("out/S/\(i).wav")), bytes(whole("out/S/\(i).wav")), "\(i)") }
        let last = try opah(folder, "loudness-norm", "in", "out")
        XCTAssertFalse(last.errors.contains("note") || last.errors.contains("remade"), last.errors)
    }

    func testGenerationLeavesNothingOfAnEarlierRun() throws {
        let folder = try TestFolder("generate")
        func generate(_ more: String...) throws -> OpahProcess.Result {
            try OpahProcess.run(
                [
                    "run", "generate", "--text", "Good morning.", "--checkpoint-path", Self.tiny, "--max-new-tokens",
                    "12", "--output", "out"
                ] + more, folder: folder.path)
        }
        let codec = ["--vq-checkpoint-path", Self.tiny + "/codec.pth", "--vq-config-name", Self.tiny + "/codec.lua"]
        XCTAssertEqual(try generate("--num-samples", "3", codec[0], codec[1], codec[2], codec[3]).code, 0)
        XCTAssertNotNil(bytes(folder("out/codes_2.wav")))
        let half = """
            local fs, path = require("opah").fs, "out/codes_0.partial.npy"
            local made <close> = fs.made("generate")
            made:make(path, {}, function() fs.write(path, "half") end)
            """
        XCTAssertEqual(try OpahProcess.run(["-e", half], folder: folder.path).code, 0)
        let second = try generate("--num-samples", "2")
        XCTAssertEqual(second.code, 0, second.errors)
        for name in ["codes_0.wav", "codes_1.wav", "codes_0.partial.npy"] {
            XCTAssertNil(bytes(folder("out/" + name)), name)
            XCTAssertTrue(second.errors.contains("out/\(name) of an earlier run removed"), second.errors)
        }
        XCTAssertTrue(second.errors.contains("codes_2.npy in out: what an earlier run said"), second.errors)
    }
}
