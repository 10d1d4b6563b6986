import Audio
import Foundation
import TestSupport
import XCTest

/// What is damaged in an Ogg file costs its own page: the rest of its link and all other links are read, and a note
/// tells the milliseconds.
final class DamagedOggTests: XCTestCase {
    private func seed() throws -> (data: Data, whole: AudioBuffer) {
        let path = Vectors.path("audio/vorbis_mono.ogg")
        return (try Data(contentsOf: URL(fileURLWithPath: path)), try AudioFile.read(path).0)
    }

    private func opus() throws -> (data: Data, whole: AudioBuffer) {
        try withTemporaryFolder { folder in
            let tone = AudioBuffer(
                mono: (0 ..< 96000).map { 0.4 * sin(Float($0) * (0.05 + Float($0) * 2e-6)) }, sampleRate: 24000)
            try AudioFile.write(folder + "/a.opus", tone)
            return (
                try Data(contentsOf: URL(fileURLWithPath: folder + "/a.opus")),
                try AudioFile.read(folder + "/a.opus").0
            )
        }
    }

    /// Offsets of the pages.
    private func pages(_ data: Data) -> [Int] {
        var offset = 0, found: [Int] = []
        while offset < data.count {
            found.append(offset)
            let segments = Int(data[offset + 26])
            offset += 27 + segments + data[(offset + 27) ..< (offset + 27 + segments)].reduce(0) { $0 + Int($1) }
        }
        return found
    }

    /// Whether a note tells that so many samples are lost.
    private func tells(_ notes: [String], _ lost: Int, rate: Int) -> Bool {
        notes.contains { $0.contains(" \(Int((1000 * Double(lost) / Double(rate)).rounded(.up))) ms of ") }
    }

    /// A page that was shortened swallows the start of the next link, by its own word.
    func testAShortenedPageLosesNoLink() throws {
        for (data, whole) in [try seed(), try opus()] {
            let pages = pages(data), rate = whole.sampleRate
            var chain = data + data + data
            chain.removeSubrange(pages[pages.count - 1] + 60 ..< pages[pages.count - 1] + 60 + 77)
            let (buffer, notes) = try readAgreeing(chain, "a.ogg")
            let lost = 3 * whole.frames - buffer.frames
            XCTAssertGreaterThan(lost, 0)
            XCTAssertLessThan(lost, rate * 11 / 10, "more than a page")
            XCTAssertTrue(
                buffer.channels[0].suffix(2 * whole.frames).elementsEqual(whole.channels[0] + whole.channels[0]))
            XCTAssertTrue(notes.contains { $0.contains("3 streams") } && tells(notes, lost, rate: rate), "\(notes)")
        }
    }

    /// Links that lost what they begin with, or all their sound.
    func testLinksThatCannotBeRead() throws {
        let (data, whole) = try seed(), pages = pages(data), rate = whole.sampleRate
        for place in [pages[0] + 40, pages[1] + 100] {
            var second = data
            second[place] ^= 1
            let (buffer, notes) = try readAgreeing(data + second + data, "a.ogg")
            XCTAssertTrue(buffer.channels[0] == whole.channels[0] + whole.channels[0], "\(place): \(buffer.frames)")
            XCTAssertTrue(tells(notes, whole.frames, rate: rate), "\(notes)")
            XCTAssertTrue(notes.contains { $0.contains("1 of 3 streams cannot be read") }, "\(notes)")
        }
        var empty = data
        for page in pages.dropFirst(2) { empty[page + 100] ^= 1 }
        let (buffer, notes) = try readAgreeing(data + empty + data, "a.ogg")
        XCTAssertTrue(buffer.channels[0] == whole.channels[0] + whole.channels[0], "\(buffer.frames)")
        XCTAssertTrue(tells(notes, whole.frames, rate: rate), "\(notes)")
        try withTemporaryFolder { folder in
            try (data + empty + empty).write(to: URL(fileURLWithPath: folder + "/a.ogg"))
            assertThrows(.audio, containing: "cannot be decoded") { try AudioFile.read(folder + "/a.ogg") }
            assertThrows(.audio, containing: "cannot be decoded") { try AudioFile.info(folder + "/a.ogg") }
        }
    }

    func testOneDamagedPage() throws {
        for (data, whole) in [try seed(), try opus()] {
            let pages = pages(data), rate = whole.sampleRate
            for page in pages[2 ..< pages.count] {
                var damaged = data
                damaged[page + 50] ^= 1
                let (buffer, notes) = try readAgreeing(damaged, "a.ogg")
                let lost = whole.frames - buffer.frames
                XCTAssertLessThan(lost, rate * 11 / 10, "page at \(page)")
                XCTAssertTrue(lost <= 0 || tells(notes, lost, rate: rate), "page at \(page): \(lost), \(notes)")
                // Far behind the damage all is as it was; a decoder of Opus counts a few samples otherwise.
                if page < pages[pages.count - 3] {
                    let expected = whole.channels[0][(whole.frames - 5000) ..< (whole.frames - 3000)]
                    let shift = (0 ..< 2000).map { $0 % 2 == 0 ? $0 / 2 : -($0 + 1) / 2 }.first { shift in
                        zip(expected, buffer.channels[0].dropFirst(buffer.frames - 5000 + shift))
                            .allSatisfy { abs($0 - $1) < 0.02 }
                    }
                    XCTAssertNotNil(shift, "page at \(page): \(lost)")
                }
                try withTemporaryFolder { folder in
                    try damaged.write(to: URL(fileURLWithPath: folder + "/a.ogg"))
                    let frame = buffer.frames * 2 / 3
                    let part = try AudioFile.read(
                        folder + "/a.ogg", ReadOptions(offset: Double(frame) / Double(rate))
                    ).0
                    XCTAssertTrue(part.channels[0].elementsEqual(buffer.channels[0][frame...]), "page at \(page)")
                }
            }
        }
    }

    func testTruncated() throws {
        let (data, whole) = try seed(), pages = pages(data)
        let (buffer, notes) = try readAgreeing(data.dropLast(500), "a.ogg")
        XCTAssertEqual(buffer.frames, 78720)   // by the page before
        XCTAssertTrue(tells(notes, whole.frames - 78720, rate: 22050), "\(notes)")
        // What is not even begun cannot be told in milliseconds.
        for end in [pages[8], pages[8] + 20] {
            let (buffer, notes) = try readAgreeing(data.prefix(end), "a.ogg")
            XCTAssertEqual(buffer.frames, 78720)
            XCTAssertTrue(notes.contains { $0.contains("no page that ends it") }, "\(notes)")
        }
    }

    /// Pages that begin everywhere, each of the longest length.
    func testMadeUpPagesTakeNoLongTime() throws {
        let (data, whole) = try seed(), now = ContinuousClock.now
        let header = data.prefix(26) + Data([255]) + Data(repeating: 255, count: 255)
        let made = Data((0 ..< 10_000).flatMap { _ in header })
        XCTAssertTrue(try readAgreeing(data + made, "a.ogg").buffer == whole)
        XCTAssertLessThan(ContinuousClock.now - now, .seconds(10))
    }
}
