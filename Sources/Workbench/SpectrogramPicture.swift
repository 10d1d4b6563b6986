import Audio
import Support

/// A log-mel spectrogram as a picture: time to the right, pitch upwards, an 80 dB range from dark to light.
enum SpectrogramPicture {
    /// - Returns: PNG bytes of the given width at most; short sounds are as wide as their frames.
    static func png(_ samples: [Float], sampleRate: Int, height: Int = 128, maxWidth: Int = 1000) throws -> [UInt8] {
        let window = 1024, hop = max(128, samples.count / maxWidth / 128 * 128)
        guard samples.count > window else { throw OpahError(.argument, "\(samples.count) samples are too few for a spectrogram", hint: "at least \(window + 1) are needed") }
        let mel = try LogMel(sampleRate: sampleRate, nFFT: window, hopLength: min(hop, window), winLength: window, nMels: height)
        let (values, frames) = try mel(samples)
        let top = values.max() ?? 0, bottom = top - 80 * 0.1151   // 80 dB in nepers of amplitude
        var rgb = [UInt8](repeating: 0, count: frames * height * 3)
        for y in 0..<height {
            for x in 0..<frames {
                let level = max(0, min(1, (values[(height - 1 - y) * frames + x] - bottom) / max(top - bottom, 1e-6)))
                let colour = heat(level)
                let at = (y * frames + x) * 3
                (rgb[at], rgb[at + 1], rgb[at + 2]) = colour
            }
        }
        return PNG.encode(width: frames, height: height, rgb: rgb)
    }

    /// Black, violet, orange, pale yellow: equal steps look equally bright.
    private static func heat(_ level: Float) -> (UInt8, UInt8, UInt8) {
        let stops: [(Float, Float, Float)] = [(0, 0, 4), (59, 15, 112), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191)]
        let place = level * Float(stops.count - 1), lower = min(Int(place), stops.count - 2), t = place - Float(lower)
        func mix(_ a: Float, _ b: Float) -> UInt8 { UInt8(max(0, min(255, a + (b - a) * t))) }
        let (a, b) = (stops[lower], stops[lower + 1])
        return (mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
    }
}
