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
    }

    func testTheChoiceIsTheEarliestWithinTolerancesAndSaysWhy() throws {
        try LuaFixture.check(
            #"""
            local choice = require "opah.audition.choice"
            local function item(step, measures) return { step = step, path = "step" .. step, measures = measures } end
            -- The second is as good as the best by its loss, and is cut off; the third is the earliest that is good in all.
            local list = {
              item(100, { loss = 4, cut = 0 }), item(200, { loss = 3.01, cut = 0.5 }), item(300, { loss = 3.02, cut = 0 }),
              item(400, { loss = 3, cut = 0 }),
            }
            local picked, why = choice.pick(list)
            assert(picked.step == 300 and why.all_within and #why.reasons == 3, #why.reasons)
            assert(why.reasons[2]:find("step 100 is not it: held-out loss 4, and the best is 3 (step 400)", 1, true), why.reasons[2])
            assert(why.reasons[3]:find("share of sentences cut off 0.5", 1, true), why.reasons[3])
            -- Higher scores are better, and a measure that one lacks is not within it.
            assert(choice.pick { item(1, { loss = 3, score = 2 }), item(2, { loss = 3, score = 4 }) }.step == 2)
            assert(choice.pick { item(1, { loss = 3 }), item(2, { loss = 3, score = 4 }) }.step == 2)
            -- None is within all: the one that misses least, with its misses.
            local least, reasons = choice.pick { item(1, { loss = 3, cut = 1 }), item(2, { loss = 9, cut = 0, silence = 0.9 }), item(3, { loss = 9, cut = 1, silence = 0 }) }
            assert(least.step == 1 or least.step == 2)
            assert(not reasons.all_within and reasons.reasons[1]:find("no checkpoint is within all tolerances", 1, true))
            assert(choice.pick {} == nil)
            """#)
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
        try LuaFixture.check(
            #"""
            local errors, measures = require "opah.audition.errors", require "opah.audition.measures"
            local function near(a, b) assert(math.abs(a - b) < 1e-9, a .. " is not " .. b) end
            near(errors.rates("kitten", "sitting").characters, 3 / 6)
            near(errors.rates("The cat sat.", "the CAT, sat").words, 0)
            near(errors.rates("one two three four", "one three four five").words, 2 / 4)
            near(errors.rates("It's ten", "its ten").words, 0)
            local japanese = errors.rates("港は、静かだ。", "港わ静かだ")
            near(japanese.characters, 1 / 5)
            assert(japanese.words == nil)
            near(errors.rates("ＡＢＣ", "abc").characters, 0)
            near(errors.rates("yes", "").characters, 1)
            assert(errors.rates("...", "x").characters == nil)

            -- The second half says the first again.
            local first = tensor.randint(0, 1000, { 8, 40 }, { dtype = "int32" })
            near(measures.repetition(first), 0)
            near(measures.repetition(tensor.cat({ first, first }, 2)), 0.5)
            near(measures.repetition(tensor.zeros(8, 100, { dtype = "int32" })), 99 / 100)
            near(measures.repetition(tensor.zeros(8, 5, { dtype = "int32" })), 0)

            local tone = (tensor.range(0, 43999) * (2 * math.pi * 220 / 44000)):sin() * 0.5
            near(measures.silence(tone, 44000), 0)
            near(measures.silence(tensor.cat({ tone, tensor.zeros(44000) }, 1), 44000), 0.5)
            near(measures.silence(tensor.zeros(44000), 44000), 1)
            """#)
    }

    func testSharedFigures() throws {
        try LuaFixture.check(
            #"""
            local scripts, statistics = require "opah.scripts", require "opah.statistics"
            local sentences, speaker = require "opah.audition.sentences", require "opah.audition.speaker"
            local list = { 4, 1, 2, 3 }
            assert(statistics.median(list) == 2.5 and list[1] == 4, "the list stays as it is")
            assert(statistics.median { 3, 1, 2 } == 2 and statistics.median {} == nil and statistics.mean {} == nil)
            local middle, deviation = statistics.spread { 10, 11, 9, 10, 12, 900 }
            assert(middle == 10.5 and math.abs(deviation - 1.4826) < 1e-9, "one outlier widens nothing")

            for line, expected in pairs { ["今日は静かです"] = "Japanese", ["Microsoft Teamsの使い方です"] = "Japanese", ["今天很安静"] = "Han", ["안녕"] = "Hangul",
              ["Тихо"] = "Cyrillic", ["Café 12"] = "Latin", ["Καλή μέρα"] = "Greek" } do
              assert(scripts.main((scripts.count(line))) == expected, line)
            end
            assert(select(2, scripts.count("Hi, you 2!")) == 6, "digits are spoken")
            assert(scripts.main((scripts.count("12."))) == nil)

            -- A text without letters is taken for the usual one; a script without sentences has none.
            local seconds, guessed = speaker.expected(nil, "14!")
            assert(guessed and math.abs(seconds - 2 / 14) < 1e-9)
            assert(sentences.language "Japanese" == "ja" and sentences.language "Latin" == "en" and sentences.language "Greek" == nil)
            """#)
    }

    /// The distance is none to the same frames, and grows with the share of frames of somebody else.
    func testDistanceToTheSpeaker() throws {
        try LuaFixture.check(
            #"""
            local features = require "opah.audition.features"
            local reader = features.new { 8, 5, 5, 5 }
            assert(reader.size == 1000 and reader:of(tensor.zeros(8, 3, { dtype = "int32" })):shape()[2] == 32)
            -- Code 999 is the last of each rounding: 7, 4, 4, 4, of halves 4, 2, 2, 2.
            local top = reader:of(tensor.full({ 1, 1 }, 999, { dtype = "int32" }))[1]:totable()
            assert(top[1] == 0.75 and top[2] == 1 and top[3] == 1 and top[4] == 1)
            local one = tensor.randint(0, 400, { 8, 300 }, { dtype = "int32" })
            local other = tensor.randint(600, 1000, { 8, 300 }, { dtype = "int32" })
            local spread = reader:spread(one)
            assert(features.distance(spread, spread) < 1e-6)
            local mixed = reader:spread(tensor.cat({ one, other }, 2))
            assert(features.distance(mixed, spread) > 0.05 and features.distance(reader:spread(other), spread) > features.distance(mixed, spread))
            local added = features.add(spread, reader:spread(other))
            assert(added.frames == 600 and features.distance(added, mixed) < 1e-4)
            """#)
    }
}
