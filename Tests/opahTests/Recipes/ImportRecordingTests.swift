import Foundation
import TestSupport
import XCTest

/// `opah run import` of long recordings, cut by subtitles, labels and TextGrids as their programs write them.
final class ImportRecordingTests: ImportCase {
    func testSubtitlesAreCutToTheSample() throws {
        let folder = try TestFolder("srt")
        try ramp(folder, "chapter.wav")
        // CRLF, marks, an entity, a dash, accents, a missing empty line, an overlap, a cue beyond the end.
        try write(
            "\u{FEFF}1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Good</i> morning,\r\n{\\an8}Anna &amp; Tom.\r\n\r\n2\r\n00:00:02,560 --> 00:00:03,000\r\n– Oui, même ça. ♪\r\n3\r\n"
                + "00:00:04,000 --> 00:00:05,000\r\none\r\n\r\n4\r\n00:00:04,500 --> 00:00:06,000\r\nover it\r\n\r\n5\r\n00:00:30,000 --> 00:00:31,000\r\nfar\r\n",
            folder("chapter.en.srt"))
        let result = try run(folder, "chapter.en.srt", "out")
        XCTAssertEqual(result.code, 3, result.errors)
        XCTAssertTrue(
            result.errors.contains("chapter.en.srt:10: it overlaps the cue at 4.500 s")
                && result.errors.contains("chapter.en.srt:14: it overlaps the cue at 4.000 s"), result.errors)
        XCTAssertTrue(
            result.errors.contains("chapter.en.srt:18: it begins at 30.000 s, and the recording ends at 10.000 s"),
            result.errors)
        // 0.1 s of padding, but only half of the 60 ms to the next cue: none of it is in both.
        XCTAssertEqual(try cuts(folder), ["39690 71883", "111573 25137"])
        let labels = files(folder("out")).filter { $0.hasSuffix(".lab") }
        XCTAssertEqual(labels.map { text(folder("out/" + $0)) }, ["Good morning, Anna & Tom.", "Oui, même ça."])
    }

    func testWebVTTHasNotesStylesAndVoices() throws {
        let folder = try TestFolder("vtt")
        try ramp(folder, "talk.wav")
        try write(
            "WEBVTT - talk\n\nSTYLE\n::cue { color: red }\n\nNOTE a remark\nof two lines\n\nintro\n00:01.000 --> 00:02.000 align:start position:0%\n<v Ann Lee><c.yellow>Hello</c> <00:01.500>there.\n\n00:00:05.000 --> 00:00:06.000\nNo voice.\n",
            folder("talk.vtt"))
        let result = try run(folder, "talk.vtt", "out", "--padding", "0.25", "--suffix", ".flac")
        XCTAssertEqual(result.code, 0, result.errors)
        XCTAssertEqual(
            files(folder("out")),
            [
                "Ann Lee/talk_00000.750-00002.250.flac", "Ann Lee/talk_00000.750-00002.250.lab",
                "talk/talk_00004.750-00006.250.flac", "talk/talk_00004.750-00006.250.lab"
            ])
        XCTAssertEqual(text(folder("out/Ann Lee/talk_00000.750-00002.250.lab")), "Hello there.")
        XCTAssertEqual(try cuts(folder), ["33075 66150", "209475 66150"])
    }

    /// As YouTube's recogniser writes them: every line is shown twice more, and a line of a space is no end of a cue.
    func testCaptionsThatRollSayEachLineOnce() throws {
        let folder = try TestFolder("rolling")
        try ramp(folder, "talk.wav")
        try write(
            "WEBVTT\nKind: captions\nLanguage: en\n\n00:00:01.000 --> 00:00:02.990 align:start position:0%\n \nall<00:00:01.320><c> right</c>\n\n"
                + "00:00:02.990 --> 00:00:03.000 align:start position:0%\nall right\n \n\n"
                + "00:00:03.000 --> 00:00:04.990 align:start position:0%\nall right\nhere<00:00:03.240><c> we</c>\n\n"
                + "00:00:04.990 --> 00:00:05.000 align:start position:0%\nhere we\n \n\n"
                + "00:00:05.000 --> 00:00:06.000 align:start position:0%\nhere we\ngo\n\n", folder("talk.en.vtt"))
        let result = try run(folder, "talk.en.vtt", "out")
        XCTAssertEqual(result.code, 0, result.errors)
        let labels = files(folder("out")).filter { $0.hasSuffix(".lab") }
        XCTAssertEqual(labels.map { text(folder("out/" + $0)) }, ["all right", "here we", "go"])
        // Said twice, in subtitles that do not roll.
        try write(
            "1\n00:00:01,000 --> 00:00:02,000\nNo.\n\n2\n00:00:02,000 --> 00:00:03,000\nNo.\n\n3\n00:00:04,000 --> 00:00:05,000\nYes.\n",
            folder("talk.srt"))
        XCTAssertEqual(try run(folder, "talk.srt", "twice").code, 0)
        XCTAssertEqual(files(folder("twice")).count, 6)
    }

