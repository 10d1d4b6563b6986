import Distributed
import LanguageModel
import Support
import Tensors

/// What a run will take, told before its first step from the batches that come first.
public struct TrainingForecast: Sendable {
    /// Real tokens of a step on average, and of the longest row.
    public var tokensPerStep: Int, longestRow: Int
    /// Predicted peak of resident memory in the largest step, and what the process may take.
    public var bytes: Int, memoryBudget: Int
    /// Slow layers that run twice in the largest step to save memory.
    public var recomputedLayers: Int
    /// Floating-point operations of a step on average.
    public var operationsPerStep: Double
    /// On a machine of the rates measured now; nil when not asked for.
    public var secondsPerStep: Double?
    public var rates: MachineRates?
    /// Steps that are expected, and what ends the run after them.
    public var steps: Int
    public var endsBy = RunLimits.Kind.steps
    /// Bytes of a checkpoint, how many there will be, and what is free where they go.
    public var checkpointBytes: Int, checkpoints: Int
    public var freeBytes: Int?

    /// Seconds, two days: beyond, a person wants to know of shorter ways.
    private static let longRun = 2 * 86400.0

    /// The processes that share a step, as `2 ranks (a, b)`, and the seconds of a step in which gradients travel; nil
    /// alone.
    public var ranks: String?, exchangeSeconds: Double?
    /// Rows of a step in all.
    var rowsPerStep = 0

    /// Of all validations of the run together, on that machine.
    public var validationSeconds = 0.0

    /// Of the whole run. The first step takes about a third longer: it is the first to touch weights and memory.
    public var seconds: Double? { secondsPerStep.map { $0 * (Double(steps) + 0.33) + validationSeconds } }

    /// What it takes per step and in all, for a person, one line each.
    public var lines: [String] {
        var lines = [
            "a step has about \(tokensPerStep) tokens; peak memory about \(ByteCount.text(bytes)) of \(ByteCount.text(memoryBudget)), weights included"
                + (recomputedLayers > 0 ? ", with \(recomputedLayers) layers running twice to save memory" : "")
        ]
        if let ranks {
            lines.append(
                "\(rowsPerStep) rows per step on \(ranks)"
                    + (rowsPerStep == 1 ? ": one row cannot be shared, so the others are idle" : "")
                    + (exchangeSeconds.map { ", whose gradients travel for about \(DurationText.words($0)) of it" }
                        ?? ""))
        }
        if let seconds = secondsPerStep, let rates {
            lines.append(
                "about \(DurationText.words(seconds)) per step, \(DurationText.words(self.seconds ?? 0)) for \(steps) steps and their validations (\(Int(rates.matrixRate / 1e9)) GFLOP/s measured)"
            )
        }
        if let seconds, seconds > Self.longRun {
            lines.append(
                "warning: that is long. The configuration text2semantic_finetune_cpu is made for a processor; an adapter of fewer layers (r_8_alpha_16_fast), "
                    + "a smaller max_length and trainer.max_passes shorten a run, trainer.max_time=8h ends it in time")
        }
        lines.append(
            "disk: \(checkpoints) checkpoint\(checkpoints == 1 ? "" : "s") of \(ByteCount.text(checkpointBytes)), \(ByteCount.text(checkpoints * checkpointBytes)) in all"
                + (freeBytes.map { "; \(ByteCount.text($0)) are free" } ?? ""))
        return lines
    }

    /// Throws when memory or disk cannot hold the run.
    public func check() throws {
        guard bytes <= memoryBudget else {
            throw OpahError(
                .memory,
                "a step needs about \(ByteCount.text(bytes)) of memory, weights included, and \(ByteCount.text(memoryBudget)) are allowed; the longest row has \(longestRow) tokens",
                hint:
                    "lower max_length, train an adapter instead of all weights, or raise memory_budget if the machine has more"
            )
        }
        guard let freeBytes, checkpoints * checkpointBytes > freeBytes else { return }
        throw OpahError(
            .file,
            "the run's \(checkpoints) checkpoints will take \(ByteCount.text(checkpoints * checkpointBytes)), and \(ByteCount.text(freeBytes)) are free",
            hint: "free some space, or save less often: callbacks.model_checkpoint.every_n_train_steps")
    }
}

extension Trainer {
    /// Rows that are looked at ahead: with most datasets a whole pass.
    private static let rowsAhead = 256

