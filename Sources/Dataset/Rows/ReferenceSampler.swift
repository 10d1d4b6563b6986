import Text

/// The original's rule, kept for comparison: a speaker is drawn by number of clips, then a run of at most
/// `maxLength / 20` consecutive clips, of which as many are used as the token budget holds. The budget
/// ignores the words around each turn, so rows may exceed `maxLength`; the batch then cuts them and says so.
struct ReferenceSampler: Sendable {
    let source: RowSource
    private(set) var random: ShuffleRandom
    private(set) var counts: [[Int]]

    init(source: RowSource) {
        self.source = source
        random = ShuffleRandom(seed: source.settings.seed, purpose: 2, index: 0)
        counts = source.groups.map { Array(repeating: 0, count: $0.count) }
    }

    mutating func next() throws -> TrainingRow {
        let settings = source.settings
        let group = drawGroup(), clips = source.groups[group]
        let window = max(settings.maxLength / 20, 1)
        let candidates: [Int]
        if settings.causal {
            let first = window >= clips.count ? 0 : random.below(clips.count - window + 1)
            candidates = Array(first ..< min(first + window, clips.count))
        } else {
            candidates = (0 ..< min(window, clips.count)).map { _ in random.below(clips.count) }
        }
        let interactive = random.uniform() < settings.interactiveProbability
        let budget = interactive ? settings.maxLength : source.drawBudget(&random)
        let useSpeaker = random.uniform() < settings.speakerProbability
        let cleaning = source.packer.format.cleaning
        let used = try source.packer.sentencesFilling(budget, of: candidates.count) { place in
            (cleanText(try clips.texts(candidates[place])[0], cleaning), clips.facts(candidates[place]).frames)
        }
        let taken = Array(candidates.prefix(max(used, 1)))
        for place in taken { counts[group][place] += 1 }
        return try source.row(
            RowPlan(
                group: group, sentences: taken.map { Int32($0) }, interactive: interactive,
                useSpeaker: useSpeaker, seed: random.next()))
    }

    mutating func restore(state: UInt64, counts: [[Int]]) {
        random.state = state
        if counts.map(\.count) == self.counts.map(\.count) { self.counts = counts }
    }

    /// A group, by its number of sentences.
    private mutating func drawGroup() -> Int {
        var place = random.below(source.groups.reduce(0) { $0 + $1.count })
        for (group, value) in source.groups.enumerated() {
            place -= value.count
            if place < 0 { return group }
        }
        return source.groups.count - 1
    }
}
