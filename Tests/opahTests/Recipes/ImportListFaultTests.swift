import Foundation
import TestSupport
import XCTest

/// Lists that other programs or hands wrote wrong: what a row lost, or took from the next one, is listed with its line, and
/// no text is imported that is not the one of its clip.
final class ImportListFaultTests: ImportCase {
    private func corpus(_ list: String, _ name: String) throws -> TestFolder {
        let folder = try TestFolder("list-faults")
        for clip in ["a", "b", "c"] { try self.clip(folder("c/\(clip).wav")) }
        try write(list, folder("c/" + name))
        return folder
    }

    private func labels(_ folder: TestFolder) -> [String] {
        files(folder("out")).filter { $0.hasSuffix(".lab") }.map { "\($0): \(text(folder("out/" + $0)) ?? "")" }
    }

    /// A comma in a text without quotes would cut it, and make what follows the speaker.
    func testARowWithMoreColumnsThanTheHeader() throws {
        let folder = try corpus(
            "file_name,text,speaker\na.wav,Hello, friend,S\nb.wav,Fine,S,\nc.wav,\"Well, yes\",S\n", "metadata.csv")
        let result = try run(folder, "c", "out")
        XCTAssertEqual(result.code, 3, result.errors)
        XCTAssertTrue(result.errors.contains("metadata.csv:2: 4 columns, and the header has 3"), result.errors)
        XCTAssertEqual(labels(folder), ["S/b.lab: Fine", "S/c.lab: Well, yes"])
        // With tabs as well, as Common Voice has them.
        let tabs = try corpus(
            "client_id\tpath\tsentence\nx\ta.wav\tHello\tfriend\nx\tb.wav\tFine\t\n", "validated.tsv")
        let voice = try run(tabs, "c", "out")
        XCTAssertEqual(voice.code, 3, voice.errors)
        XCTAssertTrue(voice.errors.contains("validated.tsv:2: 4 columns"), voice.errors)
        XCTAssertEqual(labels(tabs), ["x/b.lab: Fine"])
    }

    /// A quote that was forgotten would take the rows up to the next one into a text.
    func testAQuoteThatDoesNotClose() throws {
        let folder = try corpus("file_name,text\na.wav,\"one\nb.wav,\"two\"\nc.wav,three\n", "metadata.csv")
        let result = try run(folder, "c", "out")
        XCTAssertEqual(result.code, 3, result.errors)
        XCTAssertTrue(
            result.errors.contains("the quote that opens in line 2 closes within a field of line 3"), result.errors)
        XCTAssertEqual(labels(folder), ["c/c.lab: three"])
        let open = try corpus("file_name,text\na.wav,one\nb.wav,\"two\nc.wav,three\n", "metadata.csv")
        let end = try run(open, "c", "out")
        XCTAssertEqual(end.code, 3, end.errors)
        XCTAssertTrue(end.errors.contains("metadata.csv:3: the quote that opens in line 3 never closes"), end.errors)
        XCTAssertEqual(labels(open), ["c/a.lab: one"])
        // Over two lines, as the form has it.
        let whole = try corpus("file_name,text\na.wav,\"one\ntwo\"\nb.wav,\"say \"\"no\"\"\"\n", "metadata.csv")
        XCTAssertEqual(try run(whole, "c", "out").code, 0)
        XCTAssertEqual(labels(whole), ["c/a.lab: one two", "c/b.lab: say \"no\""])
    }

    func testColumnsOfOneNameAndObjectsThatAreNone() throws {
        let twice = try corpus("file_name,text,text\na.wav,one,two\n", "metadata.csv")
        let result = try run(twice, "c", "out")
        XCTAssertEqual(result.code, 1)
        XCTAssertTrue(result.errors.contains("the header has two columns text"), result.errors)
        let lines = try corpus(
            "{\"file_name\": [\"a\"], \"text\": \"x\"}\n[1]\n", "metadata.jsonl")
        let none = try run(lines, "c", "out")
        XCTAssertTrue(none.errors.contains("metadata.jsonl:2: not an object of JSON"), none.errors)
        XCTAssertTrue(none.errors.contains("metadata.jsonl:1: the list names no recording"), none.errors)
    }

    /// Two lines of one name that say different things, and texts that nothing else knows of.
    func testKaldiListsThatDoNotAgree() throws {
        let folder = try TestFolder("kaldi-faults")
        for name in ["a", "b", "c"] { try clip(folder("k/\(name).wav")) }
        try write("u1 a.wav\nu2 b.wav\nu3 c.wav\nu3 a.wav\n", folder("k/wav.scp"))
        try write("u1 one\nu1 other\nu2 two\nu2 two\nu3 three\nu4 lost\n", folder("k/text"))
        let result = try run(folder, "k", "out", "--speaker", "S")
        XCTAssertEqual(result.code, 3, result.errors)
        for words in [
            "wav.scp:1: text has u1 twice, in lines 1 and 2", "wav.scp has u3 twice, in lines 3 and 4",
            "text:6: wav.scp has no u4"
        ] { XCTAssertTrue(result.errors.contains(words), result.errors) }
        XCTAssertEqual(labels(folder), ["S/u2.lab: two"])
    }

    func testAnArchiveIsToBeUnpacked() throws {
        let folder = try TestFolder("archive")
        try Data([0x50, 0x4B, 3, 4] + [UInt8](repeating: 0, count: 100)).write(
            to: URL(fileURLWithPath: folder("corpus.zip")))
        let result = try run(folder, "corpus.zip", "out")
        XCTAssertEqual(result.code, 1)
        XCTAssertTrue(
            result.errors.contains("this is an archive") && result.errors.contains("unpack it"), result.errors)
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("out")))
    }
}
