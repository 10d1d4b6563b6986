import Support

/// How sentences become training rows.
public struct SamplingSettings: Sendable {
    /// Which rule picks the sentences of a row.
    public enum Sampler: String, Sendable, CaseIterable {
        /// Every clip once per pass, in shuffled order.
        case coverage
        /// The original's: a run of consecutive clips of one speaker, from the first one where the
        /// speaker has no more than `maxLength / 20`. Most of a small dataset is then never seen.
        case reference
    }

    /// Rows never become longer (coverage), or are cut there (reference). In tokens.
    public var maxLength = 4096
    public var sampler = Sampler.coverage
    public var seed: UInt64 = 42
    /// The share of clips held out for validation.
    public var validationFraction = 0.05
    /// Which clips are held out, or trained on, together.
    public var heldOutBy = HeldOutKey.codes
    /// How often each sentence gets a turn of its own, instead of all texts joined into one turn.
    public var interactiveProbability = 0.7
    /// How often the speaker's name is the role, instead of "assistant".
    public var speakerProbability = 0.0
    /// How often an interactive turn goes without its text.
    public var skipTextProbability = 0.0
    /// How often a frame of a training row is one of another clip's.
    public var corruptProbability = 0.0
    /// Reference sampler only: consecutive clips (true), or clips drawn at random.
    public var causal = true
    /// How many codebooks to keep; nil keeps what the packs hold.
    public var codebooks: Int?
    /// Clips with a code of this or above are left out; nil takes all.
    public var codebookSize: Int?

    public init() {}

    /// All that is wrong with them, at once.
    func check() throws {
        var wrong: [String] = []
        func require(_ holds: Bool, _ what: String) { if !holds { wrong.append(what) } }
        require(maxLength >= 16, "max_length must be 16 or more, not \(maxLength)")
        for (name, value) in [
            ("val_fraction", validationFraction), ("interactive_prob", interactiveProbability),
            ("use_speaker", speakerProbability), ("skip_text_prob", skipTextProbability),
            ("corrupt_prob", corruptProbability)
        ] {
            require((0 ... 1).contains(value), "\(name) must be from 0 to 1, not \(value)")
        }
        require(corruptProbability < 1, "corrupt_prob must leave frames as they are")
        require(validationFraction < 1, "val_fraction must leave clips to train on")
        require(codebooks.map { $0 > 0 } ?? true, "num_codebooks must be above 0")
        guard wrong.isEmpty else { throw OpahError(.config, wrong.joined(separator: "; ")) }
    }

    /// Everything that decides which rows come when, by name; for comparing runs.
    package var identity: [String: String] {
        var facts = [
            "max_length": String(maxLength), "sampler": sampler.rawValue, "sampler seed": String(seed),
            "val_fraction": String(validationFraction), "interactive_prob": String(interactiveProbability),
            "use_speaker": String(speakerProbability), "skip_text_prob": String(skipTextProbability),
            "causal": String(causal),
            "num_codebooks": codebooks.map(String.init) ?? "all"
        ]
        // Absent, as in runs of before they were settings.
        if heldOutBy != .codes { facts["val_by"] = heldOutBy.rawValue }
        if corruptProbability > 0 { facts["corrupt_prob"] = String(corruptProbability) }
        return facts
    }
}
