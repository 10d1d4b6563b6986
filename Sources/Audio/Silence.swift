import Glibc
import Support

/// Silence by librosa's rules: a frame is silent when its root mean square is more than `topDB` below the loudest
/// frame's. Frames are centred on multiples of the hop, the signal is zero outside.
public enum Silence {
    /// Root mean square of each frame: 1 + (samples + 2·(frameLength/2) - frameLength) / hopLength values.
    public static func rms(_ samples: [Float], frameLength: Int, hopLength: Int) throws -> [Float] {
        guard (1 ... 1 << 20).contains(frameLength), hopLength >= 1 else {
            throw OpahError(
                .argument, "silence: frame_length \(frameLength) and hop_length \(hopLength) must be at least 1")
        }
        let pad = frameLength / 2, count = 1 + (samples.count + 2 * pad - frameLength) / hopLength
        guard samples.count + 2 * pad >= frameLength else { return [] }
        return try samples.withUnsafeBufferPointer { samples in
            try (0 ..< count).map { i in
                if i & 255 == 0 { try Interrupt.check() }
                let start = i * hopLength - pad
                var sum = 0.0
                for t in max(0, start) ..< max(0, start, min(samples.count, start + frameLength)) {
                    sum += Double(samples[t]) * Double(samples[t])
                }
                return Float((sum / Double(frameLength)).squareRoot())
            }
        }
    }

    /// Per frame: does it hold sound? With several channels the loudest decides. In digital silence, where there
    /// is nothing to be quieter than, every frame counts as sound.
    public static func soundFrames(
        _ buffer: AudioBuffer, topDB: Double = 60, frameLength: Int = 2048,
        hopLength: Int = 512
    ) throws -> [Bool] {
        var loudest: [Float] = []
        for channel in buffer.channels {
            let rms = try rms(Array(channel.prefix(buffer.frames)), frameLength: frameLength, hopLength: hopLength)
            loudest = loudest.isEmpty ? rms : zip(loudest, rms).map(max)
        }
        func decibels(_ rms: Float) -> Double { 10 * log10(max(1e-10, Double(rms) * Double(rms))) }
        let reference = decibels(loudest.max() ?? 0)
        return loudest.map { decibels($0) - reference > -topDB }
    }

    /// The stretches of sound, in frames of the buffer; borders fall on multiples of the hop or the end.
    public static func split(
        _ buffer: AudioBuffer, topDB: Double = 60, frameLength: Int = 2048,
        hopLength: Int = 512
    ) throws -> [Range<Int>] {
        let sound = try soundFrames(buffer, topDB: topDB, frameLength: frameLength, hopLength: hopLength)
        var result: [Range<Int>] = [], start: Int?
        for i in 0 ... sound.count {
            let here = i < sound.count && sound[i]
            if here, start == nil { start = i }
            if !here, let first = start {
                result.append(min(first * hopLength, buffer.frames) ..< min(i * hopLength, buffer.frames))
                start = nil
            }
        }
        return result.filter { !$0.isEmpty }
    }

    /// What is left of the buffer when silence is cut off at both ends; empty when there is no sound.
    public static func trim(
        _ buffer: AudioBuffer, topDB: Double = 60, frameLength: Int = 2048,
        hopLength: Int = 512
    ) throws -> Range<Int> {
        let sound = try soundFrames(buffer, topDB: topDB, frameLength: frameLength, hopLength: hopLength)
        guard let first = sound.firstIndex(of: true), let last = sound.lastIndex(of: true) else { return 0 ..< 0 }
        return min(first * hopLength, buffer.frames) ..< min((last + 1) * hopLength, buffer.frames)
    }
}
