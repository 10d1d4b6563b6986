import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// `opah run audition` and `pick`: every checkpoint of a run is heard once, measured, and one of them chosen for a
/// reason.
final class AuditionTests: XCTestCase {
    private static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"

    private func opah(_ folder: TestFolder, _ arguments: [String]) throws -> OpahProcess.Result {
        try OpahProcess.run(["run"] + arguments, folder: folder.path)
    }

    /// A run of two checkpoints on the example voices, with its packs, in `folder`/results/`name`.
    private func makeRun(_ folder: TestFolder, _ name: String = "voice") throws {
        let packed = try OpahProcess.run(["-e", "require('opah.embedded').packs('made')"], folder: folder.path)
        XCTAssertEqual(packed.code, 0, packed.errors)
        let trained = try opah(
            folder,
            [
                "train", "project=\(name)", "pretrained_ckpt_path=\(Self.tiny)",
                "train_dataset.proto_files=[made/protos]",
                "+lora@model.model.lora_config=r_8_alpha_16", "trainer.max_steps=4", "trainer.val_check_interval=2",
                "callbacks.model_checkpoint.every_n_train_steps=2", "data.batch_size=1", "max_length=512",
                "train_dataset.val_fraction=0.2"
            ])
        XCTAssertEqual(trained.code, 0, trained.errors)
    }

    private var codec: [String] {
        ["--vq-checkpoint-path", Self.tiny + "/codec.pth", "--vq-config-name", Self.tiny + "/codec.lua"]
    }

    /// A program of one's own that answers like a recogniser.
    private func program(_ folder: TestFolder, _ name: String, _ script: String) throws {
        try ("#!/bin/sh\n" + script + "\n").write(toFile: folder(name), atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder(name))
    }

