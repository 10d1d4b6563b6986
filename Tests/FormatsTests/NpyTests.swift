import Formats
import Foundation
import Support
import Tensors
import TestSupport
import XCTest

final class NpyTests: XCTestCase {
    func testEveryVariantHasItsValuesShapeAndType() throws {
        let expected = try XCTUnwrap(try Vectors.json("dataset/npy_variants/expected.json") as? [String: [String: Any]])
        XCTAssertEqual(expected.count, 23)
        for (name, entry) in expected {
            let (tensor, header) = try Npy.read(Vectors.path("dataset/npy_variants/\(name)"))
            XCTAssertEqual(Array(tensor.shape), entry["shape"] as? [Int], name)
            XCTAssertEqual(header.shape, entry["shape"] as? [Int], name)
            XCTAssertEqual(header.isFortranOrder, entry["fortran_order"] as? Bool, name)
            XCTAssertEqual(header.isBigEndian, (entry["byteorder"] as? String)?.hasPrefix(">"), name)
            let type = try XCTUnwrap(entry["dtype"] as? String)
            XCTAssertEqual(
                header.originalType,
                type.replacingOccurrences(of: ">i2", with: "int16")
                    .replacingOccurrences(of: ">i8", with: "int64"), name)
            XCTAssertTrue(tensor.count == 0 || tensor.isContiguous, name)
            XCTAssertEqual(doubles(tensor), flatten(entry["values"]!), name)
        }
    }

