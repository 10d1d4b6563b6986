import Audio
import Foundation
import TestSupport
import XCTest

/// What is damaged in a FLAC file costs its own frames: all the others are read, and a note tells the milliseconds.
final class DamagedFlacTests: XCTestCase {
    private static let block = 4096   // samples of a frame that libsndfile writes
    private var seed: UInt64 = 41

    private func random(_ n: Int) -> Int {
        seed = seed &* 6364136223846793005 &+ 1442695040888963407
        return Int(seed >> 33) % n
    }

    /// Six times the same seconds: 46 frames.
    private func flac() throws -> (data: Data, whole: AudioBuffer) {
        let once = try AudioFile.read(Vectors.path("audio/pcm16_mono_44100.wav")).0
        let sound = AudioBuffer(mono: (0 ..< 6).flatMap { _ in once.channels[0] }, sampleRate: once.sampleRate)
        return try withTemporaryFolder { folder in
            try AudioFile.write(folder + "/a.flac", sound)
            return (
                try Data(contentsOf: URL(fileURLWithPath: folder + "/a.flac")),
                try AudioFile.read(folder + "/a.flac").0
            )
        }
    }

    /// The offset of the first frame.
    private func soundStart(_ data: Data) throws -> Int {
        try XCTUnwrap((42 ..< data.count - 1).first { data[$0] == 0xFF && data[$0 + 1] & 0xFE == 0xF8 })
    }

    private func told(_ notes: [String]) throws -> Int {
        try XCTUnwrap(
            notes.compactMap { $0.firstMatch(of: /(\d+) ms (?:could|of)/)?.1 }.first.flatMap { Int($0) }, "\(notes)")
    }

    func testOneFlippedBitCostsOneFrame() throws {
        let (data, whole) = try flac(), start = try soundStart(data), block = Self.block
        for round in 0 ..< 40 {
            var damaged = data
            damaged[round == 0 ? start : start + random(data.count - start)] ^= UInt8(1 << random(8))
            let (buffer, notes) = try readAgreeing(damaged, "a.flac")
            let lost = whole.frames - buffer.frames
            let isLast = lost == whole.frames % block
            XCTAssertTrue(lost == block || isLast, "round \(round): \(lost) samples")
            XCTAssertEqual(try told(notes), Int((1000 * Double(lost) / 44100).rounded(.up)), "round \(round): \(notes)")
            let kept = try XCTUnwrap(
                zip(buffer.channels[0], whole.channels[0]).enumerated().first { $1.0 != $1.1 }?.offset ?? buffer.frames)
            XCTAssertTrue(
                buffer.channels[0][kept...].elementsEqual(whole.channels[0][(kept + lost)...]), "round \(round)")
        }
    }

    func testPlacesAndTheirMilliseconds() throws {
        let (data, whole) = try flac(), start = try soundStart(data), block = Self.block
        // Some bytes taken out, others put in, a stretch of zeros.
        var cut = data
        cut.removeSubrange(data.count / 2 ..< data.count / 2 + 100)
        XCTAssertEqual(try readAgreeing(cut, "a.flac").buffer.frames, whole.frames - block)
        var zeros = data
        for i in data.count / 2 ..< data.count / 2 + 20_000 { zeros[i] = 0 }
        let (buffer, notes) = try readAgreeing(zeros, "a.flac")
        XCTAssertEqual((whole.frames - buffer.frames) % block, 0)
        XCTAssertLessThanOrEqual(whole.frames - buffer.frames, (20_000 * 46 / data.count + 2) * block)
        XCTAssertEqual(
            try told(notes), Int((1000 * Double(whole.frames - buffer.frames) / 44100).rounded(.up)), "\(notes)")
        let (same, junk) = try readAgreeing(
            data.prefix(start) + Data(repeating: 0x55, count: 5000) + data.dropFirst(start), "a.flac")
        XCTAssertTrue(same == whole, "\(same.frames)")
        XCTAssertTrue(junk.contains { $0.contains("no frame is missing") }, "\(junk)")
        // Two places; and a third, the end, which is cut off.
        var two = data
        two[data.count / 3] ^= 4
        two[data.count * 2 / 3] ^= 4
        let places = try readAgreeing(two, "a.flac")
        XCTAssertEqual(places.buffer.frames, whole.frames - 2 * block)
        XCTAssertTrue(places.notes.contains { $0.contains("2 places") }, "\(places.notes)")
        let short = try readAgreeing(two.prefix(data.count * 9 / 10), "a.flac")
        XCTAssertEqual(
            try told(short.notes), Int((1000 * Double(whole.frames - short.buffer.frames) / 44100).rounded(.up)))
        // Most of it.
        for i in data.count / 5 ..< data.count * 9 / 10 { two[i] = 0x55 }
        try withTemporaryFolder { folder in
            try two.write(to: URL(fileURLWithPath: folder + "/a.flac"))
            assertThrows(.audio, containing: "cannot be decoded") { try AudioFile.read(folder + "/a.flac") }
            assertThrows(.audio, containing: "cannot be decoded") { try AudioFile.info(folder + "/a.flac") }
        }
    }

