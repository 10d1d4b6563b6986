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
        counts = source.groups.map { Array(repeating: 0, count: $0.sentences.count) }
    }

    mutating func next() throws -> TrainingRow {
        let settings = source.settings
        let group = drawGroup(), sentences = source.groups[group].sentences
        let window = max(settings.maxLength / 20, 1)
        let candidates: [Int]
        if settings.causal {
            let first = window >= sentences.count ? 0 : random.below(sentences.count - window + 1)
            candidates = Array(first ..< min(first + window, sentences.count))
        } else {
            candidates = (0 ..< min(window, sentences.count)).map { _ in random.below(sentences.count) }
        }
        let interactive = random.uniform() < settings.interactiveProbability
        let budget = interactive ? settings.maxLength : source.drawBudget(&random)
        let useSpeaker = random.uniform() < settings.speakerProbability
        let cleaning = source.packer.format.cleaning
        let used = try source.packer.sentencesFilling(budget, candidates.lazy.map { place in
            (cleanText(sentences[place].texts[0], cleaning), sentences[place].codes)
        })
        let taken = Array(candidates.prefix(max(used, 1)))
        for place in taken { counts[group][place] += 1 }
        return try source.row(RowPlan(group: group, sentences: taken, interactive: interactive, useSpeaker: useSpeaker,
                                      seed: random.next()))
    }

    mutating func restore(state: UInt64, counts: [[Int]]) {
        random.state = state
        if counts.map(\.count) == self.counts.map(\.count) { self.counts = counts }
    }

    /// A group, by its number of sentences.
    private mutating func drawGroup() -> Int {
        var place = random.below(source.groups.reduce(0) { $0 + $1.sentences.count })
        for (group, value) in source.groups.enumerated() {
            place -= value.sentences.count
            if place < 0 { return group }
        }
        return source.groups.count - 1
    }
}
