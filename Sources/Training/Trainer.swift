import Dataset
import Distributed
import Formats
import LanguageModel
import Support
import Tensors

/// What a run tells while it goes. A closure that throws ends the run, without a checkpoint.
public struct TrainerEvents {
    public var onStart: (TrainingPlan) throws -> Void = { _ in }
    /// False ends the run after a checkpoint.
    public var onStep: (StepLog) throws -> Bool = { _ in true }
    public var onValidation: (StepLog) throws -> Void = { _ in }
    public var onCheckpoint: (String) throws -> Void = { _ in }
    public var onWarning: (String) throws -> Void = { _ in }
    /// Ctrl-C has been obeyed and everything is saved: takes the request back.
    public var onInterrupt: () -> Void = { Interrupt.clear() }
    public init() {}
}

/// Trains a model's trainable tensors on a dataset, in a project folder that it can be resumed from.
///
/// A step is a function of the checkpoint before it: rows come from the sampler's state, dropout from the
/// seed and the step's number, sums from fixed orders. A run that was killed and started again therefore
/// ends with the same bytes as one that was not.
public final class Trainer {
    let model: LanguageModel
    let data: TrainingDataset
    let settings: TrainerSettings
    let folder: ProjectFolder
    let optimizer: AdamW
    /// The adapter that is trained; nil when weights are.
    let adapter: LoRAAdapter?
    /// nil where no average is asked for.
    let average: WeightAverage?
    /// Optimizer steps taken.
    var step = 0
    let events: TrainerEvents
    /// Known when `fit` has settled the precision.
    private(set) var identity = RunIdentity(facts: [:])
    let clock = ContinuousClock()
    var validation: [TokenBatch] = []
    /// The same batches by speaker; empty where there is no curve for each.
    var speakers: [[TrainingDataset.SpeakerBatch]] = []
    var metrics: MetricsLog?
    var board: EventFileWriter?
    var lastCheckpoint: String?
    /// Checkpoints newer than the one that the run goes on from.
    var damaged: [SkippedInput] = []
    /// Losses on held-out clips: the lowest of all runs of the project, and the last.
    var best: (step: Int, loss: Double)?
    var lastValidation: Double?
    /// The last step that limits of steps and passes allow, and which of them it is.
    let lastStep: (step: Int, kind: RunLimits.Kind)
    /// Seconds that earlier runs took, as far as `max_time` counts them.
    var secondsBefore = 0.0
    /// The processes that share the work; nil when there is only this one.
    let ranks: Ranks?
    private let exchange: any GradientExchange

    /// Takes the project folder. A model without adapter and without trainable weights is unfrozen: all of it is
    /// trained.
    public init(
        model: LanguageModel, data: TrainingDataset, settings: TrainerSettings, events: TrainerEvents = TrainerEvents(),
        ranks: Ranks? = .shared
    ) throws {
        try settings.check()
        try Self.check(data, fits: model)
        self.model = model
        self.data = data
        self.settings = settings
        self.ranks = ranks
        // The first process speaks for all.
        var heard = events
        if let ranks, ranks.rank > 0 {
            heard = TrainerEvents()
            heard.onInterrupt = events.onInterrupt
        }
        self.events = heard
        if model.adapters.isEmpty, model.trainableParameters.isEmpty { try model.unfreeze() }
        let trained = model.trainableParameters
        let adapters = model.adapters.filter { $0.namedParameters.contains { $0.tensor.requiresGrad } }
        guard !trained.isEmpty, adapters.count <= 1,
            adapters.isEmpty || adapters[0].namedParameters.count == trained.count
        else {
            throw OpahError(
                .config,
                trained.isEmpty
                    ? "nothing is trainable"
                    : "\(adapters.count) adapters and \(trained.count) tensors are trainable at once",
                hint: "train one adapter (lora.apply, or lora.load with trainable), or the weights themselves")
        }
        adapter = adapters.first
        lastStep = try settings.limits.lastStep(data, rowsPerStep: settings.batchSize * settings.accumulate)
        optimizer = try AdamW(trained, settings.optimizer)
        average =
            settings.averageDecay > 0 ? try WeightAverage(of: optimizer.parameters, decay: settings.averageDecay) : nil
        folder = try ProjectFolder(results: settings.results, project: settings.project, isWriter: Ranks.isFirst)
        exchange =
            ranks.map { RowExchange($0, model, trained.map(\.tensor), isByRow: !adapters.isEmpty) }
            ?? WholeBatches(model: model)
    }

