import Audio
import Foundation
import TestSupport
import XCTest

/// Every file of Tests/Vectors/audio against what the reference decoder gave.
final class DecodeTests: XCTestCase {
    private struct Expected {
        var name: String, rate: Int, frames: Int, channels: Int, format: String, subtype: String
        var sum: [Double], absSum: [Double], squareSum: [Double], peak: [Double], monoAbsSum: Double
        var stride: Int, head: Int

        init(_ name: String, _ json: [String: Any]) {
            self.name = name
            func int(_ key: String) -> Int { (json[key] as! NSNumber).intValue }
            func doubles(_ key: String) -> [Double] { (json[key] as! [NSNumber]).map(\.doubleValue) }
            (rate, frames, channels) = (int("sample_rate"), int("frames"), int("channels"))
            (format, subtype) = (json["format"] as! String, json["subtype"] as! String)
            (sum, absSum, squareSum, peak) = (
                doubles("sum"), doubles("abs_sum"), doubles("square_sum"), doubles("peak")
            )
            monoAbsSum = (json["mono_mean_abs_sum"] as! NSNumber).doubleValue
            (stride, head) = (int("stride"), int("head_samples"))
        }

        /// Decoders of lossy codings agree to about 1e-6.
        var tolerance: Float { ["MP3", "OGG"].contains(format) ? 2e-5 : 0 }
    }

    private static func all() throws -> [Expected] {
        let json = try Vectors.json("audio/decoded.json") as! [String: Any]
        let files = json["files"] as! [String: [String: Any]]
        XCTAssertEqual(files.count, 17)
        return files.map { Expected($0, $1) }.sorted { $0.name < $1.name }
    }

    func testSamplesAndInfo() throws {
        let arrays = try Vectors.npz("audio/decoded.npz")
        for expected in try Self.all() {
            let path = Vectors.path("audio/" + expected.name)
            let (buffer, info, notes) = try AudioFile.read(path, ReadOptions(mono: false))
            XCTAssertEqual(notes, [], expected.name)
            XCTAssertEqual(buffer.sampleRate, expected.rate, expected.name)
            XCTAssertEqual(buffer.frames, expected.frames, expected.name)
            XCTAssertEqual(buffer.channels.count, expected.channels, expected.name)
            XCTAssertEqual(
                info,
                AudioInfo(
                    sampleRate: expected.rate, channels: expected.channels, frames: expected.frames,
                    format: expected.format, subtype: expected.subtype), expected.name)
            XCTAssertEqual(try AudioFile.info(path), info, expected.name)

            let head = try XCTUnwrap(arrays[expected.name + ".head"]).floats()
            let strided = try XCTUnwrap(arrays[expected.name + ".strided"]).floats()
            for (c, channel) in buffer.channels.enumerated() {
                let count = buffer.channels.count
                assertClose(
                    Array(channel.prefix(expected.head)), stride(from: c, to: head.count, by: count).map { head[$0] },
                    abs: expected.tolerance, "\(expected.name) channel \(c), head")
                assertClose(
                    stride(from: 0, to: channel.count, by: expected.stride).map { channel[$0] },
                    stride(from: c, to: strided.count, by: count).map { strided[$0] },
                    abs: expected.tolerance, "\(expected.name) channel \(c), strided")
                let room = Double(expected.tolerance) * Double(channel.count) * 0.05 + 1e-9
                XCTAssertEqual(channel.reduce(0) { $0 + Double($1) }, expected.sum[c], accuracy: room, expected.name)
                XCTAssertEqual(
                    channel.reduce(0) { $0 + Double(abs($1)) }, expected.absSum[c], accuracy: room, expected.name)
                XCTAssertEqual(
                    channel.reduce(0) { $0 + Double($1) * Double($1) }, expected.squareSum[c], accuracy: room,
                    expected.name)
                XCTAssertEqual(
                    Double(channel.map(abs).max()!), expected.peak[c], accuracy: Double(expected.tolerance),
                    expected.name)
            }
        }
    }

