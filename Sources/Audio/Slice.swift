/// A piece cut from a clip: stretches of it, with silence of a fixed length between them where the slicer puts some.
public struct Slice: Sendable, Equatable {
    public enum Part: Sendable, Equatable {
        /// Frames of the clip.
        case sound(Range<Int>)
        /// So many zeros.
        case silence(Int)

        var frames: Int {
            switch self {
            case .sound(let range): range.count
            case .silence(let count): count
            }
        }
    }

    public var parts: [Part]

    public init(_ parts: [Part]) { self.parts = parts.filter { $0.frames > 0 } }

    /// Length in frames.
    public var frames: Int { parts.reduce(0) { $0 + $1.frames } }

    /// From the first to the last frame of the clip that is in it: for cutting labels the same way.
    public var span: Range<Int> {
        let ranges = parts.compactMap { if case .sound(let range) = $0 { range } else { nil } }
        return (ranges.first?.lowerBound ?? 0) ..< (ranges.last?.upperBound ?? 0)
    }

    /// The piece itself.
    public func samples(of clip: AudioBuffer) -> AudioBuffer {
        let channels = clip.channels.map { channel in
            var result: [Float] = []
            result.reserveCapacity(frames)
            for part in parts {
                switch part {
                case .sound(let range): result += channel[range.clamped(to: 0 ..< channel.count)]
                case .silence(let count): result += repeatElement(0, count: count)
                }
            }
            return result
        }
        return AudioBuffer(channels: channels, sampleRate: clip.sampleRate)
    }

    /// The piece in equal parts of at most `limit` frames, if it is longer.
    func cut(toAtMost limit: Double) -> [Slice] {
        let length = frames
        guard Double(length) > limit, length > 0 else { return [self] }
        let pieces = (Double(length) / limit).rounded(.up)
        let size = max(1, Int((Double(length) / pieces).rounded(.up)))
        return stride(from: 0, to: length, by: size).map { from($0, to: min(length, $0 + size)) }
    }

    private func from(_ start: Int, to end: Int) -> Slice {
        var result: [Part] = [], position = 0
        for part in parts {
            let lower = max(0, start - position), upper = min(part.frames, end - position)
            if lower < upper {
                switch part {
                case .sound(let range): result.append(.sound(range.lowerBound + lower ..< range.lowerBound + upper))
                case .silence: result.append(.silence(upper - lower))
                }
            }
            position += part.frames
        }
        return Slice(result)
    }
}
