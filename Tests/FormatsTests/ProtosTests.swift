import Formats
import Foundation
import Support
import Tensors
import TestSupport
import XCTest

final class ProtosTests: XCTestCase {
    func testReferencePacksHaveTheirGroups() throws {
        for name in ["protos_lab", "protos_lab_txt", "protos_filelist"] {
            let expected = try XCTUnwrap(try Vectors.json("dataset/\(name).json") as? [[String: Any]])
            let reader = try ProtosReader(Vectors.path("dataset/\(name)/00000000.protos"))
            for fact in expected {
                let group = try XCTUnwrap(try reader.next())
                XCTAssertEqual(group.source, fact["source"] as? String)
                XCTAssertEqual(group.name, fact["name"] as? String)
                let sentences = try XCTUnwrap(fact["sentences"] as? [[String: Any]])
                XCTAssertEqual(group.sentences.count, sentences.count)
                for (sentence, fact) in zip(group.sentences, sentences) {
                    XCTAssertEqual(sentence.texts, fact["texts"] as? [String])
                    XCTAssertEqual(sentence.codes.map { $0.map(Int.init) }, fact["semantics"] as? [[Int]])
                }
            }
            XCTAssertNil(try reader.next())
            XCTAssertEqual(reader.groupsRead, expected.count)
        }
    }

    func testWritingGivesBackTheBytesOfTheReference() throws {
        try withTemporaryFolder { folder in
            for name in ["protos_lab", "protos_lab_txt", "protos_filelist"] {
                let path = Vectors.path("dataset/\(name)/00000000.protos")
                let writer = try ProtosWriter(folder: folder)
                for group in try ProtosReader(path).rest() { try writer.add(group) }
                let summary = try writer.finish()
                XCTAssertEqual(summary.shards, [folder + "/00000000.protos"])
                let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
                XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: summary.shards[0])), bytes)
                XCTAssertEqual(summary.bytes, bytes.count)
            }
        }
    }

    func testShardsEndAfterTheGroupThatExceedsTheSize() throws {
        try withTemporaryFolder { folder in
            let groups = (0 ..< 7).map {
                PackedGroup(
                    source: "folder", name: "s\($0)",
                    sentences: [
                        PackedSentence(texts: [String(repeating: "x", count: 1000)], codes: [[UInt32($0)]])
                    ])
            }
            let writer = try ProtosWriter(folder: folder, shardSize: 2000.0 / 1_048_576)
            for group in groups { try writer.add(group) }
            let summary = try writer.finish()
            XCTAssertEqual(
                summary.shards.map { ($0 as NSString).lastPathComponent },
                ["00000000.protos", "00000001.protos", "00000002.protos", "00000003.protos"])
            XCTAssertEqual(summary.groups, 7)
            XCTAssertEqual(try summary.shards.map { try ProtosReader($0).rest().count }, [2, 2, 2, 1])
            XCTAssertEqual(try summary.shards.flatMap { try ProtosReader($0).rest() }, groups)
            // A shorter pack into the same folder names what the longer one left.
            let second = try ProtosWriter(folder: folder, shardSize: 2000.0 / 1_048_576)
            for group in groups.prefix(3) { try second.add(group) }
            XCTAssertEqual(try second.finish().stale, [folder + "/00000002.protos", folder + "/00000003.protos"])
            let none = try ProtosWriter(folder: folder).finish()
            XCTAssertEqual(none.shards, [])
            assertThrows(.argument) { try ProtosWriter(folder: folder, shardSize: 0) }
        }
    }

    func testDamageIsNamedWithItsPlace() throws {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: Vectors.path("dataset/protos_lab/00000000.protos")))
        let first = 4 + Int(bytes[0]) + Int(bytes[1]) << 8
        try withTemporaryFolder { folder in
            func refused(_ bytes: Data, _ message: String) throws {
                let path = folder + "/\(UUID().uuidString).protos"
                try bytes.write(to: URL(fileURLWithPath: path))
                assertThrows(.format, containing: message) { try ProtosReader(path).rest() }
            }
            try refused(Data(), "empty")
            try refused(bytes + [1, 2, 3], "3 trailing bytes")
            try refused(
                bytes.prefix(first + 2), "at byte \(first) of \(first + 2), after 1 whole group: 2 trailing bytes")
            try refused(bytes.prefix(bytes.count - 1), "are left")
            try refused(bytes + [255, 255, 255, 127], "claims 2147483647 bytes, and 0 are left")
            try refused(Data([0, 0, 0, 0]), "another layout")
            // Field 3, which TextData does not have; then a `name` that is a number.
            try refused(Data([2, 0, 0, 0, 0x18, 1]), "another layout")
            try refused(Data([2, 0, 0, 0, 0x10, 1]), "another layout")
            try refused(Data([3, 0, 0, 0, 0x0A, 1, 0xFF]), "no TextData message")
            try refused(Data("<!DOCTYPE html><html></html>".utf8), "HTML page")
        }
    }

    func testCodesAndTensors() throws {
        let codes = try Tensor(integers: [1, 2, 3, 4, 5, 6], [2, 3], .int64)
        let sentence = try PackedSentence(texts: ["a"], codes: codes)
        XCTAssertEqual(sentence.codes, [[1, 2, 3], [4, 5, 6]])
        let back = try sentence.codesTensor()
        XCTAssertEqual(back.shape, [2, 3])
        XCTAssertEqual(doubles(back), [1, 2, 3, 4, 5, 6])
        assertThrows(.data, containing: "different lengths") {
            try PackedSentence(texts: [], codes: [[1], [1, 2]]).codesTensor()
        }
        assertThrows(.data, containing: "-1 is out of range") {
            try PackedSentence(texts: [], codes: try Tensor(integers: [-1], [1, 1], .int32))
        }
        assertThrows(.data, containing: "float32") { try PackedSentence(texts: [], codes: try Tensor(zeros: [1, 1])) }
    }
}