    private static func check(_ data: TrainingDataset, fits model: LanguageModel) throws {
        let c = model.configuration, offset = model.release.format.codeOffset
        guard data.format == model.release.format else {
            throw OpahError(
                .data,
                "the rows are written as for fish-speech \(data.format.release), and the model is of \(model.release.name)",
                hint: "give the dataset the model's own tokenizer (model.tokenizer)")
        }
        guard data.codebooks == c.codebookCount, data.largestCode + offset < c.codebookSize else {
            throw OpahError(
                .data,
                "the clips have \(data.codebooks) codebooks with codes up to \(data.largestCode) (\(data.largestCodeClip)); the model reads \(c.codebookCount) with codes up to \(c.codebookSize - 1 - offset)",
                hint:
                    "these codes come from another codec than the model's: extract them again, or leave such clips out (codebook_size = \(c.codebookSize - offset) in data.dataset)"
            )
        }
        guard data.settings.maxLength <= model.maxLength else {
            throw OpahError(
                .config,
                "rows of up to \(data.settings.maxLength) tokens, and the model was loaded for \(model.maxLength)",
                hint: "give both the same max_length")
        }
    }

    /// Runs until one of its limits, a stop, or Ctrl-C. `dryRun` only resolves everything and reports the plan. Throws
    /// before the first step when memory or disk cannot hold the run.
    public func fit(dryRun: Bool = false) throws -> TrainingSummary {
        let began = clock.now
        defer { if dryRun { folder.removeIfEmpty() } }
        var newest: ProjectFolder.WholeCheckpoint?   // on the first process
        let begun: ProductPrecision? = try first {
            newest = try settings.resume ? folder.newestWholeCheckpoint() : nil
            return newest?.content.identity.products
        }
        try settlePrecision(begun: begun)
        identity = try RunIdentity(model: model, data: data, settings: settings)
        try requireSameRun()
        let resumed: String? = try first {
            defer { newest = nil }
            let resumed = try resume(newest)
            if resumed != nil { secondsBefore = MetricsLog.seconds(folder.metrics, upTo: step) }
            return resumed
        }
        try replicate(resumed: resumed != nil)
        let firstStep = step
        var lastLoss: Double?, endedBy = lastStep.kind
        func summary(_ ending: TrainingSummary.Ending) -> TrainingSummary {
            TrainingSummary(
                ending: ending, endedBy: ending == .finished || ending == .alreadyFinished ? endedBy : nil,
                limits: settings.limits,
                step: step, firstStep: firstStep, lastLoss: lastLoss, checkpoint: lastCheckpoint, best: best,
                lastValidation: lastValidation, coverage: data.coverage(), truncatedTokens: data.truncatedTokens,
                skipped: data.skipped.count,
                seconds: began.duration(to: clock.now).seconds)
        }
        // How far a time reaches, only the machine's rate tells.
        let plan = try plan(resumedFrom: resumed, timed: dryRun || settings.limits.time != nil)
        try first {
            try events.onStart(plan)
            return true
        }
        do { try settled { try plan.forecast?.check() } } catch {
            folder.removeIfEmpty()
            throw error
        }
        if dryRun { return summary(.planned) }
        if step >= lastStep.step { return summary(.alreadyFinished) }
        let started = clock.now
        /// On the first process, whose clock counts.
        func isTimeUsed() -> Bool {
            settings.limits.time.map { secondsBefore + started.duration(to: clock.now).seconds >= $0 } ?? false
        }
        if try first({ isTimeUsed() }) {
            endedBy = .time
            return summary(.alreadyFinished)
        }
        try first {
            try openLogs()
            return true
        }
        do {
            try prepareValidation()
            while true {
                // Ctrl-C lets the step finish: what is saved is whole steps.
                let (log, isStop) = try Interrupt.deferred { try takeStep() }
                lastLoss = log.loss
                let goesOn = try first {
                    try Interrupt.deferred { try record(log, "train") }
                    return try events.onStep(log)
                }
                let isLastStep = step >= lastStep.step
                if goesOn, !isLastStep, settings.limits.time != nil, try first({ isTimeUsed() }) { endedBy = .time }
                let isLast = !goesOn || isLastStep || endedBy == .time
                if isLast || isDue(settings.validateEvery) { try validate() }
                if isStop { throw OpahError(.interrupted, "interrupted") }
                // Of several, one that is asked to stop tells the others in the next step.
                if ranks == nil { try Interrupt.check() }
                if isLast || step % settings.checkpointEvery == 0 { _ = try saveTogether() }
                if isLast { return summary(goesOn ? .finished : .stopped) }
            }
        } catch let error as OpahError where error.kind == .interrupted {
            if ranks?.isLost == true {
                try saveAlone(error)
            } else if step > 0 {
                _ = try saveTogether(whenStopped: true)
            }
            events.onInterrupt()
            return summary(.interrupted)
        }
    }

