import LanguageModel
import Support
import Tensors

/// What a run tells while it goes. Every closure may throw; `onStep` returning false ends the run after a checkpoint.
public struct TrainerEvents {
    public var onStart: (Trainer.Plan) throws -> Void = { _ in }
    public var onStep: (StepLog) throws -> Bool = { _ in true }
    public var onValidation: (StepLog) throws -> Void = { _ in }
    public var onCheckpoint: (String) throws -> Void = { _ in }
    public var onWarning: (String) throws -> Void = { _ in }
    public init() {}
}

/// Trains a model's trainable tensors on a dataset, in a project folder that it can be resumed from.
///
/// A step is a function of the checkpoint before it: rows come from the sampler's state, dropout from the
/// seed and the step's number, sums from fixed orders. A run that was killed and started again therefore
/// ends with the same bytes as one that was not.
public final class Trainer {
    /// What is about to happen.
    public struct Plan: Sendable {
        public let firstStep: Int, maxSteps: Int
        public let trainableTensors: Int, trainableValues: Int
        public let trainingClips: Int, validationClips: Int
        public let skipped: [SkippedInput]
        public let resumedFrom: String?
        public let folder: String
    }

    private let model: LanguageModel
    private let data: TrainingDataset
    private let settings: TrainerSettings
    private let events: TrainerEvents
    private let folder: ProjectFolder
    private let optimizer: AdamW
    private let identity: RunIdentity
    private let clock = ContinuousClock()
    private var step = 0
    private var validation: [TokenBatch] = []
    private var metrics: MetricsLog?
    private var board: EventFile?
    private var lastCheckpoint: String?

    public init(model: LanguageModel, data: TrainingDataset, settings: TrainerSettings, events: TrainerEvents = TrainerEvents()) throws {
        try settings.check()
        self.model = model
        self.data = data
        self.settings = settings
        self.events = events
        folder = try ProjectFolder(results: settings.results, project: settings.project)
        optimizer = try AdamW(model.trainableParameters, settings.optimizer)
        guard !optimizer.parameters.isEmpty else {
            throw OpahError(.config, "nothing is trainable", hint: "apply an adapter with lora.apply, or unfreeze the model")
        }
        identity = RunIdentity(model: model, data: data, settings: settings)
    }

    /// Runs until `maxSteps`, a stop, or Ctrl-C. `dryRun` only resolves everything and reports the plan.
    public func fit(dryRun: Bool = false) throws -> TrainingSummary {
        let began = clock.now
        let resumed = try resume()
        let first = step
        var values = 0
        for (_, tensor) in optimizer.parameters { values += tensor.count }
        try events.onStart(Plan(
            firstStep: first, maxSteps: settings.maxSteps, trainableTensors: optimizer.parameters.count, trainableValues: values,
            trainingClips: data.trainingClips, validationClips: data.validationClips, skipped: data.skipped,
            resumedFrom: resumed, folder: folder.path))
        var lastLoss: Double?
        func summary(_ ending: TrainingSummary.Ending) -> TrainingSummary {
            TrainingSummary(ending: ending, step: step, firstStep: first, lastLoss: lastLoss, checkpoint: lastCheckpoint,
                            coverage: data.coverage(), seconds: began.duration(to: clock.now).seconds)
        }
        if dryRun { return summary(.planned) }
        if step >= settings.maxSteps { return summary(.alreadyFinished) }
        try openLogs()
        if settings.validateEvery > 0 { validation = try data.validation(batchSize: settings.batchSize) }
        if validation.isEmpty, settings.validateEvery > 0 {
            try events.onWarning("no clip is held out, so there is no validation: raise val_fraction (\(data.settings.validationFraction)) or add clips")
        }
        if step == 0 { try checkBase() }
        while step < settings.maxSteps {
            // Ctrl-C lets the step finish: what is saved is whole steps.
            let log = try Interrupt.deferred { try takeStep() }
            lastLoss = log.loss
            var goOn = true
            do {
                goOn = try events.onStep(log)
                if settings.validateEvery > 0, step * settings.accumulate % settings.validateEvery < settings.accumulate, step < settings.maxSteps {
                    try validate(at: step)
                }
                try Interrupt.check()
            } catch let error as OpahError where error.kind == .interrupted {
                try saveCheckpoint()
                return summary(.interrupted)
            }
            let last = !goOn || step == settings.maxSteps
            if last, !validation.isEmpty { try validate(at: step) }
            if last || step % settings.checkpointEvery == 0 { try saveCheckpoint() }
            if !goOn { return summary(.stopped) }
        }
        return summary(.finished)
    }

    // MARK: One step

    private func takeStep() throws -> StepLog {
        let began = clock.now
        optimizer.zeroGradients()
        optimizer.learningRate = settings.optimizer.learningRate * settings.schedule.factor(step)
        var log = StepLog(step: step + 1, loss: 0, base: 0, semantic: 0, topFiveAccuracy: 0, tokens: 0, seconds: 0)
        let share = 1 / Double(settings.accumulate)
        for part in 0..<settings.accumulate {
            let batch = try data.batch(settings.batchSize)
            let loss = try model.loss(batch.forModel, dropoutSeed: dropoutSeed(part))
            try Autograd.backward(loss.total, seed: try Tensor([Float(share)], []))
            log.base += loss.base * share
            log.semantic += loss.semantic * share
            log.topFiveAccuracy += loss.topFiveAccuracy * share
            log.tokens += loss.tokens
        }
        log.loss = log.base + log.semantic
        let gradients = optimizer.parameters.map(\.tensor)
        log.gradientNorm = try clipGradientNorm(gradients, settings.gradientClip ?? .infinity)
        guard log.loss.isFinite, log.gradientNorm.isFinite else {
            throw OpahError(.data, "step \(step + 1): the loss is \(log.loss) and the gradient norm \(log.gradientNorm), so the run stopped before using them",
                            hint: "lower model.optimizer.lr, or look for a broken clip; the last checkpoint is untouched")
        }
        try optimizer.step()
        step += 1
        log.learningRate = optimizer.learningRate
        log.seconds = began.duration(to: clock.now).seconds
        try record(log, "train")
        return log
    }

