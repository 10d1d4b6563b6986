import Formats
import Foundation
import Support
import TestSupport
import XCTest

final class ZipTests: XCTestCase {
    func testWrittenArchivesAreReadBackAligned() throws {
        try withTemporaryFolder { folder in
            for zip64 in [false, true] {
                let path = folder + "/a\(zip64).zip"
                let zip = try ZipWriter(path, zip64: zip64)
                try zip.add("first", Array("hello".utf8))
                try zip.add("ü/empty", [])
                try zip.add("large", size: 300_000) { write in
                    for i in 0 ..< 3 {
                        try [UInt8](repeating: UInt8(i), count: 100_000).withUnsafeBytes { try write($0) }
                    }
                }
                XCTAssertFalse(FileManager.default.fileExists(atPath: path))
                try zip.finish()
                let archive = try ZipArchive(path)
                XCTAssertEqual(archive.entries.map(\.name), ["first", "ü/empty", "large"])
                for entry in archive.entries {
                    XCTAssertEqual(try archive.range(of: entry).lowerBound % 64, 0)
                    XCTAssertNoThrow(try archive.verify(entry))
                }
                XCTAssertEqual(
                    try archive.withBytes(of: archive.entries[0]) { String(decoding: $0, as: UTF8.self) }, "hello")
                XCTAssertEqual(try archive.mapped(archive.entries[2])[299_999], 2)
            }
            let zip = try ZipWriter(folder + "/b.zip")
            assertThrows(.argument, containing: "has 1 bytes, 2 were announced") {
                try zip.add("short", size: 2) { write in try [UInt8(1)].withUnsafeBytes { try write($0) } }
            }
        }
    }

    func testDeflatedEntriesAreUnpackedAndChecked() throws {
        // "abc" * 100, deflated (raw), in a zip by hand: local header, data, directory, end.
        let packed: [UInt8] = [0x4B, 0x4C, 0x4A, 0x4E, 0x1C, 0x45, 0xC4, 0x21, 0x00]
        let crc: UInt32 = 0xD0C4_B884
        func zip(size: UInt32, crc: UInt32) -> Data {
            func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
                withUnsafeBytes(of: value.littleEndian) { Array($0) }
            }
            let common =
                bytes(UInt16(20)) + bytes(UInt16(0)) + bytes(UInt16(8)) + bytes(UInt32(0)) + bytes(crc)
                + bytes(UInt32(packed.count)) + bytes(size) + bytes(UInt16(1)) + bytes(UInt16(0))
            let local = [0x50, 0x4B, 3, 4] + common + [0x78] + packed
            let central = [0x50, 0x4B, 1, 2, 20, 0] + common + [UInt8](repeating: 0, count: 14) + [0x78]
            return Data(
                local + central + [0x50, 0x4B, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0] + bytes(UInt32(central.count))
                    + bytes(UInt32(local.count)) + [0, 0])
        }
        try withTemporaryFolder { folder in
            let path = folder + "/d.zip"
            try zip(size: 300, crc: crc).write(to: URL(fileURLWithPath: path))
            let archive = try ZipArchive(path)
            XCTAssertEqual(
                try archive.withBytes(of: archive.entries[0]) { String(decoding: $0, as: UTF8.self) },
                String(repeating: "abc", count: 100))
            for (size, sum, message) in [
                (300, crc + 1, "do not fit their checksum"), (299, crc, "holds more than"),
                (301, crc, "holds 300 bytes and claims 301"), (4_000_000_000, crc, "cannot hold")
            ] as [(UInt32, UInt32, String)] {
                let path = folder + "/\(size)-\(sum).zip"
                try zip(size: size, crc: sum).write(to: URL(fileURLWithPath: path))
                let archive = try ZipArchive(path)
                assertThrows(.format, containing: message) { try archive.verify(archive.entries[0]) }
            }
        }
    }
}