    func testMonoIsTheMeanOfTheChannels() throws {
        for expected in try Self.all() {
            let (mono, _, _) = try AudioFile.read(Vectors.path("audio/" + expected.name))
            XCTAssertEqual(mono.channels.count, 1)
            XCTAssertEqual(
                mono.channels[0].reduce(0) { $0 + Double(abs($1)) }, expected.monoAbsSum, accuracy: 0.02, expected.name)
        }
    }

    /// Reading a part gives the samples that a whole read has there.
    func testOffsetAndDuration() throws {
        for expected in try Self.all() {
            let path = Vectors.path("audio/" + expected.name)
            let whole = try AudioFile.read(path, ReadOptions(mono: false)).0
            let start = expected.frames / 3, count = expected.frames / 4
            let (part, info, notes) = try AudioFile.read(
                path,
                ReadOptions(
                    mono: false, offset: Double(start) / Double(expected.rate),
                    duration: Double(count) / Double(expected.rate)))
            XCTAssertEqual(info.frames, expected.frames)
            XCTAssertEqual(notes, [], expected.name)
            XCTAssertEqual(part.frames, count, expected.name)
            for (a, b) in zip(part.channels, whole.cut(start ..< start + count).channels) {
                assertClose(a, b, abs: expected.format == "MP3" ? 1e-6 : 0, expected.name)
            }
            // A part that reaches past the end stops there.
            let tail = try AudioFile.read(
                path, ReadOptions(mono: false, offset: Double(start) / Double(expected.rate), duration: 1e9))
            XCTAssertEqual(tail.0.frames, expected.frames - start, expected.name)
            assertThrows(.audio, containing: "nothing at") {
                try AudioFile.read(path, ReadOptions(offset: Double(expected.frames) / Double(expected.rate)))
            }
        }
    }

    func testReadingInPiecesAndResampling() throws {
        let path = Vectors.path("audio/cbr128_joint_48000.mp3")
        let whole = try AudioFile.read(path).0
        let expected = try Resampler.resample(whole.channels[0], from: 48000, to: 44100)
        XCTAssertEqual(
            try AudioFile.read(path, ReadOptions(sampleRate: 44100)).0,
            AudioBuffer(mono: expected, sampleRate: 44100))
        for size in [997, 20000] {
            let reader = try AudioReader(path, ReadOptions(sampleRate: 44100))
            var samples: [Float] = []
            while let piece = try reader.next(frames: size) { samples += piece.channels[0] }
            XCTAssertTrue(samples == expected, "pieces of \(size)")
        }
    }

    func testBadOptions() {
        let path = Vectors.path("audio/pcm16_mono_44100.wav")
        assertThrows(.argument) { try AudioFile.read(path, ReadOptions(offset: -1)) }
        assertThrows(.argument) { try AudioFile.read(path, ReadOptions(duration: 0)) }
        assertThrows(.argument) { try AudioFile.read(path, ReadOptions(offset: .nan)) }
        assertThrows(.argument) { try AudioFile.read(path, ReadOptions(sampleRate: 0)) }
        assertThrows(.argument) { try AudioFile.read(path, ReadOptions(sampleRate: 2_000_000)) }
    }

    func testNames() throws {
        for name in ["a.wav", "a.MP3", "x/y.z/clip.Flac", "ü #%.ogg", "a.b.aiff", "-x.wav", "a.M4A", "x/a.wav/"] {
            XCTAssertTrue(AudioFile.isAudioName(name), name)
        }
        for name in [
            "._a.wav", ".DS_Store", "Thumbs.db", "wav", "a.wav.txt", "a.lab", ".wav", "a.npy", "", "/", "x/._clip.mp3"
        ] {
            XCTAssertFalse(AudioFile.isAudioName(name), name)
        }
        try withTemporaryFolder { folder in
            try FileManager.default.createDirectory(atPath: folder + "/dir.wav", withIntermediateDirectories: true)
            try Data([1]).write(to: URL(fileURLWithPath: folder + "/file.WAV"))
            try FileManager.default.createSymbolicLink(atPath: folder + "/link.wav", withDestinationPath: "nowhere")
            XCTAssertFalse(AudioFile.isAudioFile(folder + "/dir.wav"))
            XCTAssertTrue(AudioFile.isAudioFile(folder + "/file.WAV"))
            XCTAssertTrue(AudioFile.isAudioFile(folder + "/link.wav"))
        }
    }
}
