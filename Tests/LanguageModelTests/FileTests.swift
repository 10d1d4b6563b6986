import Formats
import Foundation
import LanguageModel
import Support
import Tensors
import TestSupport
import XCTest

/// Model folders and adapter files, good and bad.
final class FileTests: XCTestCase {
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

    func testAdapterFilesExplainThemselves() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/step.ckpt", model = try LanguageModel.load(Vectors.path("dualar/dual_bf16"))
            let adapter = try model.applyLoRA(
                LoRAConfiguration(rank: 4, alpha: 6, dropout: 0.25, targets: ["attention", "output"]),
                generator: Random(seed: 9))
            try model.saveLoRA(adapter, to: path, step: 120)
            let metadata = try XCTUnwrap(LanguageModel.readLoRAMetadata(path))
            XCTAssertEqual(metadata.rank, 4)
            XCTAssertEqual(metadata.alpha, 6)
            XCTAssertEqual(metadata.dropout, 0.25)
            XCTAssertEqual(metadata.targets, ["attention", "output"])
            XCTAssertEqual(metadata.baseDigest, try model.baseDigest())
            XCTAssertEqual(metadata.step, 120)
            // the same base in another form
            let other = try LanguageModel.load(Vectors.path("dualar/dual_bf16"), weights: .float32)
            let loaded = try other.loadLoRA(path, trainable: true)
            XCTAssertEqual(loaded.configuration, adapter.configuration)
            XCTAssertEqual(loaded.step, 120)
            for (a, b) in zip(loaded.namedParameters, adapter.namedParameters) {
                XCTAssertEqual(a.name, b.name)
                XCTAssertEqual(try a.tensor.floats(), try b.tensor.floats())
                XCTAssertTrue(a.tensor.requiresGrad)
            }
            assertThrows(.checkpoint, containing: "trained with rank 4") {
                try other.loadLoRA(path, configuration: .named("r_8_alpha_6"))
            }
            assertThrows(
                .checkpoint, containing: "the adapter has targets attention, output, and the LoRA configuration fast"
            ) {
                try other.loadLoRA(path, configuration: LoRAConfiguration(rank: 4, alpha: 6, targets: ["fast"]))
            }
            // The same layers in other words.
            XCTAssertNoThrow(
                try other.loadLoRA(
                    path, configuration: LoRAConfiguration(rank: 4, alpha: 6, targets: ["*.attention.*", "output"])))
            assertThrows(.checkpoint, containing: "trained with alpha 6") {
                try other.loadLoRA(path, configuration: .named("r_4_alpha_16"))
            }
            let foreign = try LanguageModel.random(model.configuration, seed: 4)
            assertThrows(.checkpoint, containing: "another base model") { try foreign.loadLoRA(path) }
            XCTAssertTrue(foreign.adapters.isEmpty)
        }
    }

    func testAdaptersOfTheOriginal() throws {
        let path = Vectors.path("lora/dual_bf16_r8_alpha16/lora_after8.ckpt")
        let model = try LanguageModel.load(Vectors.path("dualar/dual_bf16"))
        XCTAssertNil(try LanguageModel.readLoRAMetadata(path))
        let adapter = try model.loadLoRA(path)
        XCTAssertEqual(adapter.configuration.alpha, 16)
        XCTAssertTrue(adapter.notes.contains { $0.contains("does not record alpha") })
        assertThrows(.checkpoint, containing: "has rank 8, and the LoRA configuration says 4") {
            try model.loadLoRA(path, configuration: .named("r_4_alpha_16"))
        }
        assertThrows(.checkpoint, containing: "without LoRA") {
            try model.loadLoRA(Vectors.path("dualar/dual_bf16/model.pth"))
        }
        let other = try LanguageModel.load(Vectors.path("dualar/dual_fastdim"))
        assertThrows(.checkpoint) { try other.loadLoRA(path) }
    }

    func testMergingFiles() throws {
        try withTemporaryFolder { folder in
            let output = folder + "/merged", lora = Vectors.path("lora/dual_bf16_r8_alpha16/lora_after8.ckpt")
            let base = Vectors.path("dualar/dual_bf16")
            let report = try LanguageModel.mergeFiles(
                configuration: .named("r_8_alpha_16"), baseWeight: base, loraWeight: lora, output: output)
            XCTAssertEqual(report.tensors, 42)
            XCTAssertEqual(report.changed, 30)
            XCTAssertEqual(report.dtype, "bfloat16")
            XCTAssertLessThanOrEqual(report.difference, 1e-5 * max(1, report.largestLogit))
            XCTAssertGreaterThan(report.differenceAsWritten, 0)
            XCTAssertTrue(report.notes.contains { $0.contains("does not record alpha") })
            let ours = try Checkpoint.stateDict(output + "/model.pth")
            let theirs = try Checkpoint.stateDict(Vectors.path("lora/dual_bf16_r8_alpha16/merged/model.pth"))
            XCTAssertEqual(ours.names, theirs.names)
            for name in theirs.names { XCTAssertEqual(try ours[name]!.floats(), try theirs[name]!.floats(), name) }
            XCTAssertEqual(
                try String(contentsOfFile: output + "/config.json", encoding: .utf8),
                try String(
                    contentsOfFile: Vectors.path("lora/dual_bf16_r8_alpha16/merged/config.json"), encoding: .utf8))
            XCTAssertTrue(FileManager.default.fileExists(atPath: output + "/tokenizer.json"))
            // Once more into the folder that is there, which may hold other things.
            try AtomicFile.write(output + "/keep.txt", "mine")
            _ = try LanguageModel.mergeFiles(
                configuration: nil, baseWeight: base, loraWeight: lora, output: output + "/")
            XCTAssertTrue(FileManager.default.fileExists(atPath: output + "/keep.txt"))
            XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), ["merged"])
            assertThrows(.argument, containing: "replace the base") {
                try LanguageModel.mergeFiles(
                    configuration: nil, baseWeight: output, loraWeight: lora, output: folder + "/./merged")
            }
            assertThrows(.argument, containing: "inside the base") {
                try LanguageModel.mergeFiles(
                    configuration: nil, baseWeight: output, loraWeight: lora, output: folder + "/merged/a/b")
            }
            // A folder of something else stays as it is, unless its owner says so.
            try FileManager.default.createDirectory(atPath: folder + "/voices", withIntermediateDirectories: true)
            try AtomicFile.write(folder + "/voices/config.json", "mine")
            assertThrows(.file, containing: "holds other things than a merged model (config.json)") {
                try LanguageModel.mergeFiles(
                    configuration: nil, baseWeight: base, loraWeight: lora, output: folder + "/voices")
            }
            XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder + "/voices"), ["config.json"])
            XCTAssertEqual(try String(contentsOfFile: folder + "/voices/config.json", encoding: .utf8), "mine")
            _ = try LanguageModel.mergeFiles(
                configuration: nil, baseWeight: base, loraWeight: lora, output: folder + "/voices", overwrite: true)
            XCTAssertNoThrow(try LanguageModel.load(folder + "/voices"))
            // One process at a time.
            let lock = try FolderLock(output, for: "something")
            assertThrows(.file, containing: "at work here") {
                try LanguageModel.mergeFiles(configuration: nil, baseWeight: base, loraWeight: lora, output: output)
            }
            lock.release()
            assertThrows(.checkpoint, containing: "LoRA configuration fast") {
                try LanguageModel.mergeFiles(
                    configuration: LoRAConfiguration(rank: 8, alpha: 16, targets: ["fast"]), baseWeight: base,
                    loraWeight: lora, output: output)
            }
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

    func testMergingAnUntrainedAdapterIsRefused() throws {
        try withTemporaryFolder { folder in
            let model = try LanguageModel.load(Vectors.path("dualar/dual_fastdim")), path = folder + "/fresh.ckpt"
            try model.saveLoRA(try model.applyLoRA(.stock, generator: Random(seed: 1)), to: path)
            assertThrows(.checkpoint, containing: "same as the base") {
                try LanguageModel.mergeFiles(
                    configuration: nil, baseWeight: Vectors.path("dualar/dual_fastdim"), loraWeight: path,
                    output: folder + "/out")
            }
            XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), ["fresh.ckpt"])
        }
    }
}
