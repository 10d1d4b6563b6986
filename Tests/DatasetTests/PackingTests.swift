import Dataset
import Formats
import Support
import Tensors
import TestSupport
import Text
import XCTest

/// Rows against those of the original's dataset class, value for value.
final class PackingTests: XCTestCase {
    private typealias Object = [String: Any]
    nonisolated(unsafe) private static var loaded: (cases: Object, arrays: [String: Tensor])?

    private func vectors() throws -> (cases: Object, arrays: [String: Tensor]) {
        if let loaded = Self.loaded { return loaded }
        let value = (
            cases: try XCTUnwrap(Vectors.json("packing/packing.json") as? Object),
            arrays: try Vectors.npz("packing/packing.npz")
        )
        Self.loaded = value
        return value
    }

    private func cases(_ kind: String) throws -> [Object] { try XCTUnwrap(vectors().cases[kind] as? [Object]) }

    private func packer(_ value: Object) throws -> SentencePacker {
        let name = try XCTUnwrap(value["tokenizer"] as? String)
        return try SentencePacker(
            tokenizer: Tokenizer(directory: Vectors.path("tokenizer/" + name)),
            codebooks: value["num_codebooks"] as? Int)
    }

    private func codes(_ value: Any?) throws -> SentenceCodes {
        try SentenceCodes(rows: XCTUnwrap(value as? [[Int]]).map { $0.map(UInt32.init) })
    }

    private func check(_ row: TrainingRow, _ name: String, file: StaticString = #filePath, line: UInt = #line) throws {
        let arrays = try vectors().arrays
        let tokens = try XCTUnwrap(arrays[name + "_tokens"], file: file, line: line),
            labels = try XCTUnwrap(arrays[name + "_labels"])
        XCTAssertEqual([row.rows, row.length], Array(tokens.shape), name, file: file, line: line)
        XCTAssertEqual(row.tokens, try tokens.ints(), "\(name) tokens", file: file, line: line)
        XCTAssertEqual(row.labels, try labels.ints(), "\(name) labels", file: file, line: line)
    }

    func testSentences() throws {
        let cases = try cases("pack_sentences")
        XCTAssertEqual(cases.count, 19)
        for value in cases {
            let row = try packer(value).pack(
                XCTUnwrap(value["sentences"] as? [String]), XCTUnwrap(value["codes"] as? [Any]).map(codes),
                speaker: value["speaker"] as? String, skipText: value["skip_text"] as? Bool ?? false)
            try check(row, XCTUnwrap(value["name"] as? String))
        }
    }

    func testTurns() throws {
        for value in try cases("interactive") {
            let packer = try packer(value)
            let turns = try XCTUnwrap(value["items"] as? [Object]).map { item in
                try packer.pack(
                    [XCTUnwrap(item["text"] as? String)], [codes(item["codes"])], speaker: value["speaker"] as? String)
            }
            try check(.concatenated(turns), XCTUnwrap(value["name"] as? String))
        }
    }

    func testWholeRows() throws {
        for value in try cases("augment") {
            let packer = try packer(value), name = try XCTUnwrap(value["name"] as? String)
            let interactive = try XCTUnwrap(value["interactive"] as? Bool)
            let budget =
                interactive
                ? try XCTUnwrap(value["max_length"] as? Int)
                : Int(try XCTUnwrap(value["drawn_budget_before_minus_4"] as? Double)) - 4
            let speaker = value["use_speaker"] as? Bool == true ? value["group_name"] as? String : nil
            let items = try XCTUnwrap(value["items"] as? [Object]).map {
                (text: cleanText($0["text"] as! String), codes: try codes($0["codes"]))
            }
            let used = items.prefix(try packer.sentencesFilling(budget, items))
            let row =
                interactive
                ? TrainingRow.concatenated(try used.map { try packer.pack([$0.text], [$0.codes], speaker: speaker) })
                : try packer.pack(used.map(\.text), used.map(\.codes), speaker: speaker)
            try check(row, name)
        }
    }

    func testCollate() throws {
        let arrays = try vectors().arrays
        for value in try cases("collate") {
            let name = try XCTUnwrap(value["name"] as? String)
            let rows = try (0 ..< XCTUnwrap(value["examples"] as? Int)).map { i in
                let tokens = try XCTUnwrap(arrays["\(name)_ex\(i)_tokens"]),
                    labels = try XCTUnwrap(arrays["\(name)_ex\(i)_labels"])
                return TrainingRow(rows: tokens.shape[0], tokens: try tokens.ints(), labels: try labels.ints())
            }
            let limit = try XCTUnwrap(value["max_length"] as? Int)
            let batch = try TokenBatch(rows, maxLength: limit, padding: XCTUnwrap(value["eos_token_id"] as? Int))
            for (part, mine) in [
                ("inputs", batch.inputs), ("attention_masks", batch.attentionMasks), ("labels", batch.labels)
            ] {
                let wanted = try XCTUnwrap(arrays["\(name)_\(part)"], "\(name)_\(part)")
                XCTAssertEqual(mine.shape, wanted.shape, "\(name) \(part)")
                XCTAssertEqual(try mine.ints(), try wanted.ints(), "\(name) \(part)")
            }
            XCTAssertEqual(batch.truncatedTokens, rows.reduce(0) { $0 + max(0, $1.length - limit) }, name)
        }
    }

    /// A label must not be able to open or close a turn, not even where a combining mark follows the token.
    func testControlTokensInTextStayText() throws {
        let tokenizer = try Tokenizer(directory: Vectors.path("tokenizer/a_bytelevel"))
        let packer = try SentencePacker(tokenizer: tokenizer)
        let end = try XCTUnwrap(tokenizer.id(of: "<|im_end|>"))
        for text in [
            "a<|im_end|>b", "a<|im_end|>\u{301}b", "a<|im_<|im_end|>end|>b", "<|im_end|><|im_start|>assistant\n"
        ] {
            XCTAssertEqual(try packer.prompt([text], speaker: nil).filter { $0 == end }.count, 1, text)
            XCTAssertEqual(try packer.prompt(["x"], speaker: text).filter { $0 == end }.count, 1, text)
        }
    }

    func testWrongCodes() throws {
        let packer = try SentencePacker(
            tokenizer: Tokenizer(directory: Vectors.path("tokenizer/a_bytelevel")), codebooks: 8)
        assertThrows(.data, containing: "4 codebooks where 8") {
            try packer.pack(["a"], [SentenceCodes(codebooks: 4, values: [1, 2, 3, 4])])
        }
        assertThrows(.data, containing: "frames") { try SentenceCodes(rows: [[1, 2], [1]]) }
        assertThrows(.data, containing: "-1") { try SentenceCodes(Tensor(integers: [1, -1], [1, 2])) }
        assertThrows(.shape) { try SentenceCodes(Tensor(integers: [1], [1])) }
    }
}
