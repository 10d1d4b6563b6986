import Foundation
import TestSupport
import XCTest

/// `model:generate` with several samples, `compare`, `generation_cost`, and the recipe that speaks.
final class GenerationModuleTests: XCTestCase {
    private static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"

    /// Runs a chunk, in which an assertion that fails is an error.
    private func check(_ chunk: String) throws {
        let folder = try TestFolder("generation")
        try chunk.write(toFile: folder("chunk.lua"), atomically: true, encoding: .utf8)
        let result = try OpahProcess.run([folder("chunk.lua")], folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
    }

    func testSamplesInStep() throws {
        try check(
            """
            local lm = require "opah.lm"
            local model = lm.load("\(Self.tiny)")
            local heard, ended = {0, 0, 0}, {}
            local opts = {text = "Hello there.", num_samples = 3, seed = 5, min_frames = 4, max_new_tokens = 9, top_p = 1, temperature = 1.5,
                on_frame = function(codes, sample) assert(#codes == 8 and not ended[sample]); heard[sample] = heard[sample] + 1 end,
                on_sample = function(sample, codes, info) assert(type(info.length_limit_hit) == "boolean"); ended[sample] = codes end}
            local codes, infos = model:generate(opts)
            assert(#codes == 3 and #infos == 3)
            for i = 1, 3 do
                assert(codes[i]:equal(ended[i]) and heard[i] == codes[i]:size(2) and heard[i] >= 4 and heard[i] <= 9)
                local alone, info = model:generate{text = opts.text, seed = 5 + i - 1, min_frames = 4, max_new_tokens = 9, top_p = 1, temperature = 1.5}
                assert(alone:equal(codes[i]) and info.length_limit_hit == infos[i].length_limit_hit)
            end
            local prompt = lm.encode_prompt(model.tokenizer, "Hello.", nil, 8)
            local sequences = model:generate{prompt = prompt, num_samples = 2, max_new_tokens = 6, min_frames = 6}
            assert(#sequences == 2 and sequences[1]:size(2) == prompt:size(2) + 6)
            local ok, problem = pcall(model.generate, model, {text = "x", num_samples = 0})
            assert(not ok and problem.kind == "argument" and problem.message:find("num_samples must be from 1"))
            """)
    }

    func testErrorsAndCosts() throws {
        try check(
            """
            local lm = require "opah.lm"
            local model, exact, small = lm.load("\(Self.tiny)"), lm.load("\(Self.tiny)", {weights = "float32"}), lm.load("\(Self.tiny)", {weights = "int8"})
            local sequence = exact:generate{prompt = lm.encode_prompt(model.tokenizer, "Hello.", nil, 8), max_new_tokens = 20, min_frames = 20}
            local found = small:compare(exact, sequence)
            assert(found.tokens.positions == sequence:size(2) and found.codes.positions == 160)
            assert(found.tokens.relative > 0 and found.tokens.relative < 0.04 and found.codes.relative < 0.04 and found.codes.max_abs > 0)
            assert(exact:compare(exact, {sequence, sequence}).codes.top1_agreement == 1)
            local one, four = small:generation_cost(), small:generation_cost{num_samples = 4, context = 100}
            assert(four.bytes_per_frame == one.bytes_per_frame + 400 * one.cache_bytes_per_token and four.operations_per_frame > 4 * one.operations_per_frame)
            assert(lm.generation_cost("\(Self.tiny)", {weights = "int8"}).weight_bytes == one.weight_bytes)
            """)
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
