import Audio
import Foundation
import Support
import TestSupport
import XCTest

final class LogMelTests: XCTestCase {
    private func clip(_ i: Int) throws -> [Float] {
        try AudioFile.read(Vectors.path("firefly/clip\(i).wav")).0.channels[0]
    }

    func testRealFrontEnd() throws {
        let arrays = try Vectors.npz("firefly/logmel_real_size.npz")
        let mel = try LogMel(sampleRate: 44100, nFFT: 2048, hopLength: 512, winLength: 2048, nMels: 160)
        let (values, frames) = try mel(clip(0))
        XCTAssertEqual(frames, 32)
        assertClose(values, try numbers(arrays["mel"]), abs: 5e-5, "mel")
        XCTAssertEqual(mel.bank.firstBin, try numbers(arrays["fb_first_bin"]).map { Int($0) })
        XCTAssertEqual(mel.bank.count, try numbers(arrays["fb_count"]).map { Int($0) })
        assertClose(mel.bank.values, try numbers(arrays["fb_values"]), abs: 1e-6, "mel bank")
    }

    func testModelFrontEnds() throws {
        for (model, mels, clips) in [("a", 32, 3), ("b", 40, 2)] {
            let arrays = try Vectors.npz("firefly/\(model)/clips.npz")
            let hop = model == "a" ? 512 : 256
            let mel = try LogMel(
                sampleRate: 44100, nFFT: model == "a" ? 2048 : 1024, hopLength: hop,
                winLength: model == "a" ? 2048 : 1024, nMels: mels)
            for i in 0 ..< clips {
                let samples = try clip(i), (values, frames) = try mel(samples)
                XCTAssertEqual(frames, samples.count / hop)
                assertClose(values, try numbers(arrays["clip\(i)_mel"]), abs: 5e-5, "\(model) clip \(i)")
            }
        }
    }

    /// Threads that share a clip by frame ranges write what one call writes.
    func testRangesOnSeveralThreads() throws {
        let mel = try LogMel(sampleRate: 44100, nFFT: 2048, hopLength: 512, winLength: 2048, nMels: 80)
        let samples = try clip(2), (expected, frames) = try mel(samples)
        nonisolated(unsafe) let room = UnsafeMutableBufferPointer<Float>.allocate(capacity: 80 * frames)
        defer { room.deallocate() }
        room.initialize(repeating: .nan)
        DispatchQueue.concurrentPerform(iterations: 4) { part in
            samples.withUnsafeBufferPointer { pointer in
                try! mel.compute(pointer, frames: frames * part / 4 ..< frames * (part + 1) / 4, into: room)
            }
        }
        XCTAssertTrue(Array(room) == expected)
    }

    func testWindowShorterThanTheTransform() throws {
        // One frame without reflection: hop = win, so that the padding is 0; a constant gives the window's spectrum.
        let mel = try LogMel(sampleRate: 16000, nFFT: 512, hopLength: 400, winLength: 400, nMels: 20)
        XCTAssertEqual(mel.frames(samples: 512), 1)
        XCTAssertEqual(mel.frames(samples: 511), 0)
        XCTAssertEqual(mel.frames(samples: 912), 2)
        let (values, frames) = try mel([Float](repeating: 0, count: 912))
        XCTAssertEqual(frames, 2)
        // Silence: every magnitude is sqrt(1e-6) = 1e-3, so that a band is 1e-3 times the sum of its weights.
        var next = 0
        for m in 0 ..< 20 {
            let weights = mel.bank.values[next ..< next + mel.bank.count[m]]
            next += mel.bank.count[m]
            XCTAssertEqual(values[2 * m], log(max(1e-3 * weights.reduce(0, +), 1e-5)), accuracy: 1e-4)
        }
    }

    func testTooShortAndBadSizes() throws {
        let mel = try LogMel(sampleRate: 44100, nFFT: 2048, hopLength: 512, winLength: 2048, nMels: 160)
        XCTAssertEqual(mel.shortest, 769)
        for count in [0, 1, 512, 768] {
            assertThrows(.audio, containing: "769") { try mel([Float](repeating: 0.1, count: count)) }
        }
        XCTAssertEqual(try mel([Float](repeating: 0.1, count: 769)).frames, 1)
        for (fft, hop, win, mels) in [
            (0, 1, 1, 1), (2047, 512, 2047, 80), (1024, 512, 2048, 80), (2048, 0, 2048, 80),
            (2048, 4096, 2048, 80), (2048, 512, 2048, 0), (-2, -4, -2, 1)
        ] {
            assertThrows(.argument) {
                try LogMel(sampleRate: 44100, nFFT: fft, hopLength: hop, winLength: win, nMels: mels)
            }
        }
    }
}
