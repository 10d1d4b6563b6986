import Glibc
import Support

/// Settings of `Slicer.sliceByLevel`; names and defaults of fap slice-audio-v2.
public struct LevelSliceOptions: Sendable {
    /// Seconds: no cut makes a piece shorter than this (the last one excepted).
    public var minDuration = 5.0
    /// Seconds: longer pieces are cut into equal parts.
    public var maxDuration = 30.0
    /// Seconds: shorter pauses are no place to cut.
    public var minSilenceDuration = 0.3
    /// Decibels of full scale: quieter frames are silent.
    public var topDB = -40.0
    /// Milliseconds between frames.
    public var hopLength = 10.0
    /// Seconds of silence that stay at a piece's ends at most.
    public var maxSilenceKept = 0.5
    /// Join consecutive pieces as long as they stay within `maxDuration`.
    public var mergeShort = false

    public init() {}
}

extension Slicer {
    /// Cuts at the quietest frame of every pause that is long enough (the OpenVPI slicer; fap slice-audio-v2): the
    /// threshold is absolute, speech keeps its timing, and long pauses lose their middle.
    ///
    /// `mergeShort` joins before the pieces that are too long are cut; how, see `mergeShort(_:limit:)`.
    /// - Throws: `argument` when the settings do not fit each other.
    public static func sliceByLevel(
        _ clip: AudioBuffer, _ options: LevelSliceOptions = LevelSliceOptions()
    ) throws -> [Slice] {
        let o = options, hopSeconds = o.hopLength / 1000, rate = Double(clip.sampleRate)
        guard o.minDuration >= o.minSilenceDuration, o.minSilenceDuration >= hopSeconds, o.maxSilenceKept >= hopSeconds,
            o.minDuration < 1e6, o.maxSilenceKept < 1e6, (hopSeconds * rate).rounded(.toNearestOrEven) >= 1
        else {
            throw OpahError(
                .argument,
                "slice: min_duration \(o.minDuration) s >= min_silence_duration \(o.minSilenceDuration) s >= "
                    + "hop_length \(o.hopLength) ms, and max_silence_kept \(o.maxSilenceKept) s >= hop_length, must hold; "
                    + "and hop_length must be at least one sample")
        }
        let limit = try limit(o.maxDuration, rate), whole = Slice([.sound(0 ..< clip.frames)])
        guard clip.frames > 0 else { return [] }
        guard Double(clip.frames) / rate >= o.minDuration else { return whole.cut(toAtMost: limit) }

        func rounded(_ value: Double) -> Int { Int(value.rounded(.toNearestOrEven)) }
        let hop = rounded(rate * hopSeconds), pause = rate * o.minSilenceDuration
        let rms = try Silence.rms(
            clip.mixedToMono().channels[0], frameLength: max(1, min(rounded(pause), 4 * hop)), hopLength: hop)
        let cuts = PauseFinder(
            rms: rms, threshold: Float(pow(10, o.topDB / 20)),
            minLength: rounded(rate * o.minDuration / Double(hop)),
            minPause: rounded(pause / Double(hop)),
            keep: rounded(rate * o.maxSilenceKept / Double(hop))
        ).cuts()
        guard !cuts.isEmpty else { return whole.cut(toAtMost: limit) }

        // What lies between the cuts, in frames of the clip.
        let starts = [0] + cuts.map(\.upperBound), ends = cuts.map(\.lowerBound) + [rms.count]
        var pieces: [Slice] = []
        for (start, end) in zip(starts, ends) where start < end {
            let range = min(start * hop, clip.frames) ..< min(end * hop, clip.frames)
            if !range.isEmpty { pieces.append(Slice([.sound(range)])) }
        }
        if o.mergeShort {
            pieces = mergeShort(pieces.map(\.frames), limit: Int(limit)).map { group in
                Slice(pieces[group].flatMap(\.parts))
            }
        }
        return pieces.flatMap { $0.cut(toAtMost: limit) }
    }
}

/// Finds where pauses are to be cut out. All numbers count frames of the level curve, from 0.
private struct PauseFinder {
    let rms: [Float]
    let threshold: Float
    let minLength: Int   // of a piece
    let minPause: Int
    let keep: Int   // silence kept beside a piece at most

    /// Stretches to drop; an empty one is a cut that drops nothing.
    func cuts() -> [Range<Int>] {
        var result: [Range<Int>] = [], pauseStart: Int?, pieceStart = 0
        for (i, level) in rms.enumerated() {
            if level < threshold {
                if pauseStart == nil { pauseStart = i }
                continue
            }
            guard let start = pauseStart else { continue }
            pauseStart = nil
            let leading = start == 0 && i > keep
            guard leading || (i - start >= minPause && i - pieceStart >= minLength) else { continue }
            let cut = cut(from: start, to: i)
            result.append(cut)
            pieceStart = cut.upperBound
        }
        if let start = pauseStart, rms.count - start >= minPause {
            result.append(quietest(start, min(rms.count, start + keep)) ..< rms.count + 1)
        }
        return result
    }

    /// What of the pause from `start` to the sound at `end` goes: at most `keep` frames stay on either side, and each
    /// border lies at the quietest place it can.
    private func cut(from start: Int, to end: Int) -> Range<Int> {
        let length = end - start
        if length <= keep {
            let place = quietest(start, end)
            return (start == 0 ? 0 : place) ..< place
        }
        let left = quietest(start, start + keep), right = quietest(end - keep, end)
        if start == 0 { return 0 ..< right }
        if length <= 2 * keep {
            let middle = quietest(end - keep, start + keep)
            return min(left, middle) ..< max(right, middle)
        }
        return left ..< right
    }

    /// The quietest frame from `first` to `last`, both included; the earliest of equals.
    private func quietest(_ first: Int, _ last: Int) -> Int {
        var best = first
        for i in first ... min(last, rms.count - 1) where rms[i] < rms[best] { best = i }
        return best
    }
}
