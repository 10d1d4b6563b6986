import Foundation
import LanguageModel
import Tensors
import TestSupport
import XCTest

/// How a token is drawn: its probability, what top_p keeps, and tokens that are no frame.
final class TokenDrawTests: GenerationCase {
    func testProbabilities() throws {
        let vectors = try Vectors.npz("generate/probs.npz")
        let cases = try XCTUnwrap(Vectors.json("generate/probs.json") as? [[String: Any]])
        XCTAssertGreaterThan(cases.count, 10)
        for entry in cases {
            let name = try XCTUnwrap(entry["name"] as? String)
            func number(_ key: String) throws -> Double { try XCTUnwrap(entry[key] as? Double, key) }
            let previous = try vectors["\(name)_previous"]?.ints() ?? vectors["\(name)_previous_tokens"]?.ints() ?? []
            XCTAssertEqual(entry["has_previous"] as? Bool, !previous.isEmpty, name)
            let found = try Sampling.probabilities(
                try vectors["\(name)_logits"]!.floats(), previous: previous, topP: number("top_p"),
                temperature: number("temperature"), repetitionPenalty: number("repetition_penalty"))
            assertClose(found, try vectors["\(name)_probs"]!.floats(), abs: 1e-6, name)
            XCTAssertEqual(found.count { $0 > 0 }, try vectors["\(name)_probs"]!.floats().count { $0 > 0 }, name)
        }
        assertThrows(.index) { try Sampling.probabilities([1, 2], previous: [2]) }
        assertThrows(.checkpoint) { try Sampling.probabilities([1, .nan]) }
        assertThrows(.argument, containing: "top_p must be in (0, 1]") { try SamplingOptions(topP: 0) }
        assertThrows(.argument, containing: "repetition_penalty") { try SamplingOptions(repetitionPenalty: 2) }
    }

    func testTopPKeepsWhatSortingKeeps() throws {
        let random = Random(seed: 11)
        let peaked = (0 ..< 4000).map { _ in Float(random.uniform() * 60) },
            flat = (0 ..< 4000).map { _ in Float(random.uniform() * 0.5) }
        let ties = (0 ..< 500).map { _ in Float(random.integer(below: 3)) },
            far: [Float] = [0, -1000, -.infinity, -40, 0, -0.01]
        for logits in [peaked, flat, ties, far, [3], [0, 0]] {
            let best = logits.max()!, weights = logits.map { exp(Double($0 - best)) }, total = weights.reduce(0, +)
            for topP in [1e-6, 0.1, 0.5003, 0.7, 0.95, 1] {
                var kept: Set<Int> = [], cumulated = 0.0
                for i in logits.indices.sorted(by: { logits[$0] > logits[$1] || (logits[$0] == logits[$1] && $0 < $1) })
                {
                    cumulated += weights[i] / total
                    if Float(cumulated) > Float(topP), !kept.isEmpty { break }
                    kept.insert(i)
                }
                let found = try Sampling.probabilities(logits, topP: topP, temperature: 0.8)
                let keptTotal = kept.reduce(0.0) { $0 + exp(Double(logits[$1] - best) / 0.8) }
                for i in logits.indices {
                    let expected = kept.contains(i) ? exp(Double(logits[i] - best) / 0.8) / keptTotal : 0
                    if abs(Double(found[i]) - expected) > 1e-6 {
                        return XCTFail("\(topP) of \(logits.count): \(i) has \(found[i]), not \(expected)")
                    }
                }
            }
        }
    }

    func testStrayTokensNeverBreakARun() throws {
        // A random model draws any of its tokens; text generation redraws, so every frame has codes.
        let source = try LanguageModel.load(Vectors.path("dualar/dual_fastdim"))
        let model = try LanguageModel.random(source.configuration, seed: 3, tokenizer: source.tokenizer)
        let speech = try model.speak(
            "Ok 42.", SpeechOptions(try options(SamplingOptions(topP: 1, temperature: 1.9), tokens: 30)))
        XCTAssertGreaterThan(speech[0].codes.shape[1], 0)
        XCTAssertEqual(speech[0].pieces.reduce(0) { $0 + $1.frames }, speech[0].codes.shape[1])
        XCTAssertTrue(try speech[0].codes.ints().allSatisfy { $0 >= 0 })
        // The inner loop keeps them, with codes 0, as the original does.
        let prompt = try Prompt.encode(source.tokenizer!, text: "Ok", codebookCount: 6)
        var keeping = try options(SamplingOptions(topP: 1, temperature: 1.9), tokens: 30)
        keeping.strayTokens = .keep
        let (sequence, _) = try model.generate(prompt: prompt, keeping)
        let values = try sequence.ints(), width = sequence.shape[1]
        for t in prompt.shape[1] ..< width where values[t] != source.semanticId {
            XCTAssertTrue((1 ... 6).allSatisfy { values[$0 * width + t] == 0 })
        }
    }

    func testLeastFrames() throws {
        let model = try LanguageModel.load(Vectors.path("dualar/dual_fastdim"))
        var least = try options(SamplingOptions(topP: 1, temperature: 1.9), tokens: 40)
        least.minFrames = 33
        let prompt = try Prompt.encode(model.tokenizer!, text: "Ok 42.", codebookCount: 6), start = prompt.shape[1]
        for result in try model.generate(prompts: [prompt, prompt, prompt], least) {
            XCTAssertGreaterThanOrEqual(result.sequence.shape[1] - start, 33)
            XCTAssertTrue(try result.sequence.ints()[start ..< (start + 33)].allSatisfy { $0 == model.semanticId })
        }
    }
}
