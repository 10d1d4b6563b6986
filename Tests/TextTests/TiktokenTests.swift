import Foundation
import Support
import TestSupport
import Text
import XCTest

/// The tokenizer of fish-speech 1.5 against tiktoken, and files that are not what they should be.
final class TiktokenTests: XCTestCase {
    private static let folder = Vectors.path("release15/model")

    func testReferenceCases() throws {
        let tokenizer = try Tokenizer(directory: Self.folder)
        let file = try JSON.read(Vectors.path("release15/tokenizer.json"))
        XCTAssertEqual(tokenizer.count, file["vocab_size"]?.int)
        XCTAssertEqual([tokenizer.beginId, tokenizer.endId, tokenizer.padId], [2000, 2001, 2002])
        let cases = try XCTUnwrap(file["cases"]?.list)
        XCTAssertGreaterThan(cases.count, 250)
        for item in cases {
            let text = try XCTUnwrap(item["text"]?.string)
            func ids(_ key: String) throws -> [Int] { try XCTUnwrap(item[key]?.list).compactMap(\.int) }
            XCTAssertEqual(try tokenizer.encode(text), try ids("ids"), text.debugDescription)
            XCTAssertEqual(try tokenizer.encode(text), try ids("ids"), "again \(text.debugDescription)")
            XCTAssertEqual(
                try tokenizer.encode(text, allowSpecial: false), try ids("plain"), "plain \(text.debugDescription)")
            XCTAssertEqual(
                Array(try tokenizer.decode(ids("ids")).utf8), item["decoded"]?.string.map { Array($0.utf8) },
                text.debugDescription)
        }
        XCTAssertEqual(try tokenizer.decode([2003, 72, 105, 2004], skipSpecial: true), "Hi")
    }

    func testSpecialTokens() throws {
        let tokenizer = try Tokenizer(directory: Self.folder)
        XCTAssertEqual(tokenizer.id(of: "<|semantic:0|>"), 2012)
        XCTAssertEqual(tokenizer.id(of: "<|semantic:1023|>"), 3035)
        XCTAssertNil(tokenizer.id(of: "<|semantic:1024|>"))
        // Two names of one id: that of the file, which is also how it reads, and that of the code.
        XCTAssertEqual(tokenizer.id(of: "<|phoneme_start|>"), 2005)
        XCTAssertEqual(tokenizer.id(of: "<|placeholder:0|>"), 2005)
        XCTAssertEqual(tokenizer.token(of: 2005), "<|phoneme_start|>")
    }

    func testTheFormatIsThatOfItsFrames() throws {
        XCTAssertEqual(PromptFormat.of(try Tokenizer(directory: Self.folder)), .v1_5)
        XCTAssertEqual(PromptFormat.of(try Tokenizer(directory: Vectors.path("tokenizer/a_bytelevel"))), .v1_4)
        let writer = try TurnWriter(Tokenizer(directory: Self.folder))
        XCTAssertEqual(writer.frames, 2012 ..< 3036)
        XCTAssertEqual(writer.end, 2004)
        XCTAssertEqual(try writer.mainToken(firstCode: 1023), 3035)
        assertThrows(.index, containing: "1024") { try writer.mainToken(firstCode: 1024) }
    }

    func testCleaningAndSplitting() throws {
        let file = try JSON.read(Vectors.path("release15/text.json"))
        for pair in try XCTUnwrap(file["clean"]?.list) {
            let (text, cleaned) = (try XCTUnwrap(pair.list?[0].string), try XCTUnwrap(pair.list?[1].string))
            XCTAssertEqual(Array(cleanText(text, .light).utf8), Array(cleaned.utf8), text.debugDescription)
        }
        for entry in try XCTUnwrap(file["split"]?.list?.compactMap(\.list)) {
            let pieces = splitText(try XCTUnwrap(entry[0].string), length: try XCTUnwrap(entry[1].int), .light)
            XCTAssertEqual(pieces, entry[2].list?.compactMap(\.string))
        }
    }

