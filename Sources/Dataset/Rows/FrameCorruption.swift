import Text

extension RowSource {
    /// Puts frames of clips drawn at random in the place of a share of a row's frames. What was spoken so far can then
    /// not be relied on, and the model sooner reads the text: what the dropout of a decoder's inputs does in Tacotron
    /// (Wang et al. 2017).
    ///
    /// The replaced frames' codes are no labels: the fast stack reads them as they stand in the row.
    func corrupted(_ row: TrainingRow, _ random: inout ShuffleRandom) throws -> TrainingRow {
        var row = row
        let length = row.length, books = row.rows - 1
        for t in 0 ..< length
        where packer.writer.frames.contains(row.tokens[t]) && random.uniform() < settings.corruptProbability {
            let group = groups[random.below(groups.count)], codes = try group.sentence(random.below(group.count)).codes
            let frame = random.below(codes.frames)
            row.tokens[t] = try packer.writer.mainToken(firstCode: Int(codes.values[frame]))
            for book in 0 ..< books {
                row.tokens[(1 + book) * length + t] =
                    Int(codes.values[book * codes.frames + frame]) + packer.format.codeOffset
                // Labels are one step ahead.
                if t > 0 { row.labels[(1 + book) * length + t - 1] = SentencePacker.ignoredLabel }
            }
        }
        return row
    }
}
