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

    /// A text without a stop, one of nothing but stops, and words without end are cut in time that grows with them.
    /// A text whose paragraphs are lines of any length, or one line alone.
    func testLinesOfAnyLength() throws {
        let code = """
            local opah, book = require "opah", require "opah.speech.book"
            local pauses, began = { sentence = 0.1, paragraph = 1, heading = 2 }, os.clock()
            local function pieces(text)
              opah.fs.write("x.txt", text)
              return book.pieces("x.txt", pauses)
            end
            assert(#pieces(("x"):rep(400000)) == 1)
            assert(#pieces(("Nobody said a word there. "):rep(4000)) == 4000)
            assert(os.clock() - began < 20, "it takes " .. os.clock() - began .. " s")
            -- Lines are paragraphs where no line is empty between two of them, whatever stands around.
            local first = pieces "\\n \\nIt was a long day.\\nNobody was there.\\n\\n"
            assert(#first == 2 and first[2].pause == 1)
            local second = pieces "It was a long\\nday for all.\\n \\nNobody was there."
            assert(#second == 2 and second[1].text == "It was a long day for all.")
            """
        let folder = try TestFolder("lines")
        let ran = try OpahProcess.run(["-e", code], folder: folder.path)
        XCTAssertEqual(ran.code, 0, ran.errors)
    }

    func testSentencesOfAnyLength() throws {
        let code = """
            local split = require("opah.speech.sentences").split
            local began = os.clock()
            assert(#split(("x "):rep(500000)) == 1)
            assert(#split(("! "):rep(50000)) > 10)
            assert(#split(("x"):rep(200000) .. ". " .. ("Y"):rep(200000) .. " a. B") >= 2)
            assert(os.clock() - began < 20, "it takes " .. os.clock() - began .. " s")
            assert(table.concat(split("Mr. Long came at 3. He said “No!” and left. Then… he slept."), "|")
              == "Mr. Long came at 3.|He said “No!” and left.|Then… he slept.")
            """
        let ran = try OpahProcess.run(["-e", code])
        XCTAssertEqual(ran.code, 0, ran.errors)
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
        try LuaFixture.check(.file("subtitles_are_read_and_written"))
    }

    func testSentencesParagraphsAndMarks() throws {
        try LuaFixture.check(.file("sentences_paragraphs_and_marks"))
    }

    func testMarkdownWithoutAnEnd() throws {
        try LuaFixture.check(.file("markdown_without_an_end"))
    }

    func testPronunciation() throws {
        try LuaFixture.check(.file("pronunciation"))
    }
}
