import Formats
import LanguageModel
import Support
import Tensors
import TestSupport
import Training
import XCTest

/// Whole optimizer steps against PyTorch's: losses, gradient norms, learning rates, and the tensors at the end.
final class ReferenceStepTests: XCTestCase {
    private struct Steps {
        let values: [[String: Any]], base: String, clip: Double, settings: AdamW.Settings,
            schedule: LearningRateSchedule

        init(_ path: String) throws {
            let json = try XCTUnwrap(Vectors.json(path) as? [String: Any])
            values = try XCTUnwrap(json["steps"] as? [[String: Any]])
            base = try XCTUnwrap(json["base"] as? String)
            clip = try XCTUnwrap(json["clip_norm"] as? Double)
            schedule = .constant(warmup: try XCTUnwrap(json["num_warmup_steps"] as? Int))
            let optimizer = try XCTUnwrap(json["optimizer"] as? [String: Any])
            var settings = AdamW.Settings()
            settings.learningRate = try XCTUnwrap(optimizer["lr"] as? Double)
            let betas = try XCTUnwrap(optimizer["betas"] as? [Double])
            settings.betas = (betas[0], betas[1])
            settings.epsilon = try XCTUnwrap(optimizer["eps"] as? Double)
            settings.weightDecay = try XCTUnwrap(optimizer["weight_decay"] as? Double)
            self.settings = settings
        }
    }

    /// Trains on the batch of the vectors, checking every step.
    private func train(_ model: LanguageModel, _ steps: Steps, _ name: String) throws {
        let arrays = try Vectors.npz(steps.base + "/forward.npz")
        let batch = Batch(
            inputs: try XCTUnwrap(arrays["inputs"]), attentionMasks: arrays["attention_masks"], labels: arrays["labels"]
        )
        let optimizer = try AdamW(model.trainableParameters, steps.settings)
        for (i, wanted) in steps.values.enumerated() {
            func number(_ key: String) throws -> Double { try XCTUnwrap(wanted[key] as? Double, "\(name) \(key)") }
            func check(_ key: String, _ value: Double, rel: Double) throws {
                let expected = try number(key)
                XCTAssertEqual(value, expected, accuracy: rel * abs(expected), "\(name) step \(i + 1): \(key)")
            }
            optimizer.zeroGradients()
            optimizer.learningRate = steps.settings.learningRate * steps.schedule.factor(i)
            let loss = try model.loss(batch)
            try loss.loss.backward()
            try check("grad_norm", clipGradientNorm(optimizer.parameters.map(\.tensor), steps.clip), rel: 1e-4)
            try optimizer.step()
            try check("loss", loss.base + loss.semantic, rel: 1e-4)
            try check("base_loss", loss.base, rel: 1e-4)
            try check("semantic_loss", loss.semantic, rel: 1e-4)
            // The reference divides in float32.
            XCTAssertEqual(Float(loss.topFiveAccuracy), Float(try number("top_5_accuracy")), "\(name) step \(i + 1)")
            try check("lr", optimizer.learningRate, rel: 1e-12)
        }
    }

    func testAdapters() throws {
        for (model, rank, alpha) in [
            ("dual_bf16", 8, 16.0), ("dual_bf16", 4, 32), ("dual_fastdim", 8, 16), ("dual_fastdim", 4, 32)
        ] {
            let name = "\(model)_r\(rank)_alpha\(Int(alpha))"
            let steps = try Steps("lora/\(name)/steps.json")
            XCTAssertEqual(steps.values.count, 8)
            let lm = try LanguageModel.load(Vectors.path(steps.base))
            try lm.applyLoRA(LoRAConfiguration(rank: rank, alpha: alpha))
            let start = try Vectors.npz("lora/\(name)/lora_init.npz")
            XCTAssertEqual(Set(start.keys), Set(lm.trainableParameters.map(\.name)), name)
            try Autograd.withoutGradients {
                for (name, tensor) in lm.trainableParameters { _ = try tensor.copy_(XCTUnwrap(start[name], name)) }
            }
            try train(lm, steps, name)
            let end: [String: Tensor]
            if FileKind.isFile(Vectors.path("lora/\(name)/lora_after8.npz")) {
                end = try Vectors.npz("lora/\(name)/lora_after8.npz")
            } else {
                let state = try Checkpoint.stateDict(Vectors.path("lora/\(name)/lora_after8.ckpt")).dropping(
                    prefix: "model.")
                end = Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor) })
            }
            for (parameter, tensor) in lm.trainableParameters {
                assertClose(
                    try tensor.floats(), try XCTUnwrap(end[parameter], parameter).floats(), abs: 2e-6,
                    "\(name) \(parameter) after 8 steps")
            }
        }
    }

    func testAllWeights() throws {
        let steps = try Steps("lora/full_finetune_dual_bf16/steps.json")
        XCTAssertEqual(steps.values.count, 3)
        let model = try LanguageModel.load(Vectors.path(steps.base))
        try model.unfreeze()
        try train(model, steps, "full fine-tune")
        let weights = Dictionary(uniqueKeysWithValues: model.trainableParameters.map { ($0.name, $0.tensor) })
        let end = try Vectors.npz("lora/full_finetune_dual_bf16/params_after3.npz")
        XCTAssertEqual(end.count, 8)
        for (name, tensor) in end {
            assertClose(
                try XCTUnwrap(weights[name], name).floats(), try tensor.floats(), abs: 2e-6, "\(name) after 3 steps")
        }
    }
}
