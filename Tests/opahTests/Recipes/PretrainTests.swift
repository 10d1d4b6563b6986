import Foundation
import TestSupport
import XCTest

/// The recipe pretrain: from clips with labels and packs to a model folder of its own, which speaks.
final class PretrainTests: XCTestCase {
    func testAModelFromNothing() throws {
        let folder = try TestFolder("pretrain")
        XCTAssertEqual(try OpahProcess.run(["-e", "require('opah.embedded').packs('data')"], folder: folder.path).code, 0)
        let recipe = ["run", "pretrain", "--labels", "data", "--protos", "data/protos", "--base", "base", "--project", "p", "--vocab-size", "300",
                      "--dim", "48", "--layers", "1", "--feed-forward", "96", "--batch-size", "2", "--every", "2", "--val-fraction", "0.2"]
        let ran = try OpahProcess.run(recipe + ["--max-steps", "4"], folder: folder.path)
        XCTAssertEqual(ran.code, 0, ran.errors)
        XCTAssertTrue(ran.errors.contains("a vocabulary of 300 tokens from 14 labels"), ran.errors)
        XCTAssertTrue(ran.errors.contains("step 4: held-out loss"), ran.errors)
        // Run again, there is nothing left to do; with other settings it is another run.
        XCTAssertEqual(try OpahProcess.run(recipe + ["--max-steps", "4"], folder: folder.path).code, 0)
        XCTAssertEqual(try OpahProcess.run(recipe + ["--max-steps", "4", "--lr", "0.1"], folder: folder.path).code, 1)

        let model = try OpahProcess.run(["run", "extract-model", "--base-weight", "base", "--checkpoint", "results/p/checkpoints/step_000000004.ckpt",
                                         "--output", "model"], folder: folder.path)
        XCTAssertEqual(model.code, 0, model.errors)
        let spoken = try OpahProcess.run(["run", "generate", "--text", "Good morning.", "--checkpoint-path", "model", "--max-new-tokens", "4"],
                                         folder: folder.path)
        XCTAssertEqual(spoken.code, 0, spoken.errors)
        XCTAssertTrue(FileManager.default.fileExists(atPath: folder("codes_0.npy")))
    }
}