    /// The last whole step is saved by the first process when another is lost; what the step that failed drew counts as
    /// unused.
    private func saveAlone(_ error: OpahError) throws {
        events.onInterrupt()
        try events.onWarning(error.description)
        guard Ranks.isFirst, step > 0 else { return }
        try events.onCheckpoint(saveCheckpoint())
    }

    /// Whether the batches of the last step have completed a multiple of `interval` batches.
    private func isDue(_ interval: Int) -> Bool {
        interval > 0 && step * settings.accumulate % interval < settings.accumulate
    }

    // MARK: One step

    /// What the step came to, and whether some process was asked to stop.
    private func takeStep() throws -> (StepLog, isStop: Bool) {
        let began = clock.now, sampler = data.state
        optimizer.zeroGradients()
        // A schedule of a recipe's own is asked once, for all.
        let factor =
            try settings.ownSchedule.map { own in try first { try own(step) } } ?? settings.schedule.factor(step)
        optimizer.learningRate = settings.optimizer.learningRate * factor
        var log = StepLog(step: step + 1)
        let isStop: Bool
        do {
            let batches = try (0 ..< settings.accumulate).map { _ in try data.batch(settings.batchSize) }
            isStop = try exchange.gradients(of: batches, seeds: batches.indices.map(dropoutSeed), into: &log)
        } catch {
            try data.restore(sampler)
            throw error
        }
        log.gradientNorm = try clipGradientNorm(optimizer.parameters.map(\.tensor), settings.gradientClip ?? .infinity)
        guard log.loss.isFinite, log.gradientNorm.isFinite else {
            throw OpahError(
                .data,
                "step \(step + 1): the loss is \(log.loss) and the gradient norm \(log.gradientNorm), so the run stopped before using them",
                hint: "lower model.optimizer.lr, or look for a broken clip; the last checkpoint is untouched")
        }
        try optimizer.step()
        step += 1
        try average?.follow(step: step)
        log.learningRate = optimizer.learningRate
        log.seconds = began.duration(to: clock.now).seconds
        return (log, isStop)
    }

    /// Dropout of one batch: told by the run's seed and the place in the run, so nothing has to be saved.
    private func dropoutSeed(_ part: Int) -> UInt64 {
        var random = ShuffleRandom(seed: settings.seed, purpose: 3, index: UInt64(step * settings.accumulate + part))
        return random.next()
    }

    func record(_ log: StepLog, _ stage: String) throws {
        try metrics?.append(log.entry(stage))
        var scalars = [
            ("\(stage)/loss", log.loss), ("\(stage)/base_loss", log.base), ("\(stage)/semantic_loss", log.semantic),
            ("\(stage)/top_5_accuracy", log.topFiveAccuracy)
        ]
        if stage == "train" { scalars += [("\(stage)/grad_norm", log.gradientNorm), ("lr-AdamW", log.learningRate)] }
        scalars += log.speakers.sorted { $0.key < $1.key }.map { ("\(stage)/loss/\($0.key)", $0.value) }
        try board?.add(scalars.map { (tag: $0.0, value: $0.1) }, step: log.step)
    }
}

extension TokenBatch {
    var forModel: Batch { Batch(inputs: inputs, attentionMasks: attentionMasks, labels: labels) }
}

extension Duration {
    /// As a number of seconds.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
