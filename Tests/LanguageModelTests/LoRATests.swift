import Formats
import Foundation
import LanguageModel
import Support
import Tensors
import TestSupport
import XCTest

final class LoRATests: XCTestCase {
    private let runs: [(model: String, rank: Int, alpha: Double)] = [
        ("dual_bf16", 8, 16), ("dual_bf16", 4, 32), ("dual_fastdim", 8, 16), ("dual_fastdim", 4, 32)
    ]

    private func folder(_ run: (model: String, rank: Int, alpha: Double)) -> String {
        "lora/\(run.model)_r\(run.rank)_alpha\(Int(run.alpha))"
    }

    /// The reference's starting adapter on the reference's base.
    private func start(
        _ run: (model: String, rank: Int, alpha: Double)
    ) throws -> (fixture: Fixture, adapter: LoRAAdapter) {
        let fixture = try Fixture(run.model)
        let adapter = try fixture.model.applyLoRA(
            LoRAConfiguration(rank: run.rank, alpha: run.alpha), generator: Random(seed: 1))
        let initial = try Vectors.npz(folder(run) + "/lora_init.npz")
        XCTAssertEqual(Set(initial.keys), Set(adapter.namedParameters.map(\.name)))
        for (name, tensor) in adapter.namedParameters { try set(tensor, to: initial[name]!) }
        return (fixture, adapter)
    }

    private func set(_ tensor: Tensor, to values: Tensor) throws {
        XCTAssertEqual(tensor.shape, values.shape)
        for (i, value) in try values.floats().enumerated() { tensor.pointer(Float.self)[i] = value }
        tensor.storage.didChange()
    }

    private func after8(_ run: (model: String, rank: Int, alpha: Double)) throws -> [String: Tensor] {
        let checkpoint = Vectors.path(folder(run) + "/lora_after8.ckpt")
        guard FileManager.default.fileExists(atPath: checkpoint) else {
            return try Vectors.npz(folder(run) + "/lora_after8.npz")
        }
        return Dictionary(
            uniqueKeysWithValues: try Checkpoint.stateDict(checkpoint).map { (String($0.name.dropFirst(6)), $0.tensor) }
        )
    }

    func testNamesShapesAndOrder() throws {
        for run in runs {
            let (_, adapter) = try start(run)
            let expected = try XCTUnwrap(Vectors.json(folder(run) + "/state_dict_names.json") as? [String: Any])
            XCTAssertEqual(adapter.namedParameters.map(\.name), expected["trainable_parameter_order"] as? [String])
            let shapes = try XCTUnwrap(expected["shapes"] as? [String: [Int]])
            for (name, tensor) in adapter.namedParameters { XCTAssertEqual(Array(tensor.shape), shapes[name]) }
            let keys = adapter.stateDict().dict!.map { $0.key.string! }
            XCTAssertEqual(keys, expected["lora_state_dict_as_in_lightning"] as? [String])
        }
    }

    func testGradients() throws {
        for run in runs {
            let (fixture, adapter) = try start(run), before = try fixture.model.baseDigest()
            try fixture.model.loss(fixture.batch).loss.backward()
            try compareGradients(adapter.namedParameters, Vectors.npz(folder(run) + "/lora_grads.npz"), folder(run))
            XCTAssertEqual(fixture.model.trainableParameters.map(\.name), adapter.namedParameters.map(\.name))
            for (name, weight) in fixture.model.namedWeights { XCTAssertNil(weight.grad, name) }
            XCTAssertEqual(try fixture.model.baseDigest(), before)
        }
    }

    func testRecomputedLayersGiveTheSameGradients() throws {
        let (fixture, adapter) = try start(runs[0])
        fixture.model.planner.fixed = .init(recomputedLayers: 3)
        try fixture.model.loss(fixture.batch).loss.backward()
        try compareGradients(adapter.namedParameters, Vectors.npz(folder(runs[0]) + "/lora_grads.npz"), "recomputed")
        // With dropout, both passes must drop the same elements: the gradients are those of an unrecomputed step, to
        // the bit.
        func gradients(_ layers: Int) throws -> [[Float]] {
            let fixture = try dropping()
            fixture.model.planner.fixed = .init(recomputedLayers: layers)
            try fixture.model.loss(fixture.batch, dropoutSeed: 7).loss.backward()
            return try fixture.model.adapters[0].namedParameters.map { try XCTUnwrap($0.tensor.grad).floats() }
        }
        XCTAssertEqual(try gradients(0), try gradients(2))
    }

