import Audio
import TestSupport
import XCTest

/// Expected pieces come from fap's two slicers and librosa, run on the same signal.
final class SliceTests: XCTestCase {
    /// Uniform noise whose level changes: seconds and amplitude of each stretch, 8 kHz, 588400 samples.
    private static let signal: AudioBuffer = {
        let stretches: [(Double, Float)] = [
            (1.2, 0.0005), (3, 0.3), (0.2, 0.001), (4, 0.2), (0.6, 0.0008), (8, 0.3), (1.5, 0.002), (2, 0.2),
            (0.35, 0.001),
            (40, 0.25), (3, 0.0006), (6, 0.3), (0.7, 0), (1, 0.3), (2, 0.0004)
        ]
        var state: UInt32 = 1400, samples: [Float] = []
        for (seconds, amplitude) in stretches {
            for _ in 0 ..< Int((seconds * 8000).rounded()) {
                state = state &* 1664525 &+ 1013904223
                samples.append(amplitude * (Float(state >> 8) / 8388608 - 1))
            }
        }
        return AudioBuffer(mono: samples, sampleRate: 8000)
    }()

    /// Start and length of each piece, and that the samples it yields are as many.
    private func places(_ slices: [Slice], _ clip: AudioBuffer = signal) -> [[Int]] {
        slices.map { slice in
            XCTAssertEqual(slice.samples(of: clip).frames, slice.frames)
            XCTAssertEqual(slice.samples(of: clip).channels[0][0], clip.channels[0][slice.span.lowerBound])
            return [slice.span.lowerBound, slice.frames]
        }
    }

    func testSliceAtSilence() throws {
        XCTAssertEqual(Self.signal.frames, 588400)
        XCTAssertEqual(
            places(try Slicer.slice(Self.signal)), [[0, 186710], [186710, 186710], [373420, 186708], [563712, 27776]])
        var options = SliceOptions()
        options.topDB = 40
        XCTAssertEqual(
            places(try Slicer.slice(Self.signal, options)),
            [[8704, 59904], [71168, 66048], [147456, 171584], [316352, 171584], [509952, 50176], [563712, 12928]])
        (options.minDuration, options.maxDuration, options.padSilence) = (3, 12, 0.25)
        (options.frameLength, options.hopLength) = (1024, 256)
        XCTAssertEqual(
            places(try Slicer.slice(Self.signal, options)),
            [
                [9216, 25088], [34816, 33024], [71680, 65024], [147712, 84980], [232484, 84980], [317464, 84980],
                [402444, 84980], [510464, 48896], [563968, 10960]
            ])
        // Shorter than min_duration: whole, in parts of at most max_duration.
        var short = SliceOptions()
        short.maxDuration = 1.25
        XCTAssertEqual(
            places(try Slicer.slice(Self.signal.cut(9600 ..< 33600), short), Self.signal.cut(9600 ..< 33600)),
            [[0, 8000], [8000, 8000], [16000, 8000]])
    }

    func testSilenceBetweenStretches() throws {
        var options = SliceOptions()
        (options.topDB, options.minDuration) = (40, 9)
        let slices = try Slicer.slice(Self.signal, options)
        XCTAssertEqual(places(slices), [[8704, 129152], [147456, 171584], [316352, 171584], [509952, 66304]])
        let first = slices[0]
        guard first.parts.count == 3, case .sound(let a) = first.parts[0], case .silence(let gap) = first.parts[1],
            case .sound(let b) = first.parts[2]
        else { return XCTFail("\(first.parts)") }
        XCTAssertEqual(gap, 3200)
        let samples = first.samples(of: Self.signal).channels[0], clip = Self.signal.channels[0]
        XCTAssertEqual(samples, Array(clip[a]) + [Float](repeating: 0, count: gap) + Array(clip[b]))
        XCTAssertEqual(first.span, a.lowerBound ..< b.upperBound)
    }

