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
    /// How often each sentence gets a turn of its own, instead of all texts joined into one turn.
    public var interactiveProbability = 0.7
    /// How often the speaker's name is the role, instead of "assistant".
    public var speakerProbability = 0.0
    /// How often an interactive turn goes without its text.
    public var skipTextProbability = 0.0
    /// Reference sampler only: consecutive clips (true), or clips drawn at random.
    public var causal = true
    /// How many codebooks to keep; nil keeps what the packs hold.
    public var codebooks: Int?

    public init() {}
}
