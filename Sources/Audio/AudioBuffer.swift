/// Samples in memory: one array per channel, all of the same length, full scale at ±1.
public struct AudioBuffer: Sendable, Equatable {
    /// `channels[c][t]`; channels count from 0, left first.
    public var channels: [[Float]]
    /// Samples per second and channel.
    public var sampleRate: Int

    public init(channels: [[Float]], sampleRate: Int) {
        self.channels = channels
        self.sampleRate = sampleRate
    }

    /// One channel.
    public init(mono samples: [Float], sampleRate: Int) {
        self.init(channels: [samples], sampleRate: sampleRate)
    }

    /// Samples per channel; where channels differ in length, the shortest counts.
    public var frames: Int { channels.map(\.count).min() ?? 0 }

    /// Seconds.
    public var duration: Double { sampleRate > 0 ? Double(frames) / Double(sampleRate) : 0 }

    /// The largest absolute sample of all channels; 0 when there is none.
    public var peak: Float { channels.reduce(0) { max($0, Self.peak(of: $1)) } }

    static func peak(of samples: [Float]) -> Float {
        var peak: Float = 0
        for sample in samples { peak = max(peak, abs(sample)) }
        return peak
    }

    /// The plain mean of the channels, as one channel.
    public func mixedToMono() -> AudioBuffer {
        guard channels.count > 1 else { return self }
        let scale = 1 / Float(channels.count), count = frames
        var mix = Array(channels[0].prefix(count))
        mix.withUnsafeMutableBufferPointer { mix in
            for channel in channels.dropFirst() {
                channel.withUnsafeBufferPointer { channel in for t in 0 ..< count { mix[t] += channel[t] } }
            }
            for t in 0 ..< count { mix[t] *= scale }
        }
        return AudioBuffer(mono: mix, sampleRate: sampleRate)
    }

    /// The frames of `range`, cut to what there is.
    public func cut(_ range: Range<Int>) -> AudioBuffer {
        let range = range.clamped(to: 0 ..< frames)
        return AudioBuffer(channels: channels.map { Array($0[range]) }, sampleRate: sampleRate)
    }

    /// The first sample that is NaN or infinite: its channel, frame (both from 0) and time in seconds.
    public func firstNonFinite() -> (channel: Int, frame: Int, seconds: Double)? {
        var first: (channel: Int, frame: Int)?
        for (c, channel) in channels.enumerated() {
            if let t = channel.firstIndex(where: { !$0.isFinite }), t < first?.frame ?? .max { first = (c, t) }
        }
        return first.map { ($0.channel, $0.frame, Double($0.frame) / Double(max(1, sampleRate))) }
    }
}
