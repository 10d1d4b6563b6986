import Text

/// What one training row is made of, before its tokens exist: cheap to plan by the thousand, and
/// complete, so that the same plan always becomes the same row.
struct RowPlan: Sendable {
    let group: Int
    /// Positions in the group's list of training sentences.
    let sentences: [Int]
    let interactive: Bool
    let useSpeaker: Bool
    /// Seeds the row's own choices: which of several texts, which turns go without text.
    let seed: UInt64
}

/// The sentences that a dataset trains on, with their lengths, and how plans become rows.
struct RowSource: Sendable {
    let groups: [SentenceGroup]
    /// Per group and sentence: tokens of a turn of its own (the longest text counts).
    let lengths: [[Int]]
    let packer: SentencePacker
    let settings: SamplingSettings

    init(groups: [SentenceGroup], packer: SentencePacker, settings: SamplingSettings) throws {
        self.groups = groups
        self.packer = packer
        self.settings = settings
        lengths = try groups.map { group in
            try group.sentences.map { sentence in
                let prompts = try sentence.texts.map { text in
                    try packer.prompt([cleanText(text)], speaker: settings.speakerProbability > 0 ? group.name : nil).count
                }
                return (prompts.max() ?? 0) + sentence.codes.frames
            }
        }
    }

    func row(_ plan: RowPlan) throws -> TrainingRow {
        let group = groups[plan.group]
        var random = ShuffleRandom(seed: plan.seed)
        let speaker = plan.useSpeaker ? group.name : nil
        var texts: [String] = [], codes: [SentenceCodes] = [], turns: [TrainingRow] = []
        for place in plan.sentences {
            let sentence = group.sentences[place]
            let text = cleanText(sentence.texts[random.below(sentence.texts.count)])
            if plan.interactive {
                let skip = random.uniform() < settings.skipTextProbability
                turns.append(try packer.pack([text], [sentence.codes], speaker: speaker, skipText: skip))
            } else {
                texts.append(text)
                codes.append(sentence.codes)
            }
        }
        return plan.interactive ? .concatenated(turns) : try packer.pack(texts, codes, speaker: speaker)
    }

    /// How many text tokens and frames one sentence takes from the original's budget, which forgets
    /// about the words around them.
    func budgetCost(_ sentence: Sentence, text: String) throws -> Int {
        try packer.textLength(cleanText(text)) + sentence.codes.frames
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
