import Text

/// What one training row is made of, before its tokens exist: cheap to plan by the thousand, and
/// complete, so that the same plan always becomes the same row.
struct RowPlan: Sendable {
    let group: Int
    /// Positions in the group's list of clips.
    let sentences: [Int32]
    let interactive: Bool
    let useSpeaker: Bool
    /// Seeds the row's own choices: which of several texts, which turns go without text.
    let seed: UInt64
}

/// The clips of a speaker that rows are made of: a part of those of the store.
struct RowGroup: Sendable {
    let group: SentenceGroup
    /// Places in `group`, ascending.
    fileprivate(set) var places: [Int32] = []
    /// Of each: tokens of a turn of its own, whichever text, role or skip is drawn.
    fileprivate(set) var lengths: [Int32] = []

    init(_ group: SentenceGroup) { self.group = group }

    mutating func add(_ place: Int, length: Int32) {
        places.append(Int32(place))
        lengths.append(length)
    }

    var name: String { group.name }
    var count: Int { places.count }
    func facts(_ clip: Int) -> ClipFacts { group.facts(Int(places[clip])) }
    func texts(_ clip: Int) throws -> [String] { try group.texts(Int(places[clip])) }
    func sentence(_ clip: Int) throws -> Sentence { try group.sentence(Int(places[clip])) }
}

/// Sentences with their lengths, and how plans become rows.
struct RowSource: Sendable {
    let groups: [RowGroup]
    let packer: SentencePacker
    let settings: SamplingSettings

    func row(_ plan: RowPlan) throws -> TrainingRow {
        let group = groups[plan.group]
        var random = ShuffleRandom(seed: plan.seed)
        let speaker = plan.useSpeaker ? group.name : nil
        // Where there are no speakers, every sentence has a turn of its own.
        let interactive = plan.interactive || !packer.format.hasSpeakers
        var texts: [String] = [], codes: [SentenceCodes] = [], turns: [TrainingRow] = []
        for place in plan.sentences {
            let sentence = try group.sentence(Int(place))
            let text = cleanText(sentence.texts[random.below(sentence.texts.count)], packer.format.cleaning)
            if interactive {
                let skip = random.uniform() < settings.skipTextProbability
                turns.append(try packer.pack([text], [sentence.codes], speaker: speaker, skipText: skip))
            } else {
                texts.append(text)
                codes.append(sentence.codes)
            }
        }
        let row = interactive ? .concatenated(turns) : try packer.pack(texts, codes, speaker: speaker)
        return settings.corruptProbability > 0 ? try corrupted(row, &random) : row
    }

    /// A row length drawn for joined turns: normal with mean max/2 and deviation max/4, kept within 10...max.
    func drawBudget(_ random: inout ShuffleRandom) -> Int {
        let mean = Double(settings.maxLength / 2), deviation = Double(settings.maxLength / 4)
        while true {
            let value = mean + deviation * random.normal()
            if value >= 10, value <= Double(settings.maxLength) { return Int(value) - 4 }
        }
    }
}
