import Glibc
import Support

/// Integrated loudness after ITU-R BS.1770-4: mean square of the K-weighted channels in blocks of 0.4 s that
/// overlap by 75 %, an absolute gate at -70 LUFS and a relative one 10 LU below the mean of what passes it.
public struct LoudnessMeter: Sendable {
    /// Mean squares of all channels, weighted and added: one per block.
    let blocks: [Double]
    /// The same over the whole signal.
    let overall: Double

    /// Channel weights: left, right, centre, left and right surround; with six channels the fourth is the low
    /// frequency effects channel, which does not count.
    static func weights(channels: Int) -> [Double]? {
        switch channels {
        case 1 ... 5: Array([1, 1, 1, 1.41, 1.41].prefix(channels))
        case 6: [1, 1, 1, 0, 1.41, 1.41]
        default: nil
        }
    }

    /// Measures a buffer; memory grows with the number of blocks, not with the number of samples.
    /// - Parameter blockSize: seconds.
    /// - Throws: `audio` for NaN samples, more than six channels or a rate under 4 kHz; `argument` for a bad block
    ///   size.
    public init(_ buffer: AudioBuffer, blockSize: Double = 0.4) throws {
        guard let weights = Self.weights(channels: buffer.channels.count) else {
            throw OpahError(
                .audio, "loudness is defined for one to six channels, not \(buffer.channels.count)",
                hint: "mix to mono first")
        }
        guard blockSize >= 0.01, blockSize <= 3600 else {
            throw OpahError(.argument, "loudness: block_size must be from 0.01 to 3600 s, not \(blockSize)")
        }
        if let bad = buffer.firstNonFinite() {
            throw OpahError(
                .audio, "sample \(bad.frame) (at \(decimal(bad.seconds)) s) is NaN or infinite: no loudness",
                hint: "repair or leave out this clip")
        }
        let rate = Double(buffer.sampleRate), frames = buffer.frames
        let filters = try KWeighting.filters(sampleRate: buffer.sampleRate)
        let ranges =
            Double(frames) < blockSize * rate
            ? []
            : Self.blockRanges(frames: frames, rate: rate, blockSize: blockSize)

        // Blocks overlap: their borders cut the signal into segments, each of which is summed once.
        var borders = Set(ranges.flatMap { [$0.lowerBound, $0.upperBound] })
        borders.formUnion([0, frames])
        let sorted = borders.sorted()
        var segments = [Double](repeating: 0, count: max(0, sorted.count - 1))
        for (channel, weight) in zip(buffer.channels, weights) where weight > 0 {
            var (shelf, pass) = filters
            try channel.withUnsafeBufferPointer { samples in
                for s in segments.indices {
                    try Interrupt.check()
                    var sum = 0.0
                    for t in sorted[s] ..< sorted[s + 1] {
                        let y = pass.next(shelf.next(Double(samples[t])))
                        sum += y * y
                    }
                    shelf.flush()
                    pass.flush()
                    segments[s] += weight * sum
                }
            }
        }

        let place = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1, $0) })
        blocks = ranges.map { range in
            segments[place[range.lowerBound]! ..< place[range.upperBound]!].reduce(0, +) / (blockSize * rate)
        }
        overall = frames > 0 ? segments.reduce(0, +) / Double(frames) : 0
    }

    /// The reference's own borders, truncations included: block j spans 0.25 j to 0.25 j + 1 block sizes.
    private static func blockRanges(frames: Int, rate: Double, blockSize: Double) -> [Range<Int>] {
        let step = 0.25, seconds = Double(frames) / rate
        let count = Int(((seconds - blockSize) / (blockSize * step)).rounded(.toNearestOrEven)) + 1
        return (0 ..< max(0, count)).map { j in
            let lower = min(frames, Int(blockSize * (Double(j) * step) * rate))
            let upper = min(frames, Int(blockSize * (Double(j) * step + 1) * rate))
            return lower ..< max(lower, upper)
        }
    }

    /// Whether the signal is shorter than one block, so that no gated loudness exists.
    public var isTooShort: Bool { blocks.isEmpty }

    /// Integrated loudness in LUFS of the signal times `gain`; -infinity when every block lies below the absolute gate.
    public func loudness(gain: Double = 1) -> Double {
        let power = gain * gain
        let loud = blocks.map { $0 * power }.filter { Self.lufs($0) >= -70 }
        guard !loud.isEmpty else { return -.infinity }
        let relative = Self.lufs(loud.reduce(0, +) / Double(loud.count)) - 10
        let kept = loud.filter { Self.lufs($0) > relative && Self.lufs($0) > -70 }
        return kept.isEmpty ? -.infinity : Self.lufs(kept.reduce(0, +) / Double(kept.count))
    }

    /// LUFS of the whole signal without any gate, for what is too short for blocks.
    public func ungatedLoudness(gain: Double = 1) -> Double { Self.lufs(overall * gain * gain) }

    private static func lufs(_ meanSquare: Double) -> Double { -0.691 + 10 * log10(meanSquare) }
}
