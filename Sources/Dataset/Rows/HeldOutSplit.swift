/// Which clips are kept away from training, to measure with.
///
/// A clip's place is told by its codes and the fraction alone: other clips, other packs, another order or a
/// corrected text never move it across. Only where that would leave one side empty, the nearest clip changes sides.
public struct HeldOutSplit: Sendable {
    public let fraction: Double
    private let forcedIn: UInt64?, forcedOut: UInt64?

    /// - Parameter ids: those of all clips that can be trained on.
    public init(fraction: Double, ids: some Collection<UInt64>) {
        let fraction = min(max(fraction, 0), 1)
        self.fraction = fraction
        let distinct = Set(ids)
        let ordered = distinct.sorted { (Self.place($0), $0) < (Self.place($1), $1) }
        let held = ordered.prefix { Self.place($0) < fraction }.count
        let canSplit = fraction > 0 && fraction < 1 && ordered.count > 1
        forcedIn = canSplit && held == 0 ? ordered.first : nil
        forcedOut = canSplit && held == ordered.count ? ordered.last : nil
    }

    public func isHeldOut(_ id: UInt64) -> Bool {
        if id == forcedIn { return true }
        return id != forcedOut && Self.place(id) < fraction
    }

    /// The upper 53 bits of a mixed id, as a number in [0, 1).
    private static func place(_ id: UInt64) -> Double {
        var random = ShuffleRandom(seed: id)
        return random.uniform()
    }
}
