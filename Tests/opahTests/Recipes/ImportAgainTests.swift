import Foundation
import TestSupport
import XCTest

/// `opah run import` into a folder that holds something: an earlier import, what a hand changed, what others left.
final class ImportAgainTests: ImportCase {
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
}
