import Foundation
import LanguageModel
import Support
import Tensors
import TestSupport
import Text
import XCTest

final class GenerationTests: XCTestCase {
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

    private struct Sequence {
        let name: String, model: String, text: String, promptText: String?
        let options: GenerationOptions
        let prompt: Tensor, expected: Tensor, promptCodes: Tensor?
    }

    private func sequences() throws -> [Sequence] {
        let vectors = try Vectors.npz("generate/sequences.npz")
        return try XCTUnwrap(Vectors.json("generate/sequences.json") as? [[String: Any]]).map { entry in
            let name = entry["name"] as! String
            let sampling = try SamplingOptions(
                topP: entry["top_p"] as! Double, temperature: entry["temperature"] as! Double,
                repetitionPenalty: entry["repetition_penalty"] as! Double)
            return Sequence(
                name: name, model: entry["model"] as! String, text: entry["text"] as! String,
                promptText: entry["prompt_text"] as? String,
                options: GenerationOptions(
                    sampling: sampling, maxNewTokens: entry["max_new_tokens"] as! Int, strayTokens: .keep),
                prompt: vectors["\(name)_prompt"]!, expected: vectors["\(name)_sequence"]!,
                promptCodes: vectors["\(name)_prompt_codes"])
        }
    }

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

    private func options(
        _ sampling: SamplingOptions? = nil, tokens: Int = 20, seed: UInt64 = 1
    ) throws -> GenerationOptions {
        GenerationOptions(
            sampling: try sampling ?? SamplingOptions(topP: 0.95, temperature: 1.5), maxNewTokens: tokens, seed: seed)
    }

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

