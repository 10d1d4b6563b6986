/// Which clips are kept away from training, to measure with.
///
/// A clip's place is told by its codes and the fraction alone: other clips, other packs, another order or a
/// corrected text never move it across. Only where that would leave one side empty, the nearest clip changes sides.
public struct HeldOutSplit: Sendable {
    public let fraction: Double
    private let forcedIn: UInt64?, forcedOut: UInt64?

    /// - Parameter ids: those of all clips that can be trained on.
    public init(fraction: Double, ids: some Sequence<UInt64>) {
        let fraction = min(max(fraction, 0), 1)
        self.fraction = fraction
        // The first and the last by place.
        var first: (place: Double, id: UInt64)?, last: (place: Double, id: UInt64)?
        for id in ids {
            let here = (place: Self.place(id), id: id)
            if first.map({ here < $0 }) ?? true { first = here }
            if last.map({ here > $0 }) ?? true { last = here }
        }
        guard fraction > 0, fraction < 1, let first, let last, first.id != last.id else {
            (forcedIn, forcedOut) = (nil, nil)
            return
        }
        forcedIn = first.place < fraction ? nil : first.id
        forcedOut = last.place < fraction ? last.id : nil
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
