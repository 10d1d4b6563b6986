import Formats
import Foundation
import Support
import Tensors
import TestSupport
import XCTest

final class CheckpointTests: XCTestCase {
    func testEveryTorchFormatGivesTheSameTensors() throws {
        let expected = try Vectors.npz("ckpt/torch_files/variants_expected.npz")
        let facts = try XCTUnwrap(
            try Vectors.json("ckpt/torch_files/variants_expected.json") as? [String: [String: Any]])
        for file in ["variants_zip.pth", "variants_zip_protocol4.pth", "variants_legacy.pth", "variants.safetensors"] {
            let dict = try Checkpoint.stateDict(Vectors.path("ckpt/torch_files/\(file)"))
            XCTAssertEqual(dict.count, 27, file)
            XCTAssertEqual(Set(dict.names), Set(expected.keys), file)
            XCTAssertTrue(dict.skipped.isEmpty)
            for (name, tensor) in dict {
                let fact = try XCTUnwrap(facts[name]), what = "\(file) \(name)"
                XCTAssertEqual(tensor.dtype.rawValue, fact["dtype"] as? String, what)
                XCTAssertEqual(Array(tensor.shape), fact["shape"] as? [Int], what)
                XCTAssertEqual(bits(tensor), bits(try XCTUnwrap(expected[name])), what)
                guard file != "variants.safetensors" else { continue }
                XCTAssertEqual(Array(tensor.strides), fact["stride"] as? [Int], what)
                XCTAssertEqual(tensor.offset, fact["storage_offset"] as? Int, what)
                for (other, neighbour) in dict {
                    XCTAssertEqual(
                        neighbour.storage === tensor.storage,
                        facts[other]?["storage_group"] as? String == fact["storage_group"] as? String,
                        "\(what) \(other)")
                }
            }
        }
    }

    func testWeightsAreMappedNotCopied() throws {
        let path = Vectors.path("dualar/dual_bf16/model.pth")
        let before = Memory.live
        let dict = try Checkpoint.stateDict(path)
        XCTAssertEqual(Memory.live, before)
        XCTAssertTrue(
            dict.allSatisfy { $0.tensor.storage.isMapped && Int(bitPattern: $0.tensor.storage.pointer) % 64 == 0 })
        let keys = try XCTUnwrap(try Vectors.json("dualar/dual_bf16/keys.json") as? [String: Any])
        XCTAssertEqual(Set(dict.names), Set(keys.keys))
        // The file stays mapped as long as a tensor of it lives.
        let last = try XCTUnwrap(dict[try XCTUnwrap(dict.names.last)])
        XCTAssertEqual(bits(last).count, last.count)
        XCTAssertNoThrow(try Checkpoint.load(path, verify: true))
    }

    func testNestedContainersAndScalars() throws {
        let expected = try XCTUnwrap(try Vectors.json("ckpt/torch_files/nested_expected.json") as? [String: Any])
        for file in ["nested_zip.pth", "nested_legacy.pth"] {
            let root = try Checkpoint.load(Vectors.path("ckpt/torch_files/\(file)"))
            XCTAssertEqual(root["epoch"]?.int, 3)
            XCTAssertEqual(root["global_step"]?.int, 1_234_567_890_123)
            XCTAssertEqual(root["lr"]?.double, 1e-4)
            XCTAssertEqual(root["flag"]?.bool, true)
            guard case .none? = root["none"] else { return XCTFail("none") }
            XCTAssertEqual(root["names"]?.items?.map(\.string), ["a", "b", "ü", "日本"])
            guard case .tuple(let tuple)? = root["tup"] else { return XCTFail("a tuple") }
            XCTAssertEqual(tuple[0].int, 1)
            XCTAssertEqual(tuple[1].double, 2.5)
            XCTAssertEqual(tuple[2].items?[0].string, "x")
            XCTAssertEqual(tuple[2].items?[1].items?.count, 0)
            let deep = try XCTUnwrap(root["meta"]?["nested"]?["deep"])
            XCTAssertEqual(deep["big_int"]?.string, expected["big_int"] as? String)
            XCTAssertEqual(deep["neg"]?.int, -1_099_511_627_776)
            XCTAssertEqual(deep["t"]?.tensor?.dtype, .int64)
            XCTAssertEqual(root["s"]?.items?.compactMap(\.int), [1, 2, 3])
            guard case .bytes(let bytes)? = root["b"] else { return XCTFail("bytes") }
            XCTAssertEqual(bytes.map { String(format: "%02x", $0) }.joined(), expected["bytes_hex"] as? String)
            let dict = try root.stateDict()
            XCTAssertEqual(dict.names, expected["state_dict_keys"] as? [String])
            XCTAssertEqual(dict.wrapper, "state_dict")
        }
    }