    /// A model with dropout on the adapter's input and on attention.
    private func dropping() throws -> Fixture {
        let fixture = try Fixture("dual_bf16")
        let adapter = try fixture.model.applyLoRA(
            LoRAConfiguration(rank: 8, alpha: 16, dropout: 0.3), generator: Random(seed: 1))
        let initial = try Vectors.npz(folder(runs[0]) + "/lora_init.npz")
        for (name, tensor) in adapter.namedParameters { try set(tensor, to: initial[name]!) }
        return fixture
    }

    func testDropoutActsOnlyWithASeedAndRepeatsItself() throws {
        let fixture = try dropping()
        let plain = try fixture.model.loss(fixture.batch).loss.item()
        XCTAssertEqual(try fixture.model.loss(fixture.batch).loss.item(), plain)
        let first = try fixture.model.loss(fixture.batch, dropoutSeed: 1).loss.item()
        XCTAssertEqual(try fixture.model.loss(fixture.batch, dropoutSeed: 1).loss.item(), first)
        XCTAssertNotEqual(first, plain)
        XCTAssertNotEqual(try fixture.model.loss(fixture.batch, dropoutSeed: 2).loss.item(), first)
    }

    func testEightSteps() throws {
        for run in runs {
            let (fixture, adapter) = try start(run), optimizer = PlainAdamW()
            let record = try XCTUnwrap(Vectors.json(folder(run) + "/steps.json") as? [String: Any])
            let steps = try XCTUnwrap(record["steps"] as? [[String: Any]])
            XCTAssertGreaterThanOrEqual(steps.count, 8)
            for step in steps.prefix(8) {
                let result = try fixture.model.loss(fixture.batch)
                let expected = try XCTUnwrap(step["loss"] as? Double)
                XCTAssertEqual(try result.loss.item(), expected, accuracy: 1e-4 * expected, folder(run))
                XCTAssertEqual(
                    Float(result.topFiveAccuracy), Float(try XCTUnwrap(step["top_5_accuracy"] as? Double)), folder(run))
                try result.loss.backward()
                let norm = try optimizer.update(adapter.namedParameters, rate: try XCTUnwrap(step["lr"] as? Double))
                let wanted = try XCTUnwrap(step["grad_norm"] as? Double)
                XCTAssertEqual(norm, wanted, accuracy: 1e-4 * wanted, folder(run))
            }
            let expected = try after8(run)
            for (name, tensor) in adapter.namedParameters {
                assertClose(try tensor.floats(), try expected[name]!.floats(), abs: 2e-6, "\(folder(run)) \(name)")
            }
        }
    }

    func testMergedWeightsBitForBit() throws {
        for run in runs {
            let (fixture, adapter) = try start(run), trained = try after8(run)
            for (name, tensor) in adapter.namedParameters { try set(tensor, to: trained[name]!) }
            let live = try fixture.model.forward(fixture.batch)
            try fixture.model.mergeLoRA()
            XCTAssertTrue(fixture.model.adapters.isEmpty)
            let weights = Dictionary(uniqueKeysWithValues: fixture.model.namedWeights.map { ($0.name, $0.tensor) })
            try compareWithReferenceMerge(weights, folder(run) + "/merged")
            if run.model == "dual_fastdim" {   // float32: merged and live differ by summation order only
                let merged = try fixture.model.forward(fixture.batch)
                assertClose(try merged.tokenLogits.floats(), try live.tokenLogits.floats(), abs: 1e-5, "live")
                assertClose(try merged.codebookLogits.floats(), try live.codebookLogits.floats(), abs: 1e-5, "live")
            }
        }
    }

