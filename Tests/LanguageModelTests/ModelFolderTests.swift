import Formats
import Foundation
import LanguageModel
import Support
import Tensors
import TestSupport
import XCTest

/// Model folders that are read and written: as this program writes them, and as others do.
final class ModelFolderTests: XCTestCase {
    private let models = ["dual_bf16", "dual_tied", "dual_fastdim", "naive_bf16"]

    func testWeightsAreNamedTypedAndOrderedAsInTheCheckpoint() throws {
        for name in models {
            let model = try LanguageModel.load(Vectors.path("dualar/\(name)"))
            let state = try Checkpoint.stateDict(Vectors.path("dualar/\(name)/model.pth"))
            XCTAssertEqual(model.namedWeights.map(\.name), state.names)
            for (name, tensor) in model.namedWeights {
                XCTAssertEqual(tensor.dtype, state[name]!.dtype)
                XCTAssertTrue(tensor.storage.isMapped, "\(name) was copied")
            }
        }
    }

    func testSavingAndReadingBack() throws {
        for name in models {
            try withTemporaryFolder { folder in
                let model = try LanguageModel.load(Vectors.path("dualar/\(name)")), copy = folder + "/a/b"
                try model.save(copy)
                let again = try LanguageModel.load(copy)
                XCTAssertEqual(try again.baseDigest(), try model.baseDigest())
                XCTAssertEqual(again.configuration, model.configuration)
                XCTAssertEqual(try again.tokenizer?.encode("Ok 42."), try model.tokenizer?.encode("Ok 42."))
                XCTAssertEqual(
                    Set(try FileManager.default.contentsOfDirectory(atPath: copy)),
                    ["config.json", "model.pth", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"])
            }
        }
    }

    func testRandomModelsAreReproducible() throws {
        let configuration = try ModelConfiguration.read(Vectors.path("dualar/dual_fastdim"))
        let a = try LanguageModel.random(configuration, seed: 1), b = try LanguageModel.random(configuration, seed: 1)
        XCTAssertEqual(try a.baseDigest(), try b.baseDigest())
        XCTAssertNotEqual(try a.baseDigest(), try LanguageModel.random(configuration, seed: 2).baseDigest())
        let weights = try a.namedWeights.first { $0.name == "embeddings.weight" }!.tensor.floats()
        XCTAssertEqual((weights.reduce(0) { $0 + $1 * $1 } / Float(weights.count)).squareRoot(), 0.02, accuracy: 0.001)
        XCTAssertTrue(try a.namedWeights.first { $0.name == "norm.weight" }!.tensor.floats().allSatisfy { $0 == 1 })
        XCTAssertEqual(
            try LanguageModel.random(configuration, seed: 1, dtype: .bfloat16).namedWeights[0].tensor.dtype, .bfloat16)
    }

    func testSafetensorsShardsPrefixesAndSplitProjections() throws {
        let original = try LanguageModel.load(Vectors.path("dualar/dual_fastdim")), digest = try original.baseDigest()
        let tensors = original.namedWeights.map { ($0.name, CheckpointValue.tensor($0.tensor)) }
        func load(_ write: (String) throws -> Void) throws -> LanguageModel {
            var model: LanguageModel?
            try withCopy(of: "dual_fastdim") { folder in
                try FileManager.default.removeItem(atPath: folder + "/model.pth")
                try write(folder)
                model = try LanguageModel.load(folder)
                XCTAssertEqual(try model!.baseDigest(), digest)
            }
            return model!
        }
        _ = try load { try Checkpoint.save(.table(tensors), to: $0 + "/model.safetensors") }
        _ = try load { folder in
            let half = tensors.count / 2
            try Checkpoint.save(.table(Array(tensors[..<half])), to: folder + "/model-1.safetensors")
            try Checkpoint.save(.table(Array(tensors[half...])), to: folder + "/model-2.safetensors")
            let map = ConfigValue.map(
                tensors.enumerated().reduce(into: ConfigMap()) { map, entry in
                    map[entry.element.0] = .string(entry.offset < half ? "model-1.safetensors" : "model-2.safetensors")
                })
            try AtomicFile.write(folder + "/model.safetensors.index.json", JSON.encode(["weight_map": map]))
        }
        let prefixed = try load {
            try Checkpoint.save(["state_dict": .table(tensors.map { ("model." + $0.0, $0.1) })], to: $0 + "/model.pth")
        }
        XCTAssertTrue(prefixed.notes.contains { $0.contains("model.") })
        let split = try load { folder in
            let c = original.configuration
            let parts = try tensors.flatMap { name, value -> [(String, CheckpointValue)] in
                guard name.contains("wqkv") else { return [(name, value)] }
                let tensor = value.tensor!, isFast = name.hasPrefix("fast"), dim = isFast ? c.fast!.dim : c.dim
                let step = (tensor.shape[0] - dim) / 2
                return try [("wq", 0, dim), ("wk", dim, step), ("wv", dim + step, step)].map { part, start, length in
                    (
                        name.replacingOccurrences(of: "wqkv", with: part),
                        .tensor(try tensor.narrow(dim: 0, start: start, length: length))
                    )
                }
            }
            try Checkpoint.save(.table(parts), to: folder + "/model.pth")
        }
        XCTAssertTrue(split.notes.contains { $0.contains("4 split projections") }, split.notes.joined())
    }

    /// Saved from DDP, torch.compile or another trainer: the same model, with a note. Adapters too.
    func testFormsOfOtherTrainersAreTaken() throws {
        let original = try LanguageModel.load(Vectors.path("dualar/dual_fastdim")), digest = try original.baseDigest()
        let tensors = original.namedWeights
        for (prefix, wrapper) in [
            ("module.", nil), ("_orig_mod.", nil), ("_orig_mod.module.", "state_dict"), ("", "model"),
            ("generator.", "weight")
        ] as [(String, String?)] {
            try withCopy(of: "dual_fastdim") { folder in
                try FileManager.default.removeItem(atPath: folder + "/model.pth")
                let table = CheckpointValue.tensors(tensors.map { (name: prefix + $0.name, tensor: $0.tensor) })
                try Checkpoint.save(
                    wrapper.map { .table([($0, table), ("step", 5)]) } ?? table, to: folder + "/model.pth")
                let model = try LanguageModel.load(folder)
                XCTAssertEqual(try model.baseDigest(), digest, prefix)
                let said = wrapper == nil || wrapper == "state_dict" ? "was removed" : "'\(wrapper!)'"
                XCTAssertTrue(model.notes.contains { $0.contains(said) }, "\(prefix): \(model.notes)")
                // The file itself stands for its folder.
                XCTAssertEqual(try LanguageModel.load(folder + "/model.pth").configuration, model.configuration)
            }
        }
        try withCopy(of: "dual_fastdim") { folder in
            try FileManager.default.removeItem(atPath: folder + "/model.pth")
            try Checkpoint.save(
                .tensors(tensors.map { (name: "student." + $0.name, tensor: $0.tensor) }), to: folder + "/model.pth")
            let error = assertThrows(.checkpoint, containing: "tensors are missing") { try LanguageModel.load(folder) }
            XCTAssertTrue(error?.hint?.contains("'student.'") ?? false, error?.description ?? "")
        }
        try withTemporaryFolder { folder in
            let adapter = try original.applyLoRA(LoRAConfiguration(rank: 4, alpha: 6), generator: Random(seed: 9)),
                path = folder + "/a.ckpt"
            let metadata = try adapter.metadata(baseDigest: original.baseDigest())
            for prefix in ["module.model.", "_orig_mod.", "model.module.", ""] {
                try Checkpoint.save(
                    [
                        "state_dict": .tensors(
                            adapter.namedParameters.map { (name: prefix + $0.name, tensor: $0.tensor.detach()) }),
                        LoRAAdapter.metadataKey: metadata
                    ], to: path)
                XCTAssertEqual(
                    try LanguageModel.load(Vectors.path("dualar/dual_fastdim")).loadLoRA(path).modules, adapter.modules,
                    prefix)
            }
            // One bit of an adapter, and an adapter cut short.
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(fileURLWithPath: folder + "/flipped.ckpt"))
            assertThrows(.format, containing: "flipped.ckpt") { try original.loadLoRA(folder + "/flipped.ckpt") }
            try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: folder + "/cut.ckpt"))
            assertThrows(.format, containing: "cut.ckpt") { try original.loadLoRA(folder + "/cut.ckpt") }
        }
    }

    func testHalfPrecisionWeights() throws {
        try withCopy(of: "dual_fastdim") { folder in
            let fixture = try Fixture("dual_fastdim")
            try FileManager.default.removeItem(atPath: folder + "/model.pth")
            try Checkpoint.save(
                .tensors(try fixture.model.namedWeights.map { (name: $0.name, tensor: try $0.tensor.to(.float16)) }),
                to: folder + "/model.pth")
            let half = try LanguageModel.load(folder), wide = try LanguageModel.load(folder, weights: .float32)
            XCTAssertEqual(half.namedWeights[0].tensor.dtype, .float16)
            XCTAssertEqual(try half.baseDigest(), try wide.baseDigest())
            let logits = try half.forward(fixture.batch).tokenLogits.floats()
            XCTAssertEqual(logits, try wide.forward(fixture.batch).tokenLogits.floats())
            assertClose(logits, try fixture.model.forward(fixture.batch).tokenLogits.floats(), abs: 0.02, rel: 0.01)
            let prompt = try Prompt.encode(half.tokenizer!, text: "Ok 42.", codebookCount: 6)
            let options = GenerationOptions(sampling: try SamplingOptions(topP: 1e-6), maxNewTokens: 10)
            XCTAssertEqual(
                try half.generate(prompt: prompt, options).sequence.ints(),
                try wide.generate(prompt: prompt, options).sequence.ints())
        }
    }
}
