import Dataset
import Formats
import Foundation
import LanguageModel
import Support
import Tensors
import TestSupport
import Training
import XCTest

/// A validation's loss of each speaker: what it is made of and where it is told; the loss of all stays what it was.
final class SpeakerLossTests: XCTestCase {
    private func model() throws -> LanguageModel {
        let model = try LanguageModel.load(Vectors.path("dualar/dual_bf16"))
        try model.applyLoRA(LoRAConfiguration(rank: 4, alpha: 8, dropout: 0.1), generator: Random(seed: 5))
        return model
    }

    /// Half of the clips are held out.
    private func data(_ names: [String], clips: Int = 14, _ model: LanguageModel) throws -> TrainingDataset {
        let groups = names.enumerated().map { place, name in
            let sentences = (0 ..< clips).map { i in
                let values = (0 ..< 8 * (3 + (i * 5 + place) % 7)).map { Int32(($0 * 13 + i * 29 + place * 17) % 60) }
                return Sentence(texts: ["Hello number \(i)."], codes: SentenceCodes(codebooks: 8, values: values))
            }
            return SentenceGroup(source: "folder", name: name, sentences: sentences)
        }
        var settings = SamplingSettings()
        (settings.maxLength, settings.seed, settings.validationFraction) = (100, 3, 0.5)
        let tokenizer = try XCTUnwrap(model.tokenizer)
        return try TrainingDataset(store: SentenceStore(groups: groups), tokenizer: tokenizer, settings: settings)
    }

    /// A size of batches of which one has both speakers, and others have one.
    private func mixingSize(_ data: TrainingDataset) throws -> Int {
        let owners = try data.validationBySpeaker(batchSize: 1).map { $0[0].speaker }
        XCTAssertEqual(Set(owners), ["Ann", "Bob"])
        let first = owners.filter { $0 == owners[0] }.count
        return try XCTUnwrap((2 ... owners.count).first { first % $0 != 0 && first > $0 })
    }

    func testABatchIsDividedByWhoseItIs() throws {
        let model = try model(), data = try data(["Ann", "Bob"], model)
        for size in [1, try mixingSize(data), 1000] {
            let whole = try data.validation(batchSize: size), parts = try data.validationBySpeaker(batchSize: size)
            XCTAssertEqual(parts.map { $0.reduce(0) { $0 + $1.tokens } }, whole.map(\.tokenCount), "\(size)")
            for (batch, part) in zip(whole, parts) {
                XCTAssertEqual(part.allSatisfy { $0.batch == nil }, part.count == 1, "one speaker's is not repeated")
                let rows = part.compactMap(\.batch).reduce(0) { $0 + $1.inputs.shape[0] }
                if part.count > 1 { XCTAssertEqual(rows, batch.inputs.shape[0]) }
            }
            XCTAssertEqual(parts.contains { $0.count > 1 }, size > 1)
        }
        XCTAssertEqual(try data.validationBySpeaker(batchSize: 1000).map { $0.map(\.speaker) }, [["Ann", "Bob"]])
        let few = try self.data(["Ann", "Ann"], model)
        XCTAssertTrue(try few.validationBySpeaker(batchSize: 4).isEmpty, "one speaker in two packs")
        let many = try self.data((0 ... 100).map { "S\($0)" }, clips: 2, model)
        XCTAssertTrue(try many.validationBySpeaker(batchSize: 4).isEmpty)
    }

    func testEachSpeakerHasACurve() throws {
        try withTemporaryFolder { folder in
            let model = try model(), data = try data(["Ann", "Bob"], model), size = try mixingSize(data)
            var settings = TrainerSettings(), events = TrainerEvents(), logs: [StepLog] = []
            (settings.results, settings.project, settings.maxSteps, settings.batchSize) = (folder, "p", 2, size)
            (settings.optimizer.learningRate, settings.validateEvery, settings.checkpointEvery) = (0.01, 1, 2)
            settings.schedule = .constant(warmup: 1)
            events.onValidation = { logs.append($0) }
            _ = try Trainer(model: model, data: data, settings: settings, events: events).fit()
            XCTAssertEqual(logs.map(\.step), [0, 1, 2])

            // Before the first step, by hand; the loss of all in the order in which it was always summed.
            let fresh = try self.model()
            func loss(_ batch: TokenBatch) throws -> LossResult {
                let plain = Batch(inputs: batch.inputs, attentionMasks: batch.attentionMasks, labels: batch.labels)
                return try Autograd.withoutGradients { try fresh.loss(plain) }
            }
            let whole = try data.validation(batchSize: size), parts = try data.validationBySpeaker(batchSize: size)
            let total = Double(whole.reduce(0) { $0 + $1.tokenCount })
            var base = 0.0, semantic = 0.0, sums: [String: Double] = [:], tokens: [String: Int] = [:]
            for (batch, owners) in zip(whole, parts) {
                let all = try loss(batch)
                base += all.base * (Double(batch.tokenCount) / total)
                semantic += all.semantic * (Double(batch.tokenCount) / total)
                for part in owners {
                    let own = try part.batch.map(loss) ?? all
                    sums[part.speaker, default: 0] += (own.base + own.semantic) * Double(part.tokens)
                    tokens[part.speaker, default: 0] += part.tokens
                }
            }
            XCTAssertEqual([logs[0].base, logs[0].semantic], [base, semantic], "the same bits")
            XCTAssertEqual(Set(logs[0].speakers.keys), ["Ann", "Bob"])
            for (name, sum) in sums {
                XCTAssertEqual(logs[0].speakers[name] ?? 0, sum / Double(tokens[name] ?? 0), accuracy: 1e-12, name)
            }
            XCTAssertNotEqual(logs[0].speakers["Ann"], logs[0].speakers["Bob"])
            XCTAssertNotEqual(logs[0].speakers["Ann"], logs[2].speakers["Ann"])

            let text = try String(contentsOfFile: folder + "/p/metrics.jsonl", encoding: .utf8)
            let lines = try text.split(separator: "\n").map { try JSON.decode(String($0)) }
            let told = lines.filter { $0["stage"]?.string == "val" }.map { $0["speaker_loss"]?["Bob"]?.double }
            XCTAssertEqual(told, logs.map { $0.speakers["Bob"] })
            XCTAssertTrue(lines.filter { $0["stage"]?.string == "train" }.allSatisfy { $0["speaker_loss"] == nil })
            let board = try FileManager.default.contentsOfDirectory(atPath: folder + "/p/tensorboard")
            let points = try EventFileWriter.read(folder + "/p/tensorboard/" + XCTUnwrap(board.first))
            for name in ["Ann", "Bob"] {
                XCTAssertEqual(points.filter { $0.tag == "val/loss/\(name)" }.map(\.step), [0, 1, 2], name)
            }
        }
    }

    func testOneSpeakerHasTheCurveOfAll() throws {
        try withTemporaryFolder { folder in
            let model = try model(), data = try data(["Ann"], model)
            var settings = TrainerSettings(), events = TrainerEvents(), logs: [StepLog] = []
            (settings.results, settings.project, settings.maxSteps, settings.batchSize) = (folder, "p", 1, 2)
            events.onValidation = { logs.append($0) }
            _ = try Trainer(model: model, data: data, settings: settings, events: events).fit()
            XCTAssertFalse(logs.isEmpty)
            XCTAssertTrue(logs.allSatisfy { $0.speakers.isEmpty })
            let text = try String(contentsOfFile: folder + "/p/metrics.jsonl", encoding: .utf8)
            XCTAssertFalse(text.contains("speaker_loss"))
        }
    }
}
