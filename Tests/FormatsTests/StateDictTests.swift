import Formats
import Foundation
import Support
import Tensors
import TestSupport
import XCTest

/// One model under the names and in the tables that people save it in.
final class StateDictTests: XCTestCase {
    private let known: Set<String> = ["embeddings.weight", "layers.0.wo.weight", "norm.weight"]

    private func state(_ rename: (String) -> String, more: [String] = []) throws -> StateDict {
        StateDict(try (known.sorted().map(rename) + more).map { (name: $0, tensor: try Tensor(zeros: [1])) })
    }

    func testPrefixesOfWrappersAreTakenOff() throws {
        for prefix in [
            "module.", "_orig_mod.", "model.", "generator.", "_orig_mod.module.", "module._orig_mod.", "model.model.",
            "module.model._orig_mod.generator."
        ] {
            let found = try state { prefix + $0 }.fitted(to: known.contains)
            XCTAssertEqual(Set(found.names), known, prefix)
            XCTAssertEqual(found.notes.count, 1, prefix)
            XCTAssertTrue(found.notes[0].contains("removed from 3 names"), found.notes[0])
        }
        // Modules that were compiled or sharded one by one.
        for inner in ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"] {
            let found = try state { $0.replacingOccurrences(of: "layers.0.", with: "layers.0.\(inner).") }.fitted(
                to: known.contains)
            XCTAssertEqual(Set(found.names), known, inner)
        }
        let plain = try state { $0 }.fitted(to: known.contains)
        XCTAssertEqual(Set(plain.names), known)
        XCTAssertEqual(plain.notes, [])
    }

    func testWhatBelongsToSomethingElseIsLeftOutAndSaid() throws {
        let found = try state({ "generator." + $0 }, more: ["discriminator.conv.weight"]).fitted(to: known.contains)
        XCTAssertEqual(Set(found.names), known)
        XCTAssertTrue(found.notes[0].contains("1 others were left out: discriminator.conv.weight"), found.notes[0])
        // An unknown name with the same prefix stays, for the model to complain about.
        XCTAssertTrue(
            try state({ "module." + $0 }, more: ["module.surprise"]).fitted(to: known.contains).names.contains(
                "surprise"))
        // Nothing fits: nothing is changed, and the prefix can be named.
        let foreign = try state { "student." + $0 }
        XCTAssertEqual(try foreign.fitted(to: known.contains).names, foreign.names)
        XCTAssertEqual(foreign.unknownPrefix(known.contains), "student.")
        XCTAssertNil(try state({ "x" + $0 }).unknownPrefix(known.contains))
        assertThrows(.checkpoint, containing: "would both be norm.weight") {
            try state({ "module." + $0 }, more: ["norm.weight"]).fitted(to: known.contains)
        }
        XCTAssertEqual(StateDict.bareName("module._orig_mod.model.layers.0.w"), "layers.0.w")
    }

    func testTablesAroundTheTensors() throws {
        let tensors = CheckpointValue.tensors(try state { $0 })
        for key in ["model", "weight", "weights", "generator", "module", "ema", "net", "model_state_dict"] {
            let found = try CheckpointValue.table([("step", 5), (key, tensors), ("lr", .tensor(try Tensor(zeros: [1])))]
            ).stateDict()
            XCTAssertEqual(Set(found.names), known, key)
            XCTAssertEqual(found.wrapper, key)
            XCTAssertTrue(found.notes[0].contains("'\(key)'"), found.notes[0])
        }
        let nested = try (["model": ["state_dict": tensors], "epoch": 1] as CheckpointValue).stateDict()
        XCTAssertEqual(Set(nested.names), known)
        let lightning = try
            (["state_dict": tensors, "model": ["x": .tensor(try Tensor(zeros: [1]))]] as CheckpointValue).stateDict()
        XCTAssertEqual(Set(lightning.names), known)
        XCTAssertEqual(lightning.notes, [])
        let two = try (["generator": tensors, "ema": tensors] as CheckpointValue).stateDict()
        XCTAssertTrue(two.notes[0].contains("under ema as well"), two.notes[0])
        assertThrows(.checkpoint, containing: "no named tensors, only: optimizer, step") {
            try (["optimizer": ["a": 1], "step": 5] as CheckpointValue).stateDict()
        }
        assertThrows(.checkpoint, containing: "not named tensors") { try ([1, 2] as CheckpointValue).stateDict() }
    }
}
