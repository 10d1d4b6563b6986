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
    /// What rows hold: codebooks, and the largest code (from 0) of any clip.
    public let codebooks: Int, largestCode: Int
    /// How its rows are written: the format of the tokenizer.
    public let format: PromptFormat
    /// The clip that has the largest code.
    package let largestCodeClip: String
    /// Tokens cut from rows so far; always 0 with the coverage sampler.
    public private(set) var truncatedTokens = 0

    private let padding: Int
    private let heldOut: RowSource
    private let speakers: Set<String>
    private enum Sampling { case coverage(CoverageSampler), reference(ReferenceSampler) }
    private var sampling: Sampling

    public init(store: SentenceStore, tokenizer: Tokenizer, settings: SamplingSettings = SamplingSettings()) throws {
        try settings.check()
        self.settings = settings
        digest = store.digest
        // The padding's labels are ignored, so any token would do.
        padding = tokenizer.endId ?? 0
        codebooks = settings.codebooks ?? store.groups.lazy.flatMap(\.sentences).first?.codes.codebooks ?? 0
        let packer = try SentencePacker(tokenizer: tokenizer, codebooks: codebooks)
        format = packer.format
        var skipped: [SkippedInput] = []
        var usable: [[(sentence: Sentence, length: Int)]] = []
        for group in store.groups {
            usable.append([])
            for sentence in group.sentences {
                try Interrupt.check()
                let length = try RowSource.length(sentence, speaker: group.name, packer, settings)
                if let problem = Self.problem(sentence, length: length, group: group, codebooks: codebooks, packer.format, settings) {
                    skipped.append(problem)
                } else {
                    usable[usable.count - 1].append((sentence, length))
                }
            }
        }
        let split = HeldOutSplit(fraction: settings.validationFraction, ids: usable.flatMap { $0.map(\.sentence.id) })
        var training = Part(), held = Part()
        for (group, sentences) in zip(store.groups, usable) {
            training.add(group, sentences.filter { !split.isHeldOut($0.sentence.id) })
            held.add(group, sentences.filter { split.isHeldOut($0.sentence.id) })
        }
        guard !training.groups.isEmpty else {
            throw OpahError(.data, "no clip is left to train on" + SkippedInput.listing(skipped),
                            hint: "lower val_fraction, raise max_length, or look at what was skipped")
        }
        self.skipped = skipped
        trainingClips = training.count
        validationClips = held.count
        var plain = settings
        plain.corruptProbability = 0
        heldOut = held.source(packer, plain)
        speakers = Set((training.groups + held.groups).map(\.name))
        let source = training.source(packer, settings)
        sampling = settings.sampler == .coverage ? .coverage(CoverageSampler(source: source))
            : .reference(ReferenceSampler(source: source))
        let largest = (training.groups + held.groups).lazy
            .flatMap { group in group.sentences.lazy.map { (clip: Self.name($0, group), code: $0.codes.values.max() ?? 0) } }
            .max { $0.code < $1.code }
        (largestCode, largestCodeClip) = (Int(largest?.code ?? 0), largest?.clip ?? "")
    }

    /// One side of the split while it is put together.
    private struct Part {
        var groups: [SentenceGroup] = [], lengths: [[Int]] = []
        var count: Int { groups.reduce(0) { $0 + $1.sentences.count } }

        mutating func add(_ group: SentenceGroup, _ sentences: [(sentence: Sentence, length: Int)]) {
            guard !sentences.isEmpty else { return }
            groups.append(SentenceGroup(source: group.source, name: group.name, sentences: sentences.map(\.sentence)))
            lengths.append(sentences.map(\.length))
        }

        func source(_ packer: SentencePacker, _ settings: SamplingSettings) -> RowSource {
            RowSource(groups: groups, lengths: lengths, packer: packer, settings: settings)
        }
    }

    /// What messages call a sentence: its clip, or where the packs do not say which (the original's), how its text begins.
    private static func name(_ sentence: Sentence, _ group: SentenceGroup) -> String {
        sentence.clip ?? "\(group.name): \u{201C}\((sentence.texts.first ?? "").prefix(40))\u{201D}"
    }

    /// Why a sentence cannot be trained on; nil when it can.
    private static func problem(_ sentence: Sentence, length: Int, group: SentenceGroup, codebooks: Int, _ format: PromptFormat,
                                _ settings: SamplingSettings) -> SkippedInput? {
        let name = name(sentence, group)
        if sentence.texts.isEmpty || sentence.texts.contains(where: { cleanText($0, format.cleaning).isEmpty }) {
            return SkippedInput(path: name, reason: "has no text", remedy: "correct its label and pack again")
        }
        if sentence.codes.frames == 0 {
            return SkippedInput(path: name, reason: "has no frames", remedy: "the clip is shorter than one token (46 ms)")
        }
        if sentence.codes.codebooks < codebooks {
            return SkippedInput(path: name, reason: "has \(sentence.codes.codebooks) codebooks, and \(codebooks) are wanted",
                                remedy: "these codes come from another codec: extract them again")
        }
        if let size = settings.codebookSize, let code = sentence.codes.values.max(), code >= size {
            return SkippedInput(path: name, reason: "has the code \(code), and the model reads codes from 0 to \(size - 1)",
                                remedy: "these codes come from another codec than the model's: extract them again")
        }
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

    /// The batch that comes next, without using it up.
    public func peek(_ size: Int) throws -> TokenBatch { try peek(size, count: 1)[0] }

    /// The `count` batches that come next, without using them up.
    public func peek(_ size: Int, count: Int) throws -> [TokenBatch] {
        let before = (sampling, truncatedTokens)
        defer { (sampling, truncatedTokens) = before }
        return try (0..<count).map { _ in try batch(size) }
    }

    /// Every held-out sentence once, as a turn of its own, in a fixed order; the same at every call.
    public func validation(batchSize: Int) throws -> [TokenBatch] {
        try heldOutRows(batchSize).map { try collated($0.map(\.row)) }
    }

    /// What a speaker has of one batch of `validation`.
    public struct SpeakerBatch {
        public let speaker: String
        /// As `TokenBatch.tokenCount`.
        public let tokens: Int
        /// nil where the whole batch is this speaker's.
        public let batch: TokenBatch?
    }

    /// Beyond these, a curve for each speaker says little and costs much.
    private static let mostSpeakers = 100

    /// For each batch of `validation`, what of it is whose; empty where the data has one speaker, or more than
    /// `mostSpeakers`.
    public func validationBySpeaker(batchSize: Int) throws -> [[SpeakerBatch]] {
        guard speakers.count > 1, speakers.count <= Self.mostSpeakers else { return [] }
        return try heldOutRows(batchSize).map { rows in
            let groups = Dictionary(grouping: rows, by: \.speaker).sorted { $0.key < $1.key }
            return try groups.map { group in
                let batch = try collated(group.value.map(\.row)), isMixed = groups.count > 1
                return SpeakerBatch(speaker: group.key, tokens: batch.tokenCount, batch: isMixed ? batch : nil)
            }
        }
    }

    private func heldOutRows(_ batchSize: Int) throws -> [[(speaker: String, row: TrainingRow)]] {
        var rows: [(speaker: String, row: TrainingRow)] = []
        for (group, value) in heldOut.groups.enumerated() {
            for place in value.sentences.indices {
                let plan = RowPlan(group: group, sentences: [place], interactive: true,
                                   useSpeaker: settings.speakerProbability >= 1, seed: 0)
                rows.append((value.name, try heldOut.row(plan)))
            }
        }
        let size = max(batchSize, 1)
        return stride(from: 0, to: rows.count, by: size).map { Array(rows[$0 ..< min($0 + size, rows.count)]) }
    }

    private func collated(_ rows: [TrainingRow]) throws -> TokenBatch {
        try TokenBatch(rows, maxLength: settings.maxLength, padding: padding)
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

    /// Rows of so many passes over all clips from the beginning; nil with the reference sampler, which makes none.
    public func rows(inPasses passes: Double) -> Int? {
        guard case .coverage(let sampler) = sampling else { return nil }
        return CoverageSampler.rows(sampler.source, inPasses: passes)
    }

    /// Where sampling stands: enough to go on exactly there.
    public enum State: Sendable, Equatable, Codable {
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
