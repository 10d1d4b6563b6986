/// Which clips are kept away from training, to measure with.
///
/// A clip's side depends on its own id and the fraction alone: adding clips, packing again or another order
/// never moves one across.
public struct HeldOutSplit: Sendable {
    public let fraction: Double

    public init(fraction: Double) { self.fraction = min(max(fraction, 0), 1) }

    public func isHeldOut(_ sentence: Sentence) -> Bool {
        // The upper 53 bits of a mixed id, as a number in [0, 1).
        var mixed = ShuffleRandom(seed: sentence.id)
        return Double(mixed.next() >> 11) * 0x1p-53 < fraction
    }
}
