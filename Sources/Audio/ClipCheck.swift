import Support
#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Something wrong with a clip, and what to do about it.
public struct ClipFault: Sendable, Equatable {
    public enum Severity: String, Sendable { case error, note }
    /// Stable short name: empty nan short-token short-block silent near-silent clipped overload dc-offset
    /// phase-opposite one-sided low-rate.
    public var code: String
    /// An error makes the clip useless for training; a note does not.
    public var severity: Severity
    public var reason: String
    public var remedy: String
}

/// Looks at the samples of one clip for the faults that spoil training.
public enum ClipCheck {
    /// Samples at 44.1 kHz that make one token: 512 per mel frame, four frames.
    public static let tokenSamples = 2048

    /// All faults of the clip, worst first. Pass the clip as recorded: in a mono mix opposite channels are already gone.
    public static func faults(_ clip: AudioBuffer) throws -> [ClipFault] {
        var faults: [ClipFault] = []
        func add(_ severity: ClipFault.Severity, _ code: String, _ reason: String, _ remedy: String) {
            faults.append(ClipFault(code: code, severity: severity, reason: reason, remedy: remedy))
        }
        guard clip.frames > 0, clip.sampleRate > 0 else {
            add(.error, "empty", "it holds no samples", "leave it out")
            return faults
        }
        if let bad = clip.firstNonFinite() {
            add(.error, "nan", "sample \(bad.frame) at \(decimal(bad.seconds)) s is NaN or infinite", "export it again; a broken plug-in is the usual cause")
            return faults
        }
        let statistics = try clip.channels.map { try Statistics($0, frames: clip.frames) }
        let peak = statistics.map(\.peak).max()!, samples = Double(clip.frames * clip.channels.count)

        if clip.frames * 44100 < tokenSamples * clip.sampleRate {
            add(.error, "short-token", "\(decimal(1000 * clip.duration)) ms are shorter than one token (46 ms)", "leave it out, or join it with its neighbour")
        } else if clip.duration < 0.4 {
            add(.note, "short-block", "\(decimal(clip.duration)) s is shorter than the 0.4 s that loudness is measured over", "join it with its neighbour")
        }
        let loudestRMS = statistics.map { ($0.square / Double(clip.frames)).squareRoot() }.max()!
        if peak == 0 {
            add(.error, "silent", "every sample is zero", "leave it out; check the recording's channel")
        } else if loudestRMS < 0.001 {
            add(.note, "near-silent", "its level is \(decimal(20 * log10(loudestRMS))) dB of full scale", "check that it holds speech, then normalise its loudness")
        }
        if peak > 1 {
            add(.note, "overload", "its peak is \(decimal(Double(peak))), beyond full scale", "normalise its loudness before it is stored as integers")
        }
        let clipped = Double(statistics.reduce(0) { $0 + $1.clipped })
        if clipped / samples > 1e-4 {
            add(.note, "clipped", "\(decimal(100 * clipped / samples)) % of the samples are cut off at full scale", "record again at a lower level, or repair it")
        }
        // A shorter clip need not hold whole periods, whose mean is 0.
        if clip.duration >= 0.4, let offset = statistics.map({ $0.sum / Double(clip.frames) }).max(by: { abs($0) < abs($1) }), abs(offset) > 0.01 {
            add(.note, "dc-offset", "its mean is \(decimal(offset)) instead of 0", "apply a high-pass filter")
        }
        if clip.channels.count > 1, peak > 0 {
            let mix = try Statistics(clip.mixedToMono().channels[0], frames: clip.frames)
            let mean = statistics.reduce(0) { $0 + $1.square } / Double(clip.channels.count)
            if mix.square < 1e-6 * mean {
                add(.error, "phase-opposite", "its channels cancel each other completely when mixed to mono", "use one channel, or invert one")
            } else if mix.square < 0.01 * mean {
                add(.note, "phase-opposite", "its channels nearly cancel each other when mixed to mono", "use one channel, or invert one")
            }
            if statistics.contains(where: { $0.peak == 0 }) {
                add(.note, "one-sided", "one of its channels is silent, so that the mono mix is quieter", "use the other channel, or normalise its loudness")
            }
        }
        if clip.sampleRate < 22050 {
            add(.note, "low-rate", "at \(clip.sampleRate) Hz it has nothing above \(clip.sampleRate / 2) Hz", "record at 44.1 kHz; the voice will sound dull")
        }
        return faults.filter { $0.severity == .error } + faults.filter { $0.severity == .note }
    }

    private struct Statistics {
        var peak: Float = 0
        var sum = 0.0
        var square = 0.0
        /// Samples in runs of two or more at the same extreme value of at least 0.98: a peak touches it once.
        var clipped = 0

        init(_ samples: [Float], frames: Int) throws {
            try Interrupt.check()
            var previous: Float = 0, run = 0
            for sample in samples.prefix(frames) {
                peak = max(peak, abs(sample))
                sum += Double(sample)
                square += Double(sample) * Double(sample)
                if abs(sample) >= 0.98, sample == previous {
                    run += 1
                    clipped += run == 1 ? 2 : 1
                } else { run = 0 }
                previous = sample
            }
        }
    }
}
