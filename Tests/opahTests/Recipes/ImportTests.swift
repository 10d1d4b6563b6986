import Foundation
import TestSupport
import XCTest

/// `opah run import`: files of each layout as their programs write them, with what is usual and awkward in them.
final class ImportTests: XCTestCase {
    private let alice = OpahProcess.checkout + "/examples/data/Alice/"

    private func write(_ text: String, _ path: String, as encoding: String.Encoding = .utf8) throws {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try XCTUnwrap(text.data(using: encoding)).write(to: URL(fileURLWithPath: path))
    }

    private func clip(_ path: String, _ name: String = "4.80-7.20.wav") throws {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: alice + name, toPath: path)
    }

    private func run(_ folder: TestFolder, _ arguments: String...) throws -> OpahProcess.Result {
        try OpahProcess.run(["run", "import"] + arguments, folder: folder.path)
    }

    private func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Everything below `folder` but the program's own records, sorted.
    private func files(_ folder: String) -> [String] {
        let all = (try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []
        return all.filter { !$0.contains("/.") && !$0.hasPrefix(".") && $0.contains(".") }.sorted()
    }

    private func lua(_ folder: TestFolder, _ code: String) throws -> String {
        let result = try OpahProcess.run(["-e", "local opah = require 'opah' " + code], folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A recording whose sample n (from 0) has the value n / 2^23, exact in 24 bits: a piece tells where it was cut.
    private func ramp(_ folder: TestFolder, _ path: String, seconds: Int = 10, rate: Int = 44100) throws {
        let code =
            "opah.fs.mkdir(opah.fs.dirname('\(path)')) local n = opah.tensor.range(0, \(seconds * rate) - 1, 1, { dtype = 'float32' }) / 8388608 opah.audio.save('\(path)', n, \(rate), { subtype = 'pcm24' })"
        _ = try lua(folder, code)
    }

    /// First sample and length of each piece below `out`, by name.
    private func cuts(_ folder: TestFolder) throws -> [String] {
        let code = """
            for _, p in ipairs(opah.fs.list('out', { recursive = true, extension = { '.wav', '.flac' } })) do
              local s = opah.audio.load(p)
              assert(math.tointeger((s[-1] - s[1]) * 8388608) == #s - 1, 'samples are missing')
              print(math.tointeger(s[1] * 8388608) .. ' ' .. #s)
            end
            """
        return try lua(folder, code).split(separator: "\n").map(String.init)
    }

    // MARK: Lists of clips

    func testLJSpeechWithTwoAndThreeColumns() throws {
        let folder = try TestFolder("lj")
        for name in ["LJ001-0001", "LJ001-0002", "LJ001-0003"] { try clip(folder("LJ/wavs/\(name).wav")) }
        // A byte order mark, CRLF, quotes that mean nothing, commas, an empty third column, a row without a file.
        try write(
            "\u{FEFF}LJ001-0001|Printed in 1455, \"only\"|Printed in fourteen fifty-five, \"only\"\r\nLJ001-0002|one \"open quote|\r\n"
                + "LJ001-0003|two columns\r\nLJ001-0009|not there|not there\r\n", folder("LJ/metadata.csv"))
        let result = try run(folder, "LJ", "out")
        XCTAssertEqual(result.code, 3, result.errors)
        XCTAssertTrue(result.errors.contains("LJ/metadata.csv:4: LJ001-0009: no such file"), result.errors)
        XCTAssertEqual(text(folder("out/LJ/LJ001-0001.lab")), "Printed in fourteen fifty-five, \"only\"")
        XCTAssertEqual(text(folder("out/LJ/LJ001-0002.lab")), "one \"open quote")
        XCTAssertEqual(text(folder("out/LJ/LJ001-0003.lab")), "two columns")
        XCTAssertEqual(
            FileManager.default.contents(atPath: folder("out/LJ/LJ001-0001.wav")),
            FileManager.default.contents(atPath: alice + "4.80-7.20.wav"))
        XCTAssertEqual(files(folder("out")).count, 6)
    }

    func testVITSListsOfTwoToSevenColumns() throws {
        for (line, speaker, words) in [
            ("%@|Two columns, with commas.", "corpus", "Two columns, with commas."),
            ("%@|17|Three columns.", "17", "Three columns."),
            ("%@|花子|JP|四つの列。", "花子", "四つの列。"),
            ("%@|Bob|EN|Seven columns.|S EH V|0 0 1|1 1 1", "Bob", "Seven columns.")
        ] {
            // Paths of the list's own folder, of the current one, of another machine, with backslashes, absolute.
            let folder = try TestFolder("vits")
            try clip(folder("corpus/raw/a b.wav"))
            for path in [
                "raw/a b.wav", "corpus/raw/a b.wav", "/home/someone/data/raw/a b.wav", "D:\\data\\raw\\a b.wav",
                "./raw/a b.wav", folder("corpus/raw/a b.wav")
            ] {
                try write(String(format: line, path) + "\r\n", folder("corpus/train.list"))
                let result = try run(folder, "corpus", "out", "--overwrite")
                XCTAssertEqual(result.code, 0, path + "\n" + result.errors)
                XCTAssertEqual(text(folder("out/\(speaker)/a b.lab")), words, path)
            }
            XCTAssertEqual(files(folder("out")), ["\(speaker)/a b.lab", "\(speaker)/a b.wav"])
        }
    }

    func testCommonVoiceByItsHeader() throws {
        let folder = try TestFolder("cv"), id = String(repeating: "ab12", count: 32)
        for name in ["common_voice_nl_1.mp3", "common_voice_nl_2.mp3", "common_voice_nl_3.mp3"] {
            try clip(folder("nl/clips/\(name)"), "0.00-2.10.mp3")
        }
        // Newer releases have more columns between; quotes as in most releases, and as a spreadsheet writes them.
        try write(
            "client_id\tpath\tsentence_id\tsentence\tup_votes\n\(id)\tcommon_voice_nl_1.mp3\tx\t\"Nee\", zei hij.\t2\n"
                + "\(id)\tcommon_voice_nl_2.mp3\tx\t\"Hij zei: \"\"nee\"\".\"\t2\n\(id)\tcommon_voice_nl_3.mp3\tx\t\t2\n",
            folder("nl/validated.tsv"))
        let result = try run(folder, "nl", "out", "--format", "commonvoice")
        XCTAssertEqual(result.code, 3, result.errors)
        XCTAssertTrue(result.errors.contains("validated.tsv:4: it has no text"), result.errors)
        XCTAssertEqual(text(folder("out/ab12ab12ab12/common_voice_nl_1.lab")), "\"Nee\", zei hij.")
        XCTAssertEqual(text(folder("out/ab12ab12ab12/common_voice_nl_2.lab")), "Hij zei: \"nee\".")
        XCTAssertEqual(files(folder("out")).count, 4)
    }

    func testKaldiWithSegmentsAndWithout() throws {
        let folder = try TestFolder("kaldi")
        try ramp(folder, "rec.wav", rate: 16000)
        try write("rec1 \(folder("rec.wav"))\npiped sox in.wav -t wav - > \(folder("HACKED")) |\n", folder("k/wav.scp"))
        try write(
            "spk1-u1 rec1 1.5 3.25\nspk2-u2 rec1 4.0 -1\nspk2-u3 piped 0 1\nspk2-u4 norec 0 1\n", folder("k/segments"))
        try write("spk1-u1 one two\nspk2-u2  three  four \nspk2-u3 five\nspk2-u4 six\n", folder("k/text"))
        try write("spk1-u1 spk1\nspk2-u2 spk2\nspk2-u3 spk2\n", folder("k/utt2spk"))
        let result = try run(folder, "k", "out", "--padding", "0")
        XCTAssertEqual(result.code, 3, result.errors)
        XCTAssertTrue(result.errors.contains("segments:3: wav.scp has a command, which is not run"), result.errors)
        XCTAssertTrue(result.errors.contains("segments:4: wav.scp has no recording norec"), result.errors)
        XCTAssertNil(text(folder("HACKED")))
        XCTAssertEqual(
            files(folder("out")), ["spk1/spk1-u1.lab", "spk1/spk1-u1.wav", "spk2/spk2-u2.lab", "spk2/spk2-u2.wav"])
        XCTAssertEqual(try cuts(folder), ["24000 28000", "64000 96000"])
        XCTAssertEqual(text(folder("out/spk2/spk2-u2.lab")), "three four")
        // Without segments each recording is an utterance.
        try FileManager.default.removeItem(atPath: folder("k/segments"))
        try write("rec1 all of it\n", folder("k/text"))
        let whole = try run(folder, "k", "whole")
        XCTAssertEqual(whole.code, 3, whole.errors)
        XCTAssertEqual(files(folder("whole")), ["k/rec1.lab", "k/rec1.wav"])
    }

    func testHuggingFaceTablesAndJSONLines() throws {
        let folder = try TestFolder("hf")
        for name in ["a", "b", "c"] { try clip(folder("csv/train/\(name).wav")) }
        try write(
            "\u{FEFF}file_name,transcription,speaker_id\r\na.wav,\"One, \"\"two\"\",\r\nthree\",Ann\r\nb.wav,plain,Ann\r\nc.wav,,Ann\r\n",
            folder("csv/train/metadata.csv"))
        let table = try run(folder, "csv", "out")
        XCTAssertEqual(table.code, 3, table.errors)
        XCTAssertTrue(table.errors.contains("metadata.csv:5: it has no text"), table.errors)
        XCTAssertEqual(text(folder("out/Ann/a.lab")), "One, \"two\", three")
        XCTAssertEqual(text(folder("out/Ann/b.lab")), "plain")

        try clip(folder("lines/clips/d.wav"))
        try write(
            "{\"file_name\": \"clips/d.wav\", \"text\": \"caf\\u00e9\\n\", \"speaker\": 7}\n{\"audio\": {\"path\": \"clips/e.wav\"}, \"text\": \"no\"}\nnot json\n",
            folder("lines/metadata.jsonl"))
        let lines = try run(folder, "lines", "out2")
        XCTAssertEqual(lines.code, 3, lines.errors)
        XCTAssertTrue(
            lines.errors.contains("metadata.jsonl:2: clips/e.wav: no such file")
                && lines.errors.contains("metadata.jsonl:3: not an object of JSON"), lines.errors)
        XCTAssertEqual(text(folder("out2/7/d.lab")), "café")
    }

    /// XTTS's tables part columns by bars, and a quote in them is a quote; VITS's lists lie in `filelists`, with marks of
    /// languages, and paths from the project's folder or from a link that is gone.
    func testTablesOfXTTSAndListsOfVITSProjects() throws {
        let folder = try TestFolder("projects")
        for name in ["a", "b", "c"] { try clip(folder("xtts/wavs/\(name).wav")) }
        try write(
            "audio_file|text|speaker_name\nwavs/a.wav|\"Hello there, he said|Ann\nwavs/b.wav|\"He said \"\"no\"\".\"|Ann\n",
            folder("xtts/metadata_train.csv"))
        try write("audio_file|text|speaker_name\nwavs/c.wav|Yes.|Ann\n", folder("xtts/metadata_eval.csv"))
        let tables = try run(folder, "xtts", "out")
        XCTAssertEqual(tables.code, 0, tables.errors)
        XCTAssertEqual(
            ["a", "b", "c"].map { text(folder("out/Ann/\($0).lab")) },
            ["\"Hello there, he said", "He said \"no\".", "Yes."])

        for name in ["d", "e"] { try clip(folder("vits/raw/\(name).wav")) }
        try write(
            "raw/d.wav|花|[JA]かわいい [JA]\nDUMMY2/e.wav|花|[ZH]你好[ZH][EN]Hello [laughs][EN]\n",
            folder("vits/filelists/train.list"))
        let lists = try run(folder, "vits", "out2")
        XCTAssertEqual(lists.code, 0, lists.errors)
        XCTAssertEqual(text(folder("out2/花/d.lab")), "かわいい")
        XCTAssertEqual(text(folder("out2/花/e.lab")), "你好Hello [laughs]")
    }

    // MARK: Long recordings

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

    // MARK: What holds for all

    func testASecondRunDoesOnlyWhatChanged() throws {
        let folder = try TestFolder("again")
        try ramp(folder, "book.wav")
        func subtitles(_ first: String, at start: String = "00:00:01,000") throws {
            try write(
                "1\n\(start) --> 00:00:02,000\n\(first)\n\n2\n00:00:05,000 --> 00:00:06,000\nTwo.\n", folder("book.srt")
            )
        }
        func stamps() -> [String: UInt64] {
            var result: [String: UInt64] = [:]
            for name in files(folder("out")) {
                var info = stat()
                if stat(folder("out/" + name), &info) == 0 { result[name] = UInt64(info.st_ino) }
            }
            return result
        }
        try subtitles("One.")
        XCTAssertEqual(try run(folder, "book.srt", "out").code, 0)
        let before = stamps()
        XCTAssertEqual(before.count, 4)
        XCTAssertEqual(try run(folder, "book.srt", "out").code, 0)
        XCTAssertEqual(stamps(), before)

        // One text: one label.
        try subtitles("Eins.")
        XCTAssertEqual(try run(folder, "book.srt", "out").code, 0)
        XCTAssertEqual(stamps().filter { before[$0.key] != $0.value }.map(\.key), ["book/book_00000.900-00002.100.lab"])
        XCTAssertEqual(text(folder("out/book/book_00000.900-00002.100.lab")), "Eins.")

        // Other times: another piece, and the old one goes.
        try subtitles("Eins.", at: "00:00:01,500")
        let moved = try run(folder, "book.srt", "out")
        XCTAssertTrue(moved.errors.contains("1 clips of an earlier import removed"), moved.errors)
        XCTAssertEqual(
            files(folder("out")),
            [
                "book/book_00001.400-00002.100.lab", "book/book_00001.400-00002.100.wav",
                "book/book_00004.900-00006.100.lab", "book/book_00004.900-00006.100.wav"
            ])

        // Written by hand: kept, also when the times change.
        try write("Written by hand.", folder("out/book/book_00001.400-00002.100.lab"))
        let kept = try run(folder, "book.srt", "out")
        XCTAssertTrue(kept.errors.contains("changed by hand"), kept.errors)
        try subtitles("Eins.")
        XCTAssertEqual(try run(folder, "book.srt", "out").code, 0)
        XCTAssertEqual(text(folder("out/book/book_00001.400-00002.100.lab")), "Written by hand.")
        XCTAssertNotNil(text(folder("out/book/book_00001.400-00002.100.wav")))

        // Another recording of the same name: every piece is cut again.
        _ = try lua(
            folder, "opah.audio.save('book.wav', opah.tensor.ones(441000) * 0.25, 44100, { subtype = 'pcm24' })")
        let other = try run(folder, "book.srt", "out")
        XCTAssertTrue(other.errors.contains("remade 2 (input changed: 2)"), other.errors)
        XCTAssertEqual(try lua(folder, "print(opah.audio.load('out/book/book_00004.900-00006.100.wav')[1])"), "0.25")
    }

    func testARowTakenOutTakesItsClip() throws {
        let folder = try TestFolder("gone")
        for name in ["a", "b", "c", "d"] { try clip(folder("LJ/wavs/\(name).wav")) }
        func list(_ lines: String) throws { try write(lines, folder("LJ/metadata.csv")) }
        try list("a|One.\nb|Two.\nc|Three.\nd|Four.\n")
        XCTAssertEqual(try run(folder, "LJ", "out").code, 0)
        try write("Drei.", folder("out/LJ/c.lab"))
        try write("not imported", folder("out/LJ/mine.lab"))
        // b is taken out; so is c, whose label somebody wrote; d's recording is away for a while.
        try FileManager.default.removeItem(atPath: folder("LJ/wavs/d.wav"))
        try list("a|One.\nd|Four.\n")
        let result = try run(folder, "LJ", "out")
        XCTAssertEqual(result.code, 3, result.errors)
        XCTAssertTrue(
            result.errors.contains("1 clips of an earlier import removed")
                && result.errors.contains("c.lab: no line asks for it any more; kept"), result.errors)
        XCTAssertEqual(
            files(folder("out")),
            ["LJ/a.lab", "LJ/a.wav", "LJ/c.lab", "LJ/c.wav", "LJ/d.lab", "LJ/d.wav", "LJ/mine.lab"])
        // Another speaker's folder may be somebody's wish: it is named, and stays.
        let other = try run(folder, "LJ", "out", "--speaker", "Ann")
        XCTAssertTrue(other.errors.contains("out/LJ: 3 clips of an earlier import of the same list"), other.errors)
        XCTAssertTrue(files(folder("out")).contains("LJ/a.wav"))
    }

    func testWhatIsThereIsNeverReplaced() throws {
        let folder = try TestFolder("there")
        for corpus in ["one", "two"] {
            try clip(folder("\(corpus)/wavs/x.wav"), corpus == "one" ? "4.80-7.20.wav" : "2.10-4.80.flac")
            try write("x|Text of \(corpus).\n", folder("\(corpus)/metadata.csv"))
        }
        try write("somebody's", folder("out/S/y.lab"))
        XCTAssertEqual(try run(folder, "one", "out", "--speaker", "S").code, 0)
        let sound = FileManager.default.contents(atPath: folder("out/S/x.wav"))
        let second = try run(folder, "two", "out", "--speaker", "S")
        XCTAssertEqual(second.code, 1, second.errors)
        XCTAssertTrue(
            second.errors.contains("was imported from") && second.errors.contains("one/wavs/x.wav"), second.errors)
        XCTAssertEqual(FileManager.default.contents(atPath: folder("out/S/x.wav")), sound)
        XCTAssertEqual(text(folder("out/S/x.lab")), "Text of one.")
        // Nor what nobody knows the origin of.
        try clip(folder("three/wavs/y.wav"))
        try write("y|Other words.\n", folder("three/metadata.csv"))
        let unknown = try run(folder, "three", "out", "--speaker", "S")
        XCTAssertTrue(unknown.errors.contains("no record of what made it"), unknown.errors)
        XCTAssertEqual(text(folder("out/S/y.lab")), "somebody's")
    }

    func testNamesNeverLeaveTheFolder() throws {
        let folder = try TestFolder("names")
        try clip(folder("c/a.wav"))
        try write(
            "a.wav|../../evil|EN|One.\na.wav|/tmp/evil|EN|Two.\na.wav|..|EN|Three.\na.wav|linked|EN|Four.\na.wav|.hidden|EN|Five.\n",
            folder("c/list.list"))
        try FileManager.default.createDirectory(atPath: folder("elsewhere"), withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: folder("out"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: folder("out/linked"), withDestinationPath: folder("elsewhere"))
        let result = try run(folder, "c", "out")
        XCTAssertEqual(result.code, 3, result.errors)
        XCTAssertTrue(
            result.errors.contains("out/linked is a link")
                && result.errors.contains("its speaker's name is no name for a folder"), result.errors)
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder("elsewhere")), [])
        XCTAssertEqual(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted(), ["c", "elsewhere", "out"])
        XCTAssertEqual(
            files(folder("out")).filter { $0.hasSuffix(".lab") && !$0.hasPrefix("linked") },
            ["_.._evil/a.lab", "_tmp_evil/a.lab", "hidden/a.lab"])
    }

    /// Fields of a megabyte, and blanks without end, take no time out of proportion.
    func testLongFieldsOfLists() throws {
        let folder = try TestFolder("long"), blanks = String(repeating: " ", count: 300_000) + "x"
        let words = String(repeating: "a", count: 1_000_000)
        try clip(folder("lj/wavs/one.wav"))
        try write("one\(blanks)|b\ntwo|\(words)|\(words)\none|\(words)\n", folder("lj/metadata.csv"))
        try write("one\(blanks)y|S|b\n", folder("vits/list.txt"))
        try write("one one\(blanks)y\n", folder("kaldi/wav.scp"))
        try write("one a\(blanks)\n", folder("kaldi/text"))
        let began = Date()
        for (source, code) in [("lj", 3), ("vits/list.txt", 1), ("kaldi", 1)] as [(String, Int32)] {
            XCTAssertEqual(try run(folder, source, "out").code, code, source)
        }
        XCTAssertLessThan(Date().timeIntervalSince(began), 60)
        // Times that no recording has are told in few digits.
        try ramp(folder, "in/one.wav")
        try write("0.1\t1e300\tfirst words\n2.0\t3.0\tsecond\n", folder("in/one.txt"))
        let result = try run(folder, "in", "out2", "--format", "audacity")
        XCTAssertTrue(result.errors.contains("it ends at 1e+300 s"), result.errors)
    }

    func testTwoOfOneNameAreToldApart() throws {
        let folder = try TestFolder("twins")
        try clip(folder("c/one/x.wav"))
        try clip(folder("c/two/x.wav"), "4.80-7.20.wav")
        try write(
            "one/x.wav|S|EN|First.\ntwo/x.wav|S|EN|Second.\none/x.wav|S|EN|First.\none/x.wav|S|EN|Something else.\n",
            folder("c/l.list"))
        let result = try run(folder, "c", "out")
        XCTAssertEqual(result.code, 3, result.errors)
        XCTAssertEqual(text(folder("out/S/x.lab")), "First.")
        XCTAssertEqual(text(folder("out/S/two_x.lab")), "Second.")
        XCTAssertTrue(
            result.errors.contains("l.list:4: x would be the name of this one and of c/l.list:1"), result.errors)
        XCTAssertTrue(result.errors.contains("1 lines are there twice in the same words"), result.errors)
    }

    func testPlanEventsAndWrongUsage() throws {
        let folder = try TestFolder("plan")
        try clip(folder("LJ/wavs/a.wav"))
        try write("a|Words.\nb|None.\n", folder("LJ/metadata.csv"))
        let plan = try OpahProcess.run(["check", "import", "LJ", "out"], folder: folder.path)
        XCTAssertEqual(plan.code, 0, plan.errors)
        XCTAssertTrue(
            (plan.output + plan.errors).contains("ljspeech: 1 clips")
                && (plan.output + plan.errors).contains("1 entries would be skipped"), plan.output + plan.errors)
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("out")))
        let json = try run(folder, "LJ", "out", "--json")
        let last = try XCTUnwrap(json.errors.split(separator: "\n").last)
        XCTAssertTrue(
            last.contains("\"event\"") && last.contains("\"result\"") && last.contains("\"ljspeech\"")
                && last.contains("\"exit_code\""), String(last))
        XCTAssertEqual(try run(folder, "LJ", "LJ/out").code, 1)
        XCTAssertEqual(try run(folder, "LJ", "out", "--format", "nothing").code, 2)
        let strange = try run(folder, "out/LJ/a.wav", "x")
        XCTAssertEqual(strange.code, 1)
        XCTAssertTrue(
            strange.errors.contains("nothing that import knows") && strange.errors.contains("textgrid"), strange.errors)
    }
}
