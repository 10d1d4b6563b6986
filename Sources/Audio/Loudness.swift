import Glibc
import Support

/// What `Loudness.normalize` found and did.
public struct LoudnessReport: Sendable, Equatable {
    /// Loudness of the input in LUFS; nil when it has none (silence).
    public var measured: Double?
    /// The factor that every sample was multiplied by.
    public var gain: Double
    /// Largest absolute sample before and after.
    public var peakBefore: Double
    public var peakAfter: Double
    /// Samples that the gain asked for would have put beyond ±1. None is: the gain was lowered instead.
    public var clippedCount: Int
    /// What was done differently from the plain case, and why.
    public var notes: [String]
}

/// What `Loudness.normalize` aims at.
public struct LoudnessOptions: Sendable {
    /// dB of full scale that the peak is brought to before measuring.
    public var peak: Double
    /// LUFS to reach.
    public var loudness: Double
    /// Seconds of a measuring block.
    public var blockSize: Double
    /// The most gain that is given, in dB.
    public var maxGain: Double

    public init(peak: Double = -1, loudness: Double = -23, blockSize: Double = 0.4, maxGain: Double = 30) {
        (self.peak, self.loudness, self.blockSize, self.maxGain) = (peak, loudness, blockSize, maxGain)
    }
}

/// Loudness of a clip and its normalisation.
public enum Loudness {
    /// Integrated loudness in LUFS (ITU-R BS.1770-4). A clip shorter than one block is measured without gates;
    /// silence, and a clip whose every block is under -70 LUFS, gives -infinity.
    public static func measure(_ buffer: AudioBuffer, blockSize: Double = 0.4) throws -> Double {
        let meter = try LoudnessMeter(buffer, blockSize: blockSize)
        return meter.isTooShort ? meter.ungatedLoudness() : meter.loudness()
    }

    /// Brings a clip to `loudness` (LUFS), as fap loudness-norm does: to the peak `peak` (dB of full scale) first,
    /// measure, then the gain that is missing. The first step matters only for what the absolute gate lets through.
    ///
    /// Odd input, each with a note in the report:
    /// - digital silence comes back unchanged;
    /// - a clip shorter than `blockSize` seconds is measured over its whole length without gates;
    /// - a clip that stays under the absolute gate even at full peak (a click in silence) only gets its peak set;
    /// - where more than `maxGain` dB would be needed, so much is given: what is so quiet is noise, or a fault of the recording.
    ///   30 dB bring a voice at -53 LUFS to -23, and the rounding of 16-bit samples (-98 dB) no higher than -68;
    /// - where the gain would put samples beyond ±1, it is lowered so that the peak is `peak` dB (at most 0 dB):
    ///   such a clip stays quieter than asked for, and nothing is clipped.
    /// - Throws: `audio` for NaN or infinite samples, an empty buffer, more than six channels or under 4 kHz.
    public static func normalize(
        _ buffer: AudioBuffer, _ options: LoudnessOptions = LoudnessOptions()
    ) throws -> (AudioBuffer, LoudnessReport) {
        let (peak, loudness, maxGain) = (options.peak, options.loudness, options.maxGain)
        guard maxGain >= 0 else {
            throw OpahError(.argument, "normalize: max_gain must be 0 dB or more, not \(maxGain)")
        }
        guard peak.isFinite, loudness.isFinite else {
            throw OpahError(.argument, "normalize: peak and loudness must be finite, not \(peak) and \(loudness)")
        }
        guard buffer.frames > 0 else { throw OpahError(.audio, "normalize: there are no samples") }
        let meter = try LoudnessMeter(buffer, blockSize: options.blockSize)
        let before = Double(buffer.peak)
        var report = LoudnessReport(
            measured: nil, gain: 1, peakBefore: before, peakAfter: before, clippedCount: 0, notes: [])
        guard before > 0 else {
            report.notes.append("silent: every sample is zero; left unchanged")
            return (buffer, report)
        }

        let peakGain = pow(10, peak / 20) / before
        var found = meter.loudness(gain: peakGain)
        if meter.isTooShort {
            found = meter.ungatedLoudness(gain: peakGain)
            report.notes.append(
                "\(decimal(buffer.duration)) s is shorter than one block of \(decimal(options.blockSize)) s: measured without gates"
            )
        }
        if found.isFinite {
            report.gain = pow(10, (loudness - found) / 20) * peakGain
            report.measured = found - 20 * log10(peakGain)
        } else {
            report.gain = peakGain
            report.notes.append(
                "nothing is louder than -70 LUFS even at full peak: only the peak was set, to \(decimal(peak)) dB")
        }

        if 20 * log10(report.gain) > maxGain + 1e-9 {
            let wanted = decimal(20 * log10(report.gain))
            report.gain = pow(10, maxGain / 20)
            let reached =
                report.measured.map { ", which makes it \(decimal($0 + maxGain)) LUFS instead of \(decimal(loudness))" }
                ?? ""
            report.notes.append(
                "very quiet: its peak is \(decimal(20 * log10(before))) dB of full scale; \(wanted) dB of gain would be needed, "
                    + "\(decimal(maxGain)) dB at most are given\(reached): check that it holds speech")
        }
        if before * report.gain > 1 {
            let limit = 1 / report.gain
            report.clippedCount = buffer.channels.reduce(0) { $0 + $1.count { Double(abs($0)) > limit } }
            report.gain = pow(10, min(peak, 0) / 20) / before
            let reached =
                report.measured.map {
                    " and the loudness \(decimal($0 + 20 * log10(report.gain))) LUFS instead of \(decimal(loudness))"
                } ?? ""
            report.notes.append(
                "\(report.clippedCount) samples would have passed ±1: gain lowered, the peak is \(decimal(min(peak, 0))) dB\(reached)"
            )
        }
        let gain = report.gain
        let result = AudioBuffer(
            channels: buffer.channels.map { $0.map { Float(Double($0) * gain) } },
            sampleRate: buffer.sampleRate)
        report.peakAfter = Double(result.peak)
        return (result, report)
    }
}
