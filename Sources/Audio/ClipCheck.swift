import Glibc
import Support

/// Something wrong with a clip, and what to do about it.
public struct ClipFault: Sendable, Equatable {
    public enum Severity: String, Sendable { case error, note }
    /// Stable short name: empty nan short-token short-block silent near-silent clipped overload dc-offset
    /// phase-opposite one-sided surround low-rate.
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

    /// All faults of the clip, worst first. Pass the clip as recorded: in a mono mix opposite channels are already
    /// gone.
    public static func faults(_ clip: AudioBuffer) throws -> [ClipFault] {
        var examination = ClipExamination(channels: clip.channels.count, sampleRate: clip.sampleRate)
        try examination.add(clip, mix: clip.mixedToMono().channels.first ?? [])
        return examination.faults
    }
}

/// The same for a clip that comes in pieces, which need not be kept: `faults` is what `ClipCheck.faults` says of
/// the whole.
///
/// Cost: two passes over the samples in 16 KiB pieces from cache, about 0.4 ns per sample and channel.
public struct ClipExamination {
    private let sampleRate: Int
    /// What the clip is for takes so many samples a second: no more are missed.
    private let wantedRate: Int
    private var frames = 0
    private var channels: [ClipStatistics]
    private var mix = ClipStatistics()
    private var firstBad: Int?

    /// - Parameter wantedRate: the sample rate of whoever will use the clip; a codec's.
    public init(channels: Int, sampleRate: Int, wantedRate: Int = 44100) {
        self.sampleRate = sampleRate
        self.wantedRate = wantedRate
        self.channels = [ClipStatistics](repeating: ClipStatistics(), count: channels)
    }

    /// The next piece, and the mean of its channels.
    public mutating func add(_ piece: AudioBuffer, mix mean: [Float]) throws {
        try Interrupt.check()
        let count = piece.frames
        for (c, channel) in piece.channels.prefix(channels.count).enumerated() { channels[c].add(channel, count) }
        if channels.count > 1 { mix.add(mean, min(count, mean.count)) }
        if firstBad == nil, channels.contains(where: { !$0.isFinite }), let bad = piece.firstNonFinite() {
            firstBad = frames + bad.frame
        }
        frames += count
    }

