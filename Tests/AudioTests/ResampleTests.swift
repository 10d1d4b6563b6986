import Audio
import TestSupport
import XCTest

final class ResampleTests: XCTestCase {
    func testReferenceValues() throws {
        let arrays = try Vectors.npz("audio/resample.npz")
        func input(_ name: String) throws -> [Float] { try numbers(arrays[name]).map { $0 / 32768 } }
        var compared = 0
        for (name, expected) in arrays where name.contains("_to_") {
            let parts = name.split(separator: "_"), from = Int(parts[1])!, to = Int(parts[3])!
            let samples = try input(parts[0] == "impulse" ? "in_impulse" : "in_\(from)")
            let output = try Resampler.resample(samples, from: from, to: to)
            XCTAssertEqual(output.count, Resampler.length(samples.count, from: from, to: to))
            assertClose(output, try numbers(expected), abs: 1e-6, name)
            compared += 1
        }
        XCTAssertEqual(compared, 12)
    }

    func testPiecesGiveTheSameSamples() throws {
        let signal = (0 ..< 9001).map { Float(sin(Double($0) * 0.07)) }
        for (from, to) in [
            (48000, 44100), (44100, 16000), (8000, 44100), (44100, 44101), (192000, 8000), (22050, 44100)
        ] {
            let whole = try Resampler.resample(signal, from: from, to: to)
            for size in [1, 37, 4096] {
                var stream = try ResampleStream(from: from, to: to), output: [Float] = []
                for start in stride(from: 0, to: signal.count, by: size) {
                    try stream.process(Array(signal[start ..< min(signal.count, start + size)]), into: &output)
                }
                try stream.finish(into: &output)
                XCTAssertTrue(output == whole, "\(from) to \(to) in pieces of \(size)")
            }
        }
    }

    /// A sine far below both Nyquist rates comes out as the same sine.
    func testSineStaysASine() throws {
        for (from, to) in [(44100, 48000), (48000, 22050), (16000, 44100), (11025, 96000), (44100, 44100)] {
            let frequency = 440.0, seconds = 0.5
            func sine(_ rate: Int) -> [Float] {
                (0 ..< Int(seconds * Double(rate))).map {
                    Float(sin(2 * Double.pi * frequency * Double($0) / Double(rate)))
                }
            }
            let output = try Resampler.resample(sine(from), from: from, to: to), expected = sine(to)
            XCTAssertEqual(output.count, Resampler.length(sine(from).count, from: from, to: to))
            let edge = to / 20
            assertClose(
                Array(output[edge ..< expected.count - edge]), Array(expected[edge ..< expected.count - edge]),
                abs: 3e-3, "\(from) to \(to)")
        }
    }

    func testEdgesAndRefusals() throws {
        XCTAssertEqual(try Resampler.resample([], from: 48000, to: 44100), [])
        XCTAssertEqual(try Resampler.resample([1], from: 48000, to: 24000).count, 1)
        XCTAssertEqual(try Resampler.resample([1, 2, 3], from: 48000, to: 48000), [1, 2, 3])
        XCTAssertEqual(try Resampler.resample([1, 2, 3], from: 1_535_999, to: 1).count, 1)
        for (from, to) in [(0, 44100), (44100, 0), (-1, 44100), (44100, 10_000_000), (0, 0)] {
            assertThrows(.argument) { try Resampler.resample([0, 0], from: from, to: to) }
        }
    }
}
