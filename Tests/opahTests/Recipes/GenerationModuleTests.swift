import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// `model:generate` with several samples, `compare`, `generation_cost`, and the recipe that speaks.
final class GenerationModuleTests: XCTestCase {
    private static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"

    /// Runs a script, in which an assertion that fails is an error.
    private func check(_ script: LuaScript) throws {
        let folder = try TestFolder("generation")
        let result = try OpahProcess.run(script.command([Self.tiny]), folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
    }

    func testSamplesInStep() throws {
        try check(.file("samples_in_step"))
    }

    func testErrorsAndCosts() throws {
        try check(.file("errors_and_costs"))
    }

    func testTheRecipeWritesEverySample() throws {
        let folder = try TestFolder("samples")
        func speak(_ output: String, _ more: String...) throws {
            let result = try OpahProcess.run(
                [
                    "run", "generate", "--text", "Hello there. How are you?", "--checkpoint-path", Self.tiny,
                    "--max-new-tokens", "12",
                    "--min-frames", "5", "--output", output
                ] + more, folder: folder.path)
            XCTAssertEqual(result.code, 0, result.errors)
        }
        try speak("all", "--num-samples", "18", "--seed", "3")
        for i in [0, 1, 15, 16, 17] {
            try speak("one", "--seed", "\(3 + i)")
            XCTAssertEqual(
                FileManager.default.contents(atPath: folder("all/codes_\(i).npy")),
                try XCTUnwrap(FileManager.default.contents(atPath: folder("one/codes_0.npy"))))
        }
    }

    func testInterruptedSamplesKeepWhatWasSaid() throws {
        let folder = try TestFolder("partial")
        let text = String(repeating: "Hello there, how are you today, and how was it yesterday. ", count: 40)
        let running = try OpahProcess.start(
            [
                "run", "generate", "--text", text, "--checkpoint-path", Self.tiny, "--min-frames", "800",
                "--num-samples", "2",
                "--output", "."
            ], folder: folder.path)
        usleep(2_500_000)
        XCTAssertTrue(running.process.isRunning, running.errorsSoFar)
        kill(running.process.processIdentifier, SIGINT)
        let result = running.finish()
        XCTAssertEqual(result.code, 130, result.errors)
        for i in 0 ..< 2 {
            let bytes = try XCTUnwrap(
                FileManager.default.contents(atPath: folder("codes_\(i).partial.npy")), result.errors)
            XCTAssertGreaterThan(bytes.count, 1000)
        }
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("codes_0.npy")))
        XCTAssertTrue(result.errors.contains("not complete"), result.errors)
    }
}
