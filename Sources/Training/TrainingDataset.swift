import Support
import Tensors
import Text

/// What a training run reads: rows for training, held-out rows for validation, and an account of what was used.
public final class TrainingDataset {
    public let settings: SamplingSettings
    public let digest: String
    /// Clips that are never trained on, and why.
    public let skipped: [SkippedInput]
    public let trainingClips: Int
    public let validationClips: Int
    /// Tokens cut from rows so far; always 0 with the coverage sampler.
    public private(set) var truncatedTokens = 0

    private let padding: Int
    private let heldOut: RowSource
    private enum Sampling { case coverage(CoverageSampler), reference(ReferenceSampler) }
    private var sampling: Sampling

    public init(store: SentenceStore, tokenizer: Tokenizer, settings: SamplingSettings = SamplingSettings()) throws {
        self.settings = settings
        digest = store.digest
        padding = tokenizer.endId ?? 0
        let packer = try SentencePacker(tokenizer: tokenizer, codebooks: settings.codebooks)
        let split = HeldOutSplit(fraction: settings.validationFraction)
        var skipped: [SkippedInput] = [], training: [SentenceGroup] = [], held: [SentenceGroup] = []
        for group in store.groups {
            let all = try RowSource(groups: [group], packer: packer, settings: settings).lengths[0]
            var train = group, validate = group
            train.sentences = []
            validate.sentences = []
            for (sentence, length) in zip(group.sentences, all) {
                if let problem = Self.problem(sentence, length: length, group: group, settings: settings) {
                    skipped.append(problem)
                } else if split.isHeldOut(sentence) {
                    validate.sentences.append(sentence)
                } else {
                    train.sentences.append(sentence)
                }
            }
            if !train.sentences.isEmpty { training.append(train) }
            if !validate.sentences.isEmpty { held.append(validate) }
        }
        guard !training.isEmpty else {
            let reasons = skipped.prefix(3).map { "\($0.path): \($0.reason)" }.joined(separator: "; ")
            throw OpahError(.data, "no clip is left to train on" + (reasons.isEmpty ? "" : " (\(reasons))"),
                            hint: "lower val_fraction, raise max_length, or look at what was skipped")
        }
        self.skipped = skipped
        trainingClips = training.reduce(0) { $0 + $1.sentences.count }
        validationClips = held.reduce(0) { $0 + $1.sentences.count }
        heldOut = try RowSource(groups: held, packer: packer, settings: settings)
        let source = try RowSource(groups: training, packer: packer, settings: settings)
        sampling = settings.sampler == .coverage ? .coverage(CoverageSampler(source: source))
            : .reference(ReferenceSampler(source: source))
    }

    private static func problem(_ sentence: Sentence, length: Int, group: SentenceGroup, settings: SamplingSettings) -> SkippedInput? {
        let name = "\(group.name): \u{201C}\((sentence.texts.first ?? "").prefix(40))\u{201D}"
        if sentence.texts.isEmpty { return SkippedInput(path: name, reason: "has no text") }
        if sentence.codes.frames == 0 { return SkippedInput(path: name, reason: "has no frames", remedy: "the clip is shorter than one token (46 ms)") }
        if settings.sampler == .coverage, length > settings.maxLength {
            return SkippedInput(path: name, reason: "\(length) tokens do not fit in max_length \(settings.maxLength)",
                                remedy: "cut the clip (opah run slice-audio), or raise max_length")
        }
        return nil
    }

    /// The next row to train on.
    public func nextRow() throws -> TrainingRow {
        switch sampling {
        case .coverage(var sampler):
            defer { sampling = .coverage(sampler) }
            return try sampler.next()
        case .reference(var sampler):
            defer { sampling = .reference(sampler) }
            return try sampler.next()
        }
    }

    /// The next `size` rows, collated.
    public func batch(_ size: Int) throws -> TokenBatch {
        guard size > 0 else { throw OpahError(.argument, "batch: at least one row is needed, not \(size)") }
        let batch = try TokenBatch((0..<size).map { _ in try nextRow() }, maxLength: settings.maxLength, padding: padding)
        truncatedTokens += batch.truncatedTokens
        return batch
    }

    /// Every held-out sentence once, as a turn of its own, in a fixed order; the same at every call.
    public func validation(batchSize: Int) throws -> [TokenBatch] {
        var rows: [TrainingRow] = []
        for (group, value) in heldOut.groups.enumerated() {
            for place in value.sentences.indices {
                rows.append(try heldOut.row(RowPlan(group: group, sentences: [place], interactive: true,
                                                    useSpeaker: settings.speakerProbability >= 1, seed: 0)))
            }
        }
        return try stride(from: 0, to: rows.count, by: max(batchSize, 1)).map {
            try TokenBatch(Array(rows[$0 ..< min($0 + max(batchSize, 1), rows.count)]), maxLength: settings.maxLength, padding: padding)
        }
    }

    /// What has been used so far.
    public struct Coverage: Sendable, Equatable {
        /// Clips that can be trained on, and those used at least once.
        public let clips: Int, seen: Int
        /// The lowest and the highest number of times that a clip has been used.
        public let fewest: Int, most: Int
        /// Completed passes over all clips; 0 with the reference sampler.
        public let passes: Int
        /// Rows of the present pass (coverage sampler).
        public let rowsPerPass: Int
    }

    public func coverage() -> Coverage {
        let counts: [Int], passes: Int, rows: Int
        switch sampling {
        case .coverage(let sampler):
            (counts, passes, rows) = (sampler.counts().flatMap { $0 }, sampler.pass, sampler.plans.count)
        case .reference(let sampler):
            (counts, passes, rows) = (sampler.counts.flatMap { $0 }, 0, 0)
        }
        return Coverage(clips: counts.count, seen: counts.count { $0 > 0 }, fewest: counts.min() ?? 0, most: counts.max() ?? 0,
                        passes: passes, rowsPerPass: rows)
    }

    /// Where sampling stands: enough to go on exactly there.
    public enum State: Sendable, Equatable {
        case coverage(pass: Int, position: Int)
        case reference(random: UInt64, counts: [[Int]])
    }

    public var state: State {
        switch sampling {
        case .coverage(let sampler): .coverage(pass: sampler.pass, position: sampler.position)
        case .reference(let sampler): .reference(random: sampler.random.state, counts: sampler.counts)
        }
    }

    public func restore(_ state: State) throws {
        switch (sampling, state) {
        case (.coverage(var sampler), .coverage(let pass, let position)):
            sampler.restore(pass: pass, position: position)
            sampling = .coverage(sampler)
        case (.reference(var sampler), .reference(let random, let counts)):
            sampler.restore(state: random, counts: counts)
            sampling = .reference(sampler)
        default:
            throw OpahError(.data, "this state belongs to the other sampler", hint: "resume with the sampler that the run began with")
        }
    }
}
