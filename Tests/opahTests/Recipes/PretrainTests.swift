import Foundation
import TestSupport
import XCTest

/// The recipe pretrain: from clips with labels and packs to a model folder of its own, which speaks.
final class PretrainTests: XCTestCase {
    func testAModelFromNothing() throws {
        let folder = try TestFolder("pretrain")
        XCTAssertEqual(
            try OpahProcess.run(["-e", "require('opah.embedded').packs('data')"], folder: folder.path).code, 0)
        let recipe = [
            "run", "pretrain", "--labels", "data", "--protos", "data/protos", "--base", "base", "--project", "p",
            "--vocab-size", "300",
            "--dim", "48", "--layers", "1", "--feed-forward", "96", "--batch-size", "2", "--every", "2",
            "--val-fraction", "0.2"
        ]
        let ran = try OpahProcess.run(recipe + ["--max-steps", "4"], folder: folder.path)
        XCTAssertEqual(ran.code, 0, ran.errors)
        XCTAssertTrue(ran.errors.contains("a vocabulary of 300 tokens from 14 labels"), ran.errors)
        XCTAssertTrue(ran.errors.contains("step 4: held-out loss"), ran.errors)
        // Run again, there is nothing left to do; with other settings it is another run.
        XCTAssertEqual(try OpahProcess.run(recipe + ["--max-steps", "4"], folder: folder.path).code, 0)
        XCTAssertEqual(try OpahProcess.run(recipe + ["--max-steps", "4", "--lr", "0.1"], folder: folder.path).code, 1)

        let model = try OpahProcess.run(
            [
                "run", "extract-model", "--base-weight", "base", "--checkpoint",
                "results/p/checkpoints/step_000000004.ckpt",
                "--output", "model"
            ], folder: folder.path)
        XCTAssertEqual(model.code, 0, model.errors)
        let spoken = try OpahProcess.run(
            ["run", "generate", "--text", "Good morning.", "--checkpoint-path", "model", "--max-new-tokens", "4"],
            folder: folder.path)
        XCTAssertEqual(spoken.code, 0, spoken.errors)
        XCTAssertTrue(FileManager.default.fileExists(atPath: folder("codes_0.npy")))
    }

    /// With Muon the rate is level until the last steps: a run that was stopped there, or had another end in mind,
    /// comes to the same bytes.
    func testARunWithMuonGoesOnToTheSameBytes() throws {
        let folder = try TestFolder("muon")
        XCTAssertEqual(
            try OpahProcess.run(["-e", "require('opah.embedded').packs('data')"], folder: folder.path).code, 0)
        let recipe = [
            "run", "pretrain", "--labels", "data", "--protos", "data/protos", "--base", "base", "--vocab-size", "300",
            "--dim", "48",
            "--layers", "1", "--feed-forward", "96", "--batch-size", "2", "--every", "2", "--val-fraction", "0.2",
            "--use-speaker", "0.5", "--optimizer", "muon", "--decay-steps", "2"
        ]
        for (project, ends) in [("once", ["6"]), ("twice", ["4", "6"])] {
            for end in ends {
                // level up to step 3, and no step is taken after the fourth's save
                let decay = end == "4" ? ["--decay-steps", "1"] : []
                let ran = try OpahProcess.run(
                    recipe + decay + ["--project", project, "--max-steps", end], folder: folder.path)
                XCTAssertEqual(ran.code, 0, ran.errors)
                XCTAssertTrue(ran.errors.contains("step \(end): held-out loss"), ran.errors)
            }
        }
        let checkpoint = "/checkpoints/step_000000006.ckpt"
        XCTAssertEqual(
            try Data(contentsOf: URL(fileURLWithPath: folder("results/once" + checkpoint))),
            try Data(contentsOf: URL(fileURLWithPath: folder("results/twice" + checkpoint))))
        let other = try OpahProcess.run(
            recipe + ["--project", "twice", "--max-steps", "6", "--lr", "0.1"], folder: folder.path)
        XCTAssertEqual(other.code, 1)
        XCTAssertTrue(other.errors.contains("other settings"), other.errors)
        let model = try OpahProcess.run(
            [
                "run", "extract-model", "--base-weight", "base", "--checkpoint", "results/once" + checkpoint,
                "--output", "model"
            ], folder: folder.path)
        XCTAssertEqual(model.code, 0, model.errors)
        // What a killed run left is no model, and stops nobody.
        let manager = FileManager.default
        try manager.createDirectory(atPath: folder("again.making"), withIntermediateDirectories: false)
        try manager.copyItem(atPath: folder("base/config.json"), toPath: folder("again.making/config.json"))
        let again = try OpahProcess.run(
            [
                "run", "extract-model", "--base-weight", "base", "--checkpoint", "results/once" + checkpoint,
                "--output", "again/"
            ], folder: folder.path)
        XCTAssertEqual(again.code, 0, again.errors)
        XCTAssertEqual(
            try manager.contentsOfDirectory(atPath: folder("again")).sorted(),
            try manager.contentsOfDirectory(atPath: folder("model")).sorted())
        XCTAssertFalse(manager.fileExists(atPath: folder("again.making")))
    }
}
