import Audio
import Foundation
import FuzzReaders
import TestSupport
import XCTest

/// Vorbis streams whose pages are whole and whose headers are not what an encoder writes.
final class VorbisHeaderTests: XCTestCase {
    private func with<R>(_ bytes: [UInt8], _ body: (String) throws -> R) throws -> R {
        try withTemporaryFolder { folder in
            try Data(bytes).write(to: URL(fileURLWithPath: folder + "/a.ogg"))
            return try body(folder + "/a.ogg")
        }
    }

    /// Less than 3 kB, with 1.7 thousand million entries: libvorbis takes a byte and more for each.
    func testCodebooksAreNotUnfolded() throws {
        try with(OggPages.unfolding(codebooks: 200)) { path in
            let began = Date()
            assertThrows(.audio, containing: "codebooks of its Vorbis stream have 8388607 values or more") {
                try AudioFile.info(path)
            }
            XCTAssertLessThan(-began.timeIntervalSinceNow, 0.5)
        }
    }

    /// Bits of the three headers, flipped one at a time behind right checksums: what cannot be read leaves no memory.
    func testWrongHeadersLeaveNoMemory() throws {
        let path = Vectors.path("audio/vorbis_stereo.ogg"), whole = try Data(contentsOf: URL(fileURLWithPath: path))
        let setup = try XCTUnwrap(whole.range(of: Data("\u{5}vorbis".utf8))).lowerBound
        var refused = 0
        func memory(afterReading places: some Sequence<Int>) throws -> Int {
            for place in places {
                var bytes = [UInt8](whole)
                bytes[place] ^= 1
                try with(OggPages.mended(bytes)) { path in
                    do { _ = try AudioFile.info(path) } catch { refused += 1 }
                }
            }
            return try residentBytes()
        }
        let before = try memory(afterReading: setup ..< setup + 40)
        refused = 0
        let after = try memory(afterReading: stride(from: setup, to: setup + 3600, by: 4))
        XCTAssertGreaterThan(refused, 500, "too few for the bound")
        XCTAssertLessThan(after - before, 2_000_000, "\(refused) were refused")
    }
}