    private func json(_ path: String) throws -> [String: Any] {
        try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path))) as? [String: Any])
    }

    private func stamps(_ folder: String, _ ending: String) throws -> [String: String] {
        var result: [String: String] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) where name.hasSuffix(ending) {
            var info = stat()
            XCTAssertEqual(stat(folder + "/" + name, &info), 0)
            result[name] = "\(info.st_ino) \(info.st_mtim.tv_sec) \(info.st_mtim.tv_nsec)"
        }
        return result
    }

    func testEveryCheckpointIsHeardOnceAndMeasured() throws {
        let folder = try TestFolder("audition")
        try makeRun(folder)
        try "Good morning.\n# a comment\n\nThe boats are here.\n".write(
            toFile: folder("texts.txt"), atomically: true, encoding: .utf8)
        try program(folder, "hear", "echo 'good morning'")
        try program(folder, "rate", "echo \"2 models loaded\"; echo \"$1: MOS: 3.25 of 5\"")
        let arguments =
            ["audition", "results/voice", "--texts", "texts.txt", "--speaker", "Alice", "--max-new-tokens", "12"]
            + codec
            + ["--recognizer", "./hear {wav}", "--scorer", "./rate '{wav}'"]
        let first = try opah(folder, arguments)
        XCTAssertEqual(first.code, 0, first.errors)
        XCTAssertTrue(first.errors.contains("2 checkpoints heard, 4 sentences spoken now"), first.errors)
        let told = try json(folder("results/voice/audition/audition.json"))
        let checkpoints = try XCTUnwrap(told["checkpoints"] as? [[String: Any]])
        XCTAssertEqual(checkpoints.map { $0["step"] as? Int }, [2, 4])
        for checkpoint in checkpoints {
            let measures = try XCTUnwrap(checkpoint["measures"] as? [String: Double])
            XCTAssertEqual(try XCTUnwrap(measures["score"]), 3.25)
            // "good morning" for itself is right; for "the boats are here" 4 words are wrong of 4.
            XCTAssertEqual(try XCTUnwrap(measures["word_error"]), 0.5, accuracy: 1e-9)
            for name in ["loss", "cut", "length", "ratio", "repetition", "silence", "distance", "character_error"] {
                XCTAssertNotNil(measures[name], name)
            }
            XCTAssertGreaterThan(try XCTUnwrap(measures["distance"]), 0)
            for entry in try XCTUnwrap(checkpoint["spoken"] as? [[String: Any]]) {
                let sound = "results/voice/audition/\(checkpoint["folder"]!)/\(entry["sound"]!)"
                XCTAssertTrue(FileManager.default.fileExists(atPath: folder(sound)), sound)
            }
        }
        let page = try String(contentsOfFile: folder("results/voice/audition/index.html"), encoding: .utf8)
        XCTAssertEqual(page.ranges(of: "<audio").count, 4)
        XCTAssertEqual(page.ranges(of: "<img").count, 4)
        XCTAssertTrue(page.contains("The boats are here.") && page.contains("heard: good morning"))

        // Nothing is spoken twice; a new sentence is spoken, and the others are left alone.
        let before = try stamps(folder("results/voice/audition"), ".npy")
        let second = try opah(folder, arguments)
        XCTAssertTrue(second.errors.contains("0 sentences spoken now"), second.errors)
        try "Good morning.\nThe boats are here.\nOne more is new.\n".write(
            toFile: folder("texts.txt"), atomically: true, encoding: .utf8)
        let third = try opah(folder, arguments)
        XCTAssertTrue(third.errors.contains("2 sentences spoken now"), third.errors)
        // What a command told is only shown while it is asked.
        XCTAssertEqual(try opah(folder, Array(arguments.dropLast(4))).code, 0)
        let unasked = try String(contentsOfFile: folder("results/voice/audition/index.html"), encoding: .utf8)
        XCTAssertFalse(unasked.contains("heard: ") || unasked.contains("score"))
        let after = try stamps(folder("results/voice/audition"), ".npy")
        XCTAssertEqual(after.count, 6)
        for (name, stamp) in before { XCTAssertEqual(after[name], stamp, name) }
        // Other settings are another voice.
        let other = try opah(folder, arguments + ["--temperature", "0.5"])
        XCTAssertTrue(other.errors.contains("6 sentences spoken now"), other.errors)
    }

    /// A run that is still going has half a line in its metrics, and more checkpoints later.
    func testARunThatIsStillGoing() throws {
        let folder = try TestFolder("going")
        try makeRun(folder)
        let last = folder("results/voice/checkpoints/step_000000004.ckpt"),
            metrics = folder("results/voice/metrics.jsonl")
        try FileManager.default.moveItem(atPath: last, toPath: folder("later"))
        let whole = try String(contentsOfFile: metrics, encoding: .utf8)
        let lines = whole.split(separator: "\n")
        try (lines.dropLast().joined(separator: "\n") + "\n" + lines.last!.prefix(30)).write(
            toFile: metrics, atomically: true, encoding: .utf8)
        let arguments = ["audition", "results/voice", "--language", "en", "--max-new-tokens", "8"]
        let early = try opah(folder, arguments)
        XCTAssertEqual(early.code, 0, early.errors)
        XCTAssertTrue(early.errors.contains("1 checkpoints heard, 3 sentences"), early.errors)
        XCTAssertTrue(
            try String(contentsOfFile: folder("results/voice/audition/index.html"), encoding: .utf8).contains(
                "There is no sound"))
        try FileManager.default.moveItem(atPath: folder("later"), toPath: last)
        try whole.write(toFile: metrics, atomically: true, encoding: .utf8)
        let pick = try opah(folder, ["pick", "results/voice"])
        XCTAssertEqual(pick.code, 3, "the last checkpoint was not heard: \(pick.errors)")
        XCTAssertTrue(pick.errors.contains("steps 4: not judged"), pick.errors)
        let late = try opah(folder, arguments)
        XCTAssertTrue(late.errors.contains("2 checkpoints heard, 3 sentences"), late.errors)
        XCTAssertEqual(try opah(folder, ["pick", "results/voice"]).code, 0)
    }

    /// Names never become commands, and a command that hangs or fails costs its time and no more.
    func testCommandsAreBounded() throws {
        let folder = try TestFolder("bounded")
        let name = "a; touch pwned; $(touch pwned) `touch pwned` 'q"
        try makeRun(folder)
        try FileManager.default.moveItem(atPath: folder("results/voice"), toPath: folder("results/" + name))
        try program(folder, "hear", #"printf '%s|%s|%s\n' "$#" "$1" "$2" >> calls; echo yes"#)
        let base = ["audition", "results/" + name, "--language", "en", "--max-new-tokens", "4", "--every", "9"] + codec
        let quoted = try opah(folder, base + ["--recognizer", "./hear --in='{wav}' \"two words\""])
        XCTAssertEqual(quoted.code, 0, quoted.errors)
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("pwned")))
        let calls = try String(contentsOfFile: folder("calls"), encoding: .utf8).split(separator: "\n")
        XCTAssertEqual(calls.count, 3)
        for call in calls {
            XCTAssertTrue(
                call.hasPrefix("2|--in=/") && call.contains(name) && call.hasSuffix(".wav|two words"), String(call))
        }

        try program(folder, "hang", "sleep 60")
        let began = Date()
        let hung = try opah(folder, base + ["--scorer", "./hang {wav}", "--timeout", "0.5"])
        XCTAssertEqual(hung.code, 3, hung.errors)
        XCTAssertTrue(hung.errors.contains("had not ended after 0.5 s"), hung.errors)
        XCTAssertLessThan(Date().timeIntervalSince(began), 40)
        try program(folder, "fail", "echo 'no model here' >&2; exit 4")
        let failed = try opah(folder, base + ["--recognizer", "./fail {wav}"])
        XCTAssertEqual(failed.code, 3)
        XCTAssertTrue(failed.errors.contains("ended with code 4: no model here"), failed.errors)

        // What cannot work is told before anything is spoken.
        for (command, text) in [
            ("./hear", "write {wav} there"), ("./nothing {wav}", "there is no program ./nothing"),
            ("./hear '{wav}", "has no end")
        ] {
            let refused = try opah(folder, base + ["--output", "new", "--recognizer", command])
            XCTAssertEqual(refused.code, 2, refused.errors)
            XCTAssertTrue(refused.errors.contains(text), refused.errors)
            XCTAssertFalse(FileManager.default.fileExists(atPath: folder("new")))
        }
        let packs = try opah(folder, base + ["--output", "new", "--packs", "none.protos"])
        XCTAssertEqual(packs.code, 2, packs.errors)
        XCTAssertTrue(packs.errors.contains("--packs: none.protos: no such packs"), packs.errors)
    }

    func testTheChoiceIsTheEarliestWithinTolerancesAndSaysWhy() throws {
        try LuaFixture.check(.file("the_choice_is_the_earliest_within_tolerances_and_says_why"))
    }

    func testPickWritesItsChoiceAndNoticesReplacedCheckpoints() throws {
        let folder = try TestFolder("pick")
        try makeRun(folder)
        let alone = try opah(folder, ["pick", "results/voice", "--tolerance-loss", "0.5"])
        XCTAssertEqual(alone.code, 0, alone.errors)
        XCTAssertTrue(alone.errors.contains("nobody has listened"), alone.errors)
        var told = try json(folder("results/voice/pick.json"))
        XCTAssertEqual(told["step"] as? Int, 2)
        XCTAssertEqual(told["checkpoint"] as? String, "checkpoints/step_000000002.ckpt")
        XCTAssertEqual(try opah(folder, ["pick", "results/voice", "--tolerance-loss", "0"]).code, 0)
        told = try json(folder("results/voice/pick.json"))
        XCTAssertEqual(told["step"] as? Int, 4, "the loss falls: the last is the best")
        XCTAssertEqual(
            try opah(folder, ["audition", "results/voice", "--language", "en", "--max-new-tokens", "4"]).code, 0)
        let checkpoints = folder("results/voice/checkpoints/")
        try FileManager.default.removeItem(atPath: checkpoints + "step_000000004.ckpt")
        try FileManager.default.copyItem(
            atPath: checkpoints + "step_000000002.ckpt", toPath: checkpoints + "step_000000004.ckpt")
        let stale = try opah(folder, ["pick", "results/voice"])
        XCTAssertEqual(stale.code, 3)
        XCTAssertTrue(
            stale.errors.contains("steps 4: not judged: the checkpoint is another one than was heard"), stale.errors)
        XCTAssertEqual(try opah(folder, ["pick", "results/voice", "--ignore", "los"]).code, 2)
        XCTAssertEqual(try opah(folder, ["audition", "made"]).code, 2, "no run")
    }

    func testMeasures() throws {
        try LuaFixture.check(.file("measures"))
    }

    func testSharedFigures() throws {
        try LuaFixture.check(.file("shared_figures"))
    }

    /// The distance is none to the same frames, and grows with the share of frames of somebody else.
    func testDistanceToTheSpeaker() throws {
        try LuaFixture.check(.file("distance_to_the_speaker"))
    }
}
