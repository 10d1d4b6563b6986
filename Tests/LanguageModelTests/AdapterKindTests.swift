import Formats
import Foundation
import LanguageModel
import Support
import Tensors
import TestSupport
import Text
import XCTest

/// rsLoRA and DoRA against PEFT on the reference's models, and what holds for every kind.
final class AdapterKindTests: XCTestCase {
    private struct Run {
        let model: String, kind: AdapterKind, alpha: Int
        var vectors: String { "lora/peft/\(model)_\(kind.rawValue)_r4_alpha\(alpha).npz" }
    }

    private let runs = [
        Run(model: "dual_fastdim", kind: .dora, alpha: 32), Run(model: "dual_fastdim", kind: .rslora, alpha: 32),
        Run(model: "dual_bf16", kind: .dora, alpha: 8)
    ]

    /// The adapter of the vectors on its base; `check` sees it before the magnitudes are set.
    private func start(
        _ run: Run, weights: LanguageModel.WeightForm = .asStored, check: (LoRAAdapter) throws -> Void = { _ in }
    )
        throws -> (fixture: Fixture, adapter: LoRAAdapter, vectors: [String: Tensor])
    {
        let fixture = try Fixture(run.model, weights: weights)
        let vectors = try Vectors.npz(run.vectors)
        let factors = try Vectors.npz("lora/\(run.model)_r4_alpha32/lora_init.npz")
        let configuration = try LoRAConfiguration(kind: run.kind, rank: 4, alpha: Double(run.alpha))
        let adapter = try fixture.model.applyLoRA(configuration, generator: Random(seed: 1))
        try check(adapter)
        for (name, tensor) in adapter.namedParameters {
            let values = try XCTUnwrap(factors[name] ?? vectors["init/" + name], name)
            XCTAssertEqual(tensor.shape, values.shape, name)
            for (i, value) in try values.floats().enumerated() { tensor.pointer(Float.self)[i] = value }
            tensor.storage.didChange()
        }
        return (fixture, adapter, vectors)
    }

    func testLogitsAndLoss() throws {
        for run in runs {
            let (fixture, _, vectors) = try start(run)
            let parts = try fixture.model.loss(fixture.batch)
            for (found, name) in [
                (try parts.loss.item(), "loss"), (parts.base, "base_loss"), (parts.semantic, "semantic_loss")
            ] {
                let expected: Double = try vectors[name]!.item()
                XCTAssertEqual(found, expected, accuracy: 1e-5 * expected, "\(run.vectors) \(name)")
            }
            // Every 24th position; what the reference says about padding is not compared.
            let padding = try XCTUnwrap(fixture.batch.attentionMasks)
            let masks = try padding.ints()
            let length = padding.shape[1]
            let result = try fixture.model.forward(fixture.batch)
            let expected = try vectors["token_logits"]!.floats()
            let logits = try result.tokenLogits.floats()
            let width = result.tokenLogits.shape[2]
            let places = stride(from: 0, to: length, by: 24)
            var compared = 0
            for (row, (b, t)) in (0 ..< result.tokenLogits.shape[0]).flatMap({ b in places.map { (b, $0) } })
                .enumerated()
            where masks[b * length + t] == 0 {
                let at = (b * length + t) * width
                assertClose(
                    Array(logits[at ..< at + width]), Array(expected[row * width ..< (row + 1) * width]), abs: 1e-4,
                    rel: 1e-4, run.vectors)
                compared += 1
            }
            XCTAssertGreaterThan(compared, 2)
        }
    }

    func testGradients() throws {
        for run in runs {
            let (fixture, adapter, vectors) = try start(run)
            try fixture.model.loss(fixture.batch).loss.backward()
            let expected = Dictionary(
                uniqueKeysWithValues: vectors.filter { $0.key.hasPrefix("grad/") }.map {
                    (String($0.key.dropFirst(5)), $0.value)
                })
            try compareGradients(adapter.namedParameters, expected, run.vectors)
            XCTAssertEqual(fixture.model.trainableParameters.count, adapter.namedParameters.count)
        }
    }

