import Formats
import Foundation
import Support
import TestSupport
import XCTest

final class EventFileTests: XCTestCase {
    func testRecordsAreExactlyThoseOfTheFormat() throws {
        try withTemporaryFolder { folder in
            let writer = try EventFileWriter(folder: folder)
            try writer.add([("loss", 1.5)], step: 3, wallTime: 2)
            try writer.flush()
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: writer.path)))
            // wall_time 2.0, step 3, summary {value {tag "loss", simple_value 1.5}}, with the checksums as
            // TensorBoard's own writer computes them.
            let event: [UInt8] =
                [0x09, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x10, 3, 0x2A, 13, 0x0A, 11, 0x0A, 4] + Array("loss".utf8)
                + [0x15, 0, 0, 0xC0, 0x3F]
            XCTAssertEqual(Array(bytes.suffix(event.count + 4).prefix(event.count)), event)
            XCTAssertEqual(Array(bytes.suffix(4)), [0x22, 0xBC, 0x95, 0x2A])
            XCTAssertEqual(
                Array(bytes.suffix(event.count + 16).prefix(12)), [26, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x9B, 0xD8, 0x2D])
            XCTAssertTrue((writer.path as NSString).lastPathComponent.hasPrefix("events.out.tfevents."))
            XCTAssertTrue(String(decoding: bytes.prefix(60), as: UTF8.self).contains("brain.Event:2"))
        }
    }

    func testOpeningAgainCutsATornRecordAndAppends() throws {
        try withTemporaryFolder { folder in
            var writer: EventFileWriter? = try EventFileWriter(folder: folder)
            let path = writer!.path
            for step in 1 ... 3 { try writer!.add([("loss", Double(step)), ("lr", 1e-4)], step: step) }
            writer = nil
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            try (whole + [5, 0, 0]).write(to: URL(fileURLWithPath: path))
            writer = try EventFileWriter(folder: folder)
            XCTAssertEqual(writer!.path, path)
            XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: path)), whole)
            try writer!.add([("loss", 4)], step: 4)
            XCTAssertEqual(try EventFileWriter.read(path).filter { $0.tag == "loss" }.map(\.step), [1, 2, 3, 4])
            // Resuming from a checkpoint of step 2 drops what came after it.
            writer = try EventFileWriter(folder: folder, resumingAfter: 2)
            try writer!.add([("loss", 30)], step: 3)
            XCTAssertEqual(try EventFileWriter.read(path).filter { $0.tag == "loss" }.map(\.value), [1, 2, 30])
            // A file that is torn at its very start begins anew.
            writer = nil
            try whole.prefix(10).write(to: URL(fileURLWithPath: path))
            writer = try EventFileWriter(folder: folder)
            try writer!.add([("x", 1)], step: 1)
            XCTAssertEqual(try EventFileWriter.read(path).map(\.tag), ["x"])
            assertThrows(.file) { try EventFileWriter(folder: folder + "/absent") }
        }
    }
}
