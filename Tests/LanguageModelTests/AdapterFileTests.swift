import Formats
import Foundation
import LanguageModel
import Support
import Tensors
import TestSupport
import XCTest

/// Adapter files: what they record, those of the original, and merging them into their base.
final class AdapterFileTests: XCTestCase {
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
