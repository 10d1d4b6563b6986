import Foundation
import LanguageModel
import Support
import Tensors
import TestSupport
import XCTest

/// Logits and losses against the reference's.
final class ForwardTests: XCTestCase {
    private let models = ["dual_bf16", "dual_tied", "dual_fastdim", "naive_bf16"]

    func testLogitsAndHiddenStates() throws {
        for name in models {
            let fixture = try Fixture(name), result = try fixture.model.forward(fixture.batch)
            let padding = try fixture.vectors["attention_masks"]!.bools()
            compare(
                try result.tokenLogits.floats(), try fixture.vectors["token_logits"]!.floats(),
                rows: padding.map { !$0 }, "\(name) token_logits")
            compare(
                try result.hidden.floats(), try fixture.vectors["slow_hidden"]!.floats(), rows: padding.map { !$0 },
                "\(name) hidden")

            // A naive model predicts codes everywhere; here padding is left out there too.
            let positions = try fixture.vectors["codebook_positions"]!.bools(),
                expected = zip(positions, padding).map { $0 && !$1 }
            XCTAssertEqual(try result.codebookPositions.bools(), expected, name)
            let codes = try result.codebookLogits.floats()
            compare(codes, try fixture.vectors["codebook_logits"]!.floats(), rows: expected, "\(name) codebook_logits")
            let width = codes.count / expected.count
            for (row, isThere) in expected.enumerated() where !isThere {
                XCTAssertTrue(
                    codes[row * width ..< (row + 1) * width].allSatisfy { $0 == 0 }, "\(name): row \(row) is not zero")
            }
        }
    }

    private func compare(_ found: [Float], _ expected: [Float], rows: [Bool], _ what: String) {
        XCTAssertEqual(found.count, expected.count, what)
        let width = found.count / rows.count
        func picked(_ values: [Float]) -> [Float] {
            rows.indices.filter { rows[$0] }.flatMap { values[$0 * width ..< ($0 + 1) * width] }
        }
        assertClose(picked(found), picked(expected), abs: 1e-4, rel: 1e-4, what)
    }

    func testARowAloneGivesTheSame() throws {
        for name in models {
            let fixture = try Fixture(name)
            let padding = try fixture.vectors["attention_masks"]!.bools(),
                inputs = try fixture.vectors["inputs"]!.ints()
            let shape = fixture.vectors["inputs"]!.shape, length = padding[..<shape[2]].count { !$0 }
            let row = (0 ..< shape[1]).flatMap { r in (0 ..< length).map { inputs[r * shape[2] + $0] } }
            let result = try fixture.model.forward(Batch(inputs: Tensor(integers: row, [1, shape[1], length])))
            let expected = fixture.vectors["row0_token_logits"]!
            assertClose(
                Array(try result.tokenLogits.floats().suffix(expected.count)), try expected.floats(), abs: 1e-4,
                rel: 1e-4, name)
            let codes = fixture.vectors["row0_codebook_logits"]!
            assertClose(
                Array(try result.codebookLogits.floats().suffix(codes.count)), try codes.floats(), abs: 1e-4, rel: 1e-4,
                name)
        }
    }

    func testLosses() throws {
        for name in models {
            for form in [LanguageModel.WeightForm.asStored, .float32] {
                let fixture = try Fixture(name, weights: form), result = try fixture.model.loss(fixture.batch)
                XCTAssertEqual(
                    result.base, try fixture.number("base_loss"), accuracy: try 1e-5 * fixture.number("base_loss"), name
                )
                XCTAssertEqual(
                    result.semantic, try fixture.number("semantic_loss"),
                    accuracy: try 1e-5 * fixture.number("semantic_loss"), name)
                XCTAssertEqual(
                    try result.loss.item(), try fixture.number("loss"), accuracy: try 1e-5 * fixture.number("loss"),
                    name)
                XCTAssertEqual(Float(result.topFiveAccuracy), Float(try fixture.number("top_5_accuracy")), name)
                XCTAssertFalse(result.loss.requiresGrad)
            }
        }
    }

    func testPaddingChangesNothing() throws {
        let fixture = try Fixture("dual_bf16"), plain = try fixture.model.loss(fixture.batch)
        let extra = 7, old = fixture.batch.inputs.shape, length = old[2] + extra
        func widened(_ tensor: Tensor, _ filler: Int) throws -> Tensor {
            let values = try tensor.ints(), rows = values.count / old[2]
            let wide = (0 ..< rows).flatMap {
                Array(values[$0 * old[2] ..< ($0 + 1) * old[2]]) + [Int](repeating: filler, count: extra)
            }
            return try Tensor(integers: wide, tensor.rank == 3 ? [old[0], old[1], length] : [old[0], length])
        }
        let mask = try widened(
            Tensor(integers: fixture.batch.attentionMasks!.bools().map { $0 ? 1 : 0 }, [old[0], old[2]]), 1
        ).to(.bool)
        let padded = try fixture.model.loss(
            Batch(
                inputs: widened(fixture.batch.inputs, 0), attentionMasks: mask,
                labels: widened(fixture.batch.labels!, -100)))
        XCTAssertEqual(try plain.loss.item(), try padded.loss.item())
        XCTAssertEqual(plain.topFiveAccuracy, padded.topFiveAccuracy)
    }

    func testBadBatchesAreNamed() throws {
        let model = try Fixture("dual_bf16").model
        func inputs(_ values: [Int], _ shape: Dims) throws -> Batch {
            Batch(inputs: try Tensor(integers: values, shape))
        }
        assertThrows(.shape, containing: "[B, 9, T]") { try model.forward(inputs([1, 2, 3], [1, 3, 1])) }
        assertThrows(.index, containing: "token 304") {
            try model.forward(inputs([304] + [Int](repeating: 0, count: 8), [1, 9, 1]))
        }
        assertThrows(.index, containing: "code 64") {
            try model.forward(inputs([5, 64] + [Int](repeating: 0, count: 7), [1, 9, 1]))
        }
        assertThrows(.shape, containing: "max_length") {
            try model.forward(inputs([Int](repeating: 0, count: 9 * 257), [1, 9, 257]))
        }
        assertThrows(.argument, containing: "no labels") {
            try model.loss(inputs([Int](repeating: 0, count: 9), [1, 9, 1]))
        }
        assertThrows(.data, containing: "nothing but padding") {
            try model.forward(
                Batch(
                    inputs: Tensor(integers: [Int](repeating: 0, count: 9), [1, 9, 1]),
                    attentionMasks: Tensor.ones([1, 1], .bool)))
        }
        let batch = try inputs([Int](repeating: 0, count: 18), [1, 9, 2])
        assertThrows(.shape, containing: "attention_masks") {
            try model.forward(Batch(inputs: batch.inputs, attentionMasks: Tensor(zeros: [1, 3], .bool)))
        }
    }
}
