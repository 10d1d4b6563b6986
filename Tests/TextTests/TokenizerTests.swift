import XCTest
import Foundation
import Support
import Text
import TestSupport

/// Every encoding and decoding of the five reference tokenizers, exactly.
final class TokenizerTests: XCTestCase {
    static let names = [
        "a_bytelevel", "b_rebuild_zero_merges", "c_split_regex_nfc", "d_llama_prepend", "e_llama_metaspace"
    ]

    func testReferenceCases() throws {
        for name in Self.names {
            let tokenizer = try Tokenizer(directory: Vectors.path("tokenizer/\(name)"))
            let cases = try JSON.read(Vectors.path("tokenizer/\(name)/cases.json"))
            XCTAssertEqual(tokenizer.count, cases["vocab_size"]?.int, name)
            XCTAssertEqual(tokenizer.endId, cases["eos_token_id"]?.int, name)
            XCTAssertEqual(tokenizer.beginId, cases["bos_token_id"]?.int, name)
            XCTAssertEqual(tokenizer.padId, cases["pad_token_id"]?.int, name)
            for (token, id) in try XCTUnwrap(cases["token_to_id"]?.map) {
                XCTAssertEqual(tokenizer.id(of: token), id.int, "\(name) \(token)")
            }
            let encodings = try XCTUnwrap(cases["encode_cases"]?.list)
            XCTAssertGreaterThan(encodings.count, 250)
            for item in encodings {
                let text = try XCTUnwrap(item["text"]?.string)
                let ids = try XCTUnwrap(item["ids"]?.list).compactMap(\.int)
                let found = try tokenizer.encode(text)
                XCTAssertEqual(found, ids, "\(name) \(text.debugDescription)")
                // The second time the words come from the cache.
                XCTAssertEqual(try tokenizer.encode(text), ids, "\(name) again \(text.debugDescription)")
                assertSame(try tokenizer.decode(ids), item["decoded"]?.string, "\(name) \(ids)")
                assertSame(
                    try tokenizer.decode(ids, skipSpecial: true), item["decoded_skip_special"]?.string, "\(name) \(ids)"
                )
            }
            for item in try XCTUnwrap(cases["decode_cases"]?.list) {
                let ids = try XCTUnwrap(item["ids"]?.list).compactMap(\.int)
                assertSame(try tokenizer.decode(ids), item["decoded"]?.string, "\(name) \(ids)")
                assertSame(
                    try tokenizer.decode(ids, skipSpecial: true), item["decoded_skip_special"]?.string, "\(name) \(ids)"
                )
            }
        }
    }

    /// Scalar by scalar: Swift's == takes canonically equivalent strings for equal.
    private func assertSame(_ a: String, _ b: String?, _ message: String) {
        XCTAssertEqual(Array(a.utf8), b.map { Array($0.utf8) }, "\(message): \(a.debugDescription)")
    }

    func testSpecialTokensAreNeverInjected() throws {
        for name in Self.names {
            let tokenizer = try Tokenizer(directory: Vectors.path("tokenizer/\(name)"))
            for (token, id) in tokenizer.specialTokens {
                XCTAssertEqual(tokenizer.id(of: token), id)
                let text = "a \(token)\(token) b"
                let ids = try tokenizer.encode(text, allowSpecial: false)
                XCTAssertFalse(ids.contains(where: tokenizer.isSpecial), "\(name) \(token): \(ids)")
                assertSame(try tokenizer.decode(ids), text, "\(name) \(token)")
                XCTAssertEqual(try tokenizer.encode(text).count { $0 == id }, 2, "\(name) \(token)")
            }
        }
    }

    func testTokensBothWaysAndUnknownIds() throws {
        let tokenizer = try Tokenizer(directory: Vectors.path("tokenizer/a_bytelevel"))
        for id in 0 ..< tokenizer.count { XCTAssertEqual(tokenizer.token(of: id).flatMap(tokenizer.id(of:)), id) }
        XCTAssertNil(tokenizer.token(of: tokenizer.count))
        XCTAssertNil(tokenizer.token(of: -1))
        XCTAssertEqual(try tokenizer.decode([-5, 1 << 40, 999_999]), "")
    }

    func testSaveCopiesTheFiles() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("opah-tokenizer-\(getpid())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let original = Vectors.path("tokenizer/c_split_regex_nfc")
        try Tokenizer(directory: original).save(to: folder)
        XCTAssertEqual(
            try FileManager.default.contentsOfDirectory(atPath: folder).sorted(),
            ["special_tokens_map.json", "tokenizer.json", "tokenizer_config.json"])
        XCTAssertTrue(
            FileManager.default.contentsEqual(atPath: folder + "/tokenizer.json", andPath: original + "/tokenizer.json")
        )
    }
}
