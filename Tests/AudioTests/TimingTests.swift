import Audio
import Foundation
import TestSupport
import XCTest

/// Prints what 10 s of audio cost; the bounds only catch a kernel that lost its vector instructions.
final class TimingTests: XCTestCase {
    private func milliseconds(_ what: String, under limit: Double, _ body: () throws -> Void) rethrows {
        try body()
        var best = Double.infinity
        for _ in 0 ..< 7 {
            let start = DispatchTime.now().uptimeNanoseconds
            try body()
            best = min(best, Double(DispatchTime.now().uptimeNanoseconds - start) / 1e6)
        }
        print("\(what): \((best * 100).rounded() / 100) ms")
        XCTAssertLessThan(best, limit, what)
    }

    func testTenSeconds() throws {
        let clip = (0 ..< 480_000).map { Float(0.3 * sin(Double($0) * 0.03) + 0.1 * sin(Double($0) * 0.9)) }
        try milliseconds("resample 48 to 44.1 kHz", under: 100) {
            _ = try Resampler.resample(clip, from: 48000, to: 44100)
        }
        try milliseconds("resample 44.1 to 16 kHz", under: 100) {
            _ = try Resampler.resample(Array(clip.prefix(441_000)), from: 44100, to: 16000)
        }
        let at44 = Array(clip.prefix(441_000))
        let mel = try LogMel(sampleRate: 44100, nFFT: 2048, hopLength: 512, winLength: 2048, nMels: 160)
        try milliseconds("log mel 2048/512/160", under: 400) { _ = try mel(at44) }
        let buffer = AudioBuffer(mono: at44, sampleRate: 44100)
        try milliseconds("normalize loudness", under: 400) { _ = try Loudness.normalize(buffer) }
        try milliseconds("clip check", under: 100) { _ = try ClipCheck.faults(buffer) }
        try withTemporaryFolder { folder in
            for suffix in ["mp3", "flac", "wav", "ogg"] {
                let path = folder + "/a." + suffix
                try milliseconds("write \(suffix)", under: 20_000) { try AudioFile.write(path, buffer) }
                try milliseconds("read \(suffix)", under: 1000) { _ = try AudioFile.read(path) }
            }
            print("mp3 bytes: \(try Data(contentsOf: URL(fileURLWithPath: folder + "/a.mp3")).count)")
        }
    }
}
