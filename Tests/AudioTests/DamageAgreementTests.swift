import Audio
import Foundation
import Support
import TestSupport
import XCTest

/// Random damage of every kind, in files that may lie behind each other: `info` gives the length that a whole read gives,
/// and has its notes.
final class DamageAgreementTests: XCTestCase {
    private var seed: UInt64 = 77

    private func random(_ n: Int) -> Int {
        seed = seed &* 6364136223846793005 &+ 1442695040888963407
        return Int(seed >> 33) % n
    }

    private func seeds() throws -> [(name: String, data: Data)] {
        var seeds = try ["pcm24_mono.flac", "pcm16_stereo.flac", "vorbis_mono.ogg", "vorbis_stereo.ogg"].map {
            ($0, try Data(contentsOf: URL(fileURLWithPath: Vectors.path("audio/" + $0))))
        }
        try withTemporaryFolder { folder in
            let tone = AudioBuffer(mono: (0 ..< 48000).map { 0.4 * sin(Float($0) * 0.05) }, sampleRate: 24000)
            for name in ["a.opus", "a.flac", "a.w64", "a.wav", "a.mp3", "a.rf64"] {
                try AudioFile.write(folder + "/" + name, tone)
                seeds.append((name, try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))))
            }
        }
        return seeds
    }

    private func damage(_ data: inout Data) {
        let place = random(data.count)
        switch random(5) {
        case 0: data.removeSubrange(place ..< min(data.count, place + 1 + random(500)))
        case 1: data.replaceSubrange(place ..< place, with: Data(count: random(5000)))
        case 2: for i in place ..< min(data.count, place + random(3000)) { data[i] = UInt8(random(256)) }
        case 3: data[random(min(200, data.count))] = UInt8(random(256))
        default: data[place] ^= UInt8(1 << random(8))
        }
        data = data.isEmpty ? Data([1]) : Data(data)
    }

    func testInfoAgreesWithAWholeRead() throws {
        let seeds = try seeds()
        var read = 0
        try withTemporaryFolder { folder in
            for round in 0 ..< 300 {
                var (name, data) = seeds[random(seeds.count)]
                if random(3) == 0 { data += seeds[random(seeds.count)].data }
                for _ in 0 ..< random(6) { damage(&data) }
                if random(4) == 0 { data = Data(data.prefix(1 + random(data.count))) }
                let path = folder + "/" + name
                try data.write(to: URL(fileURLWithPath: path))
                do {
                    let (info, notes) = try AudioFile.examine(path)
                    let (buffer, same, all) = try AudioFile.read(path, ReadOptions(mono: false))
                    XCTAssertEqual(info, same, "round \(round)")
                    XCTAssertEqual(info.frames, buffer.frames, "round \(round), \(name): \(all)")
                    XCTAssertTrue(notes.allSatisfy { all.contains($0) }, "round \(round), \(name): \(notes), \(all)")
                    read += 1
                } catch let error as OpahError {
                    XCTAssertEqual(error.kind, .audio, "\(error)")
                }
            }
        }
        XCTAssertGreaterThan(read, 100)
    }
}