    func testSliceByLevel() throws {
        XCTAssertEqual(
            places(try Slicer.sliceByLevel(Self.signal)),
            [[7840, 61440], [69280, 67520], [145840, 172040], [317880, 172040], [510080, 48880], [560320, 14800]])
        var options = LevelSliceOptions()
        (options.minDuration, options.maxDuration, options.minSilenceDuration) = (2, 7, 0.15)
        (options.topDB, options.hopLength, options.maxSilenceKept) = (-30, 20, 0.1)
        XCTAssertEqual(
            places(try Slicer.sliceByLevel(Self.signal, options)),
            [
                [8960, 29360], [38320, 29360], [71520, 32560], [104080, 32560], [147040, 17920], [165760, 53654],
                [219414, 53654],
                [273068, 53654], [326722, 53654], [380376, 53654], [434030, 53650], [510080, 49120], [563360, 10240]
            ])
        options = LevelSliceOptions()
        (options.minDuration, options.minSilenceDuration, options.maxSilenceKept) = (1, 0.5, 2)
        XCTAssertEqual(
            places(try Slicer.sliceByLevel(Self.signal, options)),
            [[0, 69280], [69280, 71680], [140960, 176560], [317520, 176560], [504240, 54720], [558960, 29440]])
    }

    func testMergeShort() throws {
        // Six clips of 15 s within 20 s stay alone; of 9 s they pair up; one that is too long stands alone.
        XCTAssertEqual(Slicer.mergeShort(Array(repeating: 15, count: 6), limit: 20), (0 ..< 6).map { $0 ..< $0 + 1 })
        XCTAssertEqual(Slicer.mergeShort(Array(repeating: 9, count: 5), limit: 20), [0 ..< 2, 2 ..< 4, 4 ..< 5])
        XCTAssertEqual(Slicer.mergeShort([5, 30, 5, 5], limit: 20), [0 ..< 1, 1 ..< 2, 2 ..< 4])
        XCTAssertEqual(Slicer.mergeShort([], limit: 20), [])

        var options = LevelSliceOptions()
        options.mergeShort = true
        let slices = try Slicer.sliceByLevel(Self.signal, options)
        XCTAssertEqual(slices.map(\.frames), [61440 + 67520, 172040, 172040, 48880 + 14800])
        XCTAssertTrue(slices.allSatisfy { $0.frames <= 240_000 })
    }

    func testTrimSplitAndLevels() throws {
        XCTAssertEqual(try Silence.trim(Self.signal, topDB: 40), 8704 ..< 573440)
        let left = Array(Self.signal.channels[0].prefix(80000))
        let right = (Self.signal.channels[0].suffix(16000) + Self.signal.channels[0].prefix(64000)).map { $0 * 0.5 }
        XCTAssertEqual(
            try Silence.split(
                AudioBuffer(channels: [left, right], sampleRate: 8000), topDB: 45, frameLength: 800, hopLength: 200),
            [9400 ..< 80000])
        let rms = try Silence.rms(Array(left.prefix(20000)), frameLength: 333, hopLength: 77)
        XCTAssertEqual(rms.count, 260)
        assertClose(
            [0, 1, 100, 200, 259].map { rms[$0] },
            [
                0.0002118964184774086, 0.0002608487557154149, 0.00028302837745286524, 0.18105117976665497,
                0.13795778155326843
            ], rel: 1e-6)
    }

    func testOddInput() throws {
        let empty = AudioBuffer(mono: [], sampleRate: 8000),
            silent = AudioBuffer(mono: [Float](repeating: 0, count: 80000), sampleRate: 8000)
        XCTAssertEqual(try Slicer.slice(empty), [])
        XCTAssertEqual(try Slicer.sliceByLevel(empty), [])
        XCTAssertEqual(try Silence.split(empty), [])
        XCTAssertEqual(try Silence.trim(empty), 0 ..< 0)
        XCTAssertEqual(try Slicer.slice(silent).map(\.frames), [80000])
        XCTAssertEqual(try Slicer.sliceByLevel(silent).count, 0)
        let stereo = AudioBuffer(channels: [Self.signal.channels[0], Self.signal.channels[0]], sampleRate: 8000)
        XCTAssertEqual(try Slicer.sliceByLevel(stereo).first?.samples(of: stereo).channels.count, 2)
        var bad = LevelSliceOptions()
        bad.minDuration = 0.1
        assertThrows(.argument) { try Slicer.sliceByLevel(Self.signal, bad) }
        bad = LevelSliceOptions()
        bad.hopLength = 0
        assertThrows(.argument) { try Slicer.sliceByLevel(Self.signal, bad) }
        var worse = SliceOptions()
        worse.maxDuration = 0
        assertThrows(.argument) { try Slicer.slice(Self.signal, worse) }
        worse = SliceOptions()
        worse.hopLength = 0
        assertThrows(.argument) { try Slicer.slice(Self.signal, worse) }
    }
}
