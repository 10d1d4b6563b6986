import Text

/// Of each clip, how many tokens of a turn of its own are not frames, whichever text, role or skip is drawn.
///
/// All texts are tokenised for that, on all threads; those of a large pack are kept beside its index
/// (`PromptLengthsFile`).
struct PromptLengths {
    /// By group and place; -1 where the clip has no text, or one that is empty once it is cleaned.
    private var values: [[Int32]] = []

    subscript(group: Int, place: Int) -> Int? { values[group][place] < 0 ? nil : Int(values[group][place]) }

    init(_ store: SentenceStore, _ packer: SentencePacker, _ settings: SamplingSettings) throws {
        let measure = Measure(packer, settings)
        var next = store.groups[...]
        while let first = next.first {
            // The groups of one pack, or what is in memory.
            let groups = Array(next.prefix { $0.packed?.index === first.packed?.index })
            next = next.dropFirst(groups.count)
            let file = first.packed.flatMap { PromptLengthsFile($0.index, measure) }
            if let known = try file?.read(groups, measure) {
                values += known
            } else {
                let made = try measure.lengths(of: groups)
                file?.write(made)
                values += made
            }
        }
    }

    /// How a clip's texts are measured.
    struct Measure: Sendable {
        let packer: SentencePacker
        /// Whether an answer's role may be the assistant, or the speaker's name; whether a turn may have no text.
        let hasAssistant: Bool, hasSpeaker: Bool, skipsTexts: Bool

        init(_ packer: SentencePacker, _ settings: SamplingSettings) {
            self.packer = packer
            hasSpeaker = settings.speakerProbability > 0 && packer.format.hasSpeakers
            hasAssistant = settings.speakerProbability < 1 || !packer.format.hasSpeakers
            skipsTexts = settings.skipTextProbability > 0
        }

        private func roles(_ group: SentenceGroup) -> [String?] {
            (hasAssistant ? [nil] : []) + (hasSpeaker ? [group.name] : [])
        }

        /// Of a turn without text.
        func skipped(_ group: SentenceGroup) throws -> Int {
            guard skipsTexts else { return 0 }
            // It keeps one more column.
            return try roles(group).map { try packer.prompt([], speaker: $0, skipText: true).count + 1 }.max() ?? 0
        }

        /// - Parameter skipped: what `skipped` gave for the group.
        func length(_ place: Int, of group: SentenceGroup, skipped: Int) throws -> Int32 {
            let texts = try group.texts(place).map { cleanText($0, packer.format.cleaning) }
            guard !texts.isEmpty, texts.allSatisfy({ !$0.isEmpty }) else { return -1 }
            var longest = skipped
            for role in roles(group) {
                for text in texts { longest = max(longest, try packer.prompt([text], speaker: role).count) }
            }
            return Int32(clamping: longest)
        }

        /// Clips after which the memory of what was read is given back: nothing but lengths stays.
        private static let stretch = 1 << 16

        /// Of all clips of these groups, which are of one pack.
        func lengths(of groups: [SentenceGroup]) throws -> [[Int32]] {
            let places = ClipPlaces(counts: groups.lazy.map(\.count)), skipped = try groups.map { try self.skipped($0) }
            var all = [Int32](repeating: 0, count: places.count)
            try all.withUnsafeMutableBufferPointer { buffer in
                nonisolated(unsafe) let slots = buffer   // each is written once, by the thread that took it
                for start in stride(from: 0, to: places.count, by: Self.stretch) {
                    try places.forEach(start ..< min(start + Self.stretch, places.count)) { number, group, place in
                        slots[number] = try length(place, of: groups[group], skipped: skipped[group])
                    }
                    groups.first?.packed?.index.release()
                }
            }
            return groups.indices.map { Array(all[places[$0]]) }
        }
    }
}
