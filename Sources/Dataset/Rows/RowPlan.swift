import Text

/// What one training row is made of, before its tokens exist: cheap to plan by the thousand, and
/// complete, so that the same plan always becomes the same row.
struct RowPlan: Sendable {
    let group: Int
    /// Positions in the group's list of sentences.
    let sentences: [Int]
    let interactive: Bool
    let useSpeaker: Bool
    /// Seeds the row's own choices: which of several texts, which turns go without text.
    let seed: UInt64
}

/// Sentences with their lengths, and how plans become rows.
struct RowSource: Sendable {
    let groups: [SentenceGroup]
    /// Per group and sentence: tokens of a turn of its own, whichever text, role or skip is drawn.
    let lengths: [[Int]]
    let packer: SentencePacker
    let settings: SamplingSettings

    /// The most tokens that a turn with this sentence alone can have.
    static func length(_ sentence: Sentence, speaker: String, _ packer: SentencePacker, _ settings: SamplingSettings) throws -> Int {
        var roles: [String?] = settings.speakerProbability < 1 || !packer.format.hasSpeakers ? [nil] : []
        if settings.speakerProbability > 0, packer.format.hasSpeakers { roles.append(speaker) }
        var longest = 0
        for role in roles {
            for text in sentence.texts { longest = max(longest, try packer.prompt([cleanText(text, packer.format.cleaning)], speaker: role).count) }
            // A turn without text keeps one more column.
            if settings.skipTextProbability > 0 { longest = max(longest, try packer.prompt([], speaker: role, skipText: true).count + 1) }
        }
        return longest + sentence.codes.frames
    }

    func row(_ plan: RowPlan) throws -> TrainingRow {
        let group = groups[plan.group]
        var random = ShuffleRandom(seed: plan.seed)
        let speaker = plan.useSpeaker ? group.name : nil
        // Where there are no speakers, every sentence has a turn of its own.
        let interactive = plan.interactive || !packer.format.hasSpeakers
        var texts: [String] = [], codes: [SentenceCodes] = [], turns: [TrainingRow] = []
        for place in plan.sentences {
            let sentence = group.sentences[place]
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
