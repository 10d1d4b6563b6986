import Formats
import Foundation
import LanguageModel
import Support
import Tensors
import TestSupport
import Training
import XCTest

/// Runs of the trainer: what they do and leave behind, what ends them, and what is told before the first step.
final class TrainerRunTests: TrainerCase {
    func testARun() throws {
        try withTemporaryFolder { folder in
            let model = try model(), data = try data(model)
            var steps: [StepLog] = [], validations: [StepLog] = [], checkpoints: [String] = [],
                plans: [TrainingPlan] = [], warnings: [String] = []
            var events = TrainerEvents()
            events.onStart = { plans.append($0) }
            events.onStep = {
                steps.append($0); return true
            }
            events.onValidation = { validations.append($0) }
            events.onCheckpoint = { checkpoints.append($0) }
            events.onWarning = { warnings.append($0) }
            let weights = try digest(model)
            var settings = settings(folder)
            settings.configuration = "return { betas = {0.9, 0.95} }"
            let summary = try Trainer(model: model, data: data, settings: settings, events: events).fit()

            XCTAssertEqual(summary.ending, .finished)
            XCTAssertEqual([summary.step, summary.firstStep, summary.exitCode], [20, 0, 0])
            XCTAssertEqual(steps.map(\.step), Array(1 ... 20))
            XCTAssertEqual(steps.prefix(4).map(\.learningRate), [0, 0.005, 0.01, 0.01])
            XCTAssertLessThan(steps.suffix(4).reduce(0) { $0 + $1.loss }, steps.prefix(4).reduce(0) { $0 + $1.loss })
            XCTAssertTrue(steps.allSatisfy { $0.tokens > 0 && $0.gradientNorm > 0 && $0.tokensPerSecond > 0 })
            // Every tenth batch, two batches to a step; before the first step; after the last.
            XCTAssertEqual(validations.map(\.step), [0, 5, 10, 15, 20])
            XCTAssertLessThan(try XCTUnwrap(validations.last).loss, validations[0].loss)
            XCTAssertEqual(
                checkpoints.map(PathName.last), ["step_000000008.ckpt", "step_000000016.ckpt", "step_000000020.ckpt"])
            XCTAssertEqual(summary.checkpoint, checkpoints.last)
            XCTAssertEqual(try digest(model), weights, "training or validation touched the base")
            XCTAssertEqual(plans.count, 1)
            XCTAssertEqual([plans[0].firstStep, plans[0].maxSteps], [0, 20])
            XCTAssertEqual(plans[0].trainingClips + plans[0].validationClips, 28)

            let project = folder + "/p"
            XCTAssertEqual(try lines(project + "/metrics.jsonl").count, 25)
            XCTAssertEqual(try lines(project + "/metrics.jsonl").map { $0["step"]?.int }.last, 20)
            let board = try FileManager.default.contentsOfDirectory(atPath: project + "/tensorboard")
            let points = try EventFileWriter.read(project + "/tensorboard/" + XCTUnwrap(board.first))
            XCTAssertEqual(points.filter { $0.tag == "train/loss" }.map(\.step), Array(1 ... 20))
            XCTAssertEqual(points.filter { $0.tag == "val/loss" }.map(\.step), [0, 5, 10, 15, 20])
            XCTAssertTrue(
                try String(contentsOfFile: project + "/config.lua", encoding: .utf8).contains("betas = {0.9, 0.95}"))

            // The adapter that was saved is the one in the model, and the file says what it is.
            let fresh = try LanguageModel.load(base)
            let loaded = try fresh.loadLoRA(XCTUnwrap(summary.checkpoint))
            XCTAssertEqual([loaded.configuration.rank, loaded.step], [4, 20])
            for ((a, tensor), (b, other)) in zip(loaded.namedParameters, model.trainableParameters) {
                XCTAssertEqual(a, b)
                XCTAssertEqual(try tensor.floats(), try other.floats())
            }
            XCTAssertTrue(summary.lines.contains { $0.contains("20 steps") })
            XCTAssertEqual(summary.best?.loss, validations.map(\.loss).min())
            XCTAssertTrue(summary.lines.contains { $0.contains("held-out") })
        }
    }

