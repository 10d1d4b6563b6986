import Formats
import Foundation
import Support
import Tensors
import TestSupport
import XCTest

/// Checkpoints that hold objects of other classes beside the weights: inert records, and nothing else.
final class ForeignObjectTests: XCTestCase {
    /// Opcodes of Python's pickle, protocol 2.
    private func text(_ value: String) -> [UInt8] {
        [0x58] + withUnsafeBytes(of: UInt32(value.utf8.count).littleEndian, Array.init) + Array(value.utf8)
    }
    private func name(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }
    private func dict(_ pairs: [(String, [UInt8])]) -> [UInt8] {
        [0x7D, 0x28] + pairs.flatMap { text($0.0) + $0.1 } + [0x75]
    }
    private func int(_ value: UInt8) -> [UInt8] { [0x4B, value] }
    private func tuple(_ items: [UInt8]...) -> [UInt8] { [0x28] + items.flatMap { $0 } + [0x74] }
    private let newObject: [UInt8] = [0x81], reduce: [UInt8] = [0x52], build: [UInt8] = [0x62], none: [UInt8] = [0x4E]
    private func put(_ place: UInt8) -> [UInt8] { [0x71, place] }
    private func get(_ place: UInt8) -> [UInt8] { [0x68, place] }

    /// `{first..., state_dict: {w: a tensor}, last...}` in a file as torch writes it.
    private func withFile<R>(
        _ first: [(String, [UInt8])], last: [(String, [UInt8])] = [], _ body: (String) throws -> R
    ) throws -> R {
        try withTemporaryFolder { folder in
            try Checkpoint.save(["w": .tensor(try Tensor([1, 2, 3], [3]))], to: folder + "/plain.pth")
            let plain = try ZipArchive(folder + "/plain.pth"), zip = try ZipWriter(folder + "/x.ckpt")
            for entry in plain.entries {
                var bytes = try plain.withBytes(of: entry) { Array($0) }
                if entry.name.hasSuffix("data.pkl") {
                    // What was written uses the memo from 0; ours from 100.
                    bytes =
                        [0x80, 2, 0x7D, 0x28] + first.flatMap { text($0.0) + $0.1 } + text("state_dict")
                        + bytes.dropFirst(2).dropLast()
                        + last.flatMap { text($0.0) + $0.1 } + [0x75, 0x2E]
                }
                try zip.add(entry.name, bytes)
            }
            try zip.finish()
            return try body(folder + "/x.ckpt")
        }
    }

    func testObjectsBesideTheWeightsAreInertRecords() throws {
        let namespace = name("argparse", "Namespace") + [0x29] + newObject + dict([("lr", int(3))]) + build
        let path = name("pathlib", "PosixPath") + tuple(text("/"), text("home")) + reduce
        let scalar =
            name("numpy.core.multiarray", "scalar")
            + tuple(name("numpy", "dtype") + tuple(text("f8")) + reduce + tuple(int(3), text("<")) + build, text("x"))
            + reduce
        let member = name("my.project", "Mode") + tuple(int(2)) + reduce
        let moment =
            name("datetime", "datetime")
            + tuple(name("_codecs", "encode") + tuple(text("\u{7}é"), text("latin1")) + reduce) + reduce
        let old =
            name("copy_reg", "_reconstructor") + tuple(name("my.project", "Old"), name("__builtin__", "object"), none)
            + reduce
        let ordered =
            name("my.project", "List") + [0x29] + newObject + [0x28] + int(1) + int(2) + [0x65] + [0x28] + text("k")
            + int(9) + [0x75]
        let keyed = name("my.project", "Keyed") + [0x29] + dict([("a", int(1))]) + [0x92]
        let partial = name("functools", "partial") + tuple(name("torch.optim.adamw", "AdamW")) + reduce
        try withFile(
            [
                ("hyper_parameters", namespace), ("path", path), ("scalar", scalar), ("mode", member), ("when", moment),
                ("old", old)
            ],
            last: [("list", ordered), ("keyed", keyed), ("optimizer", partial), ("type", name("builtins", "int"))]
        ) { file in
            let value = try Checkpoint.load(file)
            func record(_ key: String) throws -> CheckpointRecord { try XCTUnwrap(value[key]?.record, key) }
            XCTAssertEqual(try record("hyper_parameters").className, "argparse.Namespace")
            XCTAssertEqual(try record("hyper_parameters").state?["lr"]?.int, 3)
            XCTAssertEqual(try record("path").arguments.map(\.string), ["/", "home"])
            XCTAssertEqual(try record("scalar").arguments[0].record?.className, "numpy.dtype")
            XCTAssertEqual(try record("mode").arguments.first?.int, 2)
            XCTAssertEqual(try record("when").className, "datetime.datetime")
            XCTAssertEqual(try record("old").className, "my.project.Old")
            XCTAssertEqual(try record("list").items.map(\.int), [1, 2])
            XCTAssertEqual(try record("list").entries.first?.value.int, 9)
            XCTAssertEqual(try record("keyed").entries.first?.value.int, 1)
            XCTAssertEqual(try record("optimizer").arguments.first?.record?.className, "torch.optim.adamw.AdamW")
            XCTAssertEqual(try record("type").className, "builtins.int")
            let state = try Checkpoint.stateDict(file)
            XCTAssertEqual(try state["w"]?.floats(), [1, 2, 3])
            XCTAssertEqual(state.notes.count, 1)
            XCTAssertTrue(state.notes[0].contains("argparse.Namespace"), state.notes[0])
            // A record is written as the table that it is shown as.
            try Checkpoint.save(value, to: file + ".copy")
            XCTAssertEqual(
                try Checkpoint.load(file + ".copy")["hyper_parameters"]?["class"]?.string, "argparse.Namespace")
        }
    }

