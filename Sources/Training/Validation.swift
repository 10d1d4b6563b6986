import Dataset
import Distributed
import LanguageModel
import Support
import Tensors

/// Losses on held-out clips, of a model as it is.
extension Trainer {
    /// Chooses the batches, and measures the model before its first step. One that does no better than guessing has the
    /// wrong weights, the wrong tokenizer or codes of another codec: training cannot mend that.
    func prepareValidation() throws {
        if settings.validateEvery > 0 {
            let size = settings.batchSize, limit = settings.validationBatches
            validation = try Interrupt.deferred { try data.validation(batchSize: size, limit: limit) }
            speakers = try Interrupt.deferred { try data.validationBySpeaker(batchSize: size, limit: limit) }
            if validation.isEmpty {
                try first {
                    try events.onWarning(
                        "no clip is held out, so there is no validation: raise val_fraction (\(data.settings.validationFraction)) or add clips"
                    )
                    return true
                }
            }
        }
        guard step == 0 else { return }
        let log = try validate() ?? measure([Interrupt.deferred { try data.peek(1) }])
        if let warning = LossCheck.warning(
            base: log.base, semantic: log.semantic, vocabulary: model.configuration.vocabularySize,
            codebookSize: model.configuration.codebookSize)
        {
            try first {
                try events.onWarning(warning)
                return true
            }
        }
    }

    @discardableResult
    func validate() throws -> StepLog? {
        guard !validation.isEmpty else { return nil }
        let log = try average?.whileInPlace { try measure(validation, speakers) } ?? measure(validation, speakers)
        note(validation: log.loss, at: step)
        try first {
            try record(log, "val")
            try events.onValidation(log)
            return true
        }
        return log
    }

    func note(validation loss: Double, at step: Int) {
        lastValidation = loss
        if best.map({ loss < $0.loss }) ?? true { best = (step, loss) }
    }

    /// Losses over batches, weighted by their tokens; no adapter is merged, no weight is touched. The loss of all is
    /// the same sum whether or not those of `speakers` are asked for.
    private func measure(_ batches: [TokenBatch], _ speakers: [[TrainingDataset.SpeakerBatch]] = []) throws -> StepLog {
        let began = clock.now
        let total = Double(batches.reduce(0) { $0 + $1.tokenCount })
        var log = StepLog(step: step)
        let found = try losses(batches)
        for (batch, loss) in zip(batches, found) {
            log.add(loss, weight: Double(batch.tokenCount) / total)
            log.tokens += batch.tokenCount
        }
        log.speakers = try speakerLosses(speakers, ofBatches: found)
        log.seconds = began.duration(to: clock.now).seconds
        return log
    }

    /// The loss of each speaker, weighted by tokens. A batch of one speaker counts as it was measured; one of several
    /// is measured once more, each speaker's rows for themselves.
    private func speakerLosses(
        _ speakers: [[TrainingDataset.SpeakerBatch]], ofBatches found: [LossResult]
    ) throws
        -> [String: Double]
    {
        let mixed = speakers.flatMap { $0.compactMap(\.batch) }
        let parts = try mixed.isEmpty ? [] : losses(mixed)
        var next = 0, sums: [String: (loss: Double, tokens: Int)] = [:]
        for (batch, whole) in zip(speakers, found) {
            for part in batch {
                var loss = whole
                if part.batch != nil { (loss, next) = (parts[next], next + 1) }
                sums[part.speaker, default: (0, 0)].loss += (loss.base + loss.semantic) * Double(part.tokens)
                sums[part.speaker, default: (0, 0)].tokens += part.tokens
            }
        }
        return sums.mapValues { $0.loss / Double($0.tokens) }
    }

    /// Of each batch, in order. Several processes take turns; each batch is computed as one process would.
    private func losses(_ batches: [TokenBatch]) throws -> [LossResult] {
        func loss(_ batch: TokenBatch) throws -> LossResult {
            try Interrupt.check()
            return try Autograd.withoutGradients { try model.loss(batch.forModel) }
        }
        guard let ranks else { return try batches.map(loss) }
        var own: [[Double]] = [], verdict = Verdict.goOn
        do {
            for place in batches.indices where place % ranks.size == ranks.rank {
                own.append(try loss(batches[place]).numbers)
            }
        } catch { verdict = Verdict(error) }
        let (all, isStop) = try ranks.exchange(own, verdict)
        if isStop { throw OpahError(.interrupted, "interrupted") }
        return try batches.indices.map { try LossResult(numbers: all[$0 % ranks.size][$0 / ranks.size]) }
    }
}
