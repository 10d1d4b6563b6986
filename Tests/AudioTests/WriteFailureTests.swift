import Audio
import Foundation
import Support
import TestSupport
import XCTest

/// Whichever write fails, no file appears under its final name, and the error says why.
final class WriteFailureTests: XCTestCase {
    private let buffer = AudioBuffer(mono: (0 ..< 40_000).map { 0.4 * sin(Float($0) * 0.05) }, sampleRate: 48000)

    /// How many writes there were; the write of number `failing` (from 0) fails.
    private func write(_ path: String, failing: Int, short: Bool = false) throws -> Int {
        nonisolated(unsafe) var count = 0
        let writer = try AudioWriter(path, sampleRate: 48000, channels: 1, frames: buffer.frames, subtype: nil) {
            descriptor, bytes, size, offset in
            defer { count += 1 }
            guard count == failing else { return pwrite(descriptor, bytes, size, offset) }
            errno = short ? 0 : ENOSPC
            return short ? 0 : -1
        }
        for start in stride(from: 0, to: buffer.frames, by: 9000) {
            try writer.append(buffer.cut(start ..< start + 9000))
        }
        _ = try writer.finish()
        return count
    }

    func testEveryWriteCounts() throws {
        try withTemporaryFolder { folder in
            for suffix in ["wav", "flac", "ogg", "opus", "mp3", "aiff", "w64", "caf"] {
                let path = folder + "/a." + suffix
                let count = try write(path, failing: .max)
                XCTAssertGreaterThan(count, 1, suffix)
                XCTAssertGreaterThanOrEqual(try AudioFile.info(path).frames, buffer.frames, suffix)
                unlink(path)
                for number in 0 ..< count {
                    assertThrows(.file, containing: "No space left") { try self.write(path, failing: number) }
                    XCTAssertEqual(
                        try FileManager.default.contentsOfDirectory(atPath: folder), [], "\(suffix), write \(number)")
                }
                assertThrows(.file) { try self.write(path, failing: count - 1, short: true) }
                XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), [], suffix)
            }
        }
    }

    /// The system's own limit, at every size up to the whole file's.
    func testFileSizeLimit() throws {
        var before = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &before)
        let handler = signal(SIGXFSZ, SIG_IGN)
        defer {
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &before)
            signal(SIGXFSZ, handler)
        }
        try withTemporaryFolder { folder in
            for suffix in ["mp3", "ogg", "wav"] {
                let path = folder + "/a." + suffix
                try AudioFile.write(path, buffer)
                let whole = try Data(contentsOf: URL(fileURLWithPath: path))
                unlink(path)
                for limit in stride(from: 0, to: whole.count, by: whole.count / 9 + 1) {
                    var small = rlimit(rlim_cur: rlim_t(limit), rlim_max: before.rlim_max)
                    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &small)
                    assertThrows(.file, containing: "too large") { try AudioFile.write(path, self.buffer) }
                    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &before)
                    XCTAssertEqual(
                        try FileManager.default.contentsOfDirectory(atPath: folder), [], "\(suffix), \(limit) bytes")
                }
            }
        }
    }

    /// Paths beyond the 1024 bytes that libsndfile keeps, and beyond what the system takes.
    func testLongPaths() throws {
        try withTemporaryFolder { folder in
            var deep = folder
            for _ in 0 ..< 8 {
                deep += "/" + String(repeating: "d", count: 200)
                XCTAssertEqual(mkdir(deep, 0o755), 0)
            }
            for suffix in ["wav", "flac", "ogg", "mp3"] {
                try AudioFile.write("\(deep)/x.\(suffix)", buffer)
                XCTAssertEqual(try AudioFile.read("\(deep)/x.\(suffix)").0.frames, buffer.frames)
            }
            let name = folder + "/" + String(repeating: "n", count: 300) + ".wav"
            XCTAssertTrue(
                assertThrows(.file, containing: "too long") { try AudioFile.info(name) }?.hint?.contains(
                    "255 for each name") ?? false)
        }
    }

    /// A name that says another container: written in what that can hold, and told where it holds less.
    func testFittedToTheName() throws {
        func source(_ subtype: String) -> AudioInfo {
            AudioInfo(sampleRate: 44100, channels: 1, frames: 1, format: "WAV", subtype: subtype)
        }
        let at44 = AudioBuffer(channels: [buffer.channels[0]], sampleRate: 44100)
        try withTemporaryFolder { folder in
            for (suffix, subtype, stored, rate, notes) in [
                ("wav", "FLOAT", "FLOAT", 44100, 0), ("flac", "FLOAT", "PCM_24", 44100, 1),
                ("flac", "PCM_16", "PCM_16", 44100, 0),
                ("mp3", "PCM_16", "MPEG_LAYER_III", 44100, 0), ("ogg", "DOUBLE", "VORBIS", 44100, 0),
                ("opus", "PCM_24", "OPUS", 48000, 1),
                ("mpga", "VORBIS", "MPEG_LAYER_III", 44100, 0), ("wav", "MPEG_LAYER_III", "PCM_16", 44100, 0),
                ("opus", "MPEG_LAYER_III", "OPUS", 48000, 1)
            ] {
                let told = try AudioFile.write(folder + "/a." + suffix, at44, like: source(subtype))
                XCTAssertEqual(told.count, notes, "\(suffix) \(subtype): \(told)")
                let info = try AudioFile.info(folder + "/a." + suffix)
                XCTAssertEqual([info.subtype, "\(info.sampleRate)"], [stored, "\(rate)"], "\(suffix) \(subtype)")
            }
            let six = AudioBuffer(channels: Array(repeating: at44.channels[0], count: 6), sampleRate: 96000)
            XCTAssertEqual(try AudioFile.write(folder + "/b.mp3", six, like: source("PCM_16")).count, 2)
            XCTAssertEqual(try AudioFile.info(folder + "/b.mp3").channels, 1)
            XCTAssertEqual(try AudioFile.info(folder + "/b.mp3").sampleRate, 48000)
            XCTAssertTrue(AudioFile.isWritableName("x.MPGA"))
            for name in ["x.mp2", "x.m4a", "x.webm", "x"] { XCTAssertFalse(AudioFile.isWritableName(name), name) }
        }
    }
}
