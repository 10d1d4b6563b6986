import Foundation
import FuzzReaders
import XCTest

/// What `scripts/fuzz` found interesting, and a few changes of good files, read in seconds. A trap ends the tests here.
final class ReplayTests: XCTestCase {
    private static let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fuzz/Corpus").path

    /// An input may take as long in a fuzzing run.
    private static let limit = 5.0

    func testInterestingInputs() throws {
        var count = 0
        for reader in FuzzReader.all {
            for input in try inputs(reader.name) {
                try read(reader, input.bytes, input.name)
                count += 1
            }
        }
        XCTAssertGreaterThan(count, FuzzReader.all.count * 5, "the folder of inputs is nearly empty")
    }

    func testEveryFolderOfInputsHasItsReader() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: Self.corpus) {
            XCTAssertNotNil(FuzzReader.named(name), "no reader is called \(name)")
        }
    }

    func testGoodFilesAreAccepted() throws {
        for reader in FuzzReader.all {
            let seeds = try reader.seeds()
            XCTAssertTrue(
                seeds.contains { reader.read($0) }, "\(reader.name): none of its \(seeds.count) seeds is read")
        }
    }

    /// The same changes each time; `scripts/fuzz` is the thorough one.
    func testChangedFiles() throws {
        for (place, reader) in FuzzReader.all.enumerated() {
            let seeds = try reader.seeds()
            let words = reader.dictionary.map { Array($0.utf8) }
            var mutation = Mutation(seed: UInt64(place + 1), seeds: seeds, words: words)
            let end = Date().addingTimeInterval(2)
            for round in 0 ..< 200 where Date() < end { try read(reader, mutation.next(), "change \(round)") }
        }
    }

    private func read(_ reader: FuzzReader, _ bytes: [UInt8], _ what: String) throws {
        let began = Date()
        reader.read(bytes)
        XCTAssertLessThan(-began.timeIntervalSinceNow, Self.limit, "\(reader.name): \(what) takes long")
    }

    private func inputs(_ name: String) throws -> [(name: String, bytes: [UInt8])] {
        let folder = Self.corpus + "/" + name
        guard FileManager.default.fileExists(atPath: folder) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map {
            ($0, [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/" + $0))))
        }
    }
}

/// Good files, damaged: bits flipped, numbers made extreme, pieces cut, doubled, exchanged, words put in.
private struct Mutation {
    let seeds: [[UInt8]], words: [[UInt8]]
    private var state: UInt64

    init(seed: UInt64, seeds: [[UInt8]], words: [[UInt8]]) {
        (self.state, self.seeds, self.words) = (seed, seeds, words)
    }

    private mutating func random(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % max(1, bound)
    }

    mutating func next() -> [UInt8] {
        var bytes = seeds[random(seeds.count)]
        for _ in 0 ... random(4) { change(&bytes) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return bytes.append(UInt8(random(256))) }
        // Headers and directories are at the ends: half of the places are near one.
        let near = min(bytes.count, 500)
        let place = [random(near), bytes.count - 1 - random(near), random(bytes.count), random(bytes.count)][random(4)]
        let end = min(bytes.count, place + 1 + random(64))
        switch random(7) {
        case 0: bytes.removeSubrange(place...)
        case 1: bytes[place] ^= 1 << UInt8(random(8))
        case 2:
            let value = [0, 1, -1, 127, 255, 256, 32767, 65535, 1 << 31, 1 << 32, .max, .min][random(12)]
            for byte in 0 ..< [1, 2, 4, 8][random(4)] where place + byte < bytes.count {
                bytes[place + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte))
            }
        case 3: bytes.removeSubrange(place ..< end)
        case 4: bytes.insert(contentsOf: bytes[place ..< end], at: place)
        case 5:
            let other = seeds[random(seeds.count)]
            bytes.replaceSubrange(place..., with: other[min(other.count, place)...])
        default: if !words.isEmpty { bytes.insert(contentsOf: words[random(words.count)], at: place) }
        }
    }
}
