import Audio
import Support
import TestSupport
import XCTest

final class HighPassTests: XCTestCase {
    /// scipy.signal.sosfilt(butter(2, cutoff, "highpass", fs=rate, output="sos"), x, zi=sosfilt_zi(sos) * x[0])
    func testSciPysNumbers() throws {
        let x: [Float] = [0.5, 0.6, 0.4, 0.55, 0.3, 0.7, 0.5, 0.45, 0.62, 0.38]
        let expected: [(cutoff: Double, rate: Int, y: [Float])] = [
            (
                20, 16000,
                [
                    0, 0.0994461789, -0.100550737, 0.0497292574, -0.19943847, 0.200558445, -0.000552282766,
                    -0.0502722895, 0.119341576, -0.120654725
                ]
            ),
            (
                80, 44100,
                [
                    0, 0.099197274, -0.100796231, 0.0496116264, -0.19918104, 0.200812459, -0.000799494778,
                    -0.0503916427, 0.119049689, -0.120942526
                ]
            ),
            (
                300, 8000,
                [
                    0, 0.0846459254, -0.112646532, 0.0475706571, -0.178452291, 0.218234646, -0.0157126393,
                    -0.0556530382, 0.104585019, -0.132591799
                ]
            )
        ]
        for (cutoff, rate, y) in expected {
            let made = try HighPass.filter(AudioBuffer(mono: x, sampleRate: rate), cutoff: cutoff)
            for (ours, theirs) in zip(made.channels[0], y) {
                XCTAssertEqual(ours, theirs, accuracy: 1e-7, "\(cutoff) Hz")
            }
        }
    }

    func testAnOffsetGoesAndAToneStays() throws {
        let tone = (0 ..< 16000).map { Float(sin(2 * Double.pi * 200 * Double($0) / 16000) * 0.5) }
        let clip = AudioBuffer(
            channels: [tone.map { $0 + 0.2 }, Array(repeating: 0.3, count: 16000)], sampleRate: 16000)
        let made = try HighPass.filter(clip, cutoff: 20)
        XCTAssertEqual(made.channels[0].reduce(0, +) / 16000, 0, accuracy: 1e-3)
        XCTAssertEqual(made.channels[0].suffix(8000).max()!, 0.5, accuracy: 0.01)
        XCTAssertLessThan(
            made.channels[1].map(abs).max()!, 1e-6, "what is constant leaves nothing, not even at the start")
        XCTAssertFalse(try ClipCheck.faults(made).contains { $0.code == "dc-offset" })
    }

    func testRefusals() throws {
        let clip = AudioBuffer(mono: [0, 1], sampleRate: 8000)
        for cutoff in [0, -5, 4000, .nan, .infinity] {
            assertThrows(.argument, containing: "half the sample rate") { try HighPass.filter(clip, cutoff: cutoff) }
        }
        assertThrows(.audio, containing: "NaN") {
            try HighPass.filter(AudioBuffer(mono: [0, .nan], sampleRate: 8000), cutoff: 20)
        }
        XCTAssertEqual(try HighPass.filter(AudioBuffer(mono: [], sampleRate: 8000), cutoff: 20).frames, 0)
    }
}
