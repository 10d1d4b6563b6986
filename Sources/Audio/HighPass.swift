import Support

/// A high-pass filter against offsets and rumble: a Butterworth filter of second order, as `scipy.signal.butter(2,
/// cutoff, "highpass", fs=rate)` designs it. Its state begins as if the first sample had always been there, so that an
/// offset leaves no thump at the start.
public enum HighPass {
    /// - Parameter cutoff: the frequency, in Hz, that comes out 3 dB weaker.
    public static func filter(_ buffer: AudioBuffer, cutoff: Double) throws -> AudioBuffer {
        let limit = Double(buffer.sampleRate) / 2
        guard cutoff > 0, cutoff < limit else {
            throw OpahError(
                .argument, "the cutoff must be above 0 and below \(limit) Hz, half the sample rate, not \(cutoff)")
        }
        guard buffer.channels.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
            throw OpahError(
                .audio, "the samples hold NaN or infinity, which a filter would spread",
                hint: "audio.check names what is wrong with a clip")
        }
        let design = Biquad.highPass(q: 1 / 2.0.squareRoot(), frequency: cutoff, sampleRate: Double(buffer.sampleRate))
        return AudioBuffer(
            channels: buffer.channels.map { samples in
                var filter = design
                if let first = samples.first { filter.settle(at: Double(first)) }
                var out = [Float](repeating: 0, count: samples.count)
                for start in stride(from: 0, to: samples.count, by: 4096) {
                    for i in start ..< min(start + 4096, samples.count) {
                        out[i] = Float(filter.next(Double(samples[i])))
                    }
                    filter.flush()
                }
                return out
            }, sampleRate: buffer.sampleRate)
    }
}
