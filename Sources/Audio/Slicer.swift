import Support

/// Settings of `Slicer.slice`; names and defaults of fap slice-audio.
public struct SliceOptions: Sendable {
    /// Seconds: stretches of sound are collected until a piece has so many.
    public var minDuration = 6.0
    /// Seconds: longer pieces are cut into equal parts.
    public var maxDuration = 30.0
    /// Seconds of silence put between the stretches of one piece.
    public var padSilence = 0.4
    /// Decibels below the loudest frame at which silence begins.
    public var topDB = 60.0
    /// Samples.
    public var frameLength = 2048
    public var hopLength = 512

    public init() {}
}

/// Cuts long recordings into clips. Slices point into the recording; nothing is copied until their samples are asked
/// for.
public enum Slicer {
    /// Cuts at silence (fap slice-audio): stretches of sound are joined until they last `minDuration`. A recording
    /// shorter than that stays whole.
    /// - Throws: `argument` when the settings do not fit each other.
    public static func slice(_ clip: AudioBuffer, _ options: SliceOptions = SliceOptions()) throws -> [Slice] {
        guard options.minDuration >= 0, options.maxDuration > 0, options.padSilence >= 0, options.padSilence <= 3600
        else {
            throw OpahError(.argument, "slice: durations must not be negative, and max_duration must be above 0")
        }
        let rate = Double(clip.sampleRate), limit = try limit(options.maxDuration, rate)
        guard Double(clip.frames) / rate >= options.minDuration else {
            return Slice([.sound(0 ..< clip.frames)]).cut(toAtMost: limit).filter { $0.frames > 0 }
        }
        var result: [Slice] = [], parts: [Slice.Part] = [], seconds = 0.0
        for range in try Silence.split(
            clip, topDB: options.topDB, frameLength: options.frameLength, hopLength: options.hopLength)
        {
            seconds += Double(range.count) / rate
            parts.append(.sound(range))
            if seconds >= options.minDuration {
                result += Slice(parts).cut(toAtMost: limit)
                (parts, seconds) = ([], 0)
            } else {
                parts.append(.silence(Int(rate * options.padSilence)))
            }
        }
        if seconds > 0 { result += Slice(parts).cut(toAtMost: limit) }
        return result
    }

    /// Which clips to join so that no group lasts longer than `limit`: ranges of consecutive clips, in order. A clip
    /// that is longer on its own makes a group of its own. (fap merge-short forgets the first clip of each group in
    /// its sum, so that its groups reach twice the limit.)
    public static func mergeShort(_ lengths: [Int], limit: Int) -> [Range<Int>] {
        var groups: [Range<Int>] = [], start = 0, sum = 0
        for (i, length) in lengths.enumerated() {
            if i > start, sum + length > limit {
                groups.append(start ..< i)
                (start, sum) = (i, 0)
            }
            sum += length
        }
        if start < lengths.count { groups.append(start ..< lengths.count) }
        return groups
    }

    /// `maxDuration` in frames; at least one, so that cutting ends.
    static func limit(_ maxDuration: Double, _ rate: Double) throws -> Double {
        guard maxDuration * rate >= 1 else {
            throw OpahError(.argument, "slice: max_duration \(maxDuration) s is less than one sample")
        }
        return maxDuration * rate
    }
}