    func testWideningKeepsWhatFitsAndRefusesWhatDoesNot() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/u8.npy"
            try write(
                path, "{'descr': '<u8', 'fortran_order': False, 'shape': (2,), }", [UInt64(Int64.max), 7].flatMap(bytes)
            )
            XCTAssertEqual(try integers(path), [.max, 7])
            try write(
                path, "{'descr': '<u8', 'fortran_order': False, 'shape': (2,), }", [UInt64(1) << 63, 7].flatMap(bytes))
            assertThrows(.dtype, containing: "9223372036854775808 does not fit int64") { try Npy.load(path) }
            try write(path, "{'descr': '>u2', 'fortran_order': False, 'shape': (1,)}", [0xFF, 0xFE])
            XCTAssertEqual(doubles(try Npy.load(path)), [0xFFFE])
            try write(path, "{'shape': (1L, 2L), 'fortran_order': True, 'descr': \"|b1\"}\n", [5, 0])
            XCTAssertEqual(doubles(try Npy.load(path)), [1, 0])
        }
    }

    func testHeadersThatLieAreRefusedWithoutAllocating() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/x.npy"
            func header(_ descr: String, _ shape: String) -> String {
                "{'descr': \(descr), 'fortran_order': False, 'shape': \(shape), }"
            }
            Memory.resetPeak()
            let before = Memory.live
            let cases: [(String, OpahError.Kind, String)] = [
                (header("'<i8'", "(8, 1000000000000)"), .format, "promises 64000000000000 bytes"),
                (header("'<i8'", "(4611686018427387904, 4)"), .format, "impossible shape"),
                (header("'<i8'", "(-1, -2)"), .format, "impossible shape"),
                (header("'<i8'", "(1,)"), .format, "and the file has 16"),
                (header("'<i8'", "(3,)"), .format, "and the file has 16"),
                (header("'|O'", "(2,)"), .unsafe, "Python objects"),
                (header("'<c16'", "(1,)"), .dtype, "<c16"),
                (header("[('a', '<i8'), ('b', '<i8')]", "(1,)"), .dtype, "structured"),
                (header("'<i1'", "(1,1,1,1,1,1,1,1,16)"), .shape, "rank 9"),
                ("{'descr': '<i8', 'fortran_order': False}", .format, "exactly"),
                ("{'descr': '<i8', 'fortran_order': 1, 'shape': (2,)}", .format, "damaged"),
                ("{'descr': '<i8', 'fortran_order': False, 'shape': (2,)", .format, "damaged"),
                ("", .format, "damaged")
            ]
            for (text, kind, message) in cases {
                try write(path, text, [UInt8](repeating: 1, count: 16))
                assertThrows(kind, containing: message) { try Npy.load(path) }
            }
            try Data("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n".utf8).write(
                to: URL(fileURLWithPath: path))
            assertThrows(.format, containing: "a file of 12345 bytes") { try Npy.load(path) }
            try Data("\n<!DOCTYPE html><p>".utf8).write(to: URL(fileURLWithPath: path))
            assertThrows(.format, containing: "HTML page") { try Npy.load(path) }
            try Data().write(to: URL(fileURLWithPath: path))
            assertThrows(.format, containing: "empty (0 bytes)") { try Npy.load(path) }
            assertThrows(.file, containing: "No such file") { try Npy.load(folder + "/absent.npy") }
            XCTAssertLessThan(Memory.peak - before, 1024)
        }
    }

    func testWritingGivesBackTheBytesOfNumPy() throws {
        try withTemporaryFolder { folder in
            for name in [
                "bool", "float32", "float64", "int16", "int32", "int64", "int64_0d", "int64_1d", "int64_3d",
                "int64_empty",
                "int64_one_column", "int8", "uint8"
            ] {
                let original = Vectors.path("dataset/npy_variants/\(name).npy")
                try Npy.save(try Npy.load(original), to: folder + "/out.npy")
                XCTAssertEqual(
                    try Data(contentsOf: URL(fileURLWithPath: folder + "/out.npy")),
                    try Data(contentsOf: URL(fileURLWithPath: original)), name)
            }
            // A Fortran-order file comes out in C order, equal to the C-order file of the same values.
            try Npy.save(try Npy.load(Vectors.path("dataset/npy_variants/int64_fortran.npy")), to: folder + "/out.npy")
            XCTAssertEqual(
                try Data(contentsOf: URL(fileURLWithPath: folder + "/out.npy")),
                try Data(contentsOf: URL(fileURLWithPath: Vectors.path("dataset/npy_variants/int64.npy"))))
        }
    }

    func testWritingAViewGathersItsElements() throws {
        try withTemporaryFolder { folder in
            let base = try Tensor(integers: Array(0 ..< 12), [3, 4], .int32)
            let transposed = Tensor(storage: base.storage, offset: 1, shape: [3, 3], strides: [1, 4], dtype: .int32)
            try Npy.save(transposed, to: folder + "/t.npy")
            XCTAssertEqual(doubles(try Npy.load(folder + "/t.npy")), [1, 5, 9, 2, 6, 10, 3, 7, 11])
            assertThrows(.dtype, containing: "bfloat16") {
                try Npy.save(try Tensor(zeros: [2], .bfloat16), to: folder + "/b.npy")
            }
            XCTAssertFalse(FileManager.default.fileExists(atPath: folder + "/b.npy"))
        }
    }

    func testNpzHoldsItsArraysInOrder() throws {
        let arrays = try Npz.read(Vectors.path("dualar/dual_bf16/forward.npz"))
        XCTAssertEqual(arrays.prefix(3).map(\.name), ["inputs", "attention_masks", "labels"])
        let loaded = try Vectors.npz("dualar/dual_bf16/forward.npz")
        XCTAssertEqual(loaded.count, arrays.count)
        XCTAssertEqual(loaded["token_logits"]?.shape, [3, 32, 304])
        XCTAssertEqual(loaded["freqs_cis"]?.dtype, .bfloat16)
        XCTAssertEqual(doubles(try XCTUnwrap(loaded["base_loss"]))[0], 1.408103, accuracy: 1e-6)
    }

    private func write(_ path: String, _ header: String, _ data: [UInt8]) throws {
        let length = [UInt8(header.utf8.count & 255), UInt8(header.utf8.count >> 8)]
        try Data([0x93] + Array("NUMPY".utf8) + [1, 0] + length + Array(header.utf8) + data).write(
            to: URL(fileURLWithPath: path))
    }

    private func integers(_ path: String) throws -> [Int64] {
        let tensor = try Npy.load(path)
        return withExtendedLifetime(tensor) { (0 ..< tensor.count).map { tensor.pointer(Int64.self)[$0] } }
    }

    private func bytes(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

    private func flatten(_ value: Any) -> [Double] {
        if let list = value as? [Any] { return list.flatMap(flatten) }
        return [(value as! NSNumber).doubleValue]
    }
}
