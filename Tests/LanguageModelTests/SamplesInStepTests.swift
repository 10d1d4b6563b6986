import Foundation
import LanguageModel
import Tensors
import TestSupport
import XCTest

/// Several samples at a time: each is what its seed gives alone, whatever its company and the number of threads.
final class SamplesInStepTests: GenerationCase {
    func testSeedsSamplesAndBatches() throws {
        let model = try LanguageModel.load(Vectors.path("dualar/dual_bf16"))
        func speak(_ seed: UInt64, _ samples: Int) throws -> [[Int]] {
            var speech = SpeechOptions(try options(seed: seed))
            speech.samples = samples
            return try model.speak("Ok 42. No way", speech).map { try $0.codes.ints() }
        }
        let three = try speak(1, 3)
        XCTAssertEqual(three, try speak(1, 3))
        XCTAssertNotEqual(three[0], three[1])
        XCTAssertEqual(try speak(1, 1)[0], three[0])   // a sample does not depend on the others
        XCTAssertNotEqual(try speak(2, 1)[0], three[0])
    }

    func testSamplesInStepAreWhatEachIsAlone() throws {
        for name in ["dual_bf16", "dual_fastdim", "naive_bf16", "dual_tied"] {
            for form in [LanguageModel.WeightForm.float32, .bfloat16, .int8, .int4] {
                let model = try LanguageModel.load(Vectors.path("dualar/\(name)"), weights: form)
                let texts = ["Ok 42.", "No way", "Ok 42.", "Ja", "Ok 42.", "Been there. Done that.", "Ok", "Ok 42."]
                let prompts = try texts.map {
                    try Prompt.encode(model.tokenizer!, text: $0, codebookCount: model.configuration.codebookCount)
                }
                var options = try options(SamplingOptions(topP: 0.95, temperature: 1.5), tokens: 12, seed: 7)
                options.strayTokens = .keep
                let alone = try prompts.enumerated().map { i, prompt in
                    options.seed = 7 + UInt64(i)
                    return try model.generate(prompt: prompt, options).sequence.ints()
                }
                options.seed = 7
                XCTAssertGreaterThan(Set([alone[0], alone[2], alone[4], alone[7]]).count, 1)
                for count in [2, 3, 4, 5, 8] {
                    let together = try model.generate(prompts: Array(prompts.prefix(count)), options).map {
                        try $0.sequence.ints()
                    }
                    XCTAssertEqual(together, Array(alone.prefix(count)), "\(name) \(form) \(count)")
                }
            }
        }
    }

    func testNothingDependsOnTheNumberOfThreads() throws {
        let before = Parallel.threadCount
        defer { Parallel.setThreadCount(before) }
        for form in [LanguageModel.WeightForm.float32, .bfloat16, .int8, .int4] {
            let model = try LanguageModel.load(Vectors.path("dualar/dual_fastdim"), weights: form)
            let prompt = try Prompt.encode(model.tokenizer!, text: "Ok", codebookCount: 6)
            var found: [[Int]] = []
            for threads in [1, 2, 3, 2] {
                Parallel.setThreadCount(threads)
                found.append(try model.generate(prompt: prompt, options(tokens: 30)).sequence.ints())
            }
            XCTAssertEqual(Set(found).count, 1, form.rawValue)
        }
    }

    func testSamplesAreHandedOverAsTheyEnd() throws {
        let model = try LanguageModel.load(Vectors.path("dualar/dual_fastdim"))
        var speech = SpeechOptions(try options(SamplingOptions(topP: 1, temperature: 1.9), tokens: 25))
        speech.samples = 5
        speech.chunkLength = 12
        var frames = [[[Int]]](repeating: [], count: 5), ended: [Int: [Int]] = [:]
        let results = try model.speak(
            "No way. Ok 42. Ja, gut!", speech,
            onFrame: {
                XCTAssertNil(ended[$0.sample])
                frames[$0.sample].append($0.codes.map(Int.init))
            },
            onSample: { sample, result in
                XCTAssertNil(ended[sample])
                ended[sample] = try result.codes.ints()
            })
        XCTAssertEqual(ended.count, 5)
        for (sample, result) in results.enumerated() {
            XCTAssertEqual(ended[sample], try result.codes.ints())
            XCTAssertEqual(frames[sample].count, result.codes.shape[1])
            XCTAssertEqual(ended[sample], (0 ..< 6).flatMap { book in frames[sample].map { $0[book] } })
            // What the seed plus the number gives alone, through all pieces.
            var alone = speech
            alone.samples = 1
            alone.generation.seed += UInt64(sample)
            XCTAssertEqual(try model.speak("No way. Ok 42. Ja, gut!", alone)[0].codes.ints(), ended[sample])
        }
    }
}