    func testLongTextsAreCutWhereTheOriginalCutsThem() throws {
        let tokenizer = try Tokenizer(directory: Self.folder)
        // The cut falls inside a word and inside a control token.
        for tail in ["abcdefgh", "<|im_end|>"] {
            let text = String(repeating: "a ", count: 199_998) + tail
            let scalars = text.unicodeScalars
            let cut = scalars.index(scalars.startIndex, offsetBy: 400_000)
            XCTAssertEqual(
                try tokenizer.encode(text),
                try tokenizer.encode(String(scalars[..<cut])) + tokenizer.encode(String(scalars[cut...])))
            XCTAssertFalse(try tokenizer.encode(text).contains(2004))
        }
    }

    func testSavingCopiesBothFiles() throws {
        try withTemporaryFolder { folder in
            try Tokenizer(directory: Self.folder).save(to: folder)
            for name in ["tokenizer.tiktoken", "special_tokens.json"] {
                XCTAssertEqual(
                    try RegularFile.contents(folder + "/" + name), try RegularFile.contents(Self.folder + "/" + name))
            }
        }
    }

    /// Lines for all bytes, then `more`.
    private func file(_ more: String = "", without missing: Int? = nil) -> String {
        (0 ..< 256).filter { $0 != missing }.map { "\(Data([UInt8($0)]).base64EncodedString()) \($0)\n" }.joined()
            + more
    }

    private func load(_ text: String, special: String? = nil) throws -> Tokenizer {
        try withTemporaryFolder { folder in
            try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/tokenizer.tiktoken"))
            if let special { try Data(special.utf8).write(to: URL(fileURLWithPath: folder + "/special_tokens.json")) }
            return try Tokenizer(directory: folder)
        }
    }

    func testFormsOfTheFile() throws {
        // Line ends of both kinds, empty lines, no special_tokens.json, the token without bytes that later files have.
        let tokenizer = try load(file("YWI= 256\r\n\n= 257\n"))
        XCTAssertEqual(try tokenizer.encode("abab<|im_end|>"), [256, 256, 262])
        XCTAssertEqual(tokenizer.id(of: "<|begin_of_text|>"), 258)
        let named = try load(file(), special: #"{"<|im_end|>": 300, "<|semantic:0|>": 400}"#)
        XCTAssertEqual(try named.encode("<|im_end|><|semantic:0|>"), [300, 400])
    }

    func testRefusals() throws {
        let long = Data([UInt8](repeating: 97, count: 1025)).base64EncodedString()
        for (text, reason) in [
            ("", "empty"), ("version https://git-lfs.github.com/spec/v1", "Git LFS"), ("<!DOCTYPE html>", "HTML"),
            ("x", "line 1"), ("YWI=\n", "line 1"), (file("Y*I= 256\n"), "line 257"), (file("YWI= -1\n"), "line 257"),
            (file("YWI= 99999999999999999999\n"), "line 257"), (file("YWI= 4194304\n"), "line 257"),
            (file("YWI= 2 5\n"), "line 257"),
            (file("YWI= 255\n"), "came before"), (file("YQ== 256\n"), "came before"),
            (file("\(long) 256\n"), "1025 bytes"),
            (file(without: 7), "single bytes"), (String(repeating: "A", count: 1 << 20), "line 1")
        ] {
            assertThrows(.format, containing: reason) { try load(text) }
        }
        for (special, reason) in [
            ("[]", "table"), (#"{"<|a|>": 255}"#, "255"), (#"{"<|a|>": 256, "<|b|>": 256}"#, "256"),
            (#"{"<|a|>": "x"}"#, "x"),
            (#"{"": 300}"#, "300"), (#"{"<|a|>": 1e30}"#, "ids")
        ] {
            assertThrows(.format, containing: reason) { try load(file(), special: special) }
        }
    }

    func testAHostileWordTakesLittleTime() throws {
        // Every pair of the word may be joined, up to the longest token that is allowed.
        let ranks = (1 ... 1023).map {
            "\(Data([UInt8](repeating: 97, count: $0 + 1)).base64EncodedString()) \(255 + $0)\n"
        }.joined()
        let tokenizer = try load(file(ranks))
        let word = String(repeating: "a", count: 100_000)
        let start = ContinuousClock.now
        let ids = try tokenizer.encode(word)
        XCTAssertEqual(try tokenizer.decode(ids), word)
        XCTAssertLessThan(ContinuousClock.now - start, .seconds(20))
    }
}
