import Foundation
import TestSupport
import XCTest

/// `opah.best_of` and `generate --best-of`: of several samples the one that its text explains best is kept, and its
/// seed makes it again.
final class BestOfTests: XCTestCase {
    private static let voice = OpahProcess.checkout + "/examples/checkpoints/voice"
    private static let setting = [
        "--checkpoint-path", voice, "--speaker", "slt", "--temperature", "1.2", "--top-p", "0.95",
        "--repetition-penalty", "1"
    ]

    private func check(_ chunk: String) throws {
        let folder = try TestFolder("best-of")
        let whole = """
            local opah = require "opah"
            local best_of, likelihood, voice = require "opah.best_of", require "opah.transcripts.likelihood", opah.embedded.voice
            local model = opah.lm.load(voice.model)
            local words = "The quiet farmer found the basket under the garden."
            local options = { text = words, speaker = "rms", seed = 20, codebook_size = 240, temperature = 1.2, top_p = 0.95, repetition_penalty = 1, max_new_tokens = 200 }
            """ + "\n" + chunk
        try whole.write(toFile: folder("chunk.lua"), atomically: true, encoding: .utf8)
        let result = try OpahProcess.run([folder("chunk.lua")], folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
    }

    /// More samples than are spoken in step: each is the one of its seed, and none that was left is explained better.
    func testTheBestSampleIsThatOfItsSeed() throws {
        try check(
            """
            local codes, info = best_of.generate(model, options, 18)
            assert(#info.samples == 18 and options.seed == 20 and not options.num_samples)
            local least, chosen = math.huge, nil
            for i, sample in ipairs(info.samples) do
              assert(sample.seed == 19 + i)
              options.seed = sample.seed
              local alone, told = model:generate(options)
              local function nats(said) return likelihood.frames(model, said, alone, "rms"):mean():item() end
              local own, none = nats(words), nats "."
              assert(math.abs(sample.share - own / none) < 1e-4, ("%d: %g, %g"):format(i, sample.share, own / none))
              assert(sample.cut == told.length_limit_hit)
              if not sample.cut and sample.share < least then least, chosen = sample.share, alone end
            end
            assert(codes:equal(chosen) and info.share == least)
            options.seed = info.seed
            assert((model:generate(options)):equal(codes))
            """)
    }

    func testTheRightTextHasTheLowestShare() throws {
        try check(
            """
            local texts = { words, "The old bird waited behind the harbour again.", "Please bring the quiet guitar to my mother." }
            options.temperature = 0.2
            local session = model:session()
            for _, text in ipairs(texts) do
              options.text = text
              local codes = best_of.generate(model, options, 2)
              local own = best_of.share(session, text, codes, "rms")
              assert(own < 0.5, own)
              for _, other in ipairs(texts) do assert(other == text or best_of.share(session, other, codes, "rms") > 2 * own, other) end
            end
            """)
    }

    /// A sample that was cut at the limit of frames is only taken when all were.
    func testOneThatEndedByItselfComesFirst() throws {
        try check(
            """
            local lengths = {}
            for seed = 20, 25 do
              options.seed = seed
              lengths[#lengths + 1] = (model:generate(options)):size(2)
            end
            table.sort(lengths)
            assert(lengths[1] < lengths[6])
            options.seed = 20
            for limit, cut in pairs { [lengths[1] + 1] = false, [lengths[1] - 1] = true } do
              options.max_new_tokens = limit
              local codes, info = best_of.generate(model, options, 6)
              assert(info.length_limit_hit == cut and codes:size(2) <= limit)
              assert(best_of.told(info):find("stopped at the length limit", 1, true) ~= nil == cut)
            end
            """)
    }

    /// Each version has seeds of its own, and the one that is told makes it again.
    func testTheRecipeTellsTheSeed() throws {
        let folder = try TestFolder("best-of-recipe")
        func speak(_ output: String, _ more: String...) throws -> OpahProcess.Result {
            let result = try OpahProcess.run(
                [
                    "run", "generate", "--text", "My mother painted nine candles.", "--max-new-tokens", "200",
                    "--output", output
                ] + Self.setting + more,
                folder: folder.path)
            XCTAssertEqual(result.code, 0, result.errors)
            return result
        }
        let told = try speak("best", "--best-of", "3", "--num-samples", "2", "--seed", "7").errors
        let seeds = told.matches(of: /seed (\d+), the best of 3/).compactMap { Int($0.1) }
        XCTAssertEqual(seeds.count, 2, told)
        for (i, seed) in seeds.enumerated() {
            XCTAssertTrue((7 + 3 * i ..< 10 + 3 * i).contains(seed), told)
            _ = try speak("one", "--seed", "\(seed)")
            XCTAssertEqual(
                FileManager.default.contents(atPath: folder("best/codes_\(i).npy")),
                try XCTUnwrap(FileManager.default.contents(atPath: folder("one/codes_0.npy"))))
        }
        let refused = try OpahProcess.run(
            ["run", "generate", "--text", "Hi.", "--best-of", "0"] + Self.setting, folder: folder.path)
        XCTAssertEqual(refused.code, 2, refused.errors)
    }

    /// Pieces of a long text: another number of samples speaks them again, the same one does not.
    func testPiecesOfALongText() throws {
        let folder = try TestFolder("best-of-pieces")
        try "The old bird waited. My mother painted nine candles.\n".write(
            toFile: folder("a.txt"), atomically: true, encoding: .utf8)
        func seeds(_ bestOf: String) throws -> (kept: [Int], told: String) {
            let result = try OpahProcess.run(
                [
                    "run", "generate", "--input", "a.txt", "--output", "out", "--max-new-tokens", "200", "--seed", "1",
                    "--best-of", bestOf
                ] + Self.setting,
                folder: folder.path)
            XCTAssertEqual(result.code, 0, result.errors)
            let told =
                try JSONSerialization.jsonObject(
                    with: Data(contentsOf: URL(fileURLWithPath: folder("out/a.pieces/pieces.json")))) as? [String: Any]
            return (
                try XCTUnwrap(told?["pieces"] as? [[String: Any]]).compactMap { $0["kept_seed"] as? Int }, result.errors
            )
        }
        let first = try seeds("4")
        XCTAssertEqual(first.kept.count, 2, first.told)
        XCTAssertTrue(
            first.kept.allSatisfy { (1 ... 4).contains($0) } && first.told.contains("piece 2: seed"), first.told)
        XCTAssertFalse(try seeds("4").told.contains("the best of"))
        XCTAssertEqual(try seeds("1").kept, [])
    }
}
