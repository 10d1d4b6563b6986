import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// `generate --input`: a long text is spoken piece by piece, goes on where it was stopped, and one piece can be spoken
/// again.
final class LongTextTests: XCTestCase {
    private static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"
    private static let codec = ["--vq-checkpoint-path", tiny + "/codec.pth", "--vq-config-name", tiny + "/codec.lua"]

    private func arguments(_ input: String, _ more: [String], frames: Int = 6) -> [String] {
        [
            "run", "generate", "--checkpoint-path", Self.tiny, "--input", input, "--output", "out", "--max-new-tokens",
            "\(frames)", "--min-frames", "\(frames)"
        ] + Self.codec + more
    }

    private func speak(_ folder: TestFolder, _ input: String, _ more: String...) throws -> OpahProcess.Result {
        try OpahProcess.run(arguments(input, more), folder: folder.path)
    }

    private func write(_ text: String, _ path: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    /// The pieces as pieces.json tells them: text and the time of change of their codes.
    private func pieces(_ folder: TestFolder, _ stem: String) throws -> [(text: String, seed: Int, stamp: String)] {
        let path = folder("out/\(stem).pieces/")
        let told = try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path + "pieces.json")))
                as? [String: Any])
        return try XCTUnwrap(told["pieces"] as? [[String: Any]]).map { piece in
            var info = stat()
            XCTAssertEqual(stat(path + "\(piece["name"]!).npy", &info), 0)
            return (
                piece["text"] as? String ?? "", piece["seed"] as? Int ?? 0,
                "\(info.st_ino) \(info.st_mtim.tv_sec) \(info.st_mtim.tv_nsec)"
            )
        }
    }

    func testABookIsSpokenOnceAndOnlyWhatChangedAgain() throws {
        let folder = try TestFolder("book")
        try write(
            "The boats came home early. Nobody had seen the storm.\n\nAt noon the square was full of people.\n",
            folder("book.txt"))
        let first = try speak(folder, "book.txt")
        XCTAssertEqual(first.code, 0, first.errors)
        XCTAssertTrue(first.errors.contains("3 pieces spoken"), first.errors)
        let before = try pieces(folder, "book")
        XCTAssertEqual(
            before.map(\.text),
            ["The boats came home early.", "Nobody had seen the storm.", "At noon the square was full of people."])
        // 6 frames of 2048 samples each, 0.3 s and 0.8 s between them.
        let samples = try OpahProcess.run(
            ["-e", "print(require('opah').audio.info('out/book.wav').frames)"], folder: folder.path)
        XCTAssertEqual(samples.output, "\(3 * 6 * 2048 + 13230 + 35280)\n", samples.errors)
        let subtitles = try String(contentsOfFile: folder("out/book.srt"), encoding: .utf8)
        XCTAssertTrue(
            subtitles.hasPrefix("1\n00:00:00,000 --> 00:00:00,279\nThe boats came home early.\n\n2\n00:00:00,579 --> "),
            subtitles)
        XCTAssertTrue(
            try String(contentsOfFile: folder("out/book.vtt"), encoding: .utf8).hasPrefix(
                "WEBVTT\n\n1\n00:00:00.000 --> 00:00:00.279\n"))

        XCTAssertEqual(try speak(folder, "book.txt").code, 0)
        XCTAssertEqual(try pieces(folder, "book").map(\.stamp), before.map(\.stamp), "nothing is spoken twice")

        // A sentence in between: the others are those that there were.
        try write(
            "The boats came home early. A new sentence stands here. Nobody had seen the storm.\n\nAt noon the square was full of people.\n",
            folder("book.txt"))
        XCTAssertEqual(try speak(folder, "book.txt").code, 0)
        var now = try pieces(folder, "book")
        XCTAssertEqual(now.count, 4)
        XCTAssertEqual([now[0], now[2], now[3]].map(\.stamp), before.map(\.stamp))

        // One again: it alone changes, and stays as it was chosen when the whole is spoken with the seed of the rest.
        let whole = now
        let again = try speak(folder, "book.txt", "--again", "3", "--seed", "5")
        XCTAssertEqual(again.code, 0, again.errors)
        now = try pieces(folder, "book")
        XCTAssertEqual(now.map(\.seed), [42, 42, 5, 42])
        XCTAssertNotEqual(now[2].stamp, whole[2].stamp)
        XCTAssertEqual([0, 1, 3].map { now[$0].stamp }, [0, 1, 3].map { whole[$0].stamp })
        XCTAssertEqual(try speak(folder, "book.txt").code, 0)
        XCTAssertEqual(try pieces(folder, "book").map(\.stamp), now.map(\.stamp))
        let same = try speak(folder, "book.txt", "--again", "3", "--seed", "5")
        XCTAssertEqual(same.code, 2)
        XCTAssertTrue(same.errors.contains("give another --seed"), same.errors)
        XCTAssertEqual(try speak(folder, "book.txt", "--again", "9").code, 2)

        // Other settings are another reading of all.
        XCTAssertEqual(try speak(folder, "book.txt", "--temperature", "0.3").code, 0)
        XCTAssertTrue(zip(try pieces(folder, "book"), now).allSatisfy { $0.stamp != $1.stamp })
    }

    /// Subtitles often lie beside their recording: it is not the place for a spoken one.
    func testWhatSomethingElseWroteIsNotReplaced() throws {
        let folder = try TestFolder("foreign")
        try write("The boats came home early.\n", folder("talk.txt"))
        try FileManager.default.createDirectory(atPath: folder("out"), withIntermediateDirectories: true)
        try write("a recording", folder("out/talk.wav"))
        let refused = try speak(folder, "talk.txt")
        XCTAssertEqual(refused.code, 1)
        XCTAssertTrue(
            refused.errors.contains("talk.wav: there already") && refused.errors.contains("--sound"), refused.errors)
        XCTAssertEqual(try String(contentsOfFile: folder("out/talk.wav"), encoding: .utf8), "a recording")
        XCTAssertEqual(try speak(folder, "talk.txt", "--overwrite").code, 0)
        XCTAssertEqual(try speak(folder, "talk.txt").code, 0, "its own it replaces")
    }

    func testAStoppedRunGoesOn() throws {
        let folder = try TestFolder("stopped")
        try write(
            (1 ... 30).map { "This is the sentence of number \($0) in a long row." }.joined(separator: "\n"),
            folder("long.txt"))
        let started = try OpahProcess.start(arguments("long.txt", [], frames: 60), folder: folder.path)
        let list = folder("out/long.pieces/pieces.json"), deadline = Date(timeIntervalSinceNow: 120)
        while !FileManager.default.fileExists(atPath: list), Date() < deadline { usleep(20_000) }
        started.process.interrupt()
        let stopped = started.finish()
        XCTAssertEqual(stopped.code, 130, stopped.errors)
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("out/long.wav")))
        let before = try pieces(folder, "long")
        XCTAssertTrue((1 ..< 30).contains(before.count), "\(before.count)")
        let rest = try OpahProcess.run(arguments("long.txt", [], frames: 60), folder: folder.path)
        XCTAssertEqual(rest.code, 0, rest.errors)
        let after = try pieces(folder, "long")
        XCTAssertEqual(after.count, 30)
        XCTAssertEqual(after.prefix(before.count).map(\.stamp), before.map(\.stamp))
    }

    func testFormsOfSoundAndTimesOfSubtitles() throws {
        let folder = try TestFolder("forms")
        try write(
            "1\r\n00:00:01,000 --> 00:00:02,000\r\n<i>Hello</i> there\r\nagain.\r\n\r\n2\r\n00:00:01,100 --> 00:00:02,000\r\nGood bye now.\r\n\r\n3\r\n00:00:04,500 --> 00:00:05,000\r\nThe end.\r\n",
            folder("a.srt"))
        let spoken = try speak(folder, "a.srt", "--sound", "out/a.ogg", "--loudness", "-20")
        XCTAssertEqual(spoken.code, 0, spoken.errors)
        XCTAssertTrue(spoken.errors.contains("1 cues begin later than their times"), spoken.errors)
        let times = try String(contentsOfFile: folder("out/a.srt"), encoding: .utf8).split(separator: "\n").filter {
            $0.contains("-->")
        }
        XCTAssertEqual(
            times, ["00:00:01,000 --> 00:00:01,279", "00:00:01,279 --> 00:00:01,557", "00:00:04,500 --> 00:00:04,779"])
        for ending in ["opus", "mp3", "flac"] {
            let again = try speak(folder, "a.srt", "--sound", "out/a." + ending)
            XCTAssertEqual(again.code, 0, again.errors)
            let info = try OpahProcess.run(
                ["-e", "local i = require('opah').audio.info('out/a.\(ending)') print(('%.1f'):format(i.duration))"],
                folder: folder.path)
            XCTAssertEqual(info.output, "4.8\n", "\(ending): \(info.errors)")
        }
        for (more, says) in [
            (["--sound", "a.m4a"], "cannot be written"), (["--text", "x"], "leave out --text"),
            (["--num-samples", "2"], "spoken once")
        ] {
            let wrong = try OpahProcess.run(arguments("a.srt", more), folder: folder.path)
            XCTAssertEqual(wrong.code, 2)
            XCTAssertTrue(wrong.errors.contains(says), wrong.errors)
        }
        let alone = try OpahProcess.run(
            ["run", "generate", "--text", "x", "--again", "2", "--checkpoint-path", Self.tiny], folder: folder.path)
        XCTAssertEqual(alone.code, 2)
        let planned = try OpahProcess.run(["check"] + arguments("a.srt", []).dropFirst(), folder: folder.path)
        XCTAssertEqual(planned.code, 0, planned.errors)
        XCTAssertTrue(planned.output.contains("about 18 frames"), planned.output)
    }

    /// One reader for speaking and for cutting; what is no cue is told, with its line.
    func testSubtitlesAreReadAndWritten() throws {
        try LuaFixture.check(
            #"""
            local subtitles = require "opah.subtitles"
            local function read(content)
              local lines = {}
              for i, cue in ipairs(subtitles.read(content)) do
                lines[i] = ("%d %s %s %s"):format(cue.line, cue.first or "-", cue.speaker or "-", cue.problem or cue.text)
              end
              return table.concat(lines, "|")
            end
            local function same(a, b) assert(a == b, a) end
            same(read("1\n1:00:01,5 --> 1:00:02,5\none\n\na lost line\nand more\n\n2\n\n00:05.0 --> 00:06.0\ntwo\nlines\n"),
              "2 3601.5 - one|5 - - text without times: a lost line|10 5.0 - two lines")
            same(read("WEBVTT\nmore: 1\n\nNOTE\nno --> cue\n\nname\n00:01.000 --> 00:02.000 align:start\n<v Ann>1 &lt; 2\n"), "8 1.0 Ann 1 < 2")
            same(read("1\n00:00:0x,0 --> 00:00:02,000\nx\n"), "2 - - no times: 00:00:0x,0 --> 00:00:02,000")
            same(read(""), "")
            local cues = { { first = 0, last = 1.25, text = "a & b" }, { first = 3600, last = 3601, text = "<c>" } }
            for i, cue in ipairs(subtitles.read(subtitles.vtt(cues))) do
              assert(cue.first == cues[i].first and cue.last == cues[i].last and cue.text == cues[i].text, cue.text)
            end
            fs.write(folder .. "/a.srt", "2\n00:00:03,000 --> 00:00:04,000\nLater.\n\n1\n00:00:01,000 --> 00:00:02,000\nFirst.\n\nLost.\n")
            local pieces, notes = require("opah.speech.book").pieces(folder .. "/a.srt", { sentence = 0, paragraph = 0, heading = 0 }, {})
            assert(pieces[1].text == "First." and pieces[1].at == 1 and pieces[2].text == "Later.")
            same(notes[1], "1 blocks are no cues and are not spoken: line 9: text without times: Lost.")
            """#)
    }

    func testSentencesParagraphsAndMarks() throws {
        try LuaFixture.check(
            #"""
            local book, sentences = require "opah.speech.book", require "opah.speech.sentences"
            local function same(text, ...)
              local found, wanted = sentences.split(text), { ... }
              assert(table.concat(found, "|") == table.concat(wanted, "|"), table.concat(found, "|"))
            end
            same("Dr. Smith paid 3.50 dollars. J. R. Jones did not!", "Dr. Smith paid 3.50 dollars.", "J. R. Jones did not!")
            same('"Was it late?" she asked. It was... very late. Yes.', '"Was it late?" she asked.', "It was... very late. Yes.")
            same("No. It is the third of them.", "No. It is the third of them.")
            same("港は静かだった。「はい、そうです。」と言った。「行こう。」「いいよ。」", "港は静かだった。", "「はい、そうです。」と言った。", "「行こう。」", "「いいよ。」")
            same("   ")
            same("no end of it at all", "no end of it at all")

            local pauses = { sentence = 1, paragraph = 2, heading = 3 }
            local function pieces(name, content, replacements)
              fs.write(folder .. "/" .. name, content)
              local list, notes = book.pieces(folder .. "/" .. name, pauses, replacements)
              local out = {}
              for i, piece in ipairs(list) do out[i] = ("%g %s"):format(piece.pause, piece.text) end
              return table.concat(out, "|"), notes, list
            end
            local text, notes = pieces("a.md", "---\ntitle: x\n---\n# The *first* part\n\nOne [link here](http://x.y) stands.\nAnd `more` text follows.\n\n"
              .. "```lua\nprint(1)\n```\n\n![picture](a.png)\n\n- an item of it\n- **another** item\n\nUnderlined\n----------\n> a quoted thought\n\n***\n")
            assert(text == "0 The first part|3 One link here stands.|1 And more text follows.|2 an item of it|2 another item|3 Underlined|3 a quoted thought", text)
            assert(#notes == 1 and notes[1] == "1 blocks of code are not spoken", notes[1])
            text = pieces("b.txt", "\u{FEFF}　私は\r\n行った。\r\n\r\n　次の段落だ。\r\n\r\n* * *\r\n")
            assert(text == "0 私は行った。|2 次の段落だ。", text)
            text = pieces("c.txt", "Every line is one.\nThere is no empty line.\n")
            assert(text == "0 Every line is one.|2 There is no empty line.", text)
            fails("usage", "nothing to say", pieces, "d.txt", "...\n\n!!!\n")
            fails("usage", "not UTF-8", pieces, "e.txt", "caf\xe9")
            """#)
    }

    func testPronunciation() throws {
        try LuaFixture.check(
            #"""
            local pronunciation = require "opah.speech.pronunciation"
            local function read(content)
              fs.write(folder .. "/p.txt", content)
              return pronunciation.read(folder .. "/p.txt")
            end
            local list = read("# words\r\ncat = kat\nNASA\tnassa\n3.14 = three point one four\ncategory = cattagory\n東京=とうきょう\nC++ = see plus plus\n")
            local function said(text, wanted)
              local found = pronunciation.apply(list, text)
              assert(found == wanted, found)
            end
            said("Cat, CAT and a cat; concat and cats stay, a category goes.", "kat, kat and a kat; concat and cats stay, a cattagory goes.")
            said("NASA and nasa, 3.14 but 13.14 and 3.141.", "nassa and nasa, three point one four but 13.14 and 3.141.")
            said("東京都と東京", "とうきょう都ととうきょう")
            said("C++ is C+++", "see plus plus is see plus plus+")
            said("café-cat", "café-kat")
            fails("usage", "line 2", read, "a = b\nnothing here\n")
            fails("usage", "said otherwise", read, "a = b\na = c\n")
            assert(pronunciation.readings("｜東京《とうきょう》の港《みなと》と「引用」《x》") == "とうきょうのみなとと「引用」《x》", pronunciation.readings("｜東京《とうきょう》の港《みなと》と「引用」《x》"))
            assert(pronunciation.shown("｜東京《とうきょう》の港《みなと》") == "東京の港")
            """#)
    }
}