    func testAudacityLabels() throws {
        let folder = try TestFolder("audacity")
        try ramp(folder, "in/one.wav")
        try write(
            "0.500000\t1.250000\tfirst words\n\\\t100.0\t4000.0\n2.000011\t3.000000\tsecond, words\n4.000000\t4.000000\tmark\n5.0\t6.0\t\n",
            folder("in/one.txt"))
        let result = try run(folder, "in", "out", "--format", "audacity", "--padding", "0")
        XCTAssertEqual(result.code, 3, result.errors)
        XCTAssertTrue(result.errors.contains("one.txt:4: from 4.000 to 4.000 s there is nothing"), result.errors)
        XCTAssertTrue(result.errors.contains("1 stretches without text are left out"), result.errors)
        XCTAssertEqual(try cuts(folder), ["22050 33075", "88200 44100"])
        // A decimal comma, as some systems write it.
        try write("0,5\t1,25\tfirst words\n", folder("in/one.txt"))
        XCTAssertEqual(try run(folder, "in/one.txt", "comma", "--padding", "0").code, 0)
        XCTAssertEqual(files(folder("comma")).count, 2)
    }

    private static let grid = """
        File type = "ooTextFile"
        Object class = "TextGrid"

        xmin = 0
        xmax = 10
        tiers? <exists>
        size = 3
        item []:
            item [1]:
                class = "IntervalTier"
                name = "words"
                xmin = 0
                xmax = 10
                intervals: size = 3
                intervals [1]:
                    xmin = 0
                    xmax = 1
                    text = "sil"
                intervals [2]:
                    xmin = 1
                    xmax = 2.5
                    text = "she said ""é""
        twice"
                intervals [3]:
                    xmin = 2.5
                    xmax = 10
                    text = ""
            item [2]:
                class = "TextTier"
                name = "points"
                xmin = 0
                xmax = 10
                points: size = 1
                points [1]:
                    number = 1.5
                    mark = "x"
            item [3]:
                class = "IntervalTier"
                name = "Bob"
                xmin = 0
                xmax = 10
                intervals: size = 1
                intervals [1]:
                    xmin = 6
                    xmax = 7
                    text = "yes"

        """

    func testTextGridsLongAndShortInAnyEncoding() throws {
        let short =
            "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n0\n10\n<exists>\n1\n\"IntervalTier\"\n\"words\"\n0\n10\n2\n0\n1\n\"\"\n1\n2.5\n\"she said \"\"é\"\" twice\"\n"
        for (content, encoding) in [
            (Self.grid, String.Encoding.utf8), (Self.grid, .utf16), (Self.grid, .utf16BigEndian), (short, .utf8),
            (short.replacingOccurrences(of: "\n", with: "\r\n"), .utf16)
        ] {
            let folder = try TestFolder("grid")
            try ramp(folder, "a.wav")
            // Praat marks UTF-16 of either order.
            try write(encoding == .utf16BigEndian ? "\u{FEFF}" + content : content, folder("a.TextGrid"), as: encoding)
            let result = try run(folder, "a.TextGrid", "out", "--tier", "words", "--padding", "0")
            XCTAssertEqual(result.code, 0, result.errors)
            XCTAssertEqual(files(folder("out")), ["a/a_00001.000-00002.500.lab", "a/a_00001.000-00002.500.wav"])
            XCTAssertEqual(text(folder("out/a/a_00001.000-00002.500.lab")), "she said \"é\" twice")
            XCTAssertEqual(try cuts(folder), ["44100 66150"])
        }
    }

    func testTiersAreChosenAndMayBeSpeakers() throws {
        let folder = try TestFolder("tiers")
        try ramp(folder, "a.wav")
        try write(Self.grid, folder("a.TextGrid"))
        let unsure = try run(folder, "a.TextGrid", "out")
        XCTAssertEqual(unsure.code, 1, unsure.errors)
        XCTAssertTrue(
            unsure.errors.contains("it has the tiers words, Bob") && unsure.errors.contains("--tier words"),
            unsure.errors)
        XCTAssertEqual(try run(folder, "a.TextGrid", "out", "--tier", "words", "--tier", "Bob").code, 0)
        XCTAssertEqual(
            files(folder("out")).filter { $0.hasSuffix(".lab") },
            ["Bob/a_00005.900-00007.100.lab", "words/a_00000.900-00002.600.lab"])
        // Cut short, and not a TextGrid at all: told, and nothing written.
        for broken in [
            String(Self.grid.prefix(500)), "\"ooTextFile\" \"TextGrid\" 0 10 <exists> 99999999 \"IntervalTier\"", ""
        ] {
            try write(broken, folder("a.TextGrid"))
            let result = try run(folder, "a.TextGrid", "none", "--tier", "words")
            XCTAssertEqual(result.code, 1, result.errors)
            XCTAssertEqual(files(folder("none")), [])
        }
    }
}
