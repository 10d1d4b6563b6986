import Dataset
import Foundation
import LanguageModel
import Support
import Tensors
import TestSupport
import Training
import XCTest

/// A tiny model with clips to train it on, and how tests read what a run left behind.
class TrainerCase: XCTestCase {
    let base = Vectors.path("dualar/dual_bf16")

    func model(rank: Int = 4, adapted: Bool = true) throws -> LanguageModel {
        let model = try LanguageModel.load(base)
        if adapted {
            try model.applyLoRA(LoRAConfiguration(rank: rank, alpha: 8, dropout: 0.1), generator: Random(seed: 5))
        }
        return model
    }

    func store(codes: Int32 = 60, clips: Int = 14) -> SentenceStore {
        SentenceStore(
            groups: ["Ann", "Bob"].enumerated().map { g, name in
                SentenceGroup(
                    source: "folder", name: name,
                    sentences: (0 ..< clips).map { i in
                        let frames = 3 + (i * 5 + g) % 7
                        let values = (0 ..< 8 * frames).map { Int32(($0 * 13 + i * 29 + g * 17) % Int(codes)) }
                        return Sentence(
                            texts: ["Hello number \(i)."], codes: SentenceCodes(codebooks: 8, values: values))
                    })
            })
    }

    func data(
        _ model: LanguageModel, sampler: SamplingSettings.Sampler = .coverage, store: SentenceStore? = nil,
        seed: UInt64 = 3,
        fraction: Double = 0.2
    ) throws -> TrainingDataset {
        var settings = SamplingSettings()
        settings.maxLength = 100
        settings.sampler = sampler
        settings.seed = seed
        settings.validationFraction = fraction
        return try TrainingDataset(
            store: store ?? self.store(), tokenizer: XCTUnwrap(model.tokenizer), settings: settings)
    }

    func settings(_ results: String, steps: Int = 20, project: String = "p") -> TrainerSettings {
        var settings = TrainerSettings()
        (settings.results, settings.project, settings.maxSteps) = (results, project, steps)
        (settings.batchSize, settings.accumulate) = (2, 2)
        settings.optimizer.learningRate = 0.01
        settings.schedule = .constant(warmup: 2)
        (settings.validateEvery, settings.checkpointEvery) = (10, 8)
        return settings
    }

    func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    func lines(_ path: String) throws -> [ConfigValue] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { try JSON.decode(String($0)) }
    }

    /// A digest of the bytes of all weights as they are now.
    func digest(_ model: LanguageModel) throws -> String {
        let digest = Digest()
        for (name, tensor) in model.namedWeights {
            digest.update(name)
            digest.update(
                UnsafeRawBufferPointer(
                    start: tensor.storage.pointer + tensor.offset * tensor.dtype.size,
                    count: tensor.count * tensor.dtype.size))
        }
        return digest.finish()
    }
}
