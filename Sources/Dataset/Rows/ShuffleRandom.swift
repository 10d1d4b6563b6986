import Glibc

/// SplitMix64: orders and choices of the samplers. Its whole state is one number, so a run resumes exactly.
/// (Tensor values come from the counter-based generator in Tensors.)
public struct ShuffleRandom: Sendable {
    public var state: UInt64

    public init(seed: UInt64) { state = seed }

    /// A generator of its own for one purpose and one index, such as pass 3 of seed 42.
    public init(seed: UInt64, purpose: UInt64, index: UInt64) {
        var mixer = ShuffleRandom(seed: seed &+ purpose &* 0xD6E8_FEB8_6659_FD93)
        state = mixer.next() ^ (index &* 0xA076_1D64_78BD_642F)
        _ = next()
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// In [0, 1).
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// In 0..<bound, without bias.
    public mutating func below(_ bound: Int) -> Int {
        let bound = UInt64(bound), limit = UInt64.max - UInt64.max % bound
        while true {
            let value = next()
            if value < limit { return Int(value % bound) }
        }
    }

    /// Standard normal, by Box and Muller.
    public mutating func normal() -> Double {
        let radius = (-2 * log(1 - uniform())).squareRoot()
        return radius * cos(2 * .pi * uniform())
    }

    public mutating func shuffle<T>(_ items: inout [T]) {
        for i in stride(from: items.count - 1, to: 0, by: -1) { items.swapAt(i, below(i + 1)) }
    }
}
