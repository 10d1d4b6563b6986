import Dataset
import Formats
import Foundation
import LanguageModel
import Support
import Tensors
import TestSupport
import Text
import Training
import XCTest

/// Runs of the trainer on a tiny model: what they leave behind, and that resuming changes nothing.
final class TrainerTests: XCTestCase {
    private let base = Vectors.path("dualar/dual_bf16")

    private func model(rank: Int = 4, adapted: Bool = true) throws -> LanguageModel {
        let model = try LanguageModel.load(base)
        if adapted {
            try model.applyLoRA(LoRAConfiguration(rank: rank, alpha: 8, dropout: 0.1), generator: Random(seed: 5))
        }
        return model
    }

    private func store(codes: Int32 = 60, clips: Int = 14) -> SentenceStore {
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

    private func data(
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

    private func settings(_ results: String, steps: Int = 20, project: String = "p") -> TrainerSettings {
        var settings = TrainerSettings()
        (settings.results, settings.project, settings.maxSteps) = (results, project, steps)
        (settings.batchSize, settings.accumulate) = (2, 2)
        settings.optimizer.learningRate = 0.01
        settings.schedule = .constant(warmup: 2)
        (settings.validateEvery, settings.checkpointEvery) = (10, 8)
        return settings
    }

    private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    private func lines(_ path: String) throws -> [ConfigValue] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { try JSON.decode(String($0)) }
    }

    // MARK: Runs

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

    /// A digest of the bytes of all weights as they are now.
    private func digest(_ model: LanguageModel) throws -> String {
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

    // MARK: Refusals

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
