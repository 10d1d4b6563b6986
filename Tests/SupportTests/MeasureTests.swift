import Foundation
import Support
import XCTest

/// Bytes, durations and room on disks: how they are asked for and put into words.
final class MeasureTests: XCTestCase {
    func testBytesInWords() {
        for (bytes, text) in [
            (0, "0 B"), (12, "12 B"), (999, "999 B"), (1000, "1 kB"), (40_000, "40 kB"), (39_140, "39.1 kB"),
            (999_499, "999 kB"), (999_500, "1 MB"),
            (1_500_000, "1.5 MB"), (284_300_000, "284 MB"), (3_058_000_000, "3.06 GB"), (9_999_000_000, "10 GB"),
            (2_000_000_000_000, "2 TB"), (5_200_000_000_000_000, "5200 TB"), (-1500, "-1.5 kB")
        ] {
            XCTAssertEqual(ByteCount.text(bytes), text)
        }
        XCTAssertEqual(ByteCount.text(1_234.56), "1.23 kB")
        // What is written can be read, to the three digits that are shown.
        for bytes in stride(from: 1000, through: 900_000_000, by: 12_345_678) {
            XCTAssertEqual(Double(ByteCount.parse(ByteCount.text(bytes))!) / Double(bytes), 1, accuracy: 0.005)
        }
    }

    func testBytesAsTyped() {
        XCTAssertEqual(ByteCount.parse("4GB"), 4_000_000_000)
        XCTAssertEqual(ByteCount.parse("0.5 gib"), 1 << 29)
        XCTAssertEqual(ByteCount.parse("12"), 12)
        for wrong in ["", "GB", "-1", "1e30", "4 elephants", "nan"] { XCTAssertNil(ByteCount.parse(wrong), wrong) }
    }

    func testLimitsFromTheEnvironment() throws {
        let name = "OPAH_TEST_LIMIT"
        XCTAssertNil(try ByteCount.limit(name))
        setenv(name, "2MB", 1)
        defer { unsetenv(name) }
        XCTAssertEqual(try ByteCount.limit(name), 2_000_000)
        setenv(name, "lots", 1)
        XCTAssertThrowsError(try ByteCount.limit(name)) { XCTAssertEqual(($0 as? OpahError)?.kind, .argument) }
    }

    func testDurationsInWords() {
        for (seconds, text) in [
            (0, "0 s"), (4.9e-7, "490 ns"), (1.5e-6, "1.5 µs"), (0.0123, "12.3 ms"), (0.9999, "1 s"), (8.34, "8.34 s"),
            (12.345, "12.3 s"), (59.96, "1 min"), (60, "1 min"),
            (200, "3 min 20 s"), (3599.6, "1 h"), (18_600, "5 h 10 min"), (86_400 * 3.25, "3 d 6 h"),
            (-200, "-3 min 20 s"), (1e-12, "0 ns")
        ] as [(Double, String)] {
            XCTAssertEqual(DurationText.words(seconds), text)
        }
        XCTAssertEqual(DurationText.words(12.345, digits: 2), "12 s")
        XCTAssertEqual(DurationText.words(.infinity), "forever")
        XCTAssertEqual(DurationText.words(.nan), "an unknown time")
        for (seconds, text) in [
            (-3.0, "0 s"), (4.4, "4 s"), (59.6, "1:00"), (185, "3:05"), (7389, "2:03:09"), (.infinity, "?")
        ] { XCTAssertEqual(DurationText.clock(seconds), text) }
    }

    func testSignificantDigits() {
        for (value, digits, text) in [
            (1.5012, 3, "1.5"), (0.01234, 3, "0.01"), (123.4, 2, "123"), (9.996, 3, "10"), (-0.5, 3, "-0.5"),
            (0.999, 1, "1")
        ] {
            XCTAssertEqual(DecimalText.significant(value, digits), text)
        }
    }

    func testRoomOnADisk() throws {
        let folder = NSTemporaryDirectory() + "opah-space-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder + "/a", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let free = try DiskSpace.free(at: folder)
        XCTAssertGreaterThan(free, 0)
        // Of a folder that is not there yet, that of the one above it: other programs write meanwhile.
        XCTAssertEqual(Double(try DiskSpace.free(at: folder + "/x/y/z")), Double(free), accuracy: 1e9)
        XCTAssertNoThrow(try DiskSpace.require(1, at: folder))
        XCTAssertThrowsError(try DiskSpace.require(1 << 60, at: folder)) { error in
            XCTAssertTrue("\(error)".contains(folder) && "\(error)".contains("are needed"), "\(error)")
        }
        let before = DiskSpace.taken(by: folder)
        try Data(count: 3_000_000).write(to: URL(fileURLWithPath: folder + "/a/file"))
        try FileManager.default.createSymbolicLink(atPath: folder + "/a/link", withDestinationPath: "/usr")
        let taken = DiskSpace.taken(by: folder) - before
        XCTAssertTrue((2_990_000 ... 3_200_000).contains(taken), "\(taken)")
        XCTAssertEqual(DiskSpace.taken(by: folder + "/nothing"), 0)
    }
}