    /// Dropout of one batch: told by the run's seed and the place in the run, so nothing has to be saved.
    private func dropoutSeed(_ part: Int) -> UInt64 {
        var random = ShuffleRandom(seed: UInt64(bitPattern: Int64(settings.seed)), purpose: 3, index: UInt64(step * settings.accumulate + part))
        return random.next()
    }

    private func record(_ log: StepLog, _ stage: String) throws {
        try metrics?.append(log.entry(stage))
        guard let board else { return }
        var scalars = [("\(stage)/loss", log.loss), ("\(stage)/base_loss", log.base), ("\(stage)/semantic_loss", log.semantic),
                       ("\(stage)/top_5_accuracy", log.topFiveAccuracy)]
        if stage == "train" { scalars += [("\(stage)/grad_norm", log.gradientNorm), ("lr-AdamW", log.learningRate)] }
        try board.append(step: log.step, scalars: scalars)
    }

    // MARK: Validation

    /// Losses over the held-out batches, weighted by their tokens; no adapter is merged, no weight is touched.
    private func measure(_ batches: [TokenBatch]) throws -> StepLog {
        let began = clock.now
        var log = StepLog(step: step, loss: 0, base: 0, semantic: 0, topFiveAccuracy: 0, tokens: 0, seconds: 0)
        try Autograd.withoutGradients {
            for batch in batches {
                try Interrupt.check()
                let loss = try model.loss(batch.forModel, dropoutSeed: nil)
                let weight = Double(loss.tokens)
                log.base += loss.base * weight
                log.semantic += loss.semantic * weight
                log.topFiveAccuracy += loss.topFiveAccuracy * weight
                log.tokens += loss.tokens
            }
        }
        let total = Double(max(log.tokens, 1))
        log.base /= total
        log.semantic /= total
        log.topFiveAccuracy /= total
        log.loss = log.base + log.semantic
        log.seconds = began.duration(to: clock.now).seconds
        return log
    }

    private func validate(at step: Int) throws {
        let batches = settings.validationBatches.map { Array(validation.prefix($0)) } ?? validation
        guard !batches.isEmpty else { return }
        let log = try measure(batches)
        try record(log, "val")
        try events.onValidation(log)
    }

    /// Measures the model before the first step, on held-out clips or on those of the first pass. A model that does
    /// no better than guessing has the wrong weights, the wrong tokenizer or codes of another codec: training cannot mend that.
    private func checkBase() throws {
        let log: StepLog
        if validation.isEmpty {
            let state = data.state
            let batch = try data.batch(1)
            try data.restore(state)
            log = try measure([batch])
        } else {
            log = try measure(settings.validationBatches.map { Array(validation.prefix($0)) } ?? validation)
            try record(log, "val")
            try events.onValidation(log)
        }
        if let warning = LossCheck.warning(base: log.base, semantic: log.semantic, vocabulary: model.configuration.vocabularySize,
                                           codebookSize: model.configuration.codebookSize) {
            try events.onWarning(warning)
        }
    }

    // MARK: Saving and resuming

    /// Puts the run back to the project's last complete checkpoint, and returns its path.
    private func resume() throws -> String? {
        guard let last = try folder.checkpointSteps().last else { return nil }
        guard settings.resume else {
            throw OpahError(.config, "\(folder.path) holds a run of \(last.step) steps already",
                            hint: "choose another project name, or let it go on with resume=true")
        }
        let saved = try TrainingCheckpoint.load(last.path)
        let differences = identity.differences(to: saved.identity)
        guard differences.isEmpty else {
            throw OpahError(.config, "\(folder.path) holds another run: " + differences.joined(separator: "; "),
                            hint: "choose another project name, or give the settings of that run")
        }
        let places = Dictionary(uniqueKeysWithValues: optimizer.parameters.map { ($0.name, $0.tensor) })
        guard Set(saved.parameters.map(\.name)) == Set(places.keys) else {
            throw OpahError(.checkpoint, "\(last.path): holds other tensors than this run trains")
        }
        for (name, tensor) in saved.parameters { try places[name]!.copy(from: tensor) }
        try optimizer.restore(saved.optimizer)
        try data.restore(saved.sampler)
        step = saved.step
        lastCheckpoint = last.path
        return last.path
    }

    private func saveCheckpoint() throws {
        let path = folder.checkpointPath(step: step)
        let checkpoint = TrainingCheckpoint(step: step, parameters: optimizer.parameters, optimizer: optimizer.state,
                                            sampler: data.state, identity: identity)
        try Interrupt.deferred { try checkpoint.save(path) }
        lastCheckpoint = path
        try events.onCheckpoint(path)
    }

    private func openLogs() throws {
        try AtomicFile.write(folder.configuration, "return " + settings.configuration.luaLiteral + "\n")
        metrics = try MetricsLog(folder.metrics, keepingSteps: step > 0 ? step : nil)
        try FileKind.makeFolder(folder.tensorboard)
        board = try EventFile(folder: folder.tensorboard, firstStep: step)
    }
}

extension Duration {
    /// As a number of seconds.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
