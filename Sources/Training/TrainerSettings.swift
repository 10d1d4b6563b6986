import Dataset
import Support

/// Everything that `Trainer.fit` can be told, with the original's defaults.
public struct TrainerSettings {
    /// The run's name: its folder is `results/<project>`.
    public var project = ""
    public var results = "results"
    public var limits = RunLimits(steps: 1000)
    /// Optimizer steps in all, those of earlier runs of the project included; more than there will be without such a
    /// limit.
    public var maxSteps: Int {
        get { limits.steps ?? RunLimits.endless }
        set { limits.steps = newValue }
    }
    /// Rows of a batch, and batches whose gradients are added up before a step.
    public var batchSize = 8
    public var accumulate = 1
    /// Largest 2-norm of all gradients; nil does not clip.
    public var gradientClip: Double? = 1
    public var optimizer = AdamW.Settings()
    /// Of the moving average of what is trained, which then is what is validated and saved; 0 keeps none. See
    /// `WeightAverage`.
    public var averageDecay = 0.0
    public var schedule = LearningRateSchedule.constant(warmup: 10)
    /// A schedule of one's own, step (from 0) -> factor, in place of `schedule`. That it is the same when a run is
    /// resumed cannot be checked.
    public var ownSchedule: ((Int) throws -> Double)?
    /// Batches from one validation to the next; 0 never validates.
    public var validateEvery = 100
    /// Batches of a validation; nil takes the whole held-out set.
    public var validationBatches: Int?
    /// Optimizer steps from one checkpoint to the next; the last step always saves one.
    public var checkpointEvery = 100
    /// Of dropout. (The sampler has its own.)
    public var seed: UInt64 = 42
    /// Adapters are small and all kept. Of checkpoints of all weights, with the optimizer three times the size of the
    /// model in float32, so many are kept.
    public var wholeCheckpoints = 2
    /// Goes on from the project's last complete checkpoint. With false, a project that has one is refused.
    public var resume = true
    /// The resolved configuration as Lua source, for `config.lua`.
    public var configuration = "return {}\n"

    /// The program's version: all processes of a run must have the same.
    public var program = ""

    public init() {}

    /// The settings that change when a run ends, validates or saves; with several processes all must have the same.
    var course: [String: String] {
        func text(_ value: (some Any)?) -> String { value.map { "\($0)" } ?? "none" }
        return [
            "max_steps": text(limits.steps), "max_passes": text(limits.passes), "max_time": text(limits.time),
            "val_check_interval": text(validateEvery), "limit_val_batches": text(validationBatches),
            "every_n_train_steps": text(checkpointEvery), "project": project
        ]
    }

    /// The settings that change what a step computes; a resumed run must have the same.
    var identity: [String: String] {
        let average = averageDecay > 0 ? ["ema_decay": String(averageDecay)] : [:]
        return average.merging([
            "seed": String(seed), "batch_size": String(batchSize), "accumulate_grad_batches": String(accumulate),
            "gradient_clip_val": gradientClip.map { String($0) } ?? "none",
            "lr": String(optimizer.learningRate), "betas": "\(optimizer.betas.0), \(optimizer.betas.1)",
            "eps": String(optimizer.epsilon), "weight_decay": String(optimizer.weightDecay),
            "schedule": ownSchedule == nil ? "\(schedule)" : "the recipe's own"
        ]) { first, _ in first }
    }

    /// The last step that the limits allow on a dataset; nil when only a time ends the run, or when a limit is wrong.
    public func lastStep(_ data: TrainingDataset) throws -> Int? {
        guard batchSize > 0, accumulate > 0, limits.passes.map({ $0 > 0 && $0 <= 1e6 }) ?? true else { return nil }
        let last = try limits.lastStep(data, rowsPerStep: batchSize * accumulate).step
        return last == RunLimits.endless ? nil : last
    }

    /// All that is wrong with them, at once.
    func check() throws {
        var wrong: [String] = []
        func require(_ holds: Bool, _ what: String) { if !holds { wrong.append(what) } }
        limits.check(require)
        require(batchSize > 0, "batch_size must be above 0, not \(batchSize)")
        require(accumulate > 0, "accumulate_grad_batches must be above 0, not \(accumulate)")
        require(gradientClip.map { $0 > 0 } ?? true, "gradient_clip_val must be above 0")
        require(
            optimizer.learningRate > 0 && optimizer.learningRate.isFinite,
            "lr must be above 0, not \(optimizer.learningRate)")
        require(
            (0 ..< 1).contains(optimizer.betas.0) && (0 ..< 1).contains(optimizer.betas.1), "betas must be in [0, 1)")
        require(optimizer.epsilon >= 0, "eps must not be negative")
        require((0 ..< 1).contains(averageDecay), "ema_decay must be in [0, 1), not \(averageDecay)")
        require(validateEvery >= 0, "val_check_interval must not be negative")
        require(validationBatches.map { $0 > 0 } ?? true, "limit_val_batches must be above 0")
        require(wholeCheckpoints > 0, "at least one checkpoint must be kept")
        require(checkpointEvery > 0, "every_n_train_steps must be above 0, not \(checkpointEvery)")
        guard wrong.isEmpty else { throw OpahError(.config, wrong.joined(separator: "; ")) }
    }
}