    /// All faults of what was added, worst first.
    public var faults: [ClipFault] {
        var faults: [ClipFault] = []
        func add(_ severity: ClipFault.Severity, _ code: String, _ reason: String, _ remedy: String) {
            faults.append(ClipFault(code: code, severity: severity, reason: reason, remedy: remedy))
        }
        guard frames > 0, sampleRate > 0 else {
            add(.error, "empty", "it holds no samples", "leave it out")
            return faults
        }
        if let bad = firstBad {
            add(
                .error, "nan", "sample \(bad) at \(decimal(Double(bad) / Double(sampleRate))) s is NaN or infinite",
                "export it again; a broken plug-in is the usual cause")
            return faults
        }
        let duration = Double(frames) / Double(sampleRate)
        let peak = channels.map(\.peak).max()!, samples = Double(frames * channels.count)

        if frames * 44100 < ClipCheck.tokenSamples * sampleRate {
            add(
                .error, "short-token", "\(decimal(1000 * duration)) ms are shorter than one token (46 ms)",
                "leave it out, or join it with its neighbour")
        } else if duration < 0.4 {
            add(
                .note, "short-block", "\(decimal(duration)) s is shorter than the 0.4 s that loudness is measured over",
                "join it with its neighbour")
        }
        let loudestRMS = channels.map { ($0.square / Double(frames)).squareRoot() }.max()!
        if peak == 0 {
            add(.error, "silent", "every sample is zero", "leave it out; check the recording's channel")
        } else if loudestRMS < 0.001 {
            add(
                .note, "near-silent", "its level is \(decimal(20 * log10(loudestRMS))) dB of full scale",
                "check that it holds speech, then normalise its loudness")
        }
        if peak > 1 {
            add(
                .note, "overload", "its peak is \(decimal(Double(peak))), beyond full scale",
                "normalise its loudness before it is stored as integers")
        }
        let clipped = Double(channels.reduce(0) { $0 + $1.clipped })
        if clipped / samples > 1e-4 {
            add(
                .note, "clipped", "\(decimal(100 * clipped / samples)) % of the samples are cut off at full scale",
                "record again at a lower level, or repair it")
        }
        // A shorter clip need not hold whole periods, whose mean is 0.
        if duration >= 0.4, let offset = channels.map({ $0.sum / Double(frames) }).max(by: { abs($0) < abs($1) }),
            abs(offset) > 0.01
        {
            add(
                .note, "dc-offset", "its mean is \(decimal(offset)) instead of 0",
                "apply a high-pass filter: audio.high_pass(samples, rate)")
        }
        if channels.count > 1, peak > 0 {
            let mean = channels.reduce(0) { $0 + $1.square } / Double(channels.count)
            if mix.square < 1e-6 * mean {
                add(
                    .error, "phase-opposite", "its channels cancel each other completely when mixed to mono",
                    "use one channel, or invert one")
            } else if mix.square < 0.01 * mean {
                add(
                    .note, "phase-opposite", "its channels nearly cancel each other when mixed to mono",
                    "use one channel, or invert one")
            }
            if channels.contains(where: { $0.peak == 0 }) {
                add(
                    .note, "one-sided", "one of its channels is silent, so that the mono mix is quieter",
                    "use the other channel, or normalise its loudness")
            }
        }
        if channels.count > 2 {
            add(
                .note, "surround", "its \(channels.count) channels are mixed to their mean",
                "where one of them holds the voice, use that one alone")
        }
        if sampleRate < min(22050, wantedRate) {
            add(
                .note, "low-rate", "at \(sampleRate) Hz it has nothing above \(sampleRate / 2) Hz",
                "record at 44.1 kHz; the voice will sound dull")
        }
        return faults.filter { $0.severity == .error } + faults.filter { $0.severity == .note }
    }
}

/// Peak, sums and clipping of one channel.
private struct ClipStatistics {
    private(set) var peak: Float = 0
    private(set) var sum = 0.0, square = 0.0
    /// Samples in runs of two or more at the same extreme value of at least 0.98: a peak touches it once.
    private(set) var clipped = 0
    private(set) var isFinite = true
    private var previous: Float = 0, run = 0

    mutating func add(_ samples: [Float], _ count: Int) {
        samples.withUnsafeBufferPointer { samples in
            // Short pieces: float32 sums over one of them are exact enough, and it stays in the cache.
            for start in stride(from: 0, to: count, by: 4096) {
                add(samples.baseAddress! + start, min(4096, count - start))
            }
        }
    }

    private mutating func add(_ x: UnsafePointer<Float>, _ count: Int) {
        var sums = SIMD8<Float>.zero, squares = SIMD8<Float>.zero, peaks = SIMD8<Float>.zero, zeros = SIMD8<Float>.zero
        let whole = count & ~7
        for i in stride(from: 0, to: whole, by: 8) {
            let v = UnsafeRawPointer(x + i).loadUnaligned(as: SIMD8<Float>.self),
                size = v.replacing(with: v * -1, where: v .< 0)
            sums += v
            squares.addProduct(v, v)
            peaks.replace(with: size, where: size .> peaks)
            zeros += v * 0   // stays 0 unless a sample is NaN or infinite
        }
        var sum = sums.sum(), square = squares.sum(), highest = peaks.max(), zero = zeros.sum()
        for i in whole ..< count {
            sum += x[i]
            square += x[i] * x[i]
            highest = max(highest, abs(x[i]))
            zero += x[i] * 0
        }
        self.sum += Double(sum)
        self.square += Double(square)
        peak = max(peak, highest)
        if zero != 0 { isFinite = false }   // NaN is unequal to everything
        guard highest >= 0.98 else {
            (previous, run) = (x[count - 1], 0)
            return
        }
        for i in 0 ..< count {
            if abs(x[i]) >= 0.98, x[i] == previous {
                run += 1
                clipped += run == 1 ? 2 : 1
            } else {
                run = 0
            }
            previous = x[i]
        }
    }
}
