import Audio
import Foundation
import Support
import TestSupport
import XCTest

/// What goes piece by piece gives what the whole gives.
final class PiecewiseTests: XCTestCase {
    private func tone(_ count: Int, _ amplitude: Float, _ step: Double) -> [Float] {
        (0 ..< count).map { amplitude * Float(sin(Double($0) * step) * cos(Double($0) * step / 97)) }
    }

    private func pieces(_ buffer: AudioBuffer, _ lengths: [Int]) -> [AudioBuffer] {
        var start = 0, result: [AudioBuffer] = []
        while start < buffer.frames {
            let length = lengths[result.count % lengths.count]
            result.append(buffer.cut(start ..< start + length))
            start += length
        }
        return result
    }

    func testExaminationSaysTheSameOfAClipInPieces() throws {
        let n = 50_000, good = tone(n, 0.4, 0.05)
        var clipped = tone(n, 1.5, 0.03).map { max(-1, min(1, $0)) }
        var broken = good
        broken[31_234] = .infinity
        let clips: [[[Float]]] = [
            [good], [clipped], [good.map { $0 + 0.2 }], [good, good.map { -$0 }], [good, good.map { $0 * -0.95 }],
            [good, tone(n, 0, 1)],
            [broken], [good, broken], [tone(n, 0, 1)], [tone(n, 0.0004, 0.1)], [Array(good.prefix(1000))],
            [tone(n, 1.2, 0.2)]
        ]
        for (index, channels) in clips.enumerated() {
            let clip = AudioBuffer(channels: channels, sampleRate: 44100), expected = try ClipCheck.faults(clip)
            for lengths in [[1], [7, 4096, 1], [8192], [4095, 4097]] where lengths != [1] || index < 4 {
                var examination = ClipExamination(channels: channels.count, sampleRate: 44100)
                for piece in pieces(clip, lengths) { try examination.add(piece, mix: piece.mixedToMono().channels[0]) }
                XCTAssertEqual(examination.faults, expected, "clip \(index), pieces of \(lengths)")
            }
            XCTAssertEqual(expected.isEmpty, index == 0, "clip \(index)")
        }
        // A run at full scale that a border cuts in two is one run.
        clipped = good
        for i in 4094 ..< 4102 { clipped[i] = 1 }
        let clip = AudioBuffer(mono: clipped, sampleRate: 44100)
        XCTAssertEqual(try ClipCheck.faults(clip).map(\.code), ["clipped"])
    }

    func testWriterGivesTheSameFileInPieces() throws {
        try withTemporaryFolder { folder in
            let clip = AudioBuffer(channels: [tone(30_000, 0.6, 0.02), tone(30_000, 1.1, 0.05)], sampleRate: 44100)
            for (suffix, subtype) in [("wav", nil), ("wav", .float), ("wav", .pcm24), ("flac", nil), ("mp3", nil)]
                as [(String, AudioSubtype?)]
            {
                let kind = subtype?.rawValue ?? "", whole = folder + "/whole\(kind)." + suffix,
                    parts = folder + "/parts\(kind)." + suffix
                let expected = try AudioFile.write(whole, clip, subtype: subtype)
                let writer = try AudioWriter(
                    parts, sampleRate: 44100, channels: 2, frames: clip.frames, subtype: subtype)
                for piece in pieces(clip, [5, 7000, 4096]) { try writer.append(piece) }
                XCTAssertFalse(FileManager.default.fileExists(atPath: parts))
                XCTAssertEqual(try writer.finish(), expected)
                XCTAssertEqual(expected.count, 1, "samples beyond full scale are noted")
                if suffix != "mp3" {   // what mp3 frames hold depends on the encoder's blocks
                    XCTAssertEqual(
                        try Data(contentsOf: URL(fileURLWithPath: parts)),
                        try Data(contentsOf: URL(fileURLWithPath: whole)), suffix)
                }
                XCTAssertEqual(try AudioFile.read(parts).0.frames, try AudioFile.read(whole).0.frames)
            }
            XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder).count, 10)
        }
    }

    func testWriterLeavesNothingUnfinished() throws {
        try withTemporaryFolder { folder in
            do {
                let writer = try AudioWriter(folder + "/a.wav", sampleRate: 8000, channels: 1, frames: 10)
                try writer.append(AudioBuffer(mono: [0.1, 0.2], sampleRate: 8000))
                assertThrows(.audio, containing: "sample 3 ") {
                    try writer.append(AudioBuffer(mono: [0.1, .nan], sampleRate: 8000))
                }
                assertThrows(.argument, containing: "2 channels") {
                    try writer.append(AudioBuffer(channels: [[0], [0]], sampleRate: 8000))
                }
            }
            assertThrows(.argument, containing: "no samples") {
                try AudioWriter(folder + "/b.wav", sampleRate: 8000, channels: 1, frames: 0).finish()
            }
            XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), [])
        }
    }

    func testMelRowsAreTheSpectrogramTurned() throws {
        let samples = tone(40_000, 0.5, 0.07),
            mel = try LogMel(sampleRate: 44100, nFFT: 1024, hopLength: 256, winLength: 1024, nMels: 40)
        let (values, frames) = try mel(samples), stride = 48
        let room = UnsafeMutablePointer<Float>.allocate(capacity: frames * stride)
        defer { room.deallocate() }
        room.initialize(repeating: -99, count: frames * stride)
        try samples.withUnsafeBufferPointer { pointer in
            for part in 0 ..< 3 {
                let range = frames * part / 3 ..< frames * (part + 1) / 3
                try mel.computeRows(pointer, frames: range, into: room + range.lowerBound * stride, stride: stride)
            }
            assertThrows(.argument) {
                try mel.computeRows(pointer, frames: 0 ..< frames + 1, into: room, stride: stride)
            }
            assertThrows(.argument) { try mel.computeRows(pointer, frames: 0 ..< 1, into: room, stride: 39) }
        }
        for t in 0 ..< frames {
            for m in 0 ..< stride { XCTAssertEqual(room[t * stride + m], m < 40 ? values[m * frames + t] : -99) }
        }
    }
}
