import Audio
import Foundation
import TestSupport
import XCTest

final class WriteTests: XCTestCase {
    private let tone = (0 ..< 22050).map { Float(0.4 * sin(Double($0) * 0.05) + 0.3 * sin(Double($0) * 0.31)) }

    private func stereo(_ rate: Int = 44100) -> AudioBuffer {
        AudioBuffer(channels: [tone, tone.map { $0 * 0.5 }], sampleRate: rate)
    }

    func testLosslessContainersKeepEverySample() throws {
        let steps: [AudioSubtype: Double] = [.pcm8: 128, .pcm16: 32768, .pcm24: 8388608, .pcm32: 2147483648]
        try withTemporaryFolder { folder in
            for suffix in ["wav", "WAV", "flac", "aiff", "au", "caf", "w64", "rf64"] {
                for subtype in AudioSubtype.allCases {
                    if suffix == "flac", [.pcm32, .float, .double].contains(subtype) { continue }
                    let path = "\(folder)/\(subtype.rawValue).\(suffix)"
                    XCTAssertEqual(try AudioFile.write(path, stereo(), subtype: subtype), [], path)
                    let (buffer, info, notes) = try AudioFile.read(path, ReadOptions(mono: false))
                    XCTAssertEqual(notes, [], path)
                    XCTAssertEqual(AudioSubtype(keeping: info), subtype, path)
                    let expected = AudioBuffer(
                        channels: stereo().channels.map {
                            $0.map { sample in
                                guard let scale = steps[subtype] else { return sample }
                                return Float((Double(sample) * scale).rounded() / scale)
                            }
                        }, sampleRate: 44100)
                    XCTAssertTrue(buffer == expected, path)
                }
            }
        }
    }

    func testLossyContainers() throws {
        try withTemporaryFolder { folder in
            for (suffix, rate, tolerance) in [
                ("mp3", 44100, 0.02), ("mp3", 16000, 0.02), ("ogg", 44100, 0.02), ("opus", 48000, 0.05)
            ] {
                let path = "\(folder)/\(rate).\(suffix)"
                XCTAssertEqual(try AudioFile.write(path, stereo(rate)), [])
                let (buffer, info, notes) = try AudioFile.read(path, ReadOptions(mono: false))
                XCTAssertEqual(notes, [], path)
                XCTAssertEqual(info.sampleRate, rate)
                XCTAssertNil(AudioSubtype(keeping: info))
                // Gapless: what is read has the length of what was written, and lies in the same place.
                XCTAssertEqual(buffer.frames, tone.count, path)
                let error = zip(buffer.channels[0], tone).dropFirst(2000).dropLast(2000).map { pow(Double($0 - $1), 2) }
                XCTAssertLessThan((error.reduce(0, +) / Double(error.count)).squareRoot(), tolerance, path)
            }
        }
    }

    func testClippingIsReported() throws {
        var loud = tone
        loud[441] = 1.5
        loud[900] = -2
        loud[901] = 1
        loud[902] = -1
        let buffer = AudioBuffer(mono: loud, sampleRate: 44100)
        try withTemporaryFolder { folder in
            for subtype in [AudioSubtype.pcm16, .pcm24, .pcm32] {
                let notes = try AudioFile.write(folder + "/a.wav", buffer, subtype: subtype)
                XCTAssertEqual(
                    notes,
                    [
                        "2 samples beyond ±1 were clipped (the first at 0.01 s, peak 2.0); lower the gain, or write float wav"
                    ]
                    .map { $0.replacingOccurrences(of: "2.0)", with: "2)") })
                let read = try AudioFile.read(folder + "/a.wav").0.channels[0]
                XCTAssertEqual(read[900], -1)
                XCTAssertEqual(read[441], 1, accuracy: 4e-5)
                XCTAssertEqual(read[901], 1, accuracy: 4e-5)
            }
            let notes = try AudioFile.write(folder + "/a.wav", buffer, subtype: .float)
            XCTAssertTrue(notes.count == 1 && notes[0].contains("kept"), "\(notes)")
            XCTAssertTrue(try AudioFile.read(folder + "/a.wav").0 == buffer)
        }
    }

    func testRefusals() throws {
        try withTemporaryFolder { folder in
            var broken = tone
            broken[22000] = .nan
            assertThrows(.audio, containing: "sample 22000") {
                try AudioFile.write(folder + "/a.wav", AudioBuffer(mono: broken, sampleRate: 44100))
            }
            assertThrows(.argument, containing: "no samples") {
                try AudioFile.write(folder + "/a.wav", AudioBuffer(mono: [], sampleRate: 44100))
            }
            assertThrows(.argument, containing: ".m4a") { try AudioFile.write(folder + "/a.m4a", stereo()) }
            assertThrows(.argument, containing: "own coding") {
                try AudioFile.write(folder + "/a.mp3", stereo(), subtype: .pcm16)
            }
            assertThrows(.argument, containing: "flac takes") {
                try AudioFile.write(folder + "/a.flac", stereo(), subtype: .float)
            }
            assertThrows(.file, containing: "there is no folder") {
                try AudioFile.write(folder + "/none/a.wav", stereo())
            }
            XCTAssertThrowsError(try AudioFile.write(folder + "/a.mp3", stereo(96000)))
            XCTAssertThrowsError(try AudioFile.write(folder + "/a.wav", stereo(0)))
            // Nothing is left behind, complete or not.
            XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), [])
        }
    }

    func testReplacingIsAtomicAndRepeatable() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/ü #%\n.wav"
            for subtype in [AudioSubtype.pcm16, .float] {
                try AudioFile.write(path, stereo(), subtype: subtype)
                let first = try Data(contentsOf: URL(fileURLWithPath: path))
                try AudioFile.write(path, stereo(), subtype: subtype)
                XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: path)), first)
            }
            XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder).count, 1)
            let long = folder + "/" + String(repeating: "長", count: 83) + ".wav"
            try AudioFile.write(long, stereo())
            XCTAssertEqual(try AudioFile.info(long).frames, tone.count)
        }
    }
}
