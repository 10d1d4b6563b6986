import Foundation
import TestSupport
import XCTest

/// Beginning with an adapter of another run, and the moving average, from the command line.
final class TrainOptionsTests: XCTestCase {
    private static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"

    private func train(
        _ folder: TestFolder, _ project: String, _ steps: Int, _ more: String...
    ) throws -> OpahProcess.Result {
        try OpahProcess.run(
            [
                "run", "train", "project=\(project)", "pretrained_ckpt_path=\(Self.tiny)", "max_length=512",
                "train_dataset.proto_files=[protos]", "data.batch_size=1",
                "trainer.max_steps=\(steps)", "trainer.limit_val_batches=0", "model.optimizer.lr=1e-3"
            ] + more, folder: folder.path)
    }

    /// A folder with packs of the example voices.
    private func packed(_ name: String) throws -> TestFolder {
        let folder = try TestFolder(name)
        try FileManager.default.copyItem(atPath: OpahProcess.checkout + "/examples/data", toPath: folder("data"))
        for words in [
            [
                "extract-vq", "data", "--config-name", Self.tiny + "/codec.lua", "--checkpoint-path",
                Self.tiny + "/codec.pth"
            ],
            ["build-dataset", "--input", "data", "--output", "protos", "--text-extension", ".lab"]
        ] {
            let result = try OpahProcess.run(["run"] + words, folder: folder.path)
            XCTAssertEqual(result.code, 0, result.errors)
        }
        return folder
    }

    private func loss(_ result: OpahProcess.Result, _ folder: TestFolder, _ project: String) throws -> [Double] {
        XCTAssertEqual(result.code, 0, result.errors)
        return try String(contentsOfFile: folder("results/\(project)/metrics.jsonl"), encoding: .utf8).split(
            separator: "\n"
        )
        .compactMap { line in
            let entry = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return entry?["loss"] as? Double
        }
    }

    func testARunBeginsWithAnotherRunsAdapter() throws {
        let folder = try packed("from-adapter"), adapter = "results/first/checkpoints/step_000000003.ckpt"
        let lora = "+lora@model.model.lora_config=r_4_alpha_8"
        _ = try loss(train(folder, "first", 3, lora, "model.optimizer.lr=0.05"), folder, "first")
        let new = try loss(train(folder, "new", 1, lora), folder, "new")
        let further = try loss(train(folder, "further", 1, "--from-adapter", adapter), folder, "further")
        XCTAssertNotEqual(new[0], further[0], "the adapter made no difference to the first loss")
        // The same with its settings said; others are refused, as is a file that is not there.
        XCTAssertEqual(
            try loss(train(folder, "said", 1, lora, "--from-adapter", adapter), folder, "said")[0], further[0])
        let other = try train(
            folder, "other", 1, "+lora@model.model.lora_config=r_8_alpha_16", "--from-adapter", adapter)
        XCTAssertEqual(other.code, 1, other.errors)
        XCTAssertTrue(other.errors.contains("rank"), other.errors)
        let gone = try train(folder, "gone", 1, "--from-adapter", "nowhere.ckpt")
        XCTAssertEqual(gone.code, 2, gone.errors)
        XCTAssertTrue(gone.errors.contains("--from-adapter: nowhere.ckpt does not exist"), gone.errors)
    }

    func testTheAverageIsAskedForByName() throws {
        let folder = try packed("average"), lora = "+lora@model.model.lora_config=r_4_alpha_8"
        let plain = try loss(train(folder, "plain", 2, lora), folder, "plain")
        XCTAssertEqual(
            try loss(train(folder, "averaged", 2, lora, "ema_decay=0.9"), folder, "averaged"), plain,
            "the steps are the same")
        func checkpoint(_ project: String) throws -> Data {
            try Data(contentsOf: URL(fileURLWithPath: folder("results/\(project)/checkpoints/step_000000002.ckpt")))
        }
        XCTAssertNotEqual(try checkpoint("averaged"), try checkpoint("plain"))
        let wrong = try train(folder, "wrong", 2, lora, "ema_decay=1")
        XCTAssertEqual(wrong.code, 2, wrong.errors)
        XCTAssertTrue(wrong.errors.contains("ema_decay"), wrong.errors)
    }
}