    func testLimitsAreReportedAndTheLastFrameKept() throws {
        let model = try LanguageModel.load(Vectors.path("dualar/dual_bf16"), maxLength: 40)
        let sequence = try sequences()[0], room = 40 - sequence.prompt.shape[1]
        let (found, end) = try model.generate(prompt: sequence.prompt, try options(tokens: 0))
        XCTAssertEqual(end, .lengthLimit)
        XCTAssertEqual(found.shape[1] - sequence.prompt.shape[1], room)
        let speech = try model.speak(sequence.text, SpeechOptions(try options(SamplingOptions(topP: 1e-6), tokens: 3)))
        XCTAssertEqual(speech[0].pieces.map(\.frames), [3])
        XCTAssertEqual(speech[0].pieces[0].end, .tokenLimit)
        XCTAssertTrue(speech[0].notes[0].contains("max_new_tokens"))
        assertThrows(.argument, containing: "this model takes 20") {
            try LanguageModel.load(Vectors.path("dualar/dual_bf16"), maxLength: 20).generate(
                prompt: sequence.prompt, options())
        }
        assertThrows(.argument, containing: "shorter reference") {
            try LanguageModel.load(Vectors.path("dualar/dual_bf16"), maxLength: 20).speak(
                sequence.text, SpeechOptions(options()))
        }
        assertThrows(.argument, containing: "nothing to speak") { try model.speak("...", SpeechOptions(options())) }
        assertThrows(.index) {
            try model.generate(prompt: Tensor(integers: [5, 99, 0, 0, 0, 0, 0, 0, 0], [9, 1]), options())
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

    func testLongTextsGoPieceByPiece() throws {
        let model = try LanguageModel.load(Vectors.path("dualar/dual_fastdim"))
        var speech = SpeechOptions(try options(tokens: 12))
        speech.chunkLength = 12
        var frames: [Int: Int] = [:]
        let text = "No way. Ok 42. Ja, gut! Qué tal? Been there. Done that."
        let result = try model.speak(text, speech) { frames[$0.piece, default: 0] += 1 }
        XCTAssertGreaterThan(result[0].pieces.count, 2)
        XCTAssertEqual(result[0].pieces.map(\.text), splitText(text, length: 12))
        XCTAssertEqual(result[0].pieces.indices.map { frames[$0] ?? 0 }, result[0].pieces.map(\.frames))
        XCTAssertEqual(result[0].codes.shape[1], result[0].pieces.reduce(0) { $0 + $1.frames })
    }

    func testGenerationStopsWhenAsked() throws {
        let model = try LanguageModel.load(Vectors.path("dualar/dual_bf16"))
        defer { Interrupt.clear() }
        var count = 0
        assertThrows(.interrupted) {
            try model.speak("Ok 42.", SpeechOptions(options(SamplingOptions(topP: 1e-6), tokens: 60))) { _ in
                count += 1
                if count == 2 { Interrupt.request() }
            }
        }
        XCTAssertEqual(count, 2)
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

    func testALaterPieceSeesTheEarlierOnes() throws {
        let model = try LanguageModel.load(Vectors.path("dualar/dual_fastdim")),
            greedy = try options(SamplingOptions(topP: 1e-6), tokens: 12)
        var speech = SpeechOptions(greedy)
        speech.chunkLength = 12
        let text = "No way. Ok 42. Ja, gut!", pieces = splitText(text, length: 12)
        XCTAssertGreaterThan(pieces.count, 1)
        var frames = [[[Int32]]](repeating: [], count: pieces.count)
        _ = try model.speak(text, speech) { frames[$0.piece].append($0.codes) }
        // The same prompts written out: text, its frames, the next text.
        func columns(_ tensor: Tensor) throws -> [[Int]] {
            let values = try tensor.ints(), n = tensor.shape[1]
            return (0 ..< n).map { t in (0 ..< 7).map { values[$0 * n + t] } }
        }
        func encoded(_ text: String) throws -> [[Int]] {
            try columns(Prompt.encode(model.tokenizer!, text: text, codebookCount: 6))
        }
        var all: [[Int]] = []
        for (piece, spoken) in zip(pieces, frames) {
            all += try encoded(piece)
            let prompt = try Tensor(integers: (0 ..< 7).flatMap { row in all.map { $0[row] } }, [7, all.count])
            let found = try columns(model.generate(prompt: prompt, greedy).sequence).dropFirst(all.count).filter {
                $0[0] == model.semanticId
            }
            XCTAssertEqual(found.map { $0.dropFirst().map { Int32($0) - 1 } }, spoken)
            all += spoken.map { [model.semanticId] + $0.map { Int($0) + 1 } }
        }
    }

    func testWindowOfEarlierPieces() {
        XCTAssertEqual(Prompt.window([30], budget: 1024), [0])
        XCTAssertEqual(Prompt.window([30, 200, 40, 150, 20], budget: 1024), [0, 1, 2, 3, 4])
        XCTAssertEqual(Prompt.window([30, 200, 40, 300, 20, 300, 25], budget: 500), [0, 1, 6])
        XCTAssertEqual(Prompt.window([30, 400, 40, 450, 20, 300, 25], budget: 1024), [0, 1, 4, 5, 6])
        XCTAssertEqual(Prompt.window([30, 400, 500], budget: 100), [0, 1, 2])   // the newest always
        XCTAssertEqual(Prompt.window([30, 400, 40, 400, 500], budget: 100), [0, 1, 4])
    }

    func testEightBitWeights() throws {
        // Weights that eight bits hold exactly must give exactly what float32 gives.
        for name in ["dual_bf16", "dual_tied", "naive_bf16"] {
            try withCopy(of: name) { folder in
                let model = try LanguageModel.load(folder, weights: .float32)
                for (name, tensor) in model.namedWeights where tensor.rank == 2 {
                    let p = tensor.pointer(Float.self), width = tensor.shape[1]
                    for row in 0 ..< tensor.shape[0] {
                        let values = UnsafeMutableBufferPointer(start: p + row * width, count: width)
                        let scale = exp2(ceil(log2(maxAbs(Array(values)) / 126)))
                        var units = values.map { $0 / scale }
                        units[row % min(8, width)] = 127   // the largest, from which the scale is found
                        for (i, unit) in units.enumerated() { values[i] = unit.rounded() * scale }
                    }
                    tensor.storage.didChange()
                    XCTAssertFalse(name.isEmpty)
                }
                try model.save(folder + "/exact")
                let sequence = try sequences().first { $0.model.hasSuffix(name) } ?? sequences()[0]
                let prompt = try Prompt.encode(
                    model.tokenizer!, text: sequence.text, codebookCount: model.configuration.codebookCount)
                func run(_ form: LanguageModel.WeightForm) throws -> [Int] {
                    try LanguageModel.load(folder + "/exact", weights: form).generate(prompt: prompt, sequence.options)
                        .sequence.ints()
                }
                XCTAssertEqual(try run(.int8), try run(.float32), name)
            }
        }
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

    func testLogitsErrors() throws {
        for name in ["dual_bf16", "dual_fastdim", "dual_tied", "naive_bf16"] {
            let folder = Vectors.path("dualar/\(name)"), exact = try LanguageModel.load(folder, weights: .float32)
            let prompt = try Prompt.encode(
                exact.tokenizer!, text: "Ok 42. No way", codebookCount: exact.configuration.codebookCount)
            var speaking = try options(SamplingOptions(topP: 1, temperature: 1.9), tokens: 40)
            speaking.minFrames = 40
            let sequence = try exact.generate(prompt: prompt, speaking).sequence
            let same = try exact.logitsError(against: exact, on: [sequence])
            XCTAssertEqual(same.tokens.relative, 0)
            XCTAssertEqual(same.codes.topOneAgreement, 1)
            XCTAssertEqual(same.tokens.positions, sequence.shape[1])
            XCTAssertEqual(same.codes.positions, 40 * exact.configuration.codebookCount)
            for (form, bound) in [(LanguageModel.WeightForm.bfloat16, 0.01), (.int8, 0.04), (.int4, 0.25)] {
                let found = try LanguageModel.load(folder, weights: form).logitsError(against: exact, on: [sequence])
                print(
                    "  \(name) \(form): tokens \(found.tokens.relative), codes \(found.codes.relative), the same code \(found.codes.topOneAgreement)"
                )
                XCTAssertLessThan(found.tokens.relative, bound, "\(name) \(form)")
                XCTAssertLessThan(found.codes.relative, bound, "\(name) \(form)")
                if form != .bfloat16 { XCTAssertGreaterThan(found.tokens.relative, form == .int8 ? 1e-4 : 1e-3) }
            }
            let other = try LanguageModel.random(exact.configuration, seed: 5, tokenizer: exact.tokenizer)
            XCTAssertGreaterThan(try other.logitsError(against: exact, on: [sequence]).tokens.relative, 0.5)
        }
        let dual = try LanguageModel.load(Vectors.path("dualar/dual_bf16")),
            naive = try LanguageModel.load(Vectors.path("dualar/naive_bf16"))
        assertThrows(.argument) { try dual.logitsError(against: naive, on: []) }
        assertThrows(.index) {
            try dual.logitsError(against: dual, on: [Tensor(integers: [5, 99, 0, 0, 0, 0, 0, 0, 0], [9, 1])])
        }
    }

    func testCosts() throws {
        let released = try ModelConfiguration([
            "model_type": "dual_ar", "dim": 1024, "n_layer": 24, "n_fast_layer": 4, "n_head": 16, "n_local_heads": 2,
            "intermediate_size": 4096,
            "vocab_size": 32000, "num_codebooks": 8, "codebook_size": 1024, "tie_word_embeddings": false,
            "max_seq_len": 4096
        ])
        // 24 layers of 14 942 208 weights and 32000 rows of output; 8 times 4 such layers and 1024 rows.
        let once = 24 * 14_942_208 + 32_000 * 1024, again = 4 * 14_942_208 + 1024 * 1024
        let one = try GenerationCost(released, .bfloat16)
        XCTAssertEqual(one.bytesPerFrame, 2 * (once + 8 * again))
        XCTAssertEqual(one.operationsPerFrame, 2 * (once + 8 * again))
        XCTAssertEqual(one.weightBytes, 2 * (once + again))
        XCTAssertEqual(one.cacheBytesPerToken, 24 * 2 * 2 * 64 * 4)
        XCTAssertEqual(try GenerationCost(released, .float32).bytesPerFrame, 2 * one.bytesPerFrame)
        XCTAssertEqual(
            // and the scales
            try Double(GenerationCost(released, .int8).bytesPerFrame), Double(one.bytesPerFrame) / 2, accuracy: 4e6)
        // Of 14 942 208 weights of a layer 12 582 912 are feed-forward: 4.5 bits, the rest 8; and the scales.
        let forward = (24 + 8 * 4) * 12_582_912
        XCTAssertEqual(
            try Double(GenerationCost(released, .int4).bytesPerFrame),
            Double(one.bytesPerFrame) / 2 - Double(forward) * (1 - 4.5 / 8), accuracy: 4e6)
        let four = try GenerationCost(released, .bfloat16, streams: 4, context: 500)
        XCTAssertEqual(four.bytesPerFrame, one.bytesPerFrame + 4 * 500 * one.cacheBytesPerToken)
        XCTAssertEqual(four.operationsPerFrame, 4 * (one.operationsPerFrame + 2 * 24 * 2 * 1024 * 500))
        assertThrows(.argument) { try GenerationCost(released, .int8, streams: 0) }
        let tiny = try LanguageModel.load(Vectors.path("dualar/dual_bf16"))
        XCTAssertEqual(
            try tiny.generationCost().weightBytes, try GenerationCost(tiny.configuration, .bfloat16).weightBytes)
    }
}
