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
        let kinds: [String: OpahError.Kind] = [
            "os_system_zip.pth": .unsafe, "os_system_plain.pth": .unsafe, "builtins_eval_zip.pth": .unsafe,
            "builtins_eval_plain.pth": .unsafe, "deep_nesting_zip.pth": .unsafe, "shared_list_dag_zip.pth": .unsafe
        ]
        Memory.resetPeak()
        let before = Memory.live
        for name in rules.keys {
            assertThrows(kinds[name] ?? .format) { try Checkpoint.load(Vectors.path("ckpt/malicious/\(name)")) }
        }
        XCTAssertLessThan(Memory.peak - before, 1 << 16)
        assertThrows(.unsafe, containing: "posix.system") {
            try Checkpoint.load(Vectors.path("ckpt/malicious/os_system_zip.pth"))
        }
        assertThrows(.unsafe, containing: "builtins.eval") {
            try Checkpoint.load(Vectors.path("ckpt/malicious/builtins_eval_plain.pth"))
        }
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
            let list = [UInt8](arrayLiteral: 0x5D, 0x71, 0, 0x28) + (0 ..< 100_000).flatMap { _ in pair } + [0x65]
            let global = Array("cbuiltins\ndict\nq\u{1}0".utf8)
            let call: [UInt8] = [0x68, 1, 0x68, 0, 0x85, 0x52, 0x30]
            assertThrows(.unsafe, containing: "again and again") {
                try load(list + global + (0 ..< 5000).flatMap { _ in call } + [0x4E, 0x2E])
            }
            // A list that contains itself.
            assertThrows(.unsafe, containing: "contains itself") { try load([0x5D, 0x71, 0, 0x68, 0, 0x61, 0x2E]) }
            // Millions of objects.
            assertThrows(.unsafe, containing: "more than 4000000 objects") {
                try load([UInt8](repeating: 0x5D, count: 4_100_000))
            }
            // Ways to make objects other than REDUCE.
            assertThrows(.unsafe, containing: "opcode 0x69") {
                try load([0x28] + Array("iposix\nsystem\n".utf8) + [0x2E])
            }
            assertThrows(.unsafe, containing: "only may be mentioned") { try load(Array("cbuiltins\nint\n)R.".utf8)) }
            assertThrows(.unsafe, containing: "no known name") { try load([0x5D, 0x29, 0x52, 0x2E]) }
            // A kind of tensor that we lack is no attack.
            assertThrows(.dtype, containing: "ComplexFloatStorage") {
                try load(Array("ctorch\nComplexFloatStorage\n.".utf8))
            }
            // What is harmless still loads.
            XCTAssertEqual(
                try load(
                    Array(
                        "ccollections\nOrderedDict\n(K\u{1}K\u{2}\u{86}K\u{1}K\u{3}\u{86}l\u{85}R.".unicodeScalars.map {
                            UInt8($0.value)
                        })
                ).dict?.count, 1)
        }
    }

    /// Small files that unfold: each has a limit, and says it.
    func testFilesThatUnfoldAreRefusedBeforeTheyDo() throws {
        try withTemporaryFolder { folder in
            func write(_ name: String, _ bytes: [UInt8]) throws -> String {
                let path = folder + "/" + name
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                return path
            }
            func le<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
                withUnsafeBytes(of: value.littleEndian) { Array($0) }
            }
            // An archive whose second entry lies in the first one's bytes.
            func local(_ name: String, _ content: [UInt8], method: UInt16 = 0, size: Int? = nil) -> [UInt8] {
                [0x50, 0x4B, 3, 4, 20, 0, 0, 0] + le(method) + [0, 0, 0, 0, 0, 0, 0, 0] + le(UInt32(content.count))
                    + le(UInt32(size ?? content.count))
                    + le(UInt16(name.utf8.count)) + [0, 0] + Array(name.utf8) + content
            }
            func directory(
                _ name: String, _ count: Int, at offset: Int, method: UInt16 = 0, size: Int? = nil
            ) -> [UInt8] {
                [0x50, 0x4B, 1, 2, 20, 0, 20, 0, 0, 0] + le(method) + [0, 0, 0, 0, 0, 0, 0, 0] + le(UInt32(count))
                    + le(UInt32(size ?? count))
                    + le(UInt16(name.utf8.count)) + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + le(UInt32(offset))
                    + Array(name.utf8)
            }
            func end(_ entries: Int, _ directory: [UInt8], at offset: Int) -> [UInt8] {
                [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + le(UInt16(entries)) + le(UInt16(entries)) + le(UInt32(directory.count))
                    + le(UInt32(offset)) + [0, 0]
            }
            let inner = local("b.npy", [1, 2, 3]), outer = local("a.npy", inner)
            let both = directory("a.npy", inner.count, at: 0) + directory("b.npy", 3, at: outer.count - inner.count)
            let overlapping = try write("overlap.npz", outer + both + end(2, both, at: outer.count))
            assertThrows(.unsafe, containing: "'a.npy' and 'b.npy' overlap") { try Npz.load(overlapping) }
            // A small archive that claims to unpack to gigabytes: legal for deflate, and not for us.
            let packed = [UInt8](repeating: 0, count: 2 << 20),
                body = local("a.npy", packed, method: 8, size: 2_000_000_000)
            let one = directory("a.npy", packed.count, at: 0, method: 8, size: 2_000_000_000)
            assertThrows(.unsafe, containing: "would unpack to more than") {
                try Npz.load(write("bomb.npz", body + one + end(1, one, at: body.count)))
            }
            // A header of keys instead of an array.
            let keys = Array(("{" + (0 ..< 20_000).map { "'\($0)':True," }.joined() + "}").utf8)
            assertThrows(.format, containing: "too long") {
                try Npy.load(write("keys.npy", [0x93] + Array("NUMPY".utf8) + [2, 0] + le(UInt32(keys.count)) + keys))
            }
            // Tensors without elements.
            let empty =
                "{"
                + (0 ... 200_000).map { "\"\($0)\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}" }.joined(
                    separator: ",") + "}"
            assertThrows(.format, containing: "more than 200000 entries") {
                try Checkpoint.load(write("x.safetensors", le(UInt64(empty.utf8.count)) + Array(empty.utf8)))
            }
            // Sentences, texts and codebooks without content.
            for part in [[0x22, 0], [0x22, 2, 0x0A, 0], [0x22, 2, 0x1A, 0], [0x22, 4, 0x1A, 2, 0x0A, 0]] as [[UInt8]] {
                let group = [[UInt8]](repeating: part, count: 120_000).flatMap { $0 }
                assertThrows(.format, containing: "sentences, texts and codebooks") {
                    try ProtosReader(write("x.protos", le(UInt32(group.count)) + group)).rest()
                }
            }
            // A memo or marks without end.
            for flood in [
                [0x4E] + [UInt8](repeating: 0x94, count: 4_200_000), [UInt8](repeating: 0x28, count: 4_200_000)
            ] {
                let zip = try ZipWriter(folder + "/flood.pth")
                try zip.add("archive/data.pkl", [0x80, 4] + flood + [0x2E])
                try zip.finish()
                assertThrows(.unsafe, containing: "more than 4000000") { try Checkpoint.load(folder + "/flood.pth") }
            }
        }
    }

    /// Pickles that no program wrote: every opcode in any order, with arguments that mean something.
    func testRandomPicklesNeverCrashTheReader() throws {
        var random = SeededRandom(11)
        func pick<T>(_ list: [T]) -> T { list[Int(random.next() % UInt64(list.count))] }
        let whole = [
            0x28, 0x30, 0x31, 0x32, 0x4E, 0x51, 0x52, 0x61, 0x62, 0x64, 0x65, 0x6C, 0x73, 0x74, 0x75, 0x7D, 0x5D, 0x29,
            0x81, 0x85, 0x86, 0x87, 0x88,
            0x89, 0x8F, 0x90, 0x91, 0x92, 0x93, 0x94
        ].map { [UInt8($0)] }
        let names = [
            "argparse\nNamespace", "collections\nOrderedDict", "torch._utils\n_rebuild_tensor_v2",
            "torch\nFloatStorage", "torch._utils\n_rebuild_parameter",
            "copyreg\n_reconstructor", "builtins\nlist", "_codecs\nencode", "torch\nfloat32",
            "torch._tensor\n_rebuild_from_type_v2", "builtins\nint"
        ]
        var read = 0
        try withTemporaryFolder { folder in
            for round in 0 ..< 800 {
                var pickle: [UInt8] = [0x80, 4]
                for _ in 0 ..< (4 + random.next() % 60) {
                    switch random.next() % 8 {
                    case 0: pickle += Array("c\(pick(names))\n".utf8)
                    case 1: pickle += [0x4B, UInt8(random.next() % 9)]
                    case 2: pickle += [0x8C, 3] + Array(pick(["abc", "cpu", "x:0", "w.w"]).utf8)
                    case 3: pickle += [pick([0x71, 0x68]), UInt8(random.next() % 4)]
                    case 4:
                        pickle += pick([
                            [0x8A, 1, 0xFF], [0x43, 2, 1, 2], [0x8B, 4, 0, 0, 0, 1, 2, 3, 4],
                            [0x47, 0, 0, 0, 0, 0, 0, 0, 0]
                        ])
                    default: pickle += pick(whole)
                    }
                }
                let path = folder + "/\(round).pth", zip = try ZipWriter(path)
                try zip.add("archive/data.pkl", pickle + [0x2E])
                try zip.add("archive/data/abc", [UInt8](repeating: 7, count: 64))
                try zip.finish()
                do {
                    let value = try Checkpoint.load(path)
                    Self.touch(value)
                    _ = value.recordClasses
                    _ = try? value.stateDict().fitted(to: ["w.w"].contains)
                    read += 1
                } catch is OpahError {}
                try FileManager.default.removeItem(atPath: path)
            }
        }
        XCTAssertGreaterThan(read, 5)
    }

    func testLongWholeNumbers() throws {
        try withTemporaryFolder { folder in
            func load(_ bytes: [UInt8]) throws -> String? {
                let zip = try ZipWriter(folder + "/n.pth")
                try zip.add(
                    "archive/data.pkl",
                    [0x80, 2, 0x8B] + withUnsafeBytes(of: UInt32(bytes.count).littleEndian) { Array($0) } + bytes + [
                        0x2E
                    ])
                try zip.finish()
                return try Checkpoint.load(folder + "/n.pth").string
            }
            XCTAssertEqual(try load([0, 0, 0, 0, 0, 0, 0, 0, 1]), "18446744073709551616")
            XCTAssertEqual(try load([0, 0, 0, 0, 0, 0, 0, 0, 0xFF]), "-18446744073709551616")
            XCTAssertEqual(try load([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF]), "-9223372036854775809")
            XCTAssertEqual(try load([UInt8](repeating: 0, count: 16) + [1]), "340282366920938463463374607431768211456")
            // 10^36: groups of eighteen digits that begin with zeros.
            XCTAssertEqual(
                try load([0, 0, 0, 0, 0x10, 0x9F, 0x4B, 0xB3, 0x15, 0x07, 0xC9, 0x7B, 0xCE, 0x97, 0xC0, 0]),
                "1" + String(repeating: "0", count: 36))
            XCTAssertEqual(try load([UInt8](repeating: 0xFF, count: 1023) + [0x7F])?.count, 2466)
        }
    }

    func testTruncatedAndAlteredFilesNeverCrashALoader() throws {
        var random = SeededRandom(7)
        var loaded = 0, refused = 0
        try withTemporaryFolder { folder in
            for (file, load) in Self.loaders {
                let bytes = try Data(contentsOf: URL(fileURLWithPath: Vectors.path(file)))
                let path = folder + "/" + (file as NSString).lastPathComponent
                for round in 0 ..< (bytes.count > 200_000 ? 40 : 160) {
                    var changed = bytes
                    if round % 2 == 0 {
                        changed = bytes.prefix(Int(random.next() % UInt64(bytes.count)))
                    } else {
                        // Half of the flips hit the first kilobyte or the last: headers and directories.
                        for _ in 0 ..< (1 + round % 5) {
                            let near = min(bytes.count, 1024), pick = random.next()
                            let place =
                                switch pick % 4 {
                                case 0: Int(random.next() % UInt64(near))
                                case 1: bytes.count - 1 - Int(random.next() % UInt64(near))
                                default: Int(random.next() % UInt64(bytes.count))
                                }
                            changed[place] =
                                pick % 8 < 4
                                ? UInt8(truncatingIfNeeded: random.next()) : [0, 0xFF, 0x7F, 0x80][Int(pick >> 32) % 4]
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
        [
            "variants_zip.pth", "variants_zip_protocol4.pth", "variants_legacy.pth", "variants.safetensors",
            "nested_zip.pth", "nested_legacy.pth"
        ]
        .map { ("ckpt/torch_files/\($0)", { touch(try Checkpoint.load($0)) }) }
            + [
                "ckpt/lightning_f32/step_000000010.ckpt", "dualar/naive_bf16/model.pth",
                "ckpt/malicious/view_past_storage_zip.pth",
                "ckpt/malicious/shared_list_dag_zip.pth", "ckpt/malicious/huge_tensor_zip.pth",
                "ckpt/malicious/bad_shape.safetensors"
            ]
            .map { ($0, { touch(try Checkpoint.load($0)) }) }
            + [
                "int64_fortran", "int32_fortran_v2", "int16_big_endian", "uint64", "bool", "int64_v3", "int64_0d",
                "int64_empty"
            ]
            .map { ("dataset/npy_variants/\($0).npy", { touch(.tensor(try Npy.load($0))) }) }
            + [
                (
                    "dualar/rope_real_size.npz",
                    { touch(.tensors(try Npz.load($0).map { (name: $0.key, tensor: $0.value) })) }
                )
            ]
            + ["protos_lab", "protos_lab_txt", "protos_filelist"].map {
                ("dataset/\($0)/00000000.protos", { _ = try ProtosReader($0).rest() })
            }
    }

    private static func touch(_ value: CheckpointValue) {
        switch value {
        case .list(let items), .tuple(let items): items.forEach(touch)
        case .dict(let pairs):
            pairs.forEach {
                touch($0.key); touch($0.value)
            }
        case .record(let record): touch(record.table)
        case .tensor(let tensor): if tensor.count < 1 << 22 { XCTAssertEqual(bits(tensor).count, tensor.count) }
        default: break
        }
    }
}
