import Foundation
import TestSupport
import XCTest

/// The page's path with a model of fish-speech 1.5: from clips to speech, with an adapter and with all weights.
final class Release15PathTests: XCTestCase {
    private static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"
    private static let tokenizer = OpahProcess.checkout + "/Tests/Vectors/release15/model"

    @discardableResult
    private func opah(
        _ folder: TestFolder, _ arguments: [String], code: Int32 = 0, line: UInt = #line
    ) throws
        -> OpahProcess.Result
    {
        let result = try OpahProcess.run(arguments, folder: folder.path)
        XCTAssertEqual(result.code, code, result.errors, line: line)
        return result
    }

    func testFromClipsToSpeech() throws {
        let folder = try TestFolder("release15")
        try FileManager.default.copyItem(
            atPath: OpahProcess.checkout + "/examples/data/Alice", toPath: folder("data/Alice"))
        let made = try opah(
            folder,
            [
                "-e",
                """
                local lm = require "opah.lm"
                local config = { model_type = "dual_ar", vocab_size = 3040, dim = 32, n_layer = 2, n_head = 2, n_local_heads = 1, n_fast_layer = 1,
                  intermediate_size = 48, codebook_size = 1024, num_codebooks = 8, tie_word_embeddings = false, max_seq_len = 1024, norm_eps = 1e-6 }
                local model = lm.new(config, { seed = 1, dtype = "bfloat16", tokenizer = "\(Self.tokenizer)" })
                model:save("base")
                print(lm.load("base").release)
                """
            ])
        XCTAssertEqual(made.output, "1.5\n")
        try opah(
            folder,
            [
                "run", "extract-vq", "data", "--config-name", Self.tiny + "/codec.lua", "--checkpoint-path",
                Self.tiny + "/codec.pth"
            ])
        try opah(folder, ["run", "build-dataset", "--input", "data", "--output", "protos", "--text-extension", ".lab"])
        let training = [
            "run", "train", "--config-name", "text2semantic_1_5", "pretrained_ckpt_path=base", "max_length=512",
            "train_dataset.proto_files=[protos]",
            "data.batch_size=1", "trainer.max_steps=4", "trainer.val_check_interval=2", "model.optimizer.lr=1e-3"
        ]
        let trained = try opah(
            folder,
            training + ["project=p", "+lora@model.model.lora_config=r_8_alpha_16", "train_dataset.use_speaker=true"])
        XCTAssertTrue(trained.errors.contains("use_speaker changes nothing"), trained.errors)
        let adapter = folder("results/p/checkpoints/step_000000004.ckpt")
        try opah(
            folder,
            [
                "run", "merge-lora", "--lora-config", "r_8_alpha_16", "--base-weight", "base", "--lora-weight", adapter,
                "--output", "merged"
            ])
        try opah(folder, training + ["project=all"])
        try opah(
            folder,
            [
                "run", "extract-model", "--base-weight", "base", "--checkpoint",
                folder("results/all/checkpoints/step_000000004.ckpt"), "--output", "whole"
            ])
        for model in ["merged", "whole"] {
            for name in ["tokenizer.tiktoken", "special_tokens.json"] {
                XCTAssertEqual(
                    FileManager.default.contents(atPath: folder("\(model)/\(name)")),
                    FileManager.default.contents(atPath: Self.tokenizer + "/" + name))
            }
            let spoken = try opah(
                folder,
                [
                    "run", "generate", "--text", "Good morning. The harbour is quiet.", "--checkpoint-path", model,
                    "--output", model + "-out",
                    "--prompt-text", "Good morning. The harbour is quiet today.", "--prompt-tokens",
                    "data/Alice/0.00-2.10.npy", "--speaker", "Alice",
                    "--max-new-tokens", "10", "--vq-config-name", Self.tiny + "/codec.lua", "--vq-checkpoint-path",
                    Self.tiny + "/codec.pth"
                ])
            XCTAssertTrue(spoken.errors.contains("--speaker changes nothing"), spoken.errors)
            XCTAssertGreaterThan(
                FileManager.default.contents(atPath: folder(model + "-out/codes_0.wav"))?.count ?? 0, 2048 * 2,
                spoken.errors)
        }

        // A dataset that is written for the other release is refused by name.
        let mixed = try opah(
            folder,
            [
                "-e",
                """
                local data, lm, lora, train, text = require "opah.data", require "opah.lm", require "opah.lora", require "opah.train", require "opah.text"
                local model = lm.load("base")
                lora.apply(model, "r_8_alpha_16")
                local ds = data.dataset { protos = "protos", tokenizer = text.tokenizer("\(Self.tiny)"), max_length = 512, val_fraction = 0 }
                local ok, problem = pcall(train.fit, { model = model, data = ds, project = "mixed", max_steps = 1 })
                print(ok, problem.message)
                """
            ])
        XCTAssertTrue(
            mixed.output.contains("false") && mixed.output.contains("1.4") && mixed.output.contains("1.5"),
            mixed.output + mixed.errors)
    }
}