    func forecast(timed: Bool) throws -> TrainingForecast {
        var steps = lastStep.step - step, endsBy = lastStep.kind
        let batches = try data.peek(
            settings.batchSize, count: min(max(Self.rowsAhead / settings.batchSize, 1), steps * settings.accumulate))
        let rows = try batches.map { try model.rowSizes($0.forModel) }
        let share = Double(settings.accumulate) / Double(batches.count)
        let own = ranks.map { ranks in rows.map { ownRows($0, of: ranks) } } ?? rows.map { [$0] }
        // Of this process, per batch: as a whole, or a row at a time.
        let costs = own.map { $0.map { model.trainingCost(rows: $0) } }
        let largest = costs.joined().max { $0.plan.bytes < $1.plan.bytes }
        // The tensors themselves and two moments of each; where they are averaged, the averages too.
        let values = optimizer.parameters.reduce(0) { $0 + $1.tensor.count },
            averages = settings.averageDecay > 0 ? 4 * values : 0
        let checkpoint = 12 * values + averages + 100_000
        // Several processes keep an adapter's gradients of each row, and one more for their sum.
        let vectors =
            ranks == nil || adapter == nil ? 0 : ((own.map(\.count).max() ?? 0) * settings.accumulate + 1) * 4 * values
        let rates = timed ? try MachineRates.measure(seconds: 1, bufferBytes: 128 << 20) : nil
        let traffic = timed ? try exchangeSeconds() : nil
        let secondsPerStep = try rates.map { rates in
            try slowest(costs.joined().reduce(0) { $0 + $1.seconds(rates) } * share) + (traffic ?? 0)
        }
        let validation = try rates.map { try slowest(secondsOfValidation($0)) / Double(ranks?.size ?? 1) } ?? 0
        if let time = settings.limits.time, let secondsPerStep {
            let each = secondsPerStep + validation / Double(stepsPerValidation ?? RunLimits.endless)
            let inTime = max(1, Int(min((time - secondsBefore) / max(each, 1e-9), 1e12).rounded(.up)))
            if inTime < steps { (steps, endsBy) = (inTime, .time) }
        }
        let last = step + steps
        let saves = (last + settings.checkpointEvery - 1) / settings.checkpointEvery - step / settings.checkpointEvery
        var forecast = TrainingForecast(
            tokensPerStep: Int(Double(rows.joined().reduce(0) { $0 + $1.tokens }) * share),
            longestRow: rows.joined().map(\.tokens).max() ?? 0,
            bytes: (largest?.plan.bytes ?? 0) + vectors + averages, memoryBudget: model.planner.memoryBudget,
            recomputedLayers: largest?.plan.recomputedLayers ?? 0,
            operationsPerStep: costs.joined().reduce(0) { $0 + $1.operations } * share,
            secondsPerStep: secondsPerStep, rates: rates, steps: steps, endsBy: endsBy,
            // One more while an older one makes room.
            checkpointBytes: checkpoint,
            checkpoints: adapter == nil ? min(saves, settings.wholeCheckpoints + 1) : saves,
            freeBytes: Ranks.isFirst ? try? DiskSpace.free(at: folder.path) : nil)
        forecast.ranks = ranks.map { "\($0.size) ranks (\($0.machines))" }
        (forecast.exchangeSeconds, forecast.rowsPerStep) = (traffic, settings.batchSize * settings.accumulate)
        // One validation before the first step, one every so often, one at the end.
        if let between = stepsPerValidation {
            forecast.validationSeconds =
                validation * Double((step == 0 ? 1 : 0) + (last - 1) / between - step / between + 1)
        }
        return forecast
    }

    /// The rows of a batch that this process computes, one at a time.
    private func ownRows(_ rows: [RowSize], of ranks: Ranks) -> [[RowSize]] {
        let costs = rows.map { model.trainingCost(rows: [$0]).operations }
        return RowAssignment(costs: costs, ranks: ranks.size).rows(of: ranks.rank).map { [rows[$0]] }
    }

    /// All wait for the slowest.
    private func slowest(_ seconds: Double) throws -> Double {
        try ranks?.gather([seconds]).map { $0[0] }.max() ?? seconds
    }

    /// Of a step, in which gradients travel; measured with a part of them.
    private func exchangeSeconds() throws -> Double? {
        guard let ranks else { return nil }
        let all = optimizer.parameters.reduce(0) { $0 + $1.tensor.count }, count = min(all, 1 << 21),
            clock = ContinuousClock()
        let numbers = UnsafeMutablePointer<Float>.allocate(capacity: max(count, 1))
        numbers.initialize(repeating: 0, count: count)
        defer { if !ranks.isLost { numbers.deallocate() } }
        let owners =
            adapter == nil
            ? Array(0 ..< ranks.size) : (0 ..< settings.batchSize * settings.accumulate).map { $0 % ranks.size }
        let pieces = Dictionary(
            uniqueKeysWithValues: owners.indices.filter { owners[$0] == ranks.rank }.map { ($0, numbers) })
        var best = Double.infinity
        for _ in 0 ..< 3 {
            try ranks.barrier()
            let began = clock.now
            try ranks.reduce(pieces, owners: owners, count: count, into: numbers)
            best = min(best, began.duration(to: clock.now).seconds)
        }
        return try slowest(best * Double(all) / Double(max(count, 1)))
    }

    /// Optimizer steps from one validation to the next; nil when there are none. The setting counts batches.
    private var stepsPerValidation: Int? {
        settings.validateEvery > 0 ? max(1, settings.validateEvery / settings.accumulate) : nil
    }

    /// Of one validation: about half of a step of the same batches, forward only.
    private func secondsOfValidation(_ rates: MachineRates) throws -> Double {
        guard settings.validateEvery > 0 else { return 0 }
        let batches = try data.validation(batchSize: settings.batchSize, limit: settings.validationBatches)
        let parts = try data.validationBySpeaker(batchSize: settings.batchSize, limit: settings.validationBatches)
        let again = parts.flatMap { $0.compactMap(\.batch) }   // see Trainer.speakerLosses
        return try (batches + again).reduce(0) {
            try $0 + model.trainingCost(rows: model.rowSizes($1.forModel)).seconds(rates) / 2
        }
    }
}