    /// Layers that run again, and batches in parts, have the same gradients.
    func testRecomputedLayersGiveTheSameGradients() throws {
        for dropout in [0, 0.3] {
            func gradients(_ layers: Int) throws -> [[Float]] {
                let fixture = try Fixture("dual_bf16")
                let configuration = try LoRAConfiguration(kind: .dora, rank: 4, alpha: 8, dropout: dropout)
                try noise(try fixture.model.applyLoRA(configuration, generator: Random(seed: 1)))
                fixture.model.planner.fixed = .init(recomputedLayers: layers)
                try fixture.model.loss(fixture.batch, dropoutSeed: 7).loss.backward()
                return try fixture.model.adapters[0].namedParameters.map { try XCTUnwrap($0.tensor.grad).floats() }
            }
            XCTAssertEqual(try gradients(0), try gradients(2))
        }
    }

    func testMagnitudesBeginAsTheWeightsLengths() throws {
        for run in runs where run.kind == .dora {
            let vectors = try Vectors.npz(run.vectors)
            _ = try start(run) { adapter in
                var compared = 0
                for (name, tensor) in adapter.namedParameters {
                    guard
                        let expected = vectors[
                            name.replacingOccurrences(of: ".lora_magnitude_vector", with: ".initial_magnitude")]
                    else { continue }
                    assertClose(try tensor.floats(), try expected.floats(), abs: 1e-7, rel: 2e-6, name)
                    compared += 1
                }
                XCTAssertEqual(compared, 3)
            }
        }
    }

    func testMergedWeights() throws {
        for run in runs {
            let (fixture, _, vectors) = try start(run, weights: .float32)
            let live = try fixture.model.forward(fixture.batch)
            try fixture.model.mergeLoRA()
            let weights = Dictionary(uniqueKeysWithValues: fixture.model.namedWeights.map { ($0.name, $0.tensor) })
            let expected = vectors.filter { $0.key.hasPrefix("merged/") }
            XCTAssertGreaterThan(expected.count, 0)
            for (name, tensor) in expected {
                assertClose(
                    try weights[String(name.dropFirst(7))]!.floats(), try tensor.floats(), abs: 1e-6, rel: 1e-6, name)
            }
            let merged = try fixture.model.forward(fixture.batch)
            assertClose(
                try merged.tokenLogits.floats(), try live.tokenLogits.floats(), abs: 3e-5, rel: 1e-5, run.vectors)
            assertClose(
                try merged.codebookLogits.floats(), try live.codebookLogits.floats(), abs: 3e-5, rel: 1e-5, run.vectors)
        }
    }

    private func noise(_ adapter: LoRAAdapter, by size: Float = 0.1) throws {
        let random = Random(seed: 8)
        for (_, tensor) in adapter.namedParameters {
            for i in 0 ..< tensor.count { tensor.pointer(Float.self)[i] += Float(random.uniform() - 0.5) * size }
            tensor.storage.didChange()
        }
    }

    func testFreshAdaptersChangeNothing() throws {
        for name in ["dual_bf16", "dual_fastdim", "dual_tied", "naive_bf16"] {
            for kind in AdapterKind.allCases {
                let fixture = try Fixture(name)
                let before = try fixture.model.forward(fixture.batch)
                try fixture.model.applyLoRA(
                    try LoRAConfiguration(kind: kind, rank: 4, alpha: 8), generator: Random(seed: 3))
                let after = try fixture.model.forward(fixture.batch)
                XCTAssertEqual(try before.tokenLogits.floats(), try after.tokenLogits.floats(), "\(name) \(kind)")
                XCTAssertEqual(try before.codebookLogits.floats(), try after.codebookLogits.floats(), "\(name) \(kind)")
            }
        }
    }

