import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// What several machines bring, held against the tables of seconds that were worked out by hand for the 1.4 model:
/// 8.3 s a row of 512 tokens, 20 MB of gradients; all weights 12.4 s a row, 1.5 s for the optimizer, 2 GB.
final class ScalingTests: XCTestCase {
    private func check(_ script: LuaScript, file: StaticString = #filePath, line: UInt = #line) throws {
        let run = try OpahProcess.run(script.command(after: .file("near")))
        XCTAssertEqual(run.code, 0, run.errors, file: file, line: line)
    }

    func testAnAdapter() throws {
        // With the balance of the hand-made table, which sent one vector per host and not one per row: up to 0.26 s
        // less.
        try check(.file("an_adapter"))
    }

    func testAllWeights() throws {
        try check(.file("all_weights"))
    }

    /// As measured with the rows that the sampler draws.
    func testBalance() throws {
        try check(
            """
            assert(scaling.balance(8, 1) == 1 and scaling.balance(1, 4) == 0.25)
            for _, case in ipairs { { 8, 2, 0.97, 1 }, { 8, 4, 0.90, 0.95 }, { 8, 8, 0.72, 0.83 }, { 32, 8, 0.95, 1 }, { 32, 16, 0.86, 0.97 } } do
              local balance = scaling.balance(case[1], case[2])
              assert(balance > case[3] and balance < case[4], ("%d rows on %d hosts: %g"):format(case[1], case[2], balance))
            end
            """)
    }

    func testExtraction() throws {
        try check(
            """
            local options = { audio_hours = 1000, second_seconds = 0.019, bytes_per_second = 88200, network = 1e9 }
            for hosts, hours in pairs { [1] = 19.0, [2] = 9.5, [4] = 4.75, [8] = 2.4, [16] = 1.2 } do near(scaling.extraction(options, hosts), hours, 0.011) end
            assert(not select(2, scaling.extraction(options, 24)) and select(2, scaling.extraction(options, 26)))
            """)
    }

    func testTheRecipe() throws {
        let run = try OpahProcess.run(["run", "scaling", "--hosts", "3", "--row-seconds", "1", "--network", "100Mbit/s"]
        )
        XCTAssertEqual(run.code, 0, run.errors)
        let rows = run.output.split(separator: "\n").compactMap {
            $0.wholeMatch(of: /\s+([0-9]+)\s+([0-9.]+)\s+([0-9.]+)\s+([0-9.]+)\s+([0-9]+) %/)
        }
        XCTAssertEqual(rows.map { String($0.1) }, ["1", "2", "3"])
        XCTAssertEqual(rows.first.map { String($0.2) }, "8.00")
        for wrong in [
            ["--network", "fast"], ["--network", "1Gbit/h"], ["--latency", "3h"], ["--latency", "0ms"], ["--hosts", "0"]
        ] {
            XCTAssertEqual(try OpahProcess.run(["run", "scaling"] + wrong).code, 2, "\(wrong)")
        }
    }

    /// Of a dry run: its own rows, seconds and numbers. Without a dry run the question is refused, not passed over.
    func testADryRunTellsOfSeveralMachines() throws {
        let folder = try TestFolder("scaling"), tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"
        let packs = try OpahProcess.run(["-e", #"print(require "opah.embedded".packs("."))"#], folder: folder.path)
        let training = [
            "project=p", "pretrained_ckpt_path=\(tiny)",
            "train_dataset.proto_files=[\(packs.output.trimmingCharacters(in: .whitespacesAndNewlines))]",
            "max_length=512", "data.batch_size=4", "trainer.max_steps=3", "+lora@model.model.lora_config=r_8_alpha_16"
        ]
        let run = try OpahProcess.run(["run", "train", "--dry-run", "--hosts", "8"] + training, folder: folder.path)
        XCTAssertEqual(run.code, 0, run.errors)
        let rows = run.errors.split(separator: "\n").compactMap {
            $0.prefixMatch(of: /\s+([0-9]+)\s+([0-9.]+)\s+([0-9.]+)\s+([0-9.]+)\s+([0-9]+) %/)
        }
        XCTAssertEqual(rows.map { String($0.1) }, ["1", "2", "4", "8"])
        XCTAssertTrue(run.errors.contains("more hosts than rows"), run.errors)
        for words in [["--hosts", "8"], ["--dry-run", "--network", "1Gbit"]] {
            let refused = try OpahProcess.run(["run", "train"] + words + training, folder: folder.path)
            XCTAssertEqual(refused.code, 2, refused.errors)
            XCTAssertTrue(refused.errors.contains("are questions to --dry-run"), refused.errors)
        }
    }
}
