import Support
import TestSupport
import Text
import XCTest

/// Vocabularies learned from texts, held to those of Hugging Face's trainer (tokens, merges and ids, exactly).
final class BytePairTrainerTests: XCTestCase {
    func testLearnsWhatTheReferenceLearns() throws {
        let root = try JSON.read(Vectors.path("tokenizer/trained/cases.json"))
        let texts = try XCTUnwrap(root["texts"]?.list).compactMap(\.string), cases = try XCTUnwrap(root["cases"]?.list)
        XCTAssertEqual(cases.count, 3)
        for item in cases {
            var trainer = try BytePairTrainer()
            for text in texts { try trainer.add(text) }
            let allBytes = try XCTUnwrap(item["all_bytes"]?.bool)
            let found = try trainer.train(
                size: XCTUnwrap(item["size"]?.int), special: ["<|pad|>", "<|im_end|>"], allBytes: allBytes,
                minimum: XCTUnwrap(item["minimum"]?.int))
            XCTAssertEqual(found.tokens, item["tokens"]?.list?.compactMap(\.string))
            let merges = try XCTUnwrap(item["merges"]?.list).map { try XCTUnwrap($0.list).compactMap(\.string) }
            XCTAssertEqual(found.merges.map { [$0.0, $0.1] }, merges)

            try withTemporaryFolder { folder in
                try TokenizerWriter(found).write(to: folder)
                let tokenizer = try Tokenizer(directory: folder)
                XCTAssertEqual(tokenizer.count, found.tokens.count)
                for (text, ids) in zip(texts, try XCTUnwrap(item["ids"]?.list)) {
                    XCTAssertEqual(try tokenizer.encode(text), ids.list?.compactMap(\.int), text)
                    XCTAssertEqual(try tokenizer.decode(tokenizer.encode(text)), text)
                }
            }
        }
    }

    func testSizesThatCannotBe() throws {
        let trainer = try BytePairTrainer()
        XCTAssertThrowsError(try trainer.train(size: 100, special: [])) { error in
            XCTAssertTrue("\(error)".contains("256"), "\(error)")
        }
        // Nothing to merge: the vocabulary stays smaller than asked for.
        XCTAssertEqual(try trainer.train(size: 500, special: ["<|pad|>"]).tokens.count, 257)
    }
}