    /// Merged weights say what base and adapter say: every kind, on every kind of model, several at other strengths
    /// too.
    func testLiveEqualsMerged() throws {
        for name in ["dual_fastdim", "dual_tied", "naive_bf16"] {
            for kind in AdapterKind.allCases {
                let fixture = try Fixture(name, weights: .float32)
                let model = fixture.model
                let first = try model.applyLoRA(
                    try LoRAConfiguration(kind: kind, rank: 4, alpha: 8), generator: Random(seed: 5))
                try noise(first)
                first.scale = 0.5
                let base = try Fixture(name).model.forward(fixture.batch).tokenLogits.floats()
                XCTAssertNotEqual(try model.forward(fixture.batch).tokenLogits.floats(), base)
                let second = try model.applyLoRA(
                    try LoRAConfiguration(kind: .dora, rank: 2, alpha: 2), generator: Random(seed: 6))
                try noise(second)
                let live = try model.forward(fixture.batch)
                try model.mergeLoRA()
                let merged = try model.forward(fixture.batch)
                assertClose(
                    try live.tokenLogits.floats(), try merged.tokenLogits.floats(), abs: 3e-5, rel: 1e-5,
                    "\(name) \(kind)")
                assertClose(
                    try live.codebookLogits.floats(), try merged.codebookLogits.floats(), abs: 3e-5, rel: 1e-5,
                    "\(name) \(kind)")
            }
        }
    }

    /// Strength 0 is the base, to the bit; 1 is as trained.
    func testLiveScale() throws {
        let fixture = try Fixture("dual_fastdim")
        let base = try fixture.model.forward(fixture.batch).tokenLogits.floats()
        let adapter = try fixture.model.applyLoRA(
            try LoRAConfiguration(kind: .dora, rank: 4, alpha: 8), generator: Random(seed: 5))
        try noise(adapter)
        adapter.scale = 0
        XCTAssertEqual(try fixture.model.forward(fixture.batch).tokenLogits.floats(), base)
    }

    /// An output whose weight has no length stays 0, and nothing becomes NaN.
    func testWeightsOfZero() throws {
        let fixture = try Fixture("dual_fastdim", weights: .float32)
        let model = fixture.model
        try model.unfreeze(["output.weight"])   // a copy, as the file's is read-only
        let output = try XCTUnwrap(model.namedWeights.first { $0.name == "output.weight" }).tensor
        let width = output.shape[1]
        try output.setRequiresGrad(false)
        for i in 3 * width ..< 4 * width { output.pointer(Float.self)[i] = 0 }
        output.storage.didChange()
        let adapter = try model.applyLoRA(
            try LoRAConfiguration(kind: .dora, rank: 4, alpha: 8, targets: ["output"]), generator: Random(seed: 5))
        let loss = try model.loss(fixture.batch).loss
        try loss.backward()
        XCTAssertTrue(try loss.item().isFinite)
        for (name, tensor) in adapter.namedParameters {
            XCTAssertTrue(try XCTUnwrap(tensor.grad).floats().allSatisfy(\.isFinite), name)
        }
    }

    func testGenerationEqualsMergedOnEveryKindOfModel() throws {
        for name in ["dual_bf16", "dual_tied", "naive_bf16", "dual_fastdim"] {
            for kind in [AdapterKind.rslora, .dora] {
                func run(merged: Bool, adapted: Bool = true) throws -> [Int] {
                    let model = try LanguageModel.load(Vectors.path("dualar/\(name)"), weights: .float32)
                    if adapted {
                        try noise(
                            try model.applyLoRA(
                                try LoRAConfiguration(kind: kind, rank: 4, alpha: 8), generator: Random(seed: 8)))
                    }
                    if merged { try model.mergeLoRA() }
                    let prompt = try Prompt.encode(
                        model.tokenizer!, text: "Ok 42.", codebookCount: model.configuration.codebookCount)
                    let options = GenerationOptions(
                        sampling: try SamplingOptions(topP: 1e-6), maxNewTokens: 30, seed: 1)
                    return try model.generate(prompt: prompt, options).sequence.ints()
                }
                let live = try run(merged: false)
                XCTAssertEqual(live, try run(merged: true), "\(name) \(kind)")
                XCTAssertNotEqual(live, try run(merged: false, adapted: false), "\(name) \(kind)")
            }
        }
    }

