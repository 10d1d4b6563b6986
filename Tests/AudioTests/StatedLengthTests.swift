import Audio
import Foundation
import Support
import TestSupport
import XCTest

/// What headers state against what files hold: all the sound there is comes out, a note says where the two differ, and
/// `info`, a whole read and reading in pieces agree.
final class StatedLengthTests: XCTestCase {
    private func bytes(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: Vectors.path("audio/" + name)))
    }
    private func samples(_ name: String) throws -> AudioBuffer {
        try AudioFile.read(Vectors.path("audio/" + name), ReadOptions(mono: false)).0
    }

    /// The offset of the Xing or Info frame's text.
    private func tag(_ data: Data) throws -> Int {
        try XCTUnwrap(data.range(of: Data("Xing".utf8)) ?? data.range(of: Data("Info".utf8))).lowerBound
    }

    private func setting(_ data: Data, _ offset: Int, _ value: Int) -> Data {
        var copy = data
        copy.replaceSubrange(
            offset ..< offset + 4, with: (0 ..< 4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) })
        return copy
    }

    private func joined(_ parts: AudioBuffer...) -> [[Float]] {
        parts[0].channels.indices.map { c in parts.flatMap { $0.channels[c] } }
    }

    func testFrameCountsThatLie() throws {
        for name in ["cbr128_mono_44100.mp3", "vbr_v2_mono_44100_id3v2.mp3", "cbr64_mono_22050.mp3"] {
            let data = try bytes(name), place = try tag(data), whole = try samples(name)
            let frames =
                Int(data[place + 8]) << 24 | Int(data[place + 9]) << 16 | Int(data[place + 10]) << 8
                | Int(data[place + 11])
            for lie in [0, 1, frames / 2, frames + 7, frames * 100] {
                let (buffer, notes) = try readAgreeing(setting(data, place + 8, lie))
                XCTAssertTrue(buffer == whole, "\(name): \(lie) of \(frames): \(buffer.frames) of \(whole.frames)")
                XCTAssertTrue(
                    notes.count == 1 && notes[0].contains("states \(lie) MPEG") && notes[0].contains("holds \(frames)"),
                    "\(notes)")
            }
        }
    }

    /// 8-bit sound of one sample after the other.
    private func wave(rate: UInt32, channels: UInt16, bytes: Int) -> Data {
        var data = Data("RIFF".utf8)
        func put<T: FixedWidthInteger>(_ value: T) {
            withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
        }
        put(UInt32(36 + bytes)); data.append(contentsOf: "WAVEfmt ".utf8); put(UInt32(16)); put(UInt16(1))
        put(channels); put(rate); put(rate * UInt32(channels)); put(channels); put(UInt16(8))
        data.append(contentsOf: "data".utf8); put(UInt32(bytes))
        return data + Data((0 ..< bytes).map { UInt8(truncatingIfNeeded: $0 &* 37) })
    }

    /// Few bytes behind a file must not become hours at the first one's rate and channels; what a recorder may have
    /// appended is read.
    func testStreamsBehindAFileDoNotGrowWithoutBound() throws {
        let first = wave(rate: 16000, channels: 200, bytes: 40000), start = ContinuousClock.now
        let (buffer, notes) = try readAgreeing(first + wave(rate: 1000, channels: 1, bytes: 20000), "clip.wav")
        XCTAssertEqual([buffer.channels.count, buffer.frames], [200, 200])
        XCTAssertTrue(notes.contains { $0.hasPrefix("1 more streams were left out: one of 1000 Hz") }, "\(notes)")
        XCTAssertLessThan(ContinuousClock.now - start, .seconds(5))
        let stereo = try readAgreeing(
            wave(rate: 48000, channels: 2, bytes: 9600) + wave(rate: 8000, channels: 1, bytes: 8000), "clip.wav")
        XCTAssertEqual([stereo.buffer.channels.count, stereo.buffer.frames], [2, 4800 + 48000])
        XCTAssertTrue(stereo.notes.contains { $0.contains("was brought to 48000 Hz and 2") }, "\(stereo.notes)")
    }

    func testJoinedMPEG() throws {
        let first = try bytes("cbr128_mono_44100.mp3"), second = try bytes("vbr_v2_mono_44100_id3v2.mp3")
        let (a, b) = (try samples("cbr128_mono_44100.mp3"), try samples("vbr_v2_mono_44100_id3v2.mp3"))
        let id3v1 = Data("TAG".utf8) + Data(count: 125)
        for data in [first + second, first + id3v1 + second + id3v1, setting(first, try tag(first) + 8, 312) + second] {
            let (buffer, notes) = try readAgreeing(data)
            XCTAssertTrue(buffer.channels == joined(a, b), "\(buffer.frames)")
            XCTAssertTrue(notes.contains { $0.contains("2 streams") }, "\(notes)")
        }
        // A second stream without a tag of its own, and one of another rate.
        let plain = try bytes("cbr48_mono_22050_no_lame_tag.mp3"), low = try bytes("cbr64_mono_22050.mp3")
        let (c, d) = (try samples("cbr48_mono_22050_no_lame_tag.mp3"), try samples("cbr64_mono_22050.mp3"))
        XCTAssertTrue(try readAgreeing(low + plain).buffer.channels == joined(d, c))
        let (buffer, notes) = try readAgreeing(first + low)
        XCTAssertEqual(buffer.frames, a.frames + 2 * d.frames)
        XCTAssertTrue(Array(buffer.channels[0].prefix(a.frames)) == a.channels[0])
        XCTAssertTrue(notes.contains { $0.contains("22050 Hz") }, "\(notes)")
    }

    /// One damaged place costs a frame or two and a note that says so, with a tag and without, of constant and variable
    /// rate.
    func testDamagedMPEG() throws {
        var seed: UInt64 = 9
        func random(_ n: Int) -> Int {
            seed = seed &* 6364136223846793005 &+ 1442695040888963407
            return Int(seed >> 33) % n
        }
        for name in [
            "cbr128_mono_44100.mp3", "vbr_v2_mono_44100_id3v2.mp3", "cbr64_mono_22050.mp3",
            "cbr48_mono_22050_no_lame_tag.mp3", "cbr128_joint_48000.mp3"
        ] {
            let data = try bytes(name), whole = try samples(name)
            let sync = try XCTUnwrap(
                (0 ..< data.count).first { data[$0] == 0xFF && [0xF2, 0xF3, 0xFA, 0xFB].contains(data[$0 + 1]) })
            for round in 0 ..< 24 {
                var damaged = data
                let place = data.count / 4 + random(data.count / 2), count = 5 + random(150)
                switch round % 3 {
                case 0: damaged.removeSubrange(place ..< place + count)
                case 1: for i in place ..< place + count { damaged[i] = UInt8(random(256)) }
                default:
                    // The header of the next frame: zeros, as an unwritten sector has them.
                    let header = try XCTUnwrap(
                        (place ..< place + 3000).first { data[$0] == 0xFF && data[$0 + 1] == data[sync + 1] })
                    for i in header ..< header + 4 { damaged[i] = 0 }
                }
                let (buffer, notes) = try readAgreeing(damaged)
                let lost = Double(whole.frames - buffer.frames) / Double(whole.sampleRate)
                XCTAssertLessThan(lost, 0.12, "\(name), round \(round)")
                XCTAssertGreaterThan(lost, -0.06, "\(name), round \(round)")
                if lost > 0.02 {
                    XCTAssertTrue(
                        notes.contains { $0.contains("ms could not be decoded") }, "\(name), round \(round): \(notes)")
                }
                // Before the damage and well behind it the samples are those of the whole file.
                let before = Int(Double(whole.frames) * 0.2), behind = Int(Double(whole.frames) * 0.15)
                XCTAssertTrue(Array(buffer.channels[0].prefix(before)) == Array(whole.channels[0].prefix(before)), name)
                if lost > 0, !name.contains("no_lame") {
                    assertClose(
                        Array(buffer.channels[0].suffix(behind)), Array(whole.channels[0].suffix(behind)), abs: 1e-5,
                        "\(name), round \(round)")
                }
            }
        }
        // Two thousand bytes of an untagged file: what is lost is told in milliseconds.
        var data = try bytes("cbr48_mono_22050_no_lame_tag.mp3")
        for i in 8000 ..< 10_000 { data[i] = 0x55 }
        let (buffer, notes) = try readAgreeing(data)
        let lost = 1000 * (91008 - buffer.frames) / 22050
        let told = try XCTUnwrap(notes.compactMap { $0.firstMatch(of: /about (\d+) ms/)?.1 }.first.flatMap { Int($0) })
        XCTAssertEqual(Double(told), Double(lost), accuracy: 30, "\(notes)")
        XCTAssertGreaterThan(lost, 250)
    }

    func testJunkBeforeTheSound() throws {
        let mp3 = try bytes("cbr128_mono_44100.mp3"), whole = try samples("cbr128_mono_44100.mp3")
        var junk = Data((0 ..< 1_500_000).map { UInt8(truncatingIfNeeded: ($0 &* 2654435761) >> 13) })
        junk[0] = 1
        for before in [
            Data(count: 70_000), Data(count: 1_500_000), junk, Data(repeating: 0xFF, count: 70_000),
            Data(repeating: 0x20, count: 70_000), Data(repeating: 0x61, count: 70_000)
        ] {
            let (buffer, notes) = try readAgreeing(before + mp3)
            XCTAssertTrue(buffer == whole, "\(before.count)")
            XCTAssertTrue(notes.count == 1 && notes[0].contains("begins with \(before.count)"), "\(notes)")
        }
        let wav = try bytes("pcm16_mono_44100.wav"), ogg = try bytes("vorbis_mono.ogg")
        XCTAssertTrue(try readAgreeing(Data(count: 70_000) + wav, "a.wav").buffer == samples("pcm16_mono_44100.wav"))
        XCTAssertTrue(try readAgreeing(Data(count: 70_000) + ogg, "a.ogg").buffer == samples("vorbis_mono.ogg"))
        try withTemporaryFolder { folder in
            try Data(count: 300_000).write(to: URL(fileURLWithPath: folder + "/z.mp3"))
            assertThrows(.audio, containing: "zero bytes only") { try AudioFile.read(folder + "/z.mp3") }
            // What is searched for sound behind a text has an end.
            try (Data(repeating: 0x61, count: 17_000_000) + mp3).write(to: URL(fileURLWithPath: folder + "/t.mp3"))
            assertThrows(.audio, containing: "it is text") { try AudioFile.read(folder + "/t.mp3") }
        }
    }

    /// Room that a recorder reserved, or a download that was broken off, and that was never written to: behind the
    /// frames, between them, before them.
    func testWhatWasNeverWritten() throws {
        let name = "cbr48_mono_22050_no_lame_tag.mp3", data = try bytes(name), whole = try samples(name)
        let id3v1 = Data("TAG".utf8) + Data(count: 125)
        for tail in [
            Data(count: 2000), Data(count: 400_000), Data(count: 3_000_000), Data(repeating: 0xFF, count: 400_000),
            Data(count: 300_000) + id3v1
        ] {
            let (buffer, notes) = try readAgreeing(data + tail)
            XCTAssertTrue(buffer == whole, "\(tail.count): \(buffer.frames) of \(whole.frames)")
            XCTAssertTrue(notes.count == 1 && notes[0].contains("never written"), "\(notes)")
        }
        // In the middle of a frame, after two seconds.
        let (half, told) = try readAgreeing(data.prefix(data.count / 2) + Data(count: 400_000))
        XCTAssertEqual(half.frames, whole.frames / 2, accuracy: 2 * 576)
        XCTAssertTrue(Array(half.channels[0].prefix(40_000)) == Array(whole.channels[0].prefix(40_000)))
        XCTAssertTrue(told.contains { $0.contains("never written") }, "\(told)")
        // Between frames, and on all sides.
        let (gap, lost) = try readAgreeing(data.prefix(8000) + Data(count: 400_000) + data.dropFirst(8000))
        XCTAssertEqual(gap.frames, whole.frames, accuracy: 2 * 576)
        XCTAssertTrue(lost.contains { $0.contains("ms could not be decoded") }, "\(lost)")
        let (sides, notes) = try readAgreeing(
            Data(count: 90_000) + data.prefix(8000) + Data(count: 90_000) + data.dropFirst(8000) + Data(count: 90_000))
        XCTAssertEqual(sides.frames, whole.frames, accuracy: 2 * 576)
        XCTAssertEqual(notes.count, 3, "\(notes)")
        // A tag that promises twice as much, and bytes that somebody wrote, are another matter.
        let tagged = try bytes("cbr128_mono_44100.mp3")
        try withTemporaryFolder { folder in
            let junk = Data((0 ..< 300_000).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) })
            for wrong in [tagged.prefix(tagged.count / 3) + Data(count: 400_000), data + junk] {
                try wrong.write(to: URL(fileURLWithPath: folder + "/a.mp3"))
                assertThrows(.audio, containing: "cannot be decoded") { try AudioFile.read(folder + "/a.mp3") }
            }
        }
        for (name, suffix) in [
            ("vorbis_mono.ogg", "ogg"), ("pcm24_mono.flac", "flac"), ("pcm16_mono_44100.wav", "wav"),
            ("cbr128_mono_44100.mp3", "mp3")
        ] {
            let data = try bytes(name), whole = try samples(name)
            for tail in [3000, 400_000] {
                let (buffer, notes) = try readAgreeing(data + Data(count: tail), "a." + suffix)
                XCTAssertTrue(buffer == whole, "\(name): \(buffer.frames)")
                XCTAssertTrue(
                    notes.count <= 1 && notes.allSatisfy { $0.contains("left out") }, "\(name): \(notes)")
            }
        }
    }

    func testFilesBehindEachOther() throws {
        for (name, suffix) in [
            ("vorbis_mono.ogg", "ogg"), ("pcm24_mono.flac", "flac"), ("pcm16_mono_44100.wav", "wav"),
            ("vorbis_stereo.ogg", "ogg")
        ] {
            let data = try bytes(name), one = try samples(name)
            let (buffer, notes) = try readAgreeing(data + data + data, "a." + suffix)
            XCTAssertTrue(buffer.channels == joined(one, one, one), name)
            XCTAssertTrue(notes.count == 1 && notes[0].contains("3 streams"), "\(notes)")
        }
        let mono = try samples("vorbis_mono.ogg"), stereo = try samples("vorbis_stereo.ogg")
        let (mixed, notes) = try readAgreeing(try bytes("vorbis_mono.ogg") + bytes("vorbis_stereo.ogg"), "a.ogg")
        XCTAssertEqual(mixed.frames, mono.frames + (stereo.frames + 1) / 2)
        XCTAssertTrue(notes.contains { $0.contains("44100 Hz and 2 channels") }, "\(notes)")
        try withTemporaryFolder { folder in
            let tone = AudioBuffer(mono: (0 ..< 24000).map { 0.4 * sin(Float($0) * 0.05) }, sampleRate: 24000)
            try AudioFile.write(folder + "/a.opus", tone)
            try AudioFile.write(folder + "/b.ogg", tone)
            let opus = try Data(contentsOf: URL(fileURLWithPath: folder + "/a.opus")),
                vorbis = try Data(contentsOf: URL(fileURLWithPath: folder + "/b.ogg"))
            let (a, b) = (try AudioFile.read(folder + "/a.opus").0, try AudioFile.read(folder + "/b.ogg").0)
            XCTAssertTrue(try readAgreeing(opus + vorbis, "x.ogg").buffer.channels == joined(a, b))
            XCTAssertTrue(try readAgreeing(opus + opus, "x.opus").buffer.channels == joined(a, a))
        }
        for name in ["cbr128_mono_44100.mp3", "cbr48_mono_22050_no_lame_tag.mp3"] {
            let mp3 = try samples(name), (buffer, notes) = try readAgreeing(bytes(name) + bytes("pcm24_mono.flac"))
            XCTAssertTrue(Array(buffer.channels[0].prefix(mp3.frames)) == mp3.channels[0], name)
            XCTAssertTrue(notes.contains { $0.contains("2 streams") }, "\(notes)")
        }
        let (mp3, wav) = (try samples("cbr128_mono_44100.mp3"), try samples("pcm16_mono_44100.wav"))
        let behind = try readAgreeing(bytes("cbr128_mono_44100.mp3") + bytes("pcm16_mono_44100.wav"))
        XCTAssertTrue(behind.buffer.channels == joined(mp3, wav), "\(behind.buffer.frames) \(behind.notes)")
        // A recording that another program's header follows: what cannot be read is told.
        let (first, told) = try readAgreeing(
            try bytes("pcm24_mono.flac") + Data("fLaC\0\0\0\u{22}".utf8) + Data(count: 50), "a.flac")
        XCTAssertTrue(first == (try samples("pcm24_mono.flac")))
        XCTAssertTrue(told.contains { $0.contains("cannot be read") }, "\(told)")
    }

    func testWaveSizesAgainstTheFile() throws {
        let good = try bytes("pcm16_mono_44100.wav"), whole = try samples("pcm16_mono_44100.wav")
        let place = try XCTUnwrap(good.range(of: Data("data".utf8))).upperBound
        func little(_ value: Int, _ count: Int = 4) -> Data {
            Data((0 ..< count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
        }
        let half = (good.count - place - 4) / 4 * 2
        let said = try readAgreeing(good.prefix(place) + little(half) + good[(place + 4)...], "a.wav")
        XCTAssertTrue(said.buffer == whole, "\(said.buffer.frames)")
        XCTAssertTrue(said.notes.count == 1 && said.notes[0].contains("all of them are read"), "\(said.notes)")
        // Chunks and tags behind the samples are no sound.
        for tail in [
            Data("LIST".utf8) + little(4) + Data("INFO".utf8), Data("TAG".utf8) + Data(count: 125), Data(count: 4000)
        ] {
            let (buffer, notes) = try readAgreeing(good + tail, "a.wav")
            XCTAssertTrue(buffer == whole && notes.isEmpty, "\(buffer.frames) \(notes)")
        }
        // RF64, and BW64 after it, with chunks of odd size before and behind fmt.
        let samples = good[(place + 4)...], format = good[12 ..< 36]
        func chunk(_ name: String, _ size: Int) -> Data {
            Data(name.utf8) + little(size) + Data(repeating: 7, count: size) + Data(count: size & 1)
        }
        for (name, before, behind) in [
            ("RF64", 27, 0), ("RF64", 0, 603), ("RF64", 27, 603), ("RF64", 0, 0), ("BW64", 27, 603), ("BW64", 0, 0)
        ] {
            let body =
                (before > 0 ? chunk("JUNK", before) : Data()) + format + (behind > 0 ? chunk("bext", behind) : Data())
            let ds64 =
                Data("ds64".utf8) + little(28) + little(4 + 36 + body.count + 8 + samples.count, 8)
                + little(samples.count, 8) + little(samples.count / 2, 8) + little(0)
            let file =
                Data(name.utf8) + little(0xFFFF_FFFF) + Data("WAVE".utf8) + ds64 + body + Data("data".utf8)
                + little(0xFFFF_FFFF) + samples
            let (buffer, notes) = try readAgreeing(file, "a.wav")
            XCTAssertTrue(buffer == whole && notes.isEmpty, "\(name) \(before) \(behind): \(buffer.frames) \(notes)")
            XCTAssertTrue(try readAgreeing(good + file, "a.wav").buffer.channels == joined(whole, whole), name)
        }
    }

    /// Chunks of Wave64 are padded to 8 bytes: no sound, and no more are the chunks behind it.
    func testPaddingOfWave64() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/a.w64", whole = try samples("pcm16_mono_44100.wav").cut(0 ..< 12001)
            try AudioFile.write(path, whole)
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            func little(_ value: Int) -> Data {
                Data((0 ..< 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
            }
            let chunk = Data("bext".utf8) + data[28 ..< 40] + little(24 + 13) + Data(repeating: 7, count: 13 + 3)
            for (before, behind) in [
                (Data(), Data()), (Data(), Data(count: 6)), (chunk, Data()), (chunk, Data(count: 6)),
                (Data(), Data(count: 6) + chunk)
            ] {
                let body = data[24 ..< 80] + before + data[80...] + behind
                let (buffer, notes) = try readAgreeing(data[..<16] + little(24 + body.count) + body, "a.w64")
                XCTAssertTrue(buffer == whole && notes.isEmpty, "\(buffer.frames) \(notes)")
            }
        }
    }
}
