import Formats
import Foundation
import LanguageModel
import Support
import Tensors
import TestSupport
import XCTest

/// Model folders that are refused, with words that say what is wrong.
final class ModelRefusalTests: XCTestCase {
    func testUnknownSettings() throws {
        try withCopy(of: "dual_bf16") { folder in
            try edit(
                folder,
                [
                    "architectures": ["X"], "torch_dtype": "bfloat16", "transformers_version": "4.1",
                    "codebook_padding_idx": 0
                ])
            XCTAssertEqual(try LanguageModel.load(folder).notes, [])
            try edit(folder, ["colour": "blue", "attention_window": 5])
            let notes = try LanguageModel.load(folder).notes
            XCTAssertEqual(notes.count, 1)
            XCTAssertTrue(
                notes[0].contains("does not know: ") && notes[0].contains("colour")
                    && notes[0].contains("attention_window"), notes[0])
            try edit(folder, ["n_lyer": 3, "fast_dims": 64])
            let error = assertThrows(.config, containing: "n_lyer: did you mean n_layer?") {
                try LanguageModel.load(folder)
            }
            XCTAssertTrue(
                error?.message.contains("fast_dims: did you mean fast_dim?") ?? false, error?.description ?? "")
            try edit(folder, ["n_lyer": nil as ConfigValue?, "fast_dims": nil as ConfigValue?, "n_head": "4"])
            assertThrows(.config, containing: "n_head is \"4\"") { try LanguageModel.load(folder) }
        }
    }

    func testOtherReleasesAreRefusedWithATable() throws {
        let cases: [(changes: [String: ConfigValue?], release: String, row: String)] = [
            (["scale_codebook_embeddings": true], "S1", "vocab_size"), (["vocab_size": 102048], "1.5", "102048"),
            (["semantic_begin_id": 151678, "semantic_end_id": 155773], "S1", "dim"),
            (
                [
                    "vocab_size": 32000, "dim": 1024, "n_layer": 24, "n_head": 16, "num_codebooks": 4,
                    "codebook_size": 1024
                ], "1.2", "num_codebooks"
            )
        ]
        for (changes, release, row) in cases {
            try withCopy(of: "dual_bf16") { folder in
                try edit(folder, changes)
                let error = assertThrows(.checkpoint, containing: "fish-speech \(release)") {
                    try LanguageModel.load(folder)
                }
                XCTAssertTrue(error?.message.contains(row) ?? false, error?.message ?? "")
            }
        }
        try withCopy(of: "dual_bf16") { folder in
            try AtomicFile.write(folder + "/tokenizer.tiktoken", "x")
            assertThrows(.format, containing: "tokenizer.tiktoken: line 1") { try LanguageModel.load(folder) }
        }
    }

    func testEditedDimensionsAreRefusedWithATable() throws {
        try withCopy(of: "dual_bf16") { folder in
            try edit(folder, ["dim": 128, "n_layer": 2, "intermediate_size": 160])
            let error = assertThrows(.checkpoint, containing: "other dimensions") { try LanguageModel.load(folder) }
            for text in ["dim", "128", "64", "n_layer", "2", "3"] {
                XCTAssertTrue(error!.message.contains(text), error!.message)
            }
            XCTAssertFalse(error!.message.contains("intermediate_size"), error!.message)
        }
    }

    func testMissingAndUnknownTensorsAreNamedBriefly() throws {
        try withCopy(of: "dual_bf16") { folder in
            var state = try Checkpoint.stateDict(folder + "/model.pth")
            for name in state.names where name.contains("ffn_norm") { state[name] = nil }
            state["surprise.weight"] = try Tensor(zeros: [2])
            let pairs = state.map { (name: $0.name, tensor: $0.tensor) }
            try FileManager.default.removeItem(atPath: folder + "/model.pth")
            try Checkpoint.save(.tensors(pairs), to: folder + "/model.pth")
            let error = assertThrows(
                .checkpoint,
                containing:
                    "5 tensors are missing: layers.0.ffn_norm.weight, layers.1.ffn_norm.weight, layers.2.ffn_norm.weight, ..."
            ) {
                try LanguageModel.load(folder)
            }
            XCTAssertTrue(error!.message.contains("1 tensors are unknown: surprise.weight"), error!.message)
        }
    }

    func testWrongFilesAreRecognised() throws {
        try withCopy(of: "dual_bf16") { folder in
            func replace(_ value: CheckpointValue) throws {
                try FileManager.default.removeItem(atPath: folder + "/model.pth")
                try Checkpoint.save(value, to: folder + "/model.pth")
            }
            try replace(
                .tensors([
                    (name: "backbone.downsample_layers.0.0.weight", tensor: try Tensor(zeros: [2])),
                    (name: "quantizer.residual_fsq.rvqs.0.project_in.weight", tensor: try Tensor(zeros: [2]))
                ]))
            assertThrows(.checkpoint, containing: "this is a codec") { try LanguageModel.load(folder) }
            try replace([
                "state_dict": .tensors([
                    (name: "model.output.lora_A", tensor: try Tensor(zeros: [2, 2])),
                    (name: "model.output.lora_B", tensor: try Tensor(zeros: [2, 2]))
                ])
            ])
            assertThrows(.checkpoint, containing: "this is a LoRA adapter") { try LanguageModel.load(folder) }
            try FileManager.default.removeItem(atPath: folder + "/model.pth")
            assertThrows(.file, containing: "no weights") { try LanguageModel.load(folder) }
        }
        assertThrows(.file, containing: "/nowhere") { try LanguageModel.load("/nowhere") }
        let model = try LanguageModel.load(Vectors.path("dualar/dual_bf16/model.pth"))   // the file itself
        XCTAssertEqual(model.configuration.dim, 64)
        assertThrows(.argument, containing: "max_length") {
            try LanguageModel.load(Vectors.path("dualar/dual_bf16"), maxLength: 0)
        }
    }
}
