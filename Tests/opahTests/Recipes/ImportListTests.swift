import Foundation
import TestSupport
import XCTest

/// `opah run import` of lists of clips, as their programs write them, with what is usual and awkward in them.
final class ImportListTests: ImportCase {
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
}
