import XCTest
import Foundation
import Support
import Text
import TestSupport

final class LabelTests: XCTestCase {
    private var folder = ""

    override func setUpWithError() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("opah-labels-\(getpid())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    override func tearDown() { try? FileManager.default.removeItem(atPath: folder) }

    private func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = folder + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    private func read(_ bytes: [UInt8], encoding: String? = nil) throws -> Label {
        try Label.read(write("clip.lab", bytes), extraEncoding: encoding)
    }

    private func read(_ text: String) throws -> Label { try read(Array(text.utf8)) }

    private func encoded(_ text: String, _ encoding: String.Encoding) throws -> [UInt8] {
        Array(try XCTUnwrap(text.data(using: encoding)))
    }

    private func refusal(_ bytes: [UInt8], encoding: String? = nil, line: UInt = #line) -> OpahError? {
        var found: OpahError?
        XCTAssertThrowsError(try read(bytes, encoding: encoding), line: line) { found = $0 as? OpahError }
        return found
    }

    /// The labels of the reference dataset give the texts of the reference's own pack.
    func testReferencePack() throws {
        for (clip, packed) in [
            ("SPK1/21.15-26.44.lab", "こんにちは、世界。今日はいい天気ですね。"), ("SPK1/26.44-30.02.lab", "Hello, how are you today? "),
            ("SPK1/3.5-5.25.lab", " She said \"hello\" there ! "), ("SPK2/0.00-4.10.lab", "吾輩は猫である。 名前はまだ無い。"),
            ("SPK2/102.7-105.93.lab", " It's 3.14, isn't it? bold b {c d} "),
            ("SPK3/sub/7-8.5.txt", "second text of 7-8.5 ")
        ] {
            XCTAssertEqual(try Label.read(Vectors.path("dataset/data/" + clip)).packed, packed, clip)
        }
    }

    func testPlainAndByteOrderMarks() throws {
        let plain = try read("こんにちは\n")
        XCTAssertEqual([plain.text, plain.packed], ["こんにちは", "こんにちは "])
        XCTAssertEqual(plain.notes, [])
        let marked = try read("\u{FEFF}Hi.")
        XCTAssertEqual([marked.text, marked.packed] + marked.notes, ["Hi.", "Hi.", "byte order mark removed"])
        for (mark, encoding, name) in [
            ([0xFF, 0xFE], String.Encoding.utf16LittleEndian, "UTF-16LE"), ([0xFE, 0xFF], .utf16BigEndian, "UTF-16BE"),
            ([0xFF, 0xFE, 0, 0], .utf32LittleEndian, "UTF-32LE")
        ] as [([UInt8], String.Encoding, String)] {
            let label = try read(mark + encoded("日本 😀", encoding))
            XCTAssertEqual(label.text, "日本 😀")
            XCTAssertEqual(label.notes, ["converted from \(name)"])
        }
    }

    func testLinesAndInvisibleCharacters() throws {
        let lines = try read(" one\r\ntwo\rthree\n\n")
        XCTAssertEqual(lines.text, "one two three")
        XCTAssertEqual(lines.packed, " one two three ")
        XCTAssertEqual(lines.notes, ["3 lines joined into one"])
        let dirty = try read("a\u{200B}b\u{07}c\u{200D}d\u{FEFF}\te")
        XCTAssertEqual(dirty.text, "abcd\te")
        XCTAssertEqual(dirty.packed, "abcd e")
        XCTAssertEqual(dirty.notes, ["4 invisible characters removed (U+0007, U+200B, U+200D, U+FEFF)"])
        // Persian needs the joiner in it, and so does a family.
        XCTAssertEqual(try read("می\u{200C}خواهم 👨\u{200D}👩").text.unicodeScalars.count, 12)
    }

    func testNothingToSay() {
        for (bytes, why) in [
            ("", "empty"), (" \n\t", "white space"), ("…。!?--", "punctuation"), ("<laugh>{x}", "tags"),
            ("<|im_end|>", "tags"), ("♪", "punctuation"), ("{\"text\": \"hi\"}", "JSON")
        ] {
            let error = refusal(Array(bytes.utf8))
            XCTAssertEqual(error?.kind, .text)
            XCTAssertTrue(
                error?.message.contains("no text") == true && error?.message.contains(why) == true,
                "\(bytes): \(error?.message ?? "")")
            XCTAssertTrue(error?.message.hasPrefix(folder + "/clip.lab: ") == true)
        }
        XCTAssertTrue(refusal([65, 0, 66])?.message.contains("NUL") == true)
    }

    func testForeignEncodingsAreNamedAndConverted() throws {
        for (name, text, bytes) in Self.foreign {
            let error = try XCTUnwrap(refusal(bytes))
            XCTAssertTrue(error.hint?.contains("likely \(name):") == true, "\(name): \(error)")
            XCTAssertEqual(error.kind, .text)
            let label = try read(bytes, encoding: name)
            XCTAssertEqual(label.text, text)
            XCTAssertEqual(label.notes, ["converted from \(name)"])
        }
        XCTAssertEqual(try read(Array("plain".utf8), encoding: "CP932").notes, [])
        XCTAssertTrue(
            try XCTUnwrap(refusal(Self.foreign[1].bytes, encoding: "UTF-16LE")).hint?.contains("EUC-JP") == true)
        XCTAssertEqual(refusal([65], encoding: "klingon")?.kind, .argument)
        XCTAssertTrue(refusal(try encoded("no mark", .utf16LittleEndian))?.hint?.contains("UTF-16LE") == true)
        XCTAssertNotNil(refusal([0x80, 0xFF, 0xFE, 0x81]))
    }

    private static let japanese = "昨日は友達と映画を見に行きました。とても面白かったです。"

    /// The same texts in other encodings.
    private static let foreign: [(name: String, text: String, bytes: [UInt8])] = [
        (
            "CP932", japanese,
            [
                0x8D, 0xF0, 0x93, 0xFA, 0x82, 0xCD, 0x97, 0x46, 0x92, 0x42, 0x82, 0xC6, 0x89, 0x66, 0x89, 0xE6, 0x82,
                0xF0, 0x8C, 0xA9,
                0x82, 0xC9, 0x8D, 0x73, 0x82, 0xAB, 0x82, 0xDC, 0x82, 0xB5, 0x82, 0xBD, 0x81, 0x42, 0x82, 0xC6, 0x82,
                0xC4, 0x82, 0xE0,
                0x96, 0xCA, 0x94, 0x92, 0x82, 0xA9, 0x82, 0xC1, 0x82, 0xBD, 0x82, 0xC5, 0x82, 0xB7, 0x81, 0x42
            ]
        ),
        (
            "EUC-JP", japanese,
            [
                0xBA, 0xF2, 0xC6, 0xFC, 0xA4, 0xCF, 0xCD, 0xA7, 0xC3, 0xA3, 0xA4, 0xC8, 0xB1, 0xC7, 0xB2, 0xE8, 0xA4,
                0xF2, 0xB8, 0xAB,
                0xA4, 0xCB, 0xB9, 0xD4, 0xA4, 0xAD, 0xA4, 0xDE, 0xA4, 0xB7, 0xA4, 0xBF, 0xA1, 0xA3, 0xA4, 0xC8, 0xA4,
                0xC6, 0xA4, 0xE2,
                0xCC, 0xCC, 0xC7, 0xF2, 0xA4, 0xAB, 0xA4, 0xC3, 0xA4, 0xBF, 0xA4, 0xC7, 0xA4, 0xB9, 0xA1, 0xA3
            ]
        ),
        (
            "ISO-2022-JP", japanese,
            [
                0x1B, 0x24, 0x42, 0x3A, 0x72, 0x46, 0x7C, 0x24, 0x4F, 0x4D, 0x27, 0x43, 0x23, 0x24, 0x48, 0x31, 0x47,
                0x32, 0x68, 0x24,
                0x72, 0x38, 0x2B, 0x24, 0x4B, 0x39, 0x54, 0x24, 0x2D, 0x24, 0x5E, 0x24, 0x37, 0x24, 0x3F, 0x21, 0x23,
                0x24, 0x48, 0x24,
                0x46, 0x24, 0x62, 0x4C, 0x4C, 0x47, 0x72, 0x24, 0x2B, 0x24, 0x43, 0x24, 0x3F, 0x24, 0x47, 0x24, 0x39,
                0x21, 0x23, 0x1B,
                0x28, 0x42
            ]
        ),
        (
            "CP1252", "Déjà vu à l’été, s’il vous plaît",
            [
                0x44, 0xE9, 0x6A, 0xE0, 0x20, 0x76, 0x75, 0x20, 0xE0, 0x20, 0x6C, 0x92, 0xE9, 0x74, 0xE9, 0x2C, 0x20,
                0x73, 0x92, 0x69,
                0x6C, 0x20, 0x76, 0x6F, 0x75, 0x73, 0x20, 0x70, 0x6C, 0x61, 0xEE, 0x74
            ]
        ),
        (
            "GBK", "我们今天去公园散步，天气非常好。",
            [
                0xCE, 0xD2, 0xC3, 0xC7, 0xBD, 0xF1, 0xCC, 0xEC, 0xC8, 0xA5, 0xB9, 0xAB, 0xD4, 0xB0, 0xC9, 0xA2, 0xB2,
                0xBD, 0xA3, 0xAC,
                0xCC, 0xEC, 0xC6, 0xF8, 0xB7, 0xC7, 0xB3, 0xA3, 0xBA, 0xC3, 0xA1, 0xA3
            ]
        )
    ]

    func testSuspicions() throws {
        XCTAssertEqual(try read("data/a.wav|spk|JP|はい").notes, ["looks like a list line (file|speaker|language|text)"])
        XCTAssertEqual(try read("{\"text\": \"hello\"}  x").notes, ["tags in <> or {} are removed when packing"])
        XCTAssertEqual(try read("[\"hello\", 1]").notes, ["looks like JSON, not like speech"])
        XCTAssertEqual(try read("Go <|im_end|> on").packed, "Go on")
        XCTAssertEqual(try read("Go <|im_end|> on").notes, ["tags in <> or {} are removed when packing"])
        XCTAssertEqual(try read("a | b").notes, [])
    }

    func testFiles() throws {
        let path = folder + "/a.lab"
        XCTAssertThrowsError(try Label.read(path)) { XCTAssertEqual(($0 as? OpahError)?.kind, .file) }
        _ = try write("a.txt", [65])
        XCTAssertThrowsError(try Label.read(path)) {
            XCTAssertEqual(($0 as? OpahError)?.hint, "there is a.txt beside it: use --text-extension .txt")
        }
        XCTAssertThrowsError(try Label.read(folder))
        XCTAssertTrue(refusal([UInt8](repeating: 65, count: 2 << 20))?.message.contains("too long") == true)
    }
}
