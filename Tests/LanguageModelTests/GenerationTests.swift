import Foundation
import LanguageModel
import Tensors
import TestSupport
import XCTest

/// The original's sequences, token by token: prompts, speech with a reference, and what live adapters say.
final class GenerationTests: GenerationCase {
    func testSequencesExactly() throws {
        for form in [LanguageModel.WeightForm.asStored, .float32] {
            for sequence in try sequences() {
                let model = try LanguageModel.load(Vectors.path(sequence.model), weights: form)
                let (found, end) = try model.generate(prompt: sequence.prompt, sequence.options)
                XCTAssertEqual(found.shape, sequence.expected.shape, sequence.name)
                XCTAssertEqual(try found.ints(), try sequence.expected.ints(), sequence.name)
                XCTAssertEqual(
                    end, found.shape[1] - sequence.prompt.shape[1] < 60 ? .complete : .tokenLimit, sequence.name)
            }
        }
    }

    func testPrompts() throws {
        for sequence in try sequences() {
            let model = try LanguageModel.load(Vectors.path(sequence.model)), books = model.configuration.codebookCount
            var found: [Int] = [], columns = 0
            let parts = [sequence.promptText.map { ($0, sequence.promptCodes) }, (sequence.text, nil)].compactMap { $0 }
            let tensors = try parts.map {
                try Prompt.encode(model.tokenizer!, text: $0.0, codes: $0.1, codebookCount: books)
            }
            for row in 0 ... books {
                for tensor in tensors {
                    found += try tensor.ints()[row * tensor.shape[1] ..< (row + 1) * tensor.shape[1]]
                }
            }
            columns = tensors.reduce(0) { $0 + $1.shape[1] }
            XCTAssertEqual(columns, sequence.prompt.shape[1], sequence.name)
            XCTAssertEqual(found, try sequence.prompt.ints(), sequence.name)
        }
    }

    func testSpeakingWithAReferenceGivesTheSameFrames() throws {
        for sequence in try sequences() where sequence.model.contains("dual_") {
            let model = try LanguageModel.load(Vectors.path(sequence.model))
            var options = SpeechOptions(sequence.options)
            options.iterativePrompt = false
            options.generation.strayTokens = .redraw
            let references = sequence.promptText.map { [VoiceReference(text: $0, codes: sequence.promptCodes!)] } ?? []
            var told: [[Int32]] = []
            let speech = try model.speak(sequence.text, references: references, options) { told.append($0.codes) }
            XCTAssertEqual(speech.count, 1)
            // The codes are the sequence's minus 1, without im_end, and with the last frame when the limit was hit.
            let width = sequence.expected.shape[1], start = sequence.prompt.shape[1], all = try sequence.expected.ints()
            let isComplete = width - start < 60, end = isComplete ? width - 1 : width
            let expected = (1 ..< sequence.expected.shape[0]).flatMap { row in
                (start ..< end).map { all[row * width + $0] - 1 }
            }
            XCTAssertEqual(try speech[0].codes.ints(), expected, sequence.name)
            XCTAssertEqual(speech[0].codes.shape, [sequence.expected.shape[0] - 1, end - start])
            XCTAssertEqual(speech[0].notes.isEmpty, isComplete)
            XCTAssertEqual(told.count, end - start)
            XCTAssertEqual(
                told.last!.map(Int.init), (0 ..< told[0].count).map { expected[$0 * (end - start) + end - start - 1] })
        }
    }

    func testLiveAdaptersEqualMergedOnes() throws {
        let prompt = try sequences().first { $0.model.contains("dual_fastdim") }!
        func run(_ prepare: (LanguageModel) throws -> Void) throws -> [Int] {
            let model = try LanguageModel.load(Vectors.path("dualar/dual_fastdim"))
            try prepare(model)
            return try model.generate(prompt: prompt.prompt, prompt.options).sequence.ints()
        }
        let path = Vectors.path("lora/dual_fastdim_r8_alpha16/lora_after8.ckpt")
        let live = try run { try $0.loadLoRA(path) }
        XCTAssertEqual(
            live,
            try run {
                try $0.loadLoRA(path); try $0.mergeLoRA()
            })
        XCTAssertNotEqual(live, try run { _ in })
        XCTAssertEqual(try run { try $0.loadLoRA(path, scale: 0) }, try run { _ in })
    }

    func testLiveAdaptersOnEveryKindOfModel() throws {
        for name in ["dual_bf16", "dual_tied", "naive_bf16"] {
            func run(merged: Bool, adapted: Bool = true) throws -> [Int] {
                let model = try LanguageModel.load(Vectors.path("dualar/\(name)"), weights: .float32)
                if adapted {
                    let random = Random(seed: 8),
                        adapter = try model.applyLoRA(LoRAConfiguration(rank: 4, alpha: 8), generator: random)
                    for (_, tensor) in adapter.namedParameters {
                        for i in 0 ..< tensor.count {
                            tensor.pointer(Float.self)[i] += Float(random.uniform() - 0.5) * 0.1
                        }
                        tensor.storage.didChange()
                    }
                }
                if merged { try model.mergeLoRA() }
                let prompt = try Prompt.encode(
                    model.tokenizer!, text: "Ok 42.", codebookCount: model.configuration.codebookCount)
                return try model.generate(prompt: prompt, options(SamplingOptions(topP: 1e-6), tokens: 30)).sequence
                    .ints()
            }
            let live = try run(merged: false)
            XCTAssertEqual(live, try run(merged: true), name)
            XCTAssertNotEqual(live, try run(merged: false, adapted: false), name)
        }
    }
}