    func testLightningCheckpointsHaveTheirWholeStructure() throws {
        for folder in ["lightning_f32", "lightning_bf16"] {
            let root = try Checkpoint.load(Vectors.path("ckpt/\(folder)/step_000000010.ckpt"))
            let facts = try XCTUnwrap(try Vectors.json("ckpt/\(folder)/structure.json") as? [String: Any])
            XCTAssertEqual(root.dict?.compactMap(\.key.string), facts["top_level_keys"] as? [String])
            let structure = try XCTUnwrap(facts["structure"] as? [String: Any])
            for (key, value) in structure where key != "__type__" {
                compare(try XCTUnwrap(root[key]), value, "\(folder) \(key)")
            }
            let expected = try Vectors.npz("ckpt/\(folder)/state_dict.npz")
            let dict = try root.stateDict()
            XCTAssertEqual(Set(dict.names), Set(expected.keys))
            for (name, tensor) in dict { XCTAssertEqual(bits(tensor), bits(expected[name]!), name) }
            let bare = dict.dropping(prefix: "model.")
            XCTAssertEqual(bare.count, dict.count)
            XCTAssertNotNil(bare["embeddings.lora_A"])
        }
    }

    private func compare(_ value: CheckpointValue, _ fact: Any, _ what: String) {
        switch value {
        case .dict(let pairs):
            let fact = fact as? [String: Any] ?? [:]
            let keys = Set(pairs.map { key($0.key) })
            XCTAssertEqual(keys, Set(fact.keys).subtracting(["__type__"]), what)
            for (name, value) in pairs { compare(value, fact[key(name)] ?? "missing", "\(what).\(key(name))") }
        case .list(let items), .tuple(let items):
            if let text = fact as? String, text.hasPrefix("list of ") {
                XCTAssertEqual(
                    text, "list of \(items.count) ints \(items.first?.int ?? -1)..\(items.last?.int ?? -1)", what)
                return
            }
            guard let fact = fact as? [Any], fact.count == items.count + 1 else { return XCTFail(what) }
            for (item, fact) in zip(items, fact.dropFirst()) { compare(item, fact, what + "[]") }
        case .tensor(let tensor):
            let shape = "[" + tensor.shape.map(String.init).joined(separator: ", ") + "]"
            XCTAssertEqual("tensor \(tensor.dtype.rawValue) \(shape)", fact as? String, what)
        case .none: XCTAssertTrue(fact is NSNull, what)
        case .bool(let value): XCTAssertEqual(value, fact as? Bool, what)
        case .int(let value): XCTAssertEqual(value, fact as? Int, what)
        case .double(let value): XCTAssertEqual(value, fact as? Double, what)
        case .string(let value): XCTAssertEqual(value, fact as? String, what)
        case .bytes, .record: XCTFail(what)
        }
    }

    private func key(_ value: CheckpointValue) -> String { value.string ?? value.int.map { String($0) } ?? "?" }

    func testFilesOfOtherKindsAreCalledByTheirName() throws {
        try withTemporaryFolder { folder in
            func refused(_ name: String, _ bytes: Data, _ message: String) throws {
                let path = folder + "/" + name
                try bytes.write(to: URL(fileURLWithPath: path))
                assertThrows(.format, containing: message) { try Checkpoint.load(path) }
            }
            try refused("a.pth", Data(), "empty (0 bytes)")
            try refused(
                "b.pth", Data("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 989000000\n".utf8),
                "a file of 989000000 bytes")
            try refused("c.pth", Data("<html><body>Access to this model is restricted".utf8), "HTML page")
            try refused("d.pth", Data(count: 5000), "nothing but zeros")
            let whole = try Data(contentsOf: URL(fileURLWithPath: Vectors.path("ckpt/torch_files/variants_zip.pth")))
            try refused("e.pth", whole.prefix(20000), "20000 bytes found")
            let tensors = try Data(
                contentsOf: URL(fileURLWithPath: Vectors.path("ckpt/torch_files/variants.safetensors")))
            try refused("f.safetensors", tensors.prefix(15000), "bytes of tensors, and the file has")
            try refused(
                "g.npy", try Data(contentsOf: URL(fileURLWithPath: Vectors.path("dataset/npy_variants/int8.npy"))),
                ".npy array")
            try refused(
                "h.pth", try Data(contentsOf: URL(fileURLWithPath: Vectors.path("dualar/dual_bf16/forward.npz"))),
                ".npz archive")
            assertThrows(.file, containing: "No such file") { try Checkpoint.load(folder + "/absent.pth") }
            assertThrows(.file, containing: "Is a directory") { try Checkpoint.load(folder) }
        }
    }
}
