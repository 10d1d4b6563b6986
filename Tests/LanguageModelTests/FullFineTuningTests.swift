import LanguageModel
import Support
import Tensors
import TestSupport
import XCTest

final class FullFineTuningTests: XCTestCase {
    func testGradientsAndThreeSteps() throws {
        let fixture = try Fixture("dual_bf16"), folder = "lora/full_finetune_dual_bf16", optimizer = PlainAdamW()
        try fixture.model.unfreeze()
        XCTAssertEqual(fixture.model.trainableParameters.count, fixture.model.namedWeights.count)
        let record = try XCTUnwrap(Vectors.json(folder + "/steps.json") as? [String: Any])
        let steps = try XCTUnwrap(record["steps"] as? [[String: Any]])
        for (index, step) in steps.enumerated() {
            let result = try fixture.model.loss(fixture.batch)
            let expected = try XCTUnwrap(step["loss"] as? Double)
            XCTAssertEqual(try result.loss.item(), expected, accuracy: 1e-4 * expected)
            try result.loss.backward()
            if index == 0 {
                try compareGradients(fixture.model.trainableParameters, Vectors.npz(folder + "/grads.npz"), "full")
            }
            let norm = try optimizer.update(
                fixture.model.trainableParameters, rate: try XCTUnwrap(step["lr"] as? Double))
            XCTAssertEqual(norm, try XCTUnwrap(step["grad_norm"] as? Double), accuracy: 1e-4 * norm)
        }
        let weights = Dictionary(uniqueKeysWithValues: fixture.model.namedWeights.map { ($0.name, $0.tensor) })
        for (name, expected) in try Vectors.npz(folder + "/params_after3.npz") {
            assertClose(try weights[name]!.floats(), try expected.floats(), abs: 2e-6, name)
        }
    }

    func testEveryKindOfModelTrainsWhole() throws {
        for name in ["dual_tied", "dual_fastdim", "naive_bf16"] {
            let fixture = try Fixture(name)
            try fixture.model.unfreeze()
            try fixture.model.loss(fixture.batch).loss.backward()
            for (parameter, tensor) in fixture.model.trainableParameters {
                XCTAssertGreaterThan(
                    maxAbs(try XCTUnwrap(tensor.grad, "\(name): \(parameter)").floats()), 0, "\(name): \(parameter)")
            }
        }
    }

    func testGradientsAgreeWithDifferences() throws {
        // Naive and tied models have no reference gradients: check some against central differences.
        for name in ["naive_bf16", "dual_tied"] {
            let fixture = try Fixture(name, weights: .float32)
            try fixture.model.unfreeze()
            try fixture.model.loss(fixture.batch).loss.backward()
            for (parameter, tensor) in fixture.model.trainableParameters {
                let gradient = try XCTUnwrap(tensor.grad).floats()
                let index = gradient.indices.max { abs(gradient[$0]) < abs(gradient[$1]) }!,
                    p = tensor.pointer(Float.self)
                func loss(_ shift: Float) throws -> Double {
                    let old = p[index]
                    p[index] = old + shift
                    defer { p[index] = old }
                    return try Autograd.withoutGradients { try fixture.model.loss(fixture.batch).loss.item() }
                }
                let step: Float = 4e-3, difference = (try loss(step) - loss(-step)) / Double(2 * step)
                XCTAssertEqual(
                    Double(gradient[index]), difference, accuracy: 0.02 * abs(difference) + 3e-4,
                    "\(name): \(parameter)")
            }
        }
    }

    func testUnfreezingAPart() throws {
        let fixture = try Fixture("dual_bf16")
        try fixture.model.unfreeze(["fast_*norm*", "norm.weight"])
        XCTAssertEqual(
            fixture.model.trainableParameters.map(\.name).sorted(),
            [
                "fast_layers.0.attention_norm.weight", "fast_layers.0.ffn_norm.weight",
                "fast_layers.1.attention_norm.weight",
                "fast_layers.1.ffn_norm.weight", "fast_norm.weight", "norm.weight"
            ])
        assertThrows(.argument, containing: "norm.weight") { try fixture.model.unfreeze(["nrm.weight"]) }
    }
}
