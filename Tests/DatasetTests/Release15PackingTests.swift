import Dataset
import Support
import Tensors
import TestSupport
import Text
import XCTest

/// Rows of fish-speech 1.5 against those of the original's dataset class of that release, value for value.
final class Release15PackingTests: XCTestCase {
    private func packer(_ books: Int? = nil) throws -> SentencePacker {
        try SentencePacker(tokenizer: Tokenizer(directory: Vectors.path("release15/model")), codebooks: books)
    }

    private func cases() throws -> [(name: String, row: TrainingRow)] {
        let packer = try packer()
        return try XCTUnwrap(Vectors.json("release15/packing.json") as? [[String: Any]]).map { value in
            let codes = try SentenceCodes(rows: XCTUnwrap(value["codes"] as? [[Int]]).map { $0.map(UInt32.init) })
            return (
                value["name"] as! String,
                try packer.pack(
                    [cleanText(value["text"] as! String, packer.format.cleaning)], [codes],
                    speaker: "ignored", skipText: value["skip_text"] as! Bool)
            )
        }
    }

    private func check(_ row: TrainingRow, _ name: String) throws {
        let arrays = try Vectors.npz("release15/packing.npz")
        let tokens = try XCTUnwrap(arrays[name + "_tokens"], name)
        XCTAssertEqual([row.rows, row.length], Array(tokens.shape), name)
        XCTAssertEqual(row.tokens, try tokens.ints(), "\(name) tokens")
        XCTAssertEqual(row.labels, try XCTUnwrap(arrays[name + "_labels"]).ints(), "\(name) labels")
    }

    func testSentences() throws {
        let cases = try cases()
        XCTAssertEqual(cases.count, 10)
        for (name, row) in cases { try check(row, name) }
    }

    func testTurnsAndBatches() throws {
        let rows = try cases().map(\.row)
        let joined = TrainingRow.concatenated(Array(rows[0 ..< 3]))
        try check(joined, "concat")
        let tokenizer = try Tokenizer(directory: Vectors.path("release15/model"))
        let arrays = try Vectors.npz("release15/packing.npz")
        let batch = try TokenBatch([rows[1], joined, rows[6]], maxLength: 90, padding: tokenizer.endId!)
        XCTAssertEqual(try batch.inputs.ints(), try arrays["batch_inputs"]!.ints())
        XCTAssertEqual(try batch.labels.ints(), try arrays["batch_labels"]!.ints())
        XCTAssertEqual(try batch.attentionMasks.bools(), try arrays["batch_attention_masks"]!.bools())
    }

    func testCodesWithoutATokenAreNamed() throws {
        assertThrows(.index, containing: "1024") {
            try packer().pack(["x"], [SentenceCodes(codebooks: 1, values: [1024])])
        }
    }
}
