import LanguageModel
import Support

/// What a run is about to do.
public struct TrainingPlan: Sendable {
    /// Steps taken already, and in all.
    public let firstStep: Int, maxSteps: Int
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
            lines.append("nothing to do: the project has \(step) steps already; raise max_steps, or choose another project name")
        case .finished: lines.append("finished: \(step) steps")
        case .stopped: lines.append("stopped by the recipe after \(step) steps")
        case .interrupted: lines.append("interrupted after \(step) steps; run the same command again to go on from there")
        }
        if step > firstStep {
            let c = coverage
            lines.append("used \(c.seen) of \(c.clips) clips" + (c.fewest == c.most ? ", each \(times(c.most))" : ", between \(c.fewest) and \(times(c.most)) each"))
            if truncatedTokens > 0 { lines.append("\(truncatedTokens) tokens of over-long rows were cut off") }
        }
        if let best, let lastValidation {
            lines.append("lowest loss on held-out clips: \(thousandths(best.loss)) at step \(best.step)"
                + (best.step < step && lastValidation > best.loss * 1.02 ? "; \(thousandths(lastValidation)) at the end, so prefer a checkpoint near that step" : ""))
        }
        if skipped > 0 { lines.append("\(skipped) clip\(skipped == 1 ? " was" : "s were") never trained on; the reasons are listed above") }
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
        lines.append("training \(values) numbers in \(optimizer.parameters.count) tensors"
            + (adapter.map { " (adapter of rank \($0.configuration.rank))" } ?? " (all weights)"))
        lines.append("\(data.trainingClips) clips to train on, \(data.validationClips) held out")
        let forecast = try step < settings.maxSteps ? forecast(timed: timed) : nil
        if let forecast { lines += passes() + forecast.lines }
        return TrainingPlan(
            firstStep: step, maxSteps: settings.maxSteps, trainableTensors: optimizer.parameters.count, trainableValues: values,
            trainingClips: data.trainingClips, validationClips: data.validationClips, skipped: data.skipped,
            resumedFrom: resumedFrom, folder: folder.path, forecast: forecast, lines: lines)
    }

    /// How often the clips will be used.
    private func passes() -> [String] {
        let rows = settings.batchSize * settings.accumulate, rowsPerPass = data.coverage().rowsPerPass
        if rowsPerPass > 0 {
            let passes = Double((settings.maxSteps - step) * rows) / Double(rowsPerPass)
            return ["steps \(step + 1) to \(settings.maxSteps) of \(rows) rows: about \((passes * 10).rounded() / 10) passes over all clips"]
        }
        return ["the reference sampler never reaches some of the clips of a small dataset: sampler=coverage does"]
    }
}
