import Formats
import Foundation
import Support
import Tensors
import TestSupport
import XCTest

/// Files that were damaged, or made to do harm: every loader must throw or succeed, within bounds.
final class HostileFileTests: XCTestCase {
    func testMaliciousFilesAreRefused() throws {
        let expected = try XCTUnwrap(try Vectors.json("ckpt/malicious/expected.json") as? [String: Any])
        let rules = try XCTUnwrap(expected["must_refuse"] as? [String: Bool])
        XCTAssertEqual(rules.count, 13)
        let kinds: [String: OpahError.Kind] = ["os_system_zip.pth": .unsafe, "os_system_plain.pth": .unsafe, "builtins_eval_zip.pth": .unsafe,
                                               "builtins_eval_plain.pth": .unsafe, "deep_nesting_zip.pth": .unsafe, "shared_list_dag_zip.pth": .unsafe]
        Memory.resetPeak()
        let before = Memory.live
        for name in rules.keys { assertThrows(kinds[name] ?? .format) { try Checkpoint.load(Vectors.path("ckpt/malicious/\(name)")) } }
        XCTAssertLessThan(Memory.peak - before, 1 << 16)
        assertThrows(.unsafe, containing: "posix.system") { try Checkpoint.load(Vectors.path("ckpt/malicious/os_system_zip.pth")) }
        assertThrows(.unsafe, containing: "builtins.eval") { try Checkpoint.load(Vectors.path("ckpt/malicious/builtins_eval_plain.pth")) }
    }

    func testPicklesThatMultiplyThemselvesAreRefused() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/bomb.pth"
            func load(_ pickle: [UInt8]) throws -> CheckpointValue {
                let zip = try ZipWriter(path)
                try zip.add("archive/data.pkl", [0x80, 2] + pickle)
                try zip.finish()
                return try Checkpoint.load(path)
            }
            // A list of 100 000 pairs; then dict(list) again and again.
            let pair: [UInt8] = [0x4B, 1, 0x4B, 2, 0x86]
            let list = [UInt8](arrayLiteral: 0x5D, 0x71, 0, 0x28) + (0..<100_000).flatMap { _ in pair } + [0x65]
            let global = Array("cbuiltins\ndict\nq\u{1}0".utf8)
            let call: [UInt8] = [0x68, 1, 0x68, 0, 0x85, 0x52, 0x30]
            assertThrows(.unsafe, containing: "again and again") { try load(list + global + (0..<5000).flatMap { _ in call } + [0x4E, 0x2E]) }
            // A list that contains itself.
            assertThrows(.unsafe, containing: "contains itself") { try load([0x5D, 0x71, 0, 0x68, 0, 0x61, 0x2E]) }
            // Millions of objects.
            assertThrows(.unsafe, containing: "more than 4000000 objects") { try load([UInt8](repeating: 0x5D, count: 4_100_000)) }
            // Ways to make objects other than REDUCE.
            assertThrows(.unsafe, containing: "opcode 0x69") { try load([0x28] + Array("iposix\nsystem\n".utf8) + [0x2E]) }
            assertThrows(.unsafe, containing: "only may be mentioned") { try load(Array("cbuiltins\nint\n)R.".utf8)) }
            assertThrows(.unsafe, containing: "no known name") { try load([0x5D, 0x29, 0x52, 0x2E]) }
            // A kind of tensor that we lack is no attack.
            assertThrows(.dtype, containing: "ComplexFloatStorage") { try load(Array("ctorch\nComplexFloatStorage\n.".utf8)) }
            // What is harmless still loads.
            XCTAssertEqual(try load(Array("ccollections\nOrderedDict\n(K\u{1}K\u{2}\u{86}K\u{1}K\u{3}\u{86}l\u{85}R.".unicodeScalars.map { UInt8($0.value) })).dict?.count, 1)
        }
    }

    func testTruncatedAndAlteredFilesNeverCrashALoader() throws {
        var random = SplitMix(state: 7)
        var loaded = 0, refused = 0
        try withTemporaryFolder { folder in
            for (file, load) in Self.loaders {
                let bytes = try Data(contentsOf: URL(fileURLWithPath: Vectors.path(file)))
                let path = folder + "/" + (file as NSString).lastPathComponent
                for round in 0..<(bytes.count > 200_000 ? 40 : 160) {
                    var changed = bytes
                    if round % 2 == 0 {
                        changed = bytes.prefix(Int(random.next() % UInt64(bytes.count)))
                    } else {
                        // Half of the flips hit the first kilobyte or the last: headers and directories.
                        for _ in 0..<(1 + round % 5) {
                            let near = min(bytes.count, 1024), pick = random.next()
                            let place = switch pick % 4 {
                            case 0: Int(random.next() % UInt64(near))
                            case 1: bytes.count - 1 - Int(random.next() % UInt64(near))
                            default: Int(random.next() % UInt64(bytes.count))
                            }
                            changed[place] = pick % 8 < 4 ? UInt8(truncatingIfNeeded: random.next()) : [0, 0xFF, 0x7F, 0x80][Int(pick >> 32) % 4]
                        }
                    }
                    // A fresh name each time: a mapped file must not be written over.
                    let name = path + ".\(round)"
                    try changed.write(to: URL(fileURLWithPath: name))
                    Memory.resetPeak()
                    let before = Memory.live
                    do {
                        try load(name)
                        loaded += 1
                    } catch is OpahError { refused += 1 }
                    XCTAssertLessThan(Memory.peak - before, bytes.count * 8 + (1 << 20), "\(file) round \(round)")
                    try FileManager.default.removeItem(atPath: name)
                }
            }
        }
        XCTAssertGreaterThan(refused, 1000)
        XCTAssertGreaterThan(loaded, 100)
    }

    /// Every kind of file, with a loader that also touches all that it loaded.
    private static var loaders: [(String, (String) throws -> Void)] {
        ["variants_zip.pth", "variants_zip_protocol4.pth", "variants_legacy.pth", "variants.safetensors", "nested_zip.pth", "nested_legacy.pth"]
            .map { ("ckpt/torch_files/\($0)", { touch(try Checkpoint.load($0)) }) }
        + ["ckpt/lightning_f32/step_000000010.ckpt", "dualar/naive_bf16/model.pth", "ckpt/malicious/view_past_storage_zip.pth",
           "ckpt/malicious/shared_list_dag_zip.pth", "ckpt/malicious/huge_tensor_zip.pth", "ckpt/malicious/bad_shape.safetensors"]
            .map { ($0, { touch(try Checkpoint.load($0)) }) }
        + ["int64_fortran", "int32_fortran_v2", "int16_big_endian", "uint64", "bool", "int64_v3", "int64_0d", "int64_empty"]
            .map { ("dataset/npy_variants/\($0).npy", { touch(.tensor(try Npy.load($0))) }) }
        + [("dualar/rope_real_size.npz", { touch(.tensors(try Npz.load($0).map { (name: $0.key, tensor: $0.value) })) })]
        + ["protos_lab", "protos_lab_txt", "protos_filelist"].map { ("dataset/\($0)/00000000.protos", { _ = try ProtosReader($0).rest() }) }
    }

    private static func touch(_ value: CheckpointValue) {
        switch value {
        case .list(let items), .tuple(let items): items.forEach(touch)
        case .dict(let pairs): pairs.forEach { touch($0.key); touch($0.value) }
        case .tensor(let tensor): if tensor.count < 1 << 22 { XCTAssertEqual(bits(tensor).count, tensor.count) }
        default: break
        }
    }
}

/// A small random generator with a fixed seed.
struct SplitMix {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