    /// Bits where the vectors have them; dtype, shape and sums of every tensor.
    private func compareWithReferenceMerge(_ weights: [String: Tensor], _ folder: String) throws {
        let keys = try XCTUnwrap(Vectors.json(folder + "/keys.json") as? [String: [String: Any]])
        XCTAssertEqual(Set(weights.keys), Set(keys.keys))
        for (name, facts) in keys {
            let tensor = try XCTUnwrap(weights[name]), values = try tensor.doubles()
            XCTAssertEqual(tensor.dtype.rawValue, facts["dtype"] as? String)
            XCTAssertEqual(Array(tensor.shape), facts["shape"] as? [Int])
            let sum = try XCTUnwrap(facts["abs_sum"] as? Double)
            XCTAssertEqual(values.reduce(0) { $0 + abs($1) }, sum, accuracy: 1e-9 * sum + 1e-12, name)
        }
        var exact: [String: Tensor] = [:]
        if FileManager.default.fileExists(atPath: Vectors.path(folder + "/model.pth")) {
            exact = Dictionary(
                uniqueKeysWithValues: try Checkpoint.stateDict(Vectors.path(folder + "/model.pth")).map {
                    ($0.name, $0.tensor)
                })
        } else if FileManager.default.fileExists(atPath: Vectors.path(folder + "/some_tensors.npz")) {
            exact = try Vectors.npz(folder + "/some_tensors.npz")
        }
        for (name, tensor) in exact {
            XCTAssertEqual(try weights[name]!.floats().map(\.bitPattern), try tensor.floats().map(\.bitPattern), name)
        }
    }

    func testFreshAdapterChangesNothing() throws {
        for name in ["dual_bf16", "dual_fastdim", "dual_tied", "naive_bf16"] {
            let fixture = try Fixture(name), before = try fixture.model.forward(fixture.batch)
            let adapter = try fixture.model.applyLoRA(.stock, generator: Random(seed: 3)),
                after = try fixture.model.forward(fixture.batch)
            XCTAssertEqual(try before.tokenLogits.floats(), try after.tokenLogits.floats(), name)
            XCTAssertEqual(try before.codebookLogits.floats(), try after.codebookLogits.floats(), name)
            for (name, tensor) in adapter.namedParameters {
                let values = try tensor.floats(), isEmbedding = name.contains("embeddings")
                if name.hasSuffix("lora_A") == isEmbedding {
                    XCTAssertTrue(values.allSatisfy { $0 == 0 }, name)
                } else if isEmbedding {   // standard normal
                    let mean = values.reduce(0, +) / Float(values.count),
                        square = values.reduce(0) { $0 + $1 * $1 } / Float(values.count)
                    XCTAssertEqual(mean, 0, accuracy: 0.2, name)
                    XCTAssertEqual(square, 1, accuracy: 0.3, name)
                } else {   // uniform in +-1/sqrt(in)
                    let bound = 1 / Float(tensor.shape[1]).squareRoot(),
                        square = values.reduce(0) { $0 + $1 * $1 } / Float(values.count)
                    XCTAssertLessThanOrEqual(maxAbs(values), bound, name)
                    XCTAssertEqual(square, bound * bound / 3, accuracy: bound * bound / 10, name)
                }
            }
        }
    }

    func testTiedEmbeddingsLiveEqualsMerged() throws {
        let fixture = try Fixture("dual_tied", weights: .float32)
        try makeNoise(try fixture.model.applyLoRA(LoRAConfiguration(rank: 4, alpha: 8), generator: Random(seed: 5)))
        let live = try fixture.model.forward(fixture.batch)
        try fixture.model.mergeLoRA()
        let merged = try fixture.model.forward(fixture.batch)
        assertClose(try live.tokenLogits.floats(), try merged.tokenLogits.floats(), abs: 2e-5, rel: 1e-5)
        assertClose(try live.codebookLogits.floats(), try merged.codebookLogits.floats(), abs: 2e-5, rel: 1e-5)
    }

    private func makeNoise(_ adapter: LoRAAdapter) throws {
        var state: UInt32 = 12345
        for (_, tensor) in adapter.namedParameters {
            for i in 0 ..< tensor.count {
                state = state &* 1664525 &+ 1013904223
                tensor.pointer(Float.self)[i] += (Float(state >> 8) / Float(1 << 24) - 0.5) * 0.05
            }
            tensor.storage.didChange()
        }
    }

