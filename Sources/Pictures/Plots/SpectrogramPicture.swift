import Audio
import Foundation
import Support

/// A log-mel spectrogram as a picture: time to the right, pitch upwards, an 80 dB range from dark to light.
package enum SpectrogramPicture {
    package static func heat(
        _ samples: [Float], sampleRate: Int, height: Int = 128, maxWidth: Int = 1000
    ) throws -> HeatMap {
        let window = 1024, hop = max(128, samples.count / maxWidth / 128 * 128)
        guard samples.count > window else {
            throw OpahError(
                .argument, "\(samples.count) samples are too few for a spectrogram",
                hint: "at least \(window + 1) are needed")
        }
        let mel = try LogMel(
            sampleRate: sampleRate, nFFT: window, hopLength: min(hop, window), winLength: window, nMels: height)
        let (values, frames) = try mel(samples)
        let top = values.max() ?? 0, bottom = top - 80 * 0.1151   // 80 dB in nepers of amplitude
        var levels = [Float](repeating: 0, count: frames * height)
        for y in 0 ..< height {
            for x in 0 ..< frames {
                levels[y * frames + x] = max(
                    0, min(1, (values[(height - 1 - y) * frames + x] - bottom) / max(top - bottom, 1e-6)))
            }
        }
        let map = HeatMap(width: frames, height: height, levels: levels)
        return frames > maxWidth ? map.resized(maxWidth, height) : map
    }

    /// The same with axes: seconds and Hz.
    package static func plot(_ samples: [Float], sampleRate: Int, title: String) throws -> Plot {
        let map = try heat(samples, sampleRate: sampleRate), top = mel(Double(sampleRate) / 2)
        let ticks = [200, 500, 1000, 2000, 4000, 8000, 16000].filter { $0 < sampleRate / 2 }.map { hertz in
            Plot.Tick(at: mel(Double(hertz)) / top, label: hertz < 1000 ? "\(hertz)" : "\(hertz / 1000)k")
        }
        return Plot(
            .heat(map), x: 0 ... (Double(samples.count) / Double(sampleRate)), y: 0 ... 1, yTicks: ticks, title: title,
            xLabel: "s", yLabel: "Hz")
    }

    /// Slaney's mel scale, as the filters have it: linear to 1 kHz, then 27 steps for each factor of 6.4.
    private static func mel(_ hertz: Double) -> Double {
        hertz < 1000 ? hertz * 3 / 200 : 15 + 27 * log(hertz / 1000) / log(6.4)
    }
}
