import Dataset
import Foundation
import Support
import TestSupport
import Training
import XCTest

/// What the trainer refuses: another run's folder, data of other models, numbers that are not finite, wrong settings.
final class TrainerRefusalTests: TrainerCase {
    func testOtherRunsAreNamed() throws {
        try withTemporaryFolder { folder in
            func fit(
                rank: Int = 4, store: SentenceStore? = nil, _ change: (inout TrainerSettings) -> Void = { _ in }
            ) throws {
                let model = try model(rank: rank)
                var settings = settings(folder, steps: 2)
                settings.validateEvery = 0
                change(&settings)
                _ = try Trainer(model: model, data: data(model, store: store), settings: settings).fit()
            }
            try fit()
            assertThrows(.config, containing: "adapter was rank 4") { try fit(rank: 8) }
            assertThrows(.config, containing: "the dataset has other clips") { try fit(store: store(clips: 9)) }
            assertThrows(.config, containing: "lr was 0.01 and is 0.001") {
                try fit { $0.optimizer.learningRate = 0.001 }
            }
            assertThrows(.config, containing: "seed was 42") { try fit { $0.seed = 1 } }
            assertThrows(.config, containing: "holds a run of 2 steps") { try fit { $0.resume = false } }
            // What does not change a step may change.
            try fit { ($0.maxSteps, $0.checkpointEvery) = (3, 1) }
        }
    }

    func testDatasetMustFitTheModel() throws {
        try withTemporaryFolder { folder in
            let model = try model()
            let two = SentenceStore(groups: [
                SentenceGroup(
                    source: "folder", name: "a",
                    sentences: [
                        Sentence(texts: ["a"], codes: SentenceCodes(codebooks: 2, values: [1, 2, 3, 4]))
                    ])
            ])
            assertThrows(.data, containing: "2 codebooks") {
                try Trainer(model: model, data: data(model, store: two), settings: settings(folder))
            }
            assertThrows(.data, containing: "codes up to") {
                try Trainer(model: model, data: data(model, store: store(codes: 3000)), settings: settings(folder))
            }
            XCTAssertFalse(FileKind.exists(folder + "/p"))
        }
    }

    /// A step whose numbers are not finite is not used, and the checkpoint before stays the last.
    func testStopsBeforeUsingBrokenNumbers() throws {
        try withTemporaryFolder { folder in
            let model = try model(), poisoned = model.trainableParameters[5].tensor
            var events = TrainerEvents()
            events.onStep = { log in
                if log.step == 9 { poisoned.pointer(Float.self)[0] = .nan }
                return true
            }
            var settings = settings(folder)
            settings.validateEvery = 0
            assertThrows(.data, containing: "step 10: the loss is") {
                try Trainer(model: model, data: data(model), settings: settings, events: events).fit()
            }
            XCTAssertEqual(
                try FileManager.default.contentsOfDirectory(atPath: folder + "/p/checkpoints"), ["step_000000008.ckpt"])
        }
    }

    func testAllThatIsWrongWithSettings() throws {
        let model = try model()
        var settings = settings("/nonexistent")
        (settings.maxSteps, settings.batchSize, settings.optimizer.learningRate) = (0, -1, .infinity)
        let error = assertThrows(.config, containing: "max_steps") {
            try Trainer(model: model, data: data(model), settings: settings)
        }
        for word in ["batch_size", "lr"] { XCTAssertTrue(error?.message.contains(word) ?? false, word) }
    }
}