    /// A run ends by what is reached first, and says by what; a time counts what earlier runs took.
    func testWhatEndsARun() throws {
        try withTemporaryFolder { folder in
            func fit(
                _ project: String, dryRun: Bool = false, pause: useconds_t = 0, _ limits: RunLimits
            ) throws -> (summary: TrainingSummary, plan: TrainingPlan?) {
                let model = try model()
                var settings = settings(folder, project: project), plan: TrainingPlan?, events = TrainerEvents()
                settings.limits = limits
                events.onStart = { plan = $0 }
                events.onStep = { _ in
                    usleep(pause); return true
                }
                return (
                    try Trainer(model: model, data: data(model), settings: settings, events: events).fit(
                        dryRun: dryRun), plan
                )
            }
            let rows = try XCTUnwrap(data(model()).rows(inPasses: 3))
            XCTAssertGreaterThan(rows, 12)
            let passes = try fit("passes", RunLimits(steps: 1000, passes: 3))
            XCTAssertEqual(passes.summary.step, (rows + 3) / 4, "steps of four rows")
            XCTAssertEqual(passes.summary.endedBy, .passes)
            XCTAssertGreaterThanOrEqual(passes.summary.coverage.fewest, 3, "every clip was used in each pass")
            XCTAssertTrue(passes.summary.lines[0].hasSuffix("ended by max_passes=3"), passes.summary.lines[0])
            XCTAssertEqual(passes.plan?.lastStep, passes.summary.step)
            XCTAssertTrue(
                passes.plan?.lines.contains { $0.contains("about 3") && $0.hasSuffix("ended by max_passes=3") } ?? false
            )
            let steps = try fit("steps", RunLimits(steps: 2, passes: 3, time: 3600))
            XCTAssertEqual([steps.summary.step, steps.summary.endedBy == .steps ? 1 : 0], [2, 1])
            XCTAssertTrue(steps.summary.lines[0].hasSuffix("ended by max_steps=2"), steps.summary.lines[0])
            XCTAssertEqual(try fit("steps", RunLimits(steps: 2)).summary.ending, .alreadyFinished)

            let time = try fit("time", pause: 200_000, RunLimits(time: 0.5))
            XCTAssertEqual(time.summary.endedBy, .time)
            XCTAssertTrue((1 ... 4).contains(time.summary.step), "\(time.summary.step) steps of 0.2 s in half a second")
            XCTAssertEqual(
                time.summary.checkpoint.map(PathName.last), String(format: "step_%09d.ckpt", time.summary.step),
                "its last step is saved")
            XCTAssertNil(time.plan?.maxSteps)
            // The time of steps and validations is used up: metrics.jsonl has it.
            let metrics = folder + "/time/metrics.jsonl"
            let text = try String(contentsOfFile: metrics, encoding: .utf8)
            try text.replacing(/"seconds": [0-9.e-]+/, with: "\"seconds\": 10.0").write(
                toFile: metrics, atomically: true, encoding: .utf8)
            let again = try fit("time", RunLimits(time: 20))
            XCTAssertEqual(
                [again.summary.ending, again.summary.endedBy == .time ? .finished : .stopped],
                [.alreadyFinished, .finished])
            XCTAssertTrue(again.summary.lines[0].contains("has used its time"), again.summary.lines[0])
            // Without a limit of steps the plan tells them from the machine's rate.
            let planned = try XCTUnwrap(fit("planned", dryRun: true, RunLimits(time: 2)).plan)
            XCTAssertEqual(planned.endsBy, .time)
            XCTAssertGreaterThan(planned.lastStep, 1)
            XCTAssertEqual(planned.lastStep, planned.forecast?.steps)

            assertThrows(.config) { _ = try fit("none", RunLimits()) }
            assertThrows(.config) { _ = try fit("none", RunLimits(passes: 0)) }
            assertThrows(.config) { _ = try fit("none", RunLimits(time: -1)) }
            let other = try model()
            var reference = settings(folder, project: "reference")
            reference.limits = RunLimits(passes: 2)
            assertThrows(.config) { [reference] in
                _ = try Trainer(model: other, data: self.data(other, sampler: .reference), settings: reference)
            }
        }
    }

    /// More than twenty passes are told, with what to set instead.
    func testManyPassesAreTold() throws {
        try withTemporaryFolder { folder in
            let model = try model(), data = try data(model), rows = data.coverage().rowsPerPass
            for (steps, isTold) in [(19 * rows / 4, false), (25 * rows / 4, true)] {
                var plan: TrainingPlan?, events = TrainerEvents()
                events.onStart = { plan = $0 }
                _ = try Trainer(model: model, data: data, settings: settings(folder, steps: steps), events: events).fit(
                    dryRun: true)
                XCTAssertEqual(
                    plan?.lines.contains {
                        $0.hasPrefix("warning:") && $0.contains("trainer.max_passes=10")
                            && $0.contains("\((10 * rows + 3) / 4) steps")
                    }, isTold, "\(plan?.lines ?? [])")
            }
        }
    }

    func testWarnings() throws {
        try withTemporaryFolder { folder in
            let model = try LanguageModel.load(base)
            try Autograd.withoutGradients {
                try model.unfreeze()
                for (_, tensor) in model.namedWeights { _ = try tensor.mul_(0) }
            }
            var warnings: [String] = []
            var events = TrainerEvents()
            events.onWarning = { warnings.append($0) }
            events.onStep = { _ in false }
            _ = try Trainer(model: model, data: data(model, fraction: 0), settings: settings(folder), events: events)
                .fit()
            XCTAssertEqual(warnings.count, 2)
            XCTAssertTrue(warnings[0].contains("no clip is held out"))
            XCTAssertTrue(warnings[1].contains("no better than a guess"))
        }
    }

    func testDryRun() throws {
        try withTemporaryFolder { folder in
            let model = try model(), data = try data(model)
            var plans: [TrainingPlan] = []
            var events = TrainerEvents()
            events.onStart = { plans.append($0) }
            let state = data.state
            let summary = try Trainer(model: model, data: data, settings: settings(folder), events: events).fit(
                dryRun: true)
            XCTAssertEqual(summary.ending, .planned)
            XCTAssertEqual(data.state, state)
            XCTAssertTrue(plans[0].lines.contains { $0.contains("passes") }, "\(plans[0].lines)")
            XCTAssertFalse(FileKind.exists(folder + "/p"))
        }
    }
}