    /// Every form of stored weights runs with the adapter; what they say differs by the rounding of the base alone.
    func testGenerationOnEveryWeightForm() throws {
        var sequences: [[Int]] = []
        for form in [LanguageModel.WeightForm.float32, .bfloat16, .int8, .int4] {
            let model = try LanguageModel.load(Vectors.path("dualar/dual_bf16"), weights: form)
            try noise(
                try model.applyLoRA(try LoRAConfiguration(kind: .dora, rank: 4, alpha: 8), generator: Random(seed: 8)))
            let prompt = try Prompt.encode(
                model.tokenizer!, text: "Ok 42.", codebookCount: model.configuration.codebookCount)
            let options = GenerationOptions(sampling: try SamplingOptions(topP: 1e-6), maxNewTokens: 12, seed: 1)
            sequences.append(try model.generate(prompt: prompt, options).sequence.ints())
        }
        XCTAssertEqual(sequences[0], sequences[1])   // bfloat16 is how they are stored
        XCTAssertEqual(sequences[0].count, sequences[2].count)
        XCTAssertEqual(sequences[0].count, sequences[3].count)
    }

    func testFilesRecordTheirKind() throws {
        try withTemporaryFolder { folder in
            for kind in AdapterKind.allCases {
                let path = folder + "/\(kind).ckpt"
                let model = try LanguageModel.load(Vectors.path("dualar/dual_fastdim"))
                let adapter = try model.applyLoRA(
                    try LoRAConfiguration(kind: kind, rank: 4, alpha: 6, targets: ["attention"]),
                    generator: Random(seed: 9))
                try noise(adapter)
                try model.saveLoRA(adapter, to: path)
                XCTAssertEqual(try LanguageModel.readLoRAMetadata(path)?.kind, kind)
                let other = try LanguageModel.load(Vectors.path("dualar/dual_fastdim"))
                let loaded = try other.loadLoRA(path)
                XCTAssertEqual(loaded.configuration, adapter.configuration)
                XCTAssertEqual(loaded.namedParameters.map(\.name), adapter.namedParameters.map(\.name))
                for (a, b) in zip(loaded.namedParameters, adapter.namedParameters) {
                    XCTAssertEqual(try a.tensor.floats(), try b.tensor.floats())
                }
                let others = AdapterKind.allCases.filter { $0 != kind }
                for wanted in others {
                    assertThrows(.checkpoint, containing: "kind \(kind.rawValue)") {
                        try other.loadLoRA(
                            path,
                            configuration: try LoRAConfiguration(
                                kind: wanted, rank: 4, alpha: 6, targets: ["attention"]))
                    }
                }
                // A file from before there were kinds is lora; what its tensors show to be another kind is that.
                func rewrite(_ change: (inout [(CheckpointValue, CheckpointValue)]) -> Void) throws {
                    var metadata = try adapter.metadata(baseDigest: model.baseDigest()).dict!.map { ($0.key, $0.value) }
                    change(&metadata)
                    try Checkpoint.save(
                        [
                            "state_dict": adapter.stateDict(),
                            LoRAAdapter.metadataKey: .dict(metadata.map { (key: $0.0, value: $0.1) })
                        ], to: path)
                }
                if kind == .lora {
                    try rewrite { $0.removeAll { $0.0.string == "kind" } }
                    XCTAssertEqual(try other.loadLoRA(path).configuration.kind, .lora)
                }
                try rewrite { for i in $0.indices where $0[i].0.string == "kind" { $0[i].1 = .string("vera") } }
                assertThrows(.checkpoint, containing: "kind 'vera'") { try other.loadLoRA(path) }
            }
        }
    }

