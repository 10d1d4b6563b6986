/// One sequence being continued.
final class GenerationStream {
    let sample: Int, piece: Int
    let promptLength: Int
    /// Columns at the beginning that other texts may have too, and which are run by themselves for that.
    let sharedLength: Int
    /// The prompt, then what was generated.
    var columns: [[Int32]]
    var end: GenerationEnd?
    /// How it is continued; set when it is prepared.
    var options: GenerationOptions!
    var limit = 0, limitIsLength = false
    /// Holds keys and values of `cached`.
    var cache: KeyValueCache!
    var cached: [[Int32]] = []

    init(sample: Int, piece: Int, prompt: [[Int32]], shared: Int = 0, continuing earlier: GenerationStream? = nil) {
        (self.sample, self.piece, columns, promptLength) = (sample, piece, prompt, prompt.count)
        sharedLength = min(shared, prompt.count - 1)
        if let earlier { (cache, cached) = (earlier.cache, earlier.cached) }
    }

    /// New columns that are speech: all but the closing `<|im_end|>`. With stray tokens kept, those that the original
    /// takes, which in some releases are others.
    func frames(_ release: ModelRelease, _ stray: GenerationOptions.StrayTokens) -> ArraySlice<[Int32]> {
        if stray == .keep, release.originalSkipsFirstFrame { return columns[min(promptLength + 1, columns.count)...] }
        return columns[promptLength ..< (end == .complete ? columns.count - 1 : columns.count)]
    }

    /// New columns as later pieces of the text see them; `end` closes them where the release wants that.
    func answer(_ release: ModelRelease, _ stray: GenerationOptions.StrayTokens, end: [[Int32]]) -> [[Int32]] {
        guard release.closesAnswers else { return Array(frames(release, stray)) }
        if stray == .keep { return Array(columns[promptLength...]) }
        return frames(release, stray) + end
    }
}
