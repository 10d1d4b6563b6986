import Dataset
import Formats
import Foundation
import LanguageModel
import Support
import Tensors
import TestSupport
import Training
import XCTest

/// The moving average of what is trained: by its formula from the steps, in what is saved and validated, and over a
/// restart.
final class WeightAverageTests: XCTestCase {
    private func fit(
        _ folder: String, _ project: String, steps: Int, decay: Double,
        onStep: @escaping (LanguageModel) throws -> Void = { _ in }
    ) throws -> TrainingSummary {
        let model = try LanguageModel.load(Vectors.path("dualar/dual_bf16"))
        try model.applyLoRA(LoRAConfiguration(rank: 4, alpha: 8, dropout: 0.1), generator: Random(seed: 5))
        let sentences = (0 ..< 12).map { i in
            let values = (0 ..< 8 * (3 + i % 5)).map { Int32(($0 * 13 + i * 29) % 60) }
            return Sentence(texts: ["Hello number \(i)."], codes: SentenceCodes(codebooks: 8, values: values))
        }
        let store = SentenceStore(groups: [SentenceGroup(source: "folder", name: "Ann", sentences: sentences)])
        var sampling = SamplingSettings(), settings = TrainerSettings(), events = TrainerEvents()
        (sampling.maxLength, sampling.seed, sampling.validationFraction) = (100, 3, 0.2)
        (settings.results, settings.project, settings.maxSteps, settings.batchSize) = (folder, project, steps, 2)
        (settings.optimizer.learningRate, settings.averageDecay) = (0.01, decay)
        (settings.validateEvery, settings.checkpointEvery) = (2, 2)
        events.onStep = { _ in
            try onStep(model)
            return true
        }
        let data = try TrainingDataset(store: store, tokenizer: XCTUnwrap(model.tokenizer), settings: sampling)
        return try Trainer(model: model, data: data, settings: settings, events: events).fit()
    }

    private func adapter(_ path: String?) throws -> [[Float]] {
        let model = try LanguageModel.load(Vectors.path("dualar/dual_bf16"))
        return try model.loadLoRA(XCTUnwrap(path)).namedParameters.map { try $0.tensor.floats() }
    }

    func testWhatIsSavedIsTheAverageOfTheSteps() throws {
        try withTemporaryFolder { folder in
            var history: [[[Float]]] = []
            let averaged = try fit(folder, "averaged", steps: 6, decay: 0.4) { model in
                history.append(try model.trainableParameters.map { try $0.tensor.floats() })
            }
            let plain = try fit(folder, "plain", steps: 6, decay: 0)
            // The steps themselves are those of a run without an average.
            XCTAssertEqual(try adapter(plain.checkpoint), history.last)
            XCTAssertNotEqual(averaged.best?.loss, plain.best?.loss, "validation did not use the average")
            XCTAssertEqual(averaged.lastLoss, plain.lastLoss)

            let begun = try LanguageModel.load(Vectors.path("dualar/dual_bf16"))
            try begun.applyLoRA(LoRAConfiguration(rank: 4, alpha: 8, dropout: 0.1), generator: Random(seed: 5))
            var expected = try begun.trainableParameters.map { try $0.tensor.floats() }
            for (step, weights) in history.enumerated() {
                let decay = Float(min(0.4, Double(2 + step) / Double(11 + step)))
                for (i, values) in weights.enumerated() {
                    for j in values.indices { expected[i][j] += (1 - decay) * (values[j] - expected[i][j]) }
                }
            }
            for (saved, values) in zip(try adapter(averaged.checkpoint), expected) {
                XCTAssertEqual(saved.count, values.count)
                for (a, b) in zip(saved, values) { XCTAssertEqual(a, b, accuracy: 1e-6) }
            }
        }
    }

    func testARestartChangesNothing() throws {
        try withTemporaryFolder { folder in
            let whole = try fit(folder, "whole", steps: 6, decay: 0.9)
            _ = try fit(folder, "parts", steps: 2, decay: 0.9)
            let parts = try fit(folder, "parts", steps: 6, decay: 0.9)
            XCTAssertEqual(parts.firstStep, 2)
            XCTAssertEqual(
                try Data(contentsOf: URL(fileURLWithPath: XCTUnwrap(parts.checkpoint))),
                try Data(contentsOf: URL(fileURLWithPath: XCTUnwrap(whole.checkpoint))))
            assertThrows(.config, containing: "ema_decay was 0.9 and is not set") {
                try fit(folder, "parts", steps: 8, decay: 0)
            }
            assertThrows(.config, containing: "ema_decay must be in [0, 1)") {
                try fit(folder, "none", steps: 2, decay: 1)
            }
        }
    }
}
