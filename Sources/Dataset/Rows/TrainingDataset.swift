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
    package var largestCodeClip: String {
        var names = ClipNames()
        return largest.map { names.name($0.place, of: $0.group) } ?? ""
    }
    /// Tokens cut from rows so far; always 0 with the coverage sampler.
    public private(set) var truncatedTokens = 0

    private let padding: Int
    private let store: SentenceStore
    private var rowsMade = 0
    private let heldOut: RowSource
    private let largest: (group: SentenceGroup, place: Int)?
    private let speakers: Set<String>
    private enum Sampling { case coverage(CoverageSampler), reference(ReferenceSampler) }
    private var sampling: Sampling

    public init(store: SentenceStore, tokenizer: Tokenizer, settings: SamplingSettings = SamplingSettings()) throws {
        try settings.check()
        self.settings = settings
        (self.store, digest) = (store, store.digest)
        // The padding's labels are ignored, so any token would do.
        padding = tokenizer.endId ?? 0
        codebooks = settings.codebooks ?? store.groups.first { $0.count > 0 }?.facts(0).codebooks ?? 0
        let packer = try SentencePacker(tokenizer: tokenizer, codebooks: codebooks)
        format = packer.format
        let prompts = try PromptLengths(store, packer, settings)
        var skipped: [SkippedInput] = [], names = ClipNames()
        var usable: [RowGroup] = []
        for (number, group) in store.groups.enumerated() {
            try Interrupt.check()
            var clips = RowGroup(group)
            for place in 0 ..< group.count {
                let facts = group.facts(place), length = prompts[number, place].map { $0 + facts.frames }
                if let problem = Self.problem(facts, length: length, codebooks, settings) {
                    let name = names.name(place, of: group)
                    skipped.append(SkippedInput(path: name, reason: problem.reason, remedy: problem.remedy))
                } else {
                    clips.add(place, length: Int32(clamping: length ?? 0))
                }
            }
            usable.append(clips)
        }
        names = ClipNames()
        let ids = try usable.map { try settings.heldOutBy.ids($0) }
        store.release()
        let split = HeldOutSplit(fraction: settings.validationFraction, ids: ids.joined())
        let training = Part(usable, ids) { !split.isHeldOut($0) }, held = Part(usable, ids) { split.isHeldOut($0) }
        guard !training.groups.isEmpty else {
            throw OpahError(
                .data, "no clip is left to train on" + SkippedInput.listing(skipped),
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
        sampling =
            settings.sampler == .coverage
            ? .coverage(CoverageSampler(source: source))
            : .reference(ReferenceSampler(source: source))
        var largest: (code: Int, group: SentenceGroup, place: Int)?
        for group in training.groups + held.groups {
            for clip in 0 ..< group.count {
                let code = group.facts(clip).largestCode
                if largest.map({ code > $0.code }) ?? true { largest = (code, group.group, Int(group.places[clip])) }
            }
        }
        largestCode = largest?.code ?? 0
        self.largest = largest.map { ($0.group, $0.place) }
    }

    /// One side of the split: groups that have clips on it.
    private struct Part {
        var groups: [RowGroup] = []
        var count: Int { groups.reduce(0) { $0 + $1.count } }

        /// - Parameter ids: those that the split knows the groups' clips by.
        init(_ all: [RowGroup], _ ids: [[UInt64]], _ isOn: (UInt64) -> Bool) {
            for (group, ids) in zip(all, ids) {
                var part = RowGroup(group.group)
                for clip in 0 ..< group.count where isOn(ids[clip]) {
                    part.add(Int(group.places[clip]), length: group.lengths[clip])
                }
                if part.count > 0 { groups.append(part) }
            }
        }

        func source(_ packer: SentencePacker, _ settings: SamplingSettings) -> RowSource {
            RowSource(groups: groups, packer: packer, settings: settings)
        }
    }

    /// Why a sentence cannot be trained on; nil when it can.
    /// - Parameter length: in tokens, as a turn of its own; nil where a text is empty.
    private static func problem(
        _ clip: ClipFacts, length: Int?, _ codebooks: Int, _ settings: SamplingSettings
    )
        -> (reason: String, remedy: String)?
    {
        guard let length else { return ("has no text", "correct its label and pack again") }
        if clip.frames == 0 { return ("has no frames", "the clip is shorter than one token (46 ms)") }
        if clip.codebooks < codebooks {
            return (
                "has \(clip.codebooks) codebooks, and \(codebooks) are wanted",
                "these codes come from another codec: extract them again"
            )
        }
        if let size = settings.codebookSize, clip.largestCode >= size {
            return (
                "has the code \(clip.largestCode), and the model reads codes from 0 to \(size - 1)",
                "these codes come from another codec than the model's: extract them again"
            )
        }
        if settings.sampler == .coverage, length > settings.maxLength {
            return (
                "\(length) tokens do not fit in max_length \(settings.maxLength)",
                "cut the clip (opah run slice-audio), or raise max_length"
            )
        }
        return nil
    }

    /// The next row to train on.
    public func nextRow() throws -> TrainingRow {
        rowsMade += 1
        // What was read of mapped packs counts as memory of ours until it is given back: some 100 KB a clip.
        if rowsMade % 8 == 0 { store.release() }
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
        let batch = try TokenBatch(
            (0 ..< size).map { _ in try nextRow() }, maxLength: settings.maxLength, padding: padding)
        truncatedTokens += batch.truncatedTokens
        return batch
    }

    /// The batch that comes next, without using it up.
    public func peek(_ size: Int) throws -> TokenBatch { try peek(size, count: 1)[0] }

    /// The `count` batches that come next, without using them up.
    public func peek(_ size: Int, count: Int) throws -> [TokenBatch] {
        let before = (sampling, truncatedTokens)
        defer { (sampling, truncatedTokens) = before }
        return try (0 ..< count).map { _ in try batch(size) }
    }

    /// Every held-out sentence once, as a turn of its own, in a fixed order; the same at every call.
    /// - Parameter limit: makes so many batches at most.
    public func validation(batchSize: Int, limit: Int? = nil) throws -> [TokenBatch] {
        try heldOutClips(batchSize, limit).map { try collated(heldOutRows($0).map(\.row)) }
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
    public func validationBySpeaker(batchSize: Int, limit: Int? = nil) throws -> [[SpeakerBatch]] {
        guard speakers.count > 1, speakers.count <= Self.mostSpeakers else { return [] }
        return try heldOutClips(batchSize, limit).map { clips in
            let groups = Dictionary(grouping: try heldOutRows(clips), by: \.speaker).sorted { $0.key < $1.key }
            return try groups.map { group in
                let batch = try collated(group.value.map(\.row)), isMixed = groups.count > 1
                return SpeakerBatch(speaker: group.key, tokens: batch.tokenCount, batch: isMixed ? batch : nil)
            }
        }
    }

    /// The held-out clips of each batch: groups, and positions in their lists of clips.
    private func heldOutClips(_ batchSize: Int, _ limit: Int?) -> [[(group: Int, clip: Int)]] {
        let all = heldOut.groups.enumerated().lazy.flatMap { group, clips in
            (0 ..< clips.count).lazy.map { (group: group, clip: $0) }
        }
        let size = max(batchSize, 1), most = (limit ?? .max).multipliedReportingOverflow(by: size)
        let clips = Array(all.prefix(most.overflow ? .max : most.partialValue))
        return stride(from: 0, to: clips.count, by: size).map { Array(clips[$0 ..< min($0 + size, clips.count)]) }
    }

    private func heldOutRows(_ clips: [(group: Int, clip: Int)]) throws -> [(speaker: String, row: TrainingRow)] {
        defer { store.release() }
        return try clips.map { group, clip in
            let plan = RowPlan(
                group: group, sentences: [Int32(clip)], interactive: true,
                useSpeaker: settings.speakerProbability >= 1, seed: 0)
            return (heldOut.groups[group].name, try heldOut.row(plan))
        }
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
        let counts: [[Int]], passes: Int, rows: Int
        switch sampling {
        case .coverage(let sampler):
            (counts, passes, rows) = (sampler.counts(), sampler.pass, sampler.plans.count)
        case .reference(let sampler):
            (counts, passes, rows) = (sampler.counts, 0, 0)
        }
        let all = counts.lazy.joined()
        return Coverage(
            clips: trainingClips, seen: all.count { $0 > 0 }, fewest: all.min() ?? 0, most: all.max() ?? 0,
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
            throw OpahError(
                .data, "this state belongs to the other sampler",
                hint: "resume with the sampler that the run began with")
        }
    }
}
