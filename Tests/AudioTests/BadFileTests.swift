import Audio
import Foundation
import Support
import TestSupport
import XCTest

/// What people really have in their folders.
final class BadFileTests: XCTestCase {
    private func bytes(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: Vectors.path("audio/" + name)))
    }

    @discardableResult
    private func with<R>(_ data: Data, named name: String, _ body: (String) throws -> R) throws -> R {
        try withTemporaryFolder { folder in
            let path = folder + "/" + name
            try data.write(to: URL(fileURLWithPath: path))
            return try body(path)
        }
    }

    func testWhatIsNotAudioIsNamed() throws {
        let cases: [(Data, String)] = [
            (Data(), "empty file"),
            (Data("<!DOCTYPE html>\n<html><body>404</body></html>".utf8), "HTML"),
            (Data("\n  <HTML><head>".utf8), "HTML"),
            (Data("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n".utf8), "LFS"),
            (Data("{\"error\": \"not found\"}".utf8), "JSON"),
            (Data("this is a transcript".utf8), "text"),
            (Data("これはテキストです".utf8), "text"),
            (Data(count: 5000), "zero bytes"),
            (Data([0, 0, 0, 0x20] + "ftypM4A ".utf8 + [UInt8](repeating: 0, count: 100)), "M4A"),
            (Data([0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11] + [UInt8](repeating: 7, count: 100)), "WMA"),
            (Data([0xFF, 0xF1, 0x50, 0x80] + [UInt8](repeating: 7, count: 100)), "AAC"),
            (Data("PK\u{3}\u{4}".utf8 + [UInt8](repeating: 7, count: 100)), "ZIP"),
            (Data([0x93] + "NUMPY".utf8 + [1, 0] + [UInt8](repeating: 32, count: 100)), "NumPy"),
            (Data((0 ..< 4000).map { UInt8(truncatingIfNeeded: $0 &* 2654435761 >> 7) }), "unknown kind"),
            (Data("ID3".utf8 + [4, 0, 0, 0, 0, 0, 20] + [UInt8](repeating: 65, count: 20)), "no audio"),
            (Data("RIFF".utf8 + [4, 0, 0, 0] + "WAVE".utf8), "cannot be decoded as WAV"),
            (Data("fLaC".utf8 + [UInt8](repeating: 0, count: 60)), "FLAC")
        ]
        for (data, what) in cases {
            try with(data, named: "clip.wav") { path in
                for call in [{ _ = try AudioFile.info(path) }, { _ = try AudioFile.read(path) }] as [() throws -> Void]
                {
                    let error = assertThrows(.audio, containing: what, call)
                    XCTAssertTrue(error?.message.contains("clip.wav") ?? false, what)
                    XCTAssertNotNil(error?.hint, what)
                }
            }
        }
    }

    func testWhatIsNoFile() throws {
        try withTemporaryFolder { folder in
            assertThrows(.file, containing: "No such file") { try AudioFile.read(folder + "/missing.wav") }
            try FileManager.default.createDirectory(atPath: folder + "/dir.wav", withIntermediateDirectories: true)
            assertThrows(.file, containing: "directory") { try AudioFile.read(folder + "/dir.wav") }
            assertThrows(.file) { try AudioFile.read("/dev/zero") }
            XCTAssertEqual(mkfifo(folder + "/pipe.wav", 0o600), 0)
            assertThrows(.file) { try AudioFile.read(folder + "/pipe.wav") }
            // Who looks for recordings in the folder hears of it.
            let walk = try FolderWalk(folder)
            XCTAssertEqual(walk.files, [])
            XCTAssertEqual(walk.skipped.map(\.path), [folder + "/pipe.wav"])
            XCTAssertTrue(walk.skipped[0].reason.contains("a pipe"), walk.skipped[0].reason)
        }
    }

    /// 24 kB that say of themselves to be three hours long: at any usual rate they would be gigabytes.
    func testRatesThatNoRecordingHas() throws {
        let good = try bytes("pcm16_mono_44100.wav")
        for (rate, isRead) in [(0, false), (1, false), (99, false), (100, true), (4000, true), (2_000_000, false)] {
            var data = good
            data.replaceSubrange(24 ..< 28, with: (0 ..< 4).map { UInt8(truncatingIfNeeded: rate >> (8 * $0)) })
            try with(data, named: "clip.wav") { path in
                if isRead {
                    XCTAssertEqual(try AudioFile.read(path).1.sampleRate, rate)
                } else {
                    assertThrows(.audio) { try AudioFile.read(path, ReadOptions(sampleRate: 44100)) }
                }
            }
        }
    }

    func testContentCountsNotTheName() throws {
        try with(bytes("cbr64_mono_22050.mp3"), named: "clip.wav") { path in
            let (buffer, info, notes) = try AudioFile.read(path)
            XCTAssertEqual(buffer.frames, 89303)
            XCTAssertEqual(info.format, "MP3")
            XCTAssertEqual(notes, ["the name says .wav, the content is MP3"])
        }
        try with(bytes("pcm16_mono_44100.wav"), named: "clip.MP3") { path in
            let (buffer, info, notes) = try AudioFile.read(path)
            XCTAssertEqual(buffer.frames, 31311)
            XCTAssertEqual(info.format, "WAV")
            XCTAssertEqual(notes.count, 1)
        }
        try with(bytes("pcm16_mono_44100.wav"), named: "clip.WAV") { XCTAssertEqual(try AudioFile.read($0).notes, []) }
    }

    /// Tags of every kind leave the samples alone, even a cover image of megabytes that looks like MPEG frames.
    func testTagsAreNotAudio() throws {
        let plain = try bytes("cbr128_mono_44100.mp3")
        let expected = try AudioFile.read(Vectors.path("audio/cbr128_mono_44100.mp3")).0
        func id3(_ payload: Int, _ fill: UInt8) -> Data {
            let size = [21, 14, 7, 0].map { UInt8(payload >> $0 & 0x7F) }
            return Data("ID3".utf8 + [4, 0, 0] + size) + Data(repeating: fill, count: payload)
        }
        let id3v1 = Data("TAG".utf8) + Data(repeating: 0x20, count: 125)
        var ape = Data("APETAGEX".utf8 + [0xD0, 7, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        ape += Data(repeating: 0, count: 8)
        for (what, data) in [
            ("big ID3v2", id3(3_000_000, 0xFF) + plain), ("two ID3v2", id3(200, 0) + id3(5000, 0x41) + plain),
            ("padding", id3(50, 0) + Data(count: 4000) + plain), ("ID3v1", plain + id3v1), ("APE", plain + ape + id3v1)
        ] {
            try with(data, named: "clip.mp3") { path in
                let (buffer, _, notes) = try AudioFile.read(path)
                XCTAssertTrue(buffer == expected, what)
                XCTAssertEqual(notes, [], what)
                XCTAssertEqual(try AudioFile.info(path).frames, expected.frames, what)
            }
        }
    }

    func testTruncatedMP3() throws {
        for name in ["cbr128_mono_44100.mp3", "vbr_v2_mono_44100_id3v2.mp3", "cbr64_mono_22050.mp3"] {
            let data = try bytes(name), whole = try AudioFile.read(Vectors.path("audio/" + name)).0
            try with(data.prefix(data.count * 4 / 5), named: "clip.mp3") { path in
                let (buffer, info, notes) = try AudioFile.read(path)
                XCTAssertLessThan(buffer.frames, whole.frames)
                XCTAssertGreaterThan(buffer.frames, whole.frames * 7 / 10, name)
                assertClose(
                    buffer.channels[0].dropLast(3000).map { $0 }, Array(whole.channels[0].prefix(buffer.frames - 3000)),
                    abs: 1e-6, name)
                let lost = Int((1000 * Double(whole.frames - buffer.frames) / Double(whole.sampleRate)).rounded(.up))
                XCTAssertTrue(notes.contains { $0.contains("\(lost) ms") }, "\(notes)")
                XCTAssertEqual(info.frames, buffer.frames)
                XCTAssertEqual(try AudioFile.info(path), info, name)
            }
            try with(data.prefix(data.count * 2 / 5), named: "clip.mp3") { path in
                assertThrows(.audio, containing: "truncated") { try AudioFile.read(path) }
                assertThrows(.audio, containing: "truncated") { try AudioFile.info(path) }
            }
        }
    }

    func testDamagedMP3FrameIsSkipped() throws {
        var data = try bytes("cbr128_mono_44100.mp3")
        for i in 30000 ..< 31000 { data[i] = UInt8(truncatingIfNeeded: i &* 31) }
        try with(data, named: "clip.mp3") { path in
            let (buffer, _, _) = try AudioFile.read(path)
            XCTAssertGreaterThan(buffer.frames, 178605 - 10 * 1152)
            XCTAssertLessThanOrEqual(buffer.frames, 178605)
        }
    }

    /// libsndfile goes back for ever in a LIST whose parts have negative sizes: it does not get to see what does not say
    /// how to decode.
    func testChunksThatAreNoSoundAreNotRead() throws {
        func number(_ value: UInt32, _ isBig: Bool, _ count: Int = 4) -> Data {
            withUnsafeBytes(of: isBig ? value.bigEndian : value.littleEndian) {
                isBig ? Data($0.suffix(count)) : Data($0.prefix(count))
            }
        }
        for (name, isBig) in [("RIFF", false), ("RIFX", true)] {
            let list =
                Data("LIST".utf8) + number(20, isBig) + Data("INFOabcd".utf8) + number(0xFFFF_FFF8, isBig)
                + Data("xyz\u{1}abcd".utf8)
            var format = number(1, isBig, 2) + number(1, isBig, 2) + number(16000, isBig) + number(32000, isBig)
            format += number(2, isBig, 2) + number(16, isBig, 2)
            let body =
                Data("WAVE".utf8) + Data("fmt ".utf8) + number(16, isBig) + format + list + Data("data".utf8)
                + number(6, isBig) + number(0x4000, isBig, 2) + number(0, isBig, 2) + number(0xC000, isBig, 2)
            try with(Data(name.utf8) + number(UInt32(body.count), isBig) + body, named: "clip.wav") { path in
                XCTAssertEqual(try AudioFile.read(path).0.channels, [[0.5, 0, -0.5]], name)
                XCTAssertEqual(try AudioFile.info(path).sampleRate, 16000)
            }
        }
        // And without samples it is refused.
        try with(bytes("pcm16_mono_44100.wav").prefix(30), named: "clip.wav") { path in
            assertThrows(.audio, containing: "no `data` chunk") { try AudioFile.info(path) }
        }
    }

    func testWaveSizesThatLie() throws {
        let good = try bytes("pcm16_mono_44100.wav"),
            expected = try AudioFile.read(Vectors.path("audio/pcm16_mono_44100.wav")).0
        let place = try XCTUnwrap(good.range(of: Data("data".utf8))).upperBound
        func changed(riff: UInt32, data: UInt32) -> Data {
            var copy = good
            withUnsafeBytes(of: riff.littleEndian) { copy.replaceSubrange(4 ..< 8, with: $0) }
            withUnsafeBytes(of: data.littleEndian) { copy.replaceSubrange(place ..< place + 4, with: $0) }
            return copy
        }
        for (riff, size) in [(0, 0), (0xFFFF_FFFF, 0xFFFF_FFFF), (0xFFFF_FFFF, 0xFFFF_FFDB), (0x7FFF_FFFF, 0x7FFF_FFDB)]
            as [(UInt32, UInt32)]
        {
            try with(changed(riff: riff, data: size), named: "clip.wav") { path in
                let (buffer, info, notes) = try AudioFile.read(path)
                XCTAssertTrue(buffer == expected, "data size \(size): \(buffer.frames) frames")
                XCTAssertEqual(info.frames, expected.frames)
                XCTAssertTrue(notes.count == 1 && notes[0].contains("file's size"), "\(notes)")
            }
        }
        try with(good.prefix(good.count * 3 / 4), named: "clip.wav") { path in
            let (buffer, _, notes) = try AudioFile.read(path)
            XCTAssertTrue(buffer == expected.cut(0 ..< buffer.frames))
            let lost = Int((1000 * Double(expected.frames - buffer.frames) / 44100).rounded(.up))
            XCTAssertEqual(notes, ["truncated: the last \(lost) ms are missing"])
        }
        try with(good.prefix(good.count / 4), named: "clip.wav") { path in
            assertThrows(.audio, containing: "truncated") { try AudioFile.read(path) }
        }
        try with(good.prefix(place + 4), named: "clip.wav") { path in
            assertThrows(.audio) { try AudioFile.read(path) }
        }
    }

    func testFlacWithoutLengthAndTruncated() throws {
        var data = try bytes("pcm24_mono.flac")
        let whole = try AudioFile.read(Vectors.path("audio/pcm24_mono.flac")).0
        try with(data.prefix(data.count * 4 / 5), named: "clip.flac") { path in
            let (buffer, _, notes) = try AudioFile.read(path)
            XCTAssertGreaterThan(buffer.frames, whole.frames / 2)
            XCTAssertTrue(buffer == whole.cut(0 ..< buffer.frames))
            let lost = Int((1000 * Double(whole.frames - buffer.frames) / Double(whole.sampleRate)).rounded(.up))
            XCTAssertTrue(notes.contains { $0.contains("\(lost) ms") }, "\(notes)")
        }
        // Less than one block of 4096 samples, then one block of four.
        try with(data.prefix(data.count / 5), named: "clip.flac") { path in
            assertThrows(.audio, containing: "decoding failed") { try AudioFile.read(path) }
        }
        try with(data.prefix(data.count * 2 / 5), named: "clip.flac") { path in
            assertThrows(.audio, containing: "truncated") { try AudioFile.read(path) }
        }
        // STREAMINFO: the low 36 bits of bytes 18 to 25 count the samples; a pipe leaves 0 there.
        data[21] &= 0xF0
        data.replaceSubrange(22 ..< 26, with: [0, 0, 0, 0])
        try with(data, named: "clip.flac") { path in
            let (buffer, info, _) = try AudioFile.read(path)
            XCTAssertTrue(buffer == whole)
            XCTAssertEqual(info.frames, buffer.frames)
            XCTAssertEqual(try AudioFile.info(path).frames, whole.frames)
        }
        // Or a lie: 2^36 - 1 samples.
        data[21] |= 0x0F
        data.replaceSubrange(22 ..< 26, with: [0xFF, 0xFF, 0xFF, 0xFF])
        try with(data, named: "clip.flac") { path in
            XCTAssertEqual(try AudioFile.read(path).0.frames, whole.frames)
        }
    }

    func testOppositeChannelsAreNoted() throws {
        let wave = (0 ..< 8000).map { Float(sin(Double($0) * 0.1)) * 0.5 }
        try withTemporaryFolder { folder in
            try AudioFile.write(folder + "/a.wav", AudioBuffer(channels: [wave, wave.map { -$0 }], sampleRate: 16000))
            XCTAssertTrue(try AudioFile.read(folder + "/a.wav").notes.contains { $0.contains("cancel") })
            XCTAssertEqual(try AudioFile.read(folder + "/a.wav", ReadOptions(mono: false)).notes, [])
            try AudioFile.write(
                folder + "/b.wav", AudioBuffer(channels: [wave, wave, wave, wave, wave, wave], sampleRate: 16000))
            XCTAssertEqual(try AudioFile.read(folder + "/b.wav").notes, ["6 channels mixed to their mean"])
        }
    }

    /// Random damage: an error or samples, never a crash, never endless work.
    func testDamageNeverCrashes() throws {
        var seed: UInt64 = 1400
        func random(_ n: Int) -> Int {
            seed = seed &* 6364136223846793005 &+ 1442695040888963407
            return Int(seed >> 33) % n
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: Vectors.path("audio"))
            .filter(AudioFile.isAudioName).sorted()
        XCTAssertEqual(names.count, 17)
        try withTemporaryFolder { folder in
            var read = 0, refused = 0
            for name in names {
                let original = try bytes(name)
                for round in 0 ..< 12 {
                    var data = Data(original.prefix(round % 4 == 3 ? 1 + random(original.count) : original.count))
                    let reach = round % 2 == 0 ? min(200, data.count) : data.count
                    for _ in 0 ..< 1 + random(20) { data[random(reach)] = UInt8(random(256)) }
                    let path = "\(folder)/\(round)-\(name)"
                    try data.write(to: URL(fileURLWithPath: path))
                    do {
                        _ = try AudioFile.info(path)
                        let (buffer, _, _) = try AudioFile.read(path)
                        XCTAssertLessThan(buffer.frames, 400_000)
                        read += 1
                    } catch let error as OpahError {
                        XCTAssertTrue([.audio, .file].contains(error.kind), "\(error)")
                        refused += 1
                    }
                    try FileManager.default.removeItem(atPath: path)
                }
            }
            XCTAssertGreaterThan(read, 50)
            XCTAssertGreaterThan(refused, 10)
        }
    }

    /// Who reads many of them, as a server does of strangers' uploads, keeps nothing of any.
    func testDamagedFilesLeaveNoMemory() throws {
        let flac = try bytes("pcm24_mono.flac"),
            sound = try XCTUnwrap((42 ..< flac.count - 1).first { flac[$0] == 0xFF && flac[$0 + 1] & 0xFE == 0xF8 })
        var cases = [(name: "a.flac", start: flac.prefix(sound))]
        for name in ["pcm24_mono.flac", "vorbis_stereo.ogg", "cbr48_mono_22050_no_lame_tag.mp3"] {
            let whole = try bytes(name)
            cases += [8, 3].map { (name, whole.prefix(whole.count / $0)) }
        }
        // Of an Ogg file the first page, the codebooks, and all but the first page.
        let ogg = try bytes("vorbis_stereo.ogg")
        for place in [40, 300] {
            var damaged = ogg
            damaged[place] ^= 1
            cases.append(("a.ogg", damaged))
        }
        cases.append(("a.ogg", ogg.prefix(100)))
        for (name, start) in cases {
            // What is right so far, and then nothing that is sound.
            try with(start + Data(repeating: 0x55, count: 3000), named: name) { path in
                func memory(afterReading times: Int) throws -> Int {
                    for _ in 0 ..< times {
                        _ = try? AudioFile.info(path)
                        _ = try? AudioFile.read(path)
                    }
                    return try residentBytes()
                }
                let before = try memory(afterReading: 20)
                XCTAssertLessThan(try memory(afterReading: 500) - before, 3_000_000, "\(name), \(start.count) bytes")
            }
        }
    }
}
