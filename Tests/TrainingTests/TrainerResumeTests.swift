import Dataset
import Formats
import Foundation
import Support
import TestSupport
import Training
import XCTest

/// Resuming changes nothing: after a stop or a kill, from adapters or all weights, past damaged checkpoints.
final class TrainerResumeTests: TrainerCase {
    /// 20 steps at once, and 20 with an interruption after 10, in another process as it were: the same bytes.
    func testResumingChangesNothing() throws {
        for sampler in SamplingSettings.Sampler.allCases {
            try withTemporaryFolder { folder in
                func run(_ project: String, interruptAt: Int? = nil) throws -> TrainingSummary {
                    let model = try model()
                    var events = TrainerEvents()
                    events.onStep = { log in
                        if log.step == interruptAt { Interrupt.request() }
                        return true
                    }
                    return try Trainer(
                        model: model, data: data(model, sampler: sampler), settings: settings(folder, project: project),
                        events: events
                    ).fit()
                }
                let whole = try run("whole")
                XCTAssertEqual(whole.ending, .finished)
                let half = try run("parts", interruptAt: 10)
                XCTAssertEqual(half.ending, .interrupted)
                XCTAssertEqual([half.step, half.exitCode], [10, 130])
                XCTAssertFalse(Interrupt.isRequested)
                XCTAssertEqual(half.checkpoint.map(PathName.last), "step_000000010.ckpt")
                let rest = try run("parts")
                XCTAssertEqual([rest.firstStep, rest.step], [10, 20])
                XCTAssertEqual(
                    try bytes(XCTUnwrap(rest.checkpoint)), try bytes(XCTUnwrap(whole.checkpoint)), "\(sampler)")
                func told(_ project: String) throws -> [ConfigValue] {
                    try lines(folder + "/\(project)/metrics.jsonl").filter { $0["stage"]?.string == "train" }.map {
                        line in
                        var map = line.map!
                        map["seconds"] = nil
                        return .map(map)
                    }
                }
                XCTAssertEqual(try told("parts"), try told("whole"))

                // A run that was killed instead: what came after its last checkpoint is done again.
                let killed = folder + "/killed"
                try FileManager.default.copyItem(atPath: folder + "/whole", toPath: killed)
                for name in ["step_000000016.ckpt", "step_000000020.ckpt"] {
                    try FileManager.default.removeItem(atPath: killed + "/checkpoints/" + name)
                }
                let again = try run("killed")
                XCTAssertEqual(again.firstStep, 8)
                XCTAssertEqual(try bytes(XCTUnwrap(again.checkpoint)), try bytes(XCTUnwrap(whole.checkpoint)))
                XCTAssertEqual(try told("killed"), try told("whole"))

                XCTAssertEqual(again.best?.step, whole.best?.step)
                XCTAssertEqual(again.best?.loss, whole.best?.loss)

                let over = try run("whole")
                XCTAssertEqual(over.ending, .alreadyFinished)
                XCTAssertEqual(over.exitCode, 0)
            }
        }
    }

    func testAllWeightsResume() throws {
        try withTemporaryFolder { folder in
            func run(_ project: String, stopAt: Int? = nil) throws -> TrainingSummary {
                let model = try model(adapted: false)
                var events = TrainerEvents()
                events.onStep = { $0.step != stopAt }
                var settings = settings(folder, steps: 9, project: project)
                settings.checkpointEvery = 2
                return try Trainer(model: model, data: data(model), settings: settings, events: events).fit()
            }
            let whole = try run("whole")
            XCTAssertEqual(try run("parts", stopAt: 5).ending, .stopped)
            let rest = try run("parts")
            XCTAssertEqual(try bytes(XCTUnwrap(rest.checkpoint)), try bytes(XCTUnwrap(whole.checkpoint)))
            XCTAssertEqual(
                try FileManager.default.contentsOfDirectory(atPath: folder + "/whole/checkpoints").sorted(),
                ["step_000000008.ckpt", "step_000000009.ckpt"])
            // Such a checkpoint is a model.
            let trained = try Checkpoint.stateDict(XCTUnwrap(whole.checkpoint))
            XCTAssertEqual(Set(trained.names), Set(try model(adapted: false).namedWeights.map { "model." + $0.name }))
        }
    }

