import Dataset
import LanguageModel
import Support

/// What a run is about to do.
public struct TrainingPlan: Sendable {
    /// Steps taken already, and the last one that limits of steps and passes allow; nil when only a time ends the run.
    public let firstStep: Int, maxSteps: Int?
    /// The step that is expected to be the last, and what ends the run there.
    public let lastStep: Int, endsBy: RunLimits.Kind
    public let trainableTensors: Int, trainableValues: Int
    public let trainingClips: Int, validationClips: Int
    /// Clips that are never trained on, and why.
    public let skipped: [SkippedInput]
    /// The checkpoint that the run goes on from.
    public let resumedFrom: String?
    /// `results/<project>`
    public let folder: String
    /// nil when the run has all its steps.
    public let forecast: TrainingForecast?
    /// The same for a person, one line each.
    public let lines: [String]
}

/// How a run ended.
public struct TrainingSummary: Sendable {
    public enum Ending: String, Sendable {
        case finished
        /// The project had all its steps before.
        case alreadyFinished = "already_finished"
        case interrupted
        /// A callback asked for it.
        case stopped
        /// Nothing was to be run.
        case planned
    }

    public var ending: Ending
    /// The limit that was reached, where one was; and all of them.
    public var endedBy: RunLimits.Kind?, limits: RunLimits
    /// Steps of the project in all, and those of earlier runs.
    public var step: Int, firstStep: Int
    public var lastLoss: Double?
    /// The project's last checkpoint.
    public var checkpoint: String?
    /// The lowest loss on held-out clips, of all runs of the project.
    public var best: (step: Int, loss: Double)?
    /// The last such loss.
    public var lastValidation: Double?
    public var coverage: TrainingDataset.Coverage
    public var truncatedTokens: Int
    public var skipped: Int
    public var seconds: Double

    /// 0; 3 when clips were left out; 130 when interrupted.
    public var exitCode: Int { ending == .interrupted ? 130 : skipped > 0 ? 3 : 0 }

    /// What a person wants to know at the end, one line each.
    public var lines: [String] {
        var lines: [String] = []
        switch ending {
        case .planned: return []
        case .alreadyFinished:
            let limit = endedBy ?? .steps
            lines.append(
                limit == .time
                    ? "nothing to do: the project has used its time (\(limits.words(.time))) in \(step) steps; raise max_time, or choose another project name"
                    : "nothing to do: the project has \(step) steps already; raise \(limit.rawValue), or choose another project name"
            )
        case .finished:
            let hasOthers = [limits.steps != nil, limits.passes != nil, limits.time != nil].count { $0 } > 1
            lines.append(
                "finished: \(step) steps"
                    + (endedBy.map { hasOthers || $0 != .steps ? ", ended by \(limits.words($0))" : "" } ?? ""))
        case .stopped: lines.append("stopped by the recipe after \(step) steps")
        case .interrupted:
            lines.append("interrupted after \(step) steps; run the same command again to go on from there")
        }
        if step > firstStep {
            let c = coverage
            lines.append(
                "used \(c.seen) of \(c.clips) clips"
                    + (c.fewest == c.most
                        ? ", each \(times(c.most))" : ", between \(c.fewest) and \(times(c.most)) each"))
            if truncatedTokens > 0 { lines.append("\(truncatedTokens) tokens of over-long rows were cut off") }
        }
        if let best, let lastValidation {
            lines.append(
                "lowest loss on held-out clips: \(thousandths(best.loss)) at step \(best.step)"
                    + (best.step < step && lastValidation > best.loss * 1.02
                        ? "; \(thousandths(lastValidation)) at the end, so prefer a checkpoint near that step" : ""))
        }
        if skipped > 0 {
            lines.append(
                "\(skipped) clip\(skipped == 1 ? " was" : "s were") never trained on; the reasons are listed above")
        }
        if let checkpoint { lines.append("checkpoint: \(checkpoint)") }
        return lines
    }

    private func thousandths(_ value: Double) -> String { String((value * 1000).rounded() / 1000) }
    private func times(_ count: Int) -> String { count == 1 ? "once" : "\(count) times" }
}

extension Trainer {
    /// Looks at the first batches without using them up.
    /// - Parameter timed: also measures the machine, which takes a second, to say how long the run will take.
    func plan(resumedFrom: String?, timed: Bool) throws -> TrainingPlan {
        let values = optimizer.parameters.reduce(0) { $0 + $1.tensor.count }
        var lines: [String] = []
        if let resumedFrom { lines.append("going on from \(resumedFrom)") }
        lines.append(
            "training \(values) numbers in \(optimizer.parameters.count) tensors"
                + (adapter.map { " (adapter of rank \($0.configuration.rank))" } ?? " (all weights)"))
        if let note = model.precisionNote { lines.append(note) }
        lines.append("\(data.trainingClips) clips to train on, \(data.validationClips) held out")
        let forecast = try step < lastStep.step ? forecast(timed: timed) : nil
        let last = forecast.map { step + $0.steps } ?? step
        if let forecast { lines += passes(until: last, forecast.endsBy) + forecast.lines }
        return TrainingPlan(
            firstStep: step, maxSteps: lastStep.step == RunLimits.endless ? nil : lastStep.step, lastStep: last,
            endsBy: forecast?.endsBy ?? lastStep.kind,
            trainableTensors: optimizer.parameters.count, trainableValues: values,
            trainingClips: data.trainingClips, validationClips: data.validationClips, skipped: data.skipped,
            resumedFrom: resumedFrom, folder: folder.path, forecast: forecast, lines: lines)
    }

    /// More passes than this, and a small set of clips is learned by heart: the loss on held-out clips rises again.
    private static let manyPasses = 20.0

    /// How often the clips will be used, what ends the run, and whether that is too often.
    private func passes(until last: Int, _ kind: RunLimits.Kind) -> [String] {
        let rows = settings.batchSize * settings.accumulate, rowsPerPass = data.coverage().rowsPerPass
        guard rowsPerPass > 0 else {
            return ["the reference sampler never reaches some of the clips of a small dataset: sampler=coverage does"]
        }
        let limits = settings.limits, isPlain = limits == RunLimits(steps: limits.steps)
        // Passes differ a little in their rows; a run that ends by passes has as many as were asked for.
        let perPass = kind == .passes ? Double(last * rows) / (limits.passes ?? 1) : Double(rowsPerPass)
        let passes = Double((last - step) * rows) / perPass, all = Double(last * rows) / perPass
        var lines = [
            "steps \(step + 1) to \(last) of \(rows) rows: about \((passes * 10).rounded() / 10) passes over all clips"
                + (isPlain
                    ? "" : ", ended by \(limits.words(kind))" + (kind == .time ? " at the rate measured now" : ""))
        ]
        if all > Self.manyPasses {
            let few = 10.0, steps = max(1, Int((few * Double(rowsPerPass) / Double(rows)).rounded(.up)))
            lines.append(
                "warning: \(Int(all.rounded())) passes are many: after some \(Int(Self.manyPasses)) a small set of clips is learned by heart. "
                    + "trainer.max_passes=\(Int(few)) (\(steps) steps) is a usual end; trainer.val_check_interval=1.0 validates and saves once a pass"
            )
        }
        return lines
    }
}
