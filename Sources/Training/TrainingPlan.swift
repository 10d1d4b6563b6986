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
        if skipped > 0 { lines.append("\(skipped) clip\(skipped == 1 ? " was" : "s were") never trained on; the reasons are listed above") }
        if let checkpoint { lines.append("checkpoint: \(checkpoint)") }
        return lines
    }

    private func times(_ count: Int) -> String { count == 1 ? "once" : "\(count) times" }
}

extension Trainer {
    /// Looks at the first batch without using it up.
    func plan(resumedFrom: String?) throws -> TrainingPlan {
        let values = optimizer.parameters.reduce(0) { $0 + $1.tensor.count }
        var lines: [String] = []
        if let resumedFrom { lines.append("going on from \(resumedFrom)") }
        lines.append("training \(values) numbers in \(optimizer.parameters.count) tensors"
            + (adapter.map { " (adapter of rank \($0.configuration.rank))" } ?? " (all weights)"))
        let coverage = data.coverage(), rows = settings.batchSize * settings.accumulate
        lines.append("\(data.trainingClips) clips to train on, \(data.validationClips) held out")
        if coverage.rowsPerPass > 0 {
            let passes = Double((settings.maxSteps - step) * rows) / Double(coverage.rowsPerPass)
            lines.append("steps \(step + 1) to \(settings.maxSteps) of \(rows) rows: about \(rounded(passes)) passes over all clips")
        }
        let batch = try data.peek(settings.batchSize)
        let memory = model.recomputation.plan(model.configuration, rows: batch.tokenCount, frames: batch.tokenCount)
        let gigabytes = Double(memory.bytes) / 1e9, budget = Double(model.recomputation.memoryBudget) / 1e9
        let again = memory.slowLayers + memory.fastLayers
        lines.append("a batch has about \(batch.tokenCount) tokens and takes about \(rounded(gigabytes)) GB beside the weights"
            + (again > 0 ? ", running \(again) layers twice to save memory" : ""))
        if memory.bytes > model.recomputation.memoryBudget {
            lines.append("that is more than the budget of \(rounded(budget)) GB: lower batch_size and raise accumulate_grad_batches by as much, or lower max_length")
        }
        return TrainingPlan(
            firstStep: step, maxSteps: settings.maxSteps, trainableTensors: optimizer.parameters.count, trainableValues: values,
            trainingClips: data.trainingClips, validationClips: data.validationClips, skipped: data.skipped,
            resumedFrom: resumedFrom, folder: folder.path, lines: lines)
    }

    private func rounded(_ value: Double) -> String { String((value * 10).rounded() / 10) }
}