    /// OmegaConf's nodes know their parents: circles.
    func testCirclesOfObjectsAreRead() throws {
        let node =
            name("omegaconf.dictconfig", "DictConfig") + [0x29] + newObject + put(100)
            + dict([
                (
                    "_content",
                    dict([
                        (
                            "lr",
                            name("omegaconf.nodes", "AnyNode") + [0x29] + newObject
                                + dict([("_val", int(5)), ("_parent", get(100))]) + build
                        )
                    ])
                ),
                ("_parent", none), ("self", get(100))
            ]) + build
        try withFile([("cfg", node), ("again", [0x5D, 0x28] + get(100) + get(100) + [0x65])]) { file in
            let value = try Checkpoint.load(file), cfg = try XCTUnwrap(value["cfg"]?.record)
            XCTAssertEqual(cfg.state?["_content"]?["lr"]?.record?.state?["_val"]?.int, 5)
            XCTAssertEqual(cfg.state?["self"]?.string, "...")
            XCTAssertEqual(
                value["again"]?.items?.last?.record?.state?["_content"]?["lr"]?.record?.state?["_val"]?.int, 5)
            XCTAssertEqual(try value.stateDict()["w"]?.floats(), [1, 2, 3])
        }
        // Plain data in a circle is no data.
        try withFile([("cfg", [0x5D] + put(100) + get(100) + [0x61])]) { file in
            assertThrows(.unsafe, containing: "contains itself") { try Checkpoint.load(file) }
        }
        // Deeper than anybody reads, and more than the file: abbreviated in a record, refused in data.
        let deep = [UInt8](repeating: 0x5D, count: 400) + [UInt8](repeating: 0x61, count: 399)
        try withFile([("cfg", name("a", "B") + [0x29] + newObject + deep + build)]) {
            XCTAssertEqual(try Checkpoint.stateDict($0).count, 1)
        }
        try withFile([("cfg", deep)]) { file in assertThrows(.unsafe, containing: "deep") { try Checkpoint.load(file) }
        }
    }

    func testNamesThatOnlyAnAttackNeedsAreRefusedWhereverTheyStand() throws {
        for (module, function) in [
            ("os", "system"), ("posix", "system"), ("nt", "system"), ("subprocess", "Popen"), ("builtins", "eval"),
            ("__builtin__", "exec"),
            ("builtins", "getattr"), ("builtins", "__import__"), ("builtins", "open"), ("importlib", "import_module"),
            ("runpy", "run_path"),
            ("torch", "load"), ("torch.hub", "load"), ("numpy", "load"), ("webbrowser", "open"), ("socket", "socket"),
            ("operator", "attrgetter"),
            ("logging", "os.system"), ("my.project", "Config.__class__"), ("types", "FunctionType"),
            ("cloudpickle.cloudpickle", "_make_function"),
            ("my.project", ""), ("", "x"), ("sys", "modules"), ("ctypes", "CDLL"),
            ("torch.utils.cpp_extension", "load_inline")
        ] {
            for use in [[], tuple(text("true")) + reduce, [0x29] + newObject] as [[UInt8]] {
                try withFile([("x", name(module, function) + use)]) { file in
                    assertThrows(.unsafe, containing: "the pickle asks for \(module).\(function)") {
                        try Checkpoint.load(file)
                    }
                }
            }
        }
    }

    func testAnObjectInATensorsPlaceIsRefused() throws {
        try withTemporaryFolder { folder in
            func load(_ pairs: [(String, [UInt8])]) throws -> StateDict {
                let zip = try ZipWriter(folder + "/x.pth")
                try zip.add("archive/data.pkl", [0x80, 2] + dict([("state_dict", dict(pairs))]) + [0x2E])
                try zip.finish()
                return try Checkpoint.stateDict(folder + "/x.pth").fitted(to: ["w"].contains)
            }
            let quantized = name("torch._utils", "_rebuild_qtensor") + tuple(int(1)) + reduce
            for prefix in ["", "module.", "_orig_mod."] {
                assertThrows(.unsafe, containing: "torch._utils._rebuild_qtensor, not a tensor") {
                    try load([(prefix + "w", quantized)])
                }
            }
            XCTAssertEqual(try load([("other", quantized)]).count, 0)
            let zip = try ZipWriter(folder + "/whole.pth")
            try zip.add("archive/data.pkl", [0x80, 2] + name("my.model", "Net") + [0x29] + newObject + [0x2E])
            try zip.finish()
            assertThrows(.checkpoint, containing: "an object of the class my.model.Net") {
                try Checkpoint.stateDict(folder + "/whole.pth")
            }
        }
    }
}