    func testScalesAndSeveralAdapters() throws {
        let fixture = try Fixture("dual_fastdim"), model = fixture.model
        func logits() throws -> [Float] { try model.forward(fixture.batch).tokenLogits.floats() }
        let base = try logits()
        let first = try model.applyLoRA(LoRAConfiguration(rank: 4, alpha: 8), generator: Random(seed: 1))
        try makeNoise(first)
        let one = try logits()
        XCTAssertNotEqual(one, base)
        let second = try model.applyLoRA(
            LoRAConfiguration(rank: 2, alpha: 8, targets: ["attention"]), generator: Random(seed: 2))
        try makeNoise(second)
        let both = try logits()
        XCTAssertNotEqual(both, one)
        second.scale = 0
        XCTAssertEqual(try logits(), one)
        (first.scale, second.scale) = (0, 0)
        XCTAssertEqual(try logits(), base)
        (first.scale, second.scale) = (1, 1)
        model.removeLoRA(second)
        XCTAssertEqual(try logits(), one)
        // Both at once equal both merged.
        let again = try model.applyLoRA(
            LoRAConfiguration(rank: 2, alpha: 8, targets: ["attention"]), generator: Random(seed: 2))
        try makeNoise(again)
        assertClose(try logits(), both, abs: 1e-6)
        try model.mergeLoRA()
        assertClose(try logits(), both, abs: 2e-5, rel: 1e-5)
    }

    func testTargets() throws {
        func modules(_ targets: [String], _ name: String = "dual_bf16") throws -> [String] {
            try Fixture(name).model.applyLoRA(
                LoRAConfiguration(rank: 2, alpha: 4, targets: targets), generator: Random(seed: 1)
            ).modules
        }
        XCTAssertEqual(try modules(["all"]).count, 30)
        XCTAssertTrue(try modules(["fast"]).allSatisfy { $0.hasPrefix("fast_") })
        XCTAssertEqual(try modules(["fast"]).count, 12)
        XCTAssertEqual(try modules(["attention"]).count, 10)
        XCTAssertEqual(try modules(["mlp", "wo"]).count, 20)
        XCTAssertEqual(try modules(["embeddings"]), ["embeddings"])
        XCTAssertEqual(try modules(["layers.1.attention.*"]), ["layers.1.attention.wqkv", "layers.1.attention.wo"])
        XCTAssertEqual(try modules(["output", "fast_output"]), ["output", "fast_output"])
        XCTAssertFalse(try modules(["all"], "naive_bf16").contains("codebook_output"))
        assertThrows(.config, containing: "wqkv") { try modules(["wqvk"]) }
        assertThrows(.config, containing: "'fast'") { try modules(["fast"], "naive_bf16") }
        // Without an adapter on the embeddings, gradients must still arrive.
        let fixture = try Fixture("dual_bf16")
        let adapter = try fixture.model.applyLoRA(
            LoRAConfiguration(rank: 2, alpha: 4, targets: ["layers.0.attention.wqkv"]), generator: Random(seed: 1))
        try makeNoise(adapter)
        fixture.model.planner.fixed = .init(recomputedLayers: 3)
        try fixture.model.loss(fixture.batch).loss.backward()
        for (name, tensor) in adapter.namedParameters {
            XCTAssertGreaterThan(maxAbs(try XCTUnwrap(tensor.grad).floats()), 0, name)
        }
    }

    func testNamedConfigurations() throws {
        XCTAssertEqual(try LoRAConfiguration.named("r_8_alpha_16"), .stock)
        XCTAssertEqual(LoRAConfiguration.stock.dropout, 0.01)
        XCTAssertEqual(try LoRAConfiguration.named("r_32_alpha_16.yaml").rank, 32)
        assertThrows(.config, containing: "nope") { try LoRAConfiguration.named("nope") }
        assertThrows(.config) { try LoRAConfiguration(rank: 0, alpha: 1) }
        assertThrows(.config) { try LoRAConfiguration(rank: 1, alpha: 1, dropout: 1) }
    }
}

/// Per tensor: the largest difference is at most 1e-4 of the tensor's largest gradient, plus 1e-7.
func compareGradients(
    _ parameters: [(name: String, tensor: Tensor)], _ expected: [String: Tensor], _ what: String
) throws {
    var compared = 0
    for (name, tensor) in parameters {
        guard let wanted = try expected[name]?.floats() else { continue }
        let found = try XCTUnwrap(tensor.grad, "\(what): \(name) has no gradient").floats()
        assertClose(found, wanted, abs: 1e-4 * maxAbs(wanted) + 1e-7, "\(what) \(name)")
        compared += 1
    }
    XCTAssertEqual(compared, expected.count, what)
}