    func testFromTheMiddleAndBehindEachOther() throws {
        let (data, whole) = try flac()
        var damaged = data
        damaged[data.count / 3] ^= 1
        let (buffer, _) = try readAgreeing(damaged, "a.flac")
        let both = try readAgreeing(damaged + data, "a.flac")
        XCTAssertTrue(both.buffer.channels[0] == buffer.channels[0] + whole.channels[0], "\(both.notes)")
        try withTemporaryFolder { folder in
            try damaged.write(to: URL(fileURLWithPath: folder + "/a.flac"))
            for frame in [1, 4096, 60_000, 100_001, buffer.frames - 1] {
                let part = try AudioFile.read(folder + "/a.flac", ReadOptions(offset: Double(frame) / 44100)).0
                XCTAssertTrue(part.channels[0].elementsEqual(buffer.channels[0][frame...]), "\(frame)")
            }
        }
    }

    /// Frames that begin everywhere and end nowhere.
    func testMadeUpFramesTakeNoLongTime() throws {
        let (data, whole) = try flac(), start = try soundStart(data), now = ContinuousClock.now
        let made = Data((0 ..< 300_000).flatMap { _ in data[start ..< start + 7] })
        let (buffer, _) = try readAgreeing(data.prefix(data.count - 100) + made, "a.flac")
        XCTAssertLessThanOrEqual(buffer.frames, whole.frames)
        XCTAssertLessThan(ContinuousClock.now - now, .seconds(10))
    }

    /// Another file behind it is no part of the sound, and told; what programs put there is not.
    func testWhatLiesBehindTheLastFrame() throws {
        let (data, whole) = try flac()
        let mp3 = try Data(contentsOf: URL(fileURLWithPath: Vectors.path("audio/cbr48_mono_22050_no_lame_tag.mp3")))
        let (buffer, notes) = try readAgreeing(data + mp3, "a.flac")
        XCTAssertTrue(buffer.channels[0] == whole.channels[0])
        XCTAssertTrue(
            notes.contains { $0.contains("\(mp3.count) bytes behind the last frame are no sound") }, "\(notes)")
        for tag in [
            Data("TAG".utf8) + Data(count: 125), Data("APETAGEX".utf8) + Data(repeating: 7, count: 90), Data(count: 500)
        ] {
            let (buffer, notes) = try readAgreeing(data + tag, "a.flac")
            XCTAssertTrue(buffer.channels[0] == whole.channels[0])
            XCTAssertEqual(notes, [])
        }
    }

    /// Where the last frame's end is not to be found either, since other bytes follow.
    func testDamageBeforeTheLastFrame() throws {
        let path = Vectors.path("audio/pcm24_mono.flac"), whole = try AudioFile.read(path).0
        var data = try Data(contentsOf: URL(fileURLWithPath: path)), start = try soundStart(data)
        start += (data.count - start) * 6 / 10   // in the third of four frames
        data[start] ^= 1
        let (buffer, notes) = try readAgreeing(data + Data(repeating: 0x55, count: 300), "a.flac")
        XCTAssertEqual(buffer.frames, whole.frames - Self.block)
        XCTAssertEqual(
            try told(notes), Int((1000 * Double(Self.block) / Double(whole.sampleRate)).rounded(.up)), "\(notes)")
    }
}