    func testBrokenCheckpoints() throws {
        try withTemporaryFolder { folder in
            let model = try model()
            let path = try XCTUnwrap(
                Trainer(model: model, data: data(model), settings: settings(folder, steps: 2)).fit().checkpoint)
            let loaded = try TrainingCheckpoint.load(path)
            XCTAssertEqual(loaded.step, 2)
            XCTAssertEqual(loaded.parameters.map(\.name), model.trainableParameters.map(\.name))
            XCTAssertEqual(loaded.identity.facts["seed"], "42")

            var content = try bytes(path)
            content[content.count / 2] ^= 0x40
            try content.write(to: URL(fileURLWithPath: folder + "/flipped.ckpt"))
            XCTAssertThrowsError(try TrainingCheckpoint.load(folder + "/flipped.ckpt"))
            try content.prefix(content.count / 2).write(to: URL(fileURLWithPath: folder + "/cut.ckpt"))
            XCTAssertThrowsError(try TrainingCheckpoint.load(folder + "/cut.ckpt"))
            assertThrows(.checkpoint, containing: "not written by Opah") {
                try TrainingCheckpoint.load(Vectors.path("ckpt/lightning_f32/step_000000010.ckpt"))
            }
        }
    }

    /// Cut, emptied, altered, of another kind: the run goes on from the newest whole checkpoint, says so, and keeps the
    /// damaged ones.
    func testDamagedCheckpointsArePassedOver() throws {
        try withTemporaryFolder { folder in
            let wanted = folder + "/wanted", results = folder + "/damaged"
            var warnings: [String] = []
            func run(_ results: String, _ steps: Int) throws -> TrainingSummary {
                let model = try model()
                var events = TrainerEvents(), settings = settings(results, steps: steps)
                warnings = []
                events.onWarning = { warnings.append($0) }
                settings.checkpointEvery = 2
                return try Trainer(model: model, data: data(model), settings: settings, events: events).fit()
            }
            _ = try run(wanted, 8)
            _ = try run(results, 6)
            let checkpoints = results + "/p/checkpoints/"
            func url(_ name: String) -> URL { URL(fileURLWithPath: checkpoints + name) }
            let whole = try Data(contentsOf: url("step_000000006.ckpt"))
            try whole.prefix(whole.count / 2).write(to: url("step_000000006.ckpt"))
            try Data().write(to: url("step_000000009.ckpt"))
            var altered = whole
            altered[altered.count / 2] ^= 1
            try altered.write(to: url("step_000000010.ckpt"))
            try Data("<html>".utf8).write(to: url("step_000000011.ckpt"))
            let summary = try run(results, 8)
            XCTAssertEqual(summary.firstStep, 4)
            XCTAssertEqual(summary.step, 8)
            for step in [6, 9, 10, 11] {
                let file = String(format: "step_%09d.ckpt", step)
                XCTAssertTrue(
                    warnings.contains { $0.contains(file) && $0.contains("passed over") && $0.contains("step 4") },
                    "\(file): \(warnings)")
                XCTAssertTrue(FileKind.isFile(checkpoints + file + ".damaged"), file)
            }
            // What the run does is what it would have done, and the new checkpoint of step 6 is a whole one.
            let last = try TrainingCheckpoint.load(checkpoints + "step_000000008.ckpt"),
                right = try TrainingCheckpoint.load(wanted + "/p/checkpoints/step_000000008.ckpt")
            for (a, b) in zip(last.parameters, right.parameters) {
                XCTAssertEqual(try a.tensor.floats(), try b.tensor.floats(), a.name)
            }
            XCTAssertEqual(try TrainingCheckpoint.load(checkpoints + "step_000000006.ckpt").step, 6)
            XCTAssertEqual(try Data(contentsOf: url("step_000000006.ckpt.damaged")).count, whole.count / 2)
            XCTAssertEqual(try run(results, 10).firstStep, 8)
            XCTAssertEqual(warnings, [])
            // None at all is a reason to stop, and nothing is renamed.
            let steps = try ProjectFolder(results: results, project: "p").checkpointSteps()
            for (_, path) in steps { try Data().write(to: URL(fileURLWithPath: path)) }
            assertThrows(.checkpoint, containing: "no checkpoint is whole") { try run(results, 12) }
            XCTAssertTrue(steps.allSatisfy { FileKind.isFile($0.path) })
        }
    }
}
