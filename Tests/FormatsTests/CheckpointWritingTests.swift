import Formats
import Foundation
import Support
import Tensors
import TestSupport
import XCTest

final class CheckpointWritingTests: XCTestCase {
    func testWhatIsSavedComesBack() throws {
        try withTemporaryFolder { folder in
            for name in ["variants_zip.pth", "nested_zip.pth", "variants_legacy.pth"] {
                let original = try Checkpoint.load(Vectors.path("ckpt/torch_files/\(name)"))
                try Checkpoint.save(original, to: folder + "/a.pth")
                let copy = try Checkpoint.load(folder + "/a.pth", verify: true)
                XCTAssertEqual(text(copy), text(original), name)
                // Sharing is kept: a second copy is byte for byte the first.
                try Checkpoint.save(copy, to: folder + "/b.pth")
                XCTAssertEqual(
                    try Data(contentsOf: URL(fileURLWithPath: folder + "/a.pth")),
                    try Data(contentsOf: URL(fileURLWithPath: folder + "/b.pth")), name)
            }
            let base = try Checkpoint.stateDict(folder + "/a.pth")
            XCTAssertTrue(try XCTUnwrap(base["shared.base"]).storage === base["shared.transposed"]?.storage)
        }
    }

    func testEveryKindOfValue() throws {
        let value: CheckpointValue = [
            "none": .none, "yes": true, "no": false, "zero": 0, "byte": 255, "short": 65535, "int": -1,
            "low": .int(Int(Int32.min)),
            "long": .int(.max), "longest": .int(.min), "third": .double(1.0 / 3), "nan": .double(.nan),
            "text": "日本 \u{0}",
            "empty": .string(""), "bytes": .bytes([0, 127, 128, 255]), "list": [1, [2.5, "x"], []],
            "tuple0": .tuple([]),
            "tuple1": .tuple([1]), "tuple4": .tuple([1, 2, 3, 4]),
            "numbered": .dict([(.int(7), "seven"), (.int(-8), "eight")])
        ]
        try withTemporaryFolder { folder in
            try Checkpoint.save(value, to: folder + "/v.ckpt")
            XCTAssertEqual(text(try Checkpoint.load(folder + "/v.ckpt")), text(value))
        }
    }

    func testOnlyThePartOfAStorageThatIsUsedIsWritten() throws {
        try withTemporaryFolder { folder in
            let big = try Tensor((0 ..< 100_000).map(Float.init), [1000, 100])
            let row = Tensor(storage: big.storage, offset: 500, shape: [2, 3], strides: [100, 1], dtype: .float32)
            let reversed = Tensor(storage: big.storage, offset: 9, shape: [3], strides: [-4], dtype: .float32)
            try Checkpoint.save(["row": .tensor(row), "reversed": .tensor(reversed)], to: folder + "/r.pth")
            let copy = try Checkpoint.stateDict(folder + "/r.pth")
            XCTAssertEqual(bits(copy["row"]!), bits(row))
            XCTAssertEqual(bits(copy["reversed"]!).map { Float(bitPattern: UInt32($0)) }, [9, 5, 1])
            XCTAssertLessThan(try Data(contentsOf: URL(fileURLWithPath: folder + "/r.pth")).count, 2500)
        }
    }

    func testAFailedSaveLeavesTheOldFile() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/m.pth"
            try Checkpoint.save(["a": 1], to: path)
            var deep: CheckpointValue = 1
            for _ in 0 ..< 300 { deep = .list([deep]) }
            assertThrows(.argument, containing: "200 deep") { try Checkpoint.save(deep, to: path) }
            let tensor = try Tensor(zeros: [1 << 20], .float32)
            Interrupt.request()
            defer { Interrupt.clear() }
            assertThrows(.interrupted) { try Checkpoint.save(["t": .tensor(tensor)], to: path) }
            Interrupt.clear()
            XCTAssertEqual(try Checkpoint.load(path)["a"]?.int, 1)
            XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), ["m.pth"])
        }
    }

    func testSafetensorsRoundTrip() throws {
        try withTemporaryFolder { folder in
            let original = try Checkpoint.stateDict(Vectors.path("ckpt/torch_files/variants_zip.pth"))
            try SafeTensors.save(original, to: folder + "/v.safetensors", metadata: ["rank": "8", "\"quoted\"": "日本"])
            let (copy, metadata) = try SafeTensors.read(folder + "/v.safetensors")
            XCTAssertEqual(metadata, ["rank": "8", "\"quoted\"": "日本"])
            XCTAssertEqual(Set(copy.names), Set(original.names))
            for (name, tensor) in copy {
                XCTAssertEqual(bits(tensor), bits(original[name]!), name)
                XCTAssertTrue(tensor.storage.isMapped, name)
            }
            assertThrows(.argument, containing: "named tensors only") {
                try Checkpoint.save(["a": 1], to: folder + "/x.safetensors")
            }
        }
    }

    func testShardsAreReadThroughTheirIndex() throws {
        try withTemporaryFolder { folder in
            let original = try Checkpoint.stateDict(Vectors.path("dualar/naive_bf16/model.pth"))
            var halves = [StateDict(), StateDict()], map: [String] = []
            for (i, (name, tensor)) in original.enumerated() {
                halves[i % 2][name] = tensor
                map.append("\"\(name)\":\"s\(i % 2).safetensors\"")
            }
            for i in 0 ..< 2 { try SafeTensors.save(halves[i], to: folder + "/s\(i).safetensors") }
            let index = folder + "/model.safetensors.index.json"
            try AtomicFile.write(
                index, "{\"metadata\":{\"total_size\":1},\"weight_map\":{" + map.joined(separator: ",") + "}}")
            let merged = try Checkpoint.stateDict(index)
            XCTAssertEqual(merged.names, original.names)
            for (name, tensor) in merged { XCTAssertEqual(bits(tensor), bits(original[name]!), name) }
            try AtomicFile.write(index, "{\"weight_map\":{\"absent\":\"s0.safetensors\"}}")
            assertThrows(.format, containing: "'absent' is not in its shard") { try Checkpoint.load(index) }
            try AtomicFile.write(index, "{\"weight_map\":{\"a\":\"../s0.safetensors\"}}")
            assertThrows(.unsafe, containing: "plain file name") { try Checkpoint.load(index) }
            try AtomicFile.write(index, "{\"weight_map\":{\"a\":\"s2.safetensors\"}}")
            assertThrows(.file, containing: "s2.safetensors") { try Checkpoint.load(index) }
        }
    }

    /// A value as text, tensors by their bits.
    private func text(_ value: CheckpointValue) -> String {
        switch value {
        case .none: "none"
        case .bool(let value): "\(value)"
        case .int(let value): "int \(value)"
        case .double(let value): "double \(value)"
        case .string(let value): "'\(value)'"
        case .bytes(let value): "bytes \(value)"
        case .list(let items): "[" + items.map(text).joined(separator: ",") + "]"
        case .tuple(let items): "(" + items.map(text).joined(separator: ",") + ")"
        case .dict(let pairs): "{" + pairs.map { text($0.key) + ":" + text($0.value) }.joined(separator: ",") + "}"
        case .tensor(let tensor): "\(tensor.dtype) \(tensor.shape) \(tensor.strides) \(bits(tensor))"
        case .record(let record): "record " + text(record.table)
        }
    }
}