    func testMergeFilesProvesEveryKind() throws {
        try withTemporaryFolder { folder in
            for kind in [AdapterKind.rslora, .dora] {
                let path = folder + "/\(kind).ckpt"
                let base = Vectors.path("dualar/dual_bf16")
                let model = try LanguageModel.load(base)
                let adapter = try model.applyLoRA(
                    try LoRAConfiguration(kind: kind, rank: 4, alpha: 8), generator: Random(seed: 9))
                try noise(adapter, by: 0.05)
                try model.saveLoRA(adapter, to: path)
                let output = folder + "/merged-\(kind)"
                let report = try LanguageModel.mergeFiles(
                    configuration: nil, baseWeight: base, loraWeight: path, output: output)
                XCTAssertLessThanOrEqual(report.difference, 1e-5 * max(1, report.largestLogit))
                XCTAssertEqual(report.changed, report.modules)
                XCTAssertEqual(try JSON.read(output + "/merge.json")["kind"]?.string, kind.rawValue)
            }
        }
    }

    func testNames() throws {
        let dora = try LoRAConfiguration.named("r_8_alpha_16_dora")
        let fast = try LoRAConfiguration.named("r_4_alpha_8_fast_rslora")
        XCTAssertEqual(
            [dora.kind.rawValue, "\(dora.rank)", "\(dora.alpha)", dora.targets.joined()], ["dora", "8", "16.0", "all"])
        XCTAssertEqual(dora.scaling, 2)
        XCTAssertEqual([fast.kind.rawValue, "\(fast.rank)", fast.targets.joined()], ["rslora", "4", "fast"])
        XCTAssertEqual(fast.scaling, 4)
        XCTAssertEqual(try LoRAConfiguration.named("r_2_alpha_4_all_embeddings_dora").targets, ["all_embeddings"])
        XCTAssertEqual(try LoRAConfiguration.named("r_2_alpha_4_mlp").kind, .lora)
        for name in [
            "r_8_alpha_16_", "r_8_alpha_16_doras", "r_8_alpha_16_dora_fast", "dora", "r_8_alpha_dora", "_dora"
        ] {
            assertThrows(.config, containing: name) { try LoRAConfiguration.named(name) }
        }
        assertThrows(.config, containing: "'dra'") { try AdapterKind.named("dra") }
        XCTAssertEqual(
            try LoRATargets.ofModules(["embeddings", "output", "attention"]),
            ["all_embeddings", "outputs", "attention"])
        assertThrows(.config, containing: "q_proj") { try LoRATargets.ofModules(["q_proj"]) }
    }

    /// A step with DoRA costs more than one with LoRA, and with dropout more again; so does its memory.
    func testPlansKnowTheKind() throws {
        func cost(_ kind: AdapterKind, dropout: Double = 0) throws -> TrainingCost {
            let model = try Fixture("dual_bf16").model
            try model.applyLoRA(
                try LoRAConfiguration(kind: kind, rank: 4, alpha: 8, dropout: dropout), generator: Random(seed: 1))
            return model.trainingCost(rows: [RowSize(tokens: 60)])
        }
        let lora = try cost(.lora)
        let dora = try cost(.dora)
        let dropping = try cost(.dora, dropout: 0.1)
        XCTAssertEqual(try cost(.rslora).operations, lora.operations)
        XCTAssertEqual(dora.products, lora.products)
        XCTAssertGreaterThan(dora.operations, lora.operations)
        XCTAssertEqual(dropping.products, 2 * lora.products)
        XCTAssertGreaterThan(dora.plan.bytes, lora.plan.bytes)
        XCTAssertGreaterThan(dropping.plan.bytes, dora.plan.bytes)
    }
}
