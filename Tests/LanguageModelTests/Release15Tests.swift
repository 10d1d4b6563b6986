import Foundation
import LanguageModel
import Support
import Tensors
import TestSupport
import Text
import XCTest

/// A model of fish-speech 1.5 against the original's code of that release: logits, losses, gradients, generation.
final class Release15Tests: XCTestCase {
    private static let folder = Vectors.path("release15/model")
    private let books = 4

    private func fixture(
        _ form: LanguageModel.WeightForm = .asStored
    ) throws -> (
        model: LanguageModel, vectors: [String: Tensor], batch: Batch
    ) {
        let vectors = try Vectors.npz("release15/forward.npz")
        return (
            try LanguageModel.load(Self.folder, weights: form), vectors,
            Batch(inputs: vectors["inputs"]!, attentionMasks: vectors["attention_masks"]!, labels: vectors["labels"]!)
        )
    }

    func testTheFilesTellTheRelease() throws {
        let model = try LanguageModel.load(Self.folder)
        XCTAssertEqual(model.release.name, "1.5")
        XCTAssertEqual(model.frameIds, 2012 ..< 3036)
        XCTAssertEqual(model.endId, 2004)
        XCTAssertEqual(model.notes, [])
        XCTAssertEqual(try LanguageModel.load(Vectors.path("dualar/dual_bf16")).release.name, "1.4")
    }

    func testLogits() throws {
        let (model, vectors, batch) = try fixture()
        let result = try model.forward(batch)
        let length = batch.inputs.shape[2]
        func rows(_ tensor: Tensor, _ places: String) throws -> [Float] {
            let values = try tensor.floats()
            let width = values.count / (batch.inputs.shape[0] * length)
            let places = try vectors[places]!.ints()
            return stride(from: 0, to: places.count, by: 2).flatMap { i in
                let row = places[i] * length + places[i + 1]
                return values[row * width ..< (row + 1) * width]
            }
        }
        assertClose(
            try rows(result.tokenLogits, "token_places"), try vectors["token_logits"]!.floats(), abs: 1e-4, rel: 1e-4,
            "tokens")
        assertClose(
            try rows(result.codebookLogits, "code_places"), try vectors["codebook_logits"]!.floats(), abs: 1e-4,
            rel: 1e-4, "codes")
        XCTAssertEqual(try result.codebookPositions.bools(), try vectors["codebook_positions"]!.bools())
        let padding = try vectors["attention_masks"]!.bools()
        let hidden = try result.hidden.floats()
        let width = model.configuration.dim
        func real(_ values: [Float]) -> [Float] {
            padding.indices.filter { !padding[$0] }.flatMap { values[$0 * width ..< ($0 + 1) * width] }
        }
        assertClose(real(hidden), real(try vectors["slow_hidden"]!.floats()), abs: 1e-4, rel: 1e-4, "hidden")
    }

    func testLosses() throws {
        for form in [LanguageModel.WeightForm.asStored, .float32] {
            let (model, vectors, batch) = try fixture(form)
            let result = try model.loss(batch)
            for (name, found) in [
                ("base_loss", result.base), ("semantic_loss", result.semantic), ("loss", try result.loss.item())
            ] {
                XCTAssertEqual(found, try vectors[name]!.item(), accuracy: try 1e-5 * vectors[name]!.item(), name)
            }
            XCTAssertEqual(Float(result.topFiveAccuracy), Float(try vectors["top_5_accuracy"]!.item()))
        }
    }

    func testAdapterGradients() throws {
        let (model, _, batch) = try fixture()
        let adapter = try model.applyLoRA(LoRAConfiguration(rank: 4, alpha: 8), generator: Random(seed: 1))
        let initial = try Vectors.npz("release15/lora_init.npz")
        let expected = try Vectors.npz("release15/lora_grads.npz")
        XCTAssertEqual(Set(initial.keys), Set(adapter.namedParameters.map(\.name)))
        for (name, tensor) in adapter.namedParameters {
            for (i, value) in try initial[name]!.floats().enumerated() { tensor.pointer(Float.self)[i] = value }
            tensor.storage.didChange()
        }
        try model.loss(batch).loss.backward()
        for (name, tensor) in adapter.namedParameters {
            let reference = try expected[name]!.floats()
            assertClose(
                try XCTUnwrap(tensor.grad, name).floats(), reference, abs: 1e-4 * maxAbs(reference) + 1e-7, name)
        }
    }

    /// Its main token tells a frame from padding, whatever its codes are. (The original leaves such a frame out.)
    func testAFrameOfZerosIsAFrame() throws {
        let model = try LanguageModel.load(Self.folder)
        let zeros = try Tensor(zeros: [books, 2], .int32)
        let turn = try Prompt.encode(model.tokenizer!, text: "Hi", codes: zeros, codebookCount: books)
        let positions = try model.forward(Batch(inputs: turn.reshape([1, books + 1, turn.shape[1]]))).codebookPositions
            .bools()
        XCTAssertEqual(positions.count { $0 }, 2)
        XCTAssertEqual(positions.suffix(4), [true, true, false, false])
    }

    private func sampling(_ entry: [String: Any]) throws -> SamplingOptions {
        try SamplingOptions(topP: 1e-6, temperature: 0.7, repetitionPenalty: entry["repetition_penalty"] as! Double)
    }

    func testSequencesExactly() throws {
        let vectors = try Vectors.npz("release15/sequences.npz")
        let entries = try XCTUnwrap(Vectors.json("release15/sequences.json") as? [[String: Any]])
        XCTAssertGreaterThan(entries.count, 10)
        for form in [LanguageModel.WeightForm.asStored, .float32] {
            let model = try LanguageModel.load(Self.folder, weights: form)
            for entry in entries {
                let name = entry["name"] as! String
                let options = try GenerationOptions(
                    sampling: sampling(entry), maxNewTokens: entry["max_new_tokens"] as! Int, strayTokens: .keep)
                let (found, _) = try model.generate(prompt: vectors["\(name)_prompt"]!, options)
                XCTAssertEqual(found.shape, vectors["\(name)_sequence"]!.shape, name)
                XCTAssertEqual(try found.ints(), try vectors["\(name)_sequence"]!.ints(), name)
            }
        }
        // The penalty counts for the main token.
        let groups = Dictionary(grouping: entries.compactMap { $0["name"] as? String }.filter { $0.hasPrefix("loop") })
        { $0.split(separator: "_")[0] }
        XCTAssertFalse(groups.isEmpty)
        for names in groups.values {
            XCTAssertGreaterThan(Set(try names.map { try vectors["\($0)_sequence"]!.ints() }).count, 1)
        }
    }

    func testPrompts() throws {
        let vectors = try Vectors.npz("release15/sequences.npz")
        let tokenizer = try Tokenizer(directory: Self.folder)
        for (name, text) in [("plain_1.0", "Good morning."), ("ja_1.0", "港は静か。")] {
            let prompt = try Prompt.encode(tokenizer, text: text, codebookCount: books)
            XCTAssertEqual(try prompt.ints(), try vectors["\(name)_prompt"]!.ints(), name)
        }
    }

    /// Text in pieces, with and without a reference, as the original's outer loop speaks it.
    func testSpeechExactly() throws {
        let vectors = try Vectors.npz("release15/sequences.npz")
        let model = try LanguageModel.load(Self.folder)
        for entry in try XCTUnwrap(Vectors.json("release15/speech.json") as? [[String: Any]]) {
            let name = entry["name"] as! String
            var options = SpeechOptions(
                try GenerationOptions(
                    sampling: sampling(entry), maxNewTokens: entry["max_new_tokens"] as! Int, strayTokens: .keep))
            options.chunkLength = entry["chunk_length"] as! Int
            let references =
                entry["reference"] as! Bool ? [VoiceReference(text: "Hello.", codes: vectors["reference_codes"]!)] : []
            let speech = try model.speak(entry["text"] as! String, references: references, options)[0]
            let pieces = entry["pieces"] as! [[Any]]
            XCTAssertEqual(speech.pieces.map(\.text), pieces.map { $0[0] as! String }, name)
            XCTAssertEqual(speech.pieces.map(\.frames), pieces.map { $0[1] as! Int }, name)
            XCTAssertEqual(try speech.codes.ints(), try vectors["\(name)_codes"]!.ints(), name)

            // As people get it: every real frame, the first among them, and not the column of <|im_end|>.
            options.generation.strayTokens = .redraw
            let spoken = try model.speak(entry["text"] as! String, references: references, options)[0]
            XCTAssertEqual(spoken.codes.shape[1], spoken.pieces.reduce(0) { $0 + $1.frames }, name)
            let column = vectors["\(name)_codes"]!.shape[1]
            let first = pieces[0][1] as! Int
            func values(_ tensor: Tensor, _ range: Range<Int>) throws -> [Int] {
                let all = try tensor.ints()
                let width = tensor.shape[1]
                return (0 ..< books).flatMap { row in range.map { all[row * width + $0] } }
            }
            guard spoken.pieces[0].end == .complete else { continue }
            XCTAssertEqual(spoken.pieces[0].frames, first, name)
            XCTAssertEqual(
                try values(spoken.codes, 1 ..< first), try values(vectors["\(name)_codes"]!, 0 ..< first - 1),
                "\(name) of \(column)")
        }
    }

    func testWhatCannotBeSpokenIsNeverDrawn() throws {
        let (model, _, _) = try fixture()
        var options = GenerationOptions(
            sampling: try SamplingOptions(topP: 1, temperature: 1.5), maxNewTokens: 40, seed: 3)
        (options.codecSize, options.minFrames) = (10, 40)
        let prompt = try Prompt.encode(model.tokenizer!, text: "Hello", codebookCount: books)
        let (sequence, end) = try model.generate(prompt: prompt, options)
        XCTAssertEqual(end, .tokenLimit)
        let values = try sequence.ints()
        let length = sequence.shape[1]
        for t in prompt.shape[1] ..< length {
            let codes = (1 ... books).map { values[$0 * length + t] }
            XCTAssertTrue(codes.allSatisfy { (0 ..< 10).contains($0) }, "\(codes)")
            XCTAssertEqual(values[t], 2012 + codes[0])
        }
    }

    func testASavedModelIsTheSame() throws {
        try withTemporaryFolder { folder in
            let model = try LanguageModel.load(Self.folder)
            try model.save(folder)
            let again = try LanguageModel.load(folder)
            XCTAssertEqual(again.release, model.release)
            XCTAssertEqual(try again.baseDigest(), try model.baseDigest())
        }
    }

    func testFilesOfTwoReleasesAreNamed() throws {
        try withTemporaryFolder { folder in
            func copy(_ from: String, _ names: [String]) throws {
                for name in names {
                    try FileManager.default.copyItem(atPath: from + "/" + name, toPath: folder + "/" + name)
                }
            }
            try copy(Self.folder, ["model.pth", "tokenizer.tiktoken"])
            try copy(Vectors.path("dualar/dual_bf16"), ["config.json"])
            assertThrows(.checkpoint, containing: "the tokenizer is that of fish-speech 1.5") {
                try LanguageModel.load(folder)
            }
            try edit(folder, ["vocab_size": 32000])
            let error = assertThrows(.checkpoint, containing: "config.json is that of fish-speech 1.4") {
                try LanguageModel.load(folder)
            }
            XCTAssertTrue(error?.message.contains("1.5") ?? false)
            try FileManager.default.removeItem(atPath: folder + "/tokenizer.tiktoken")
            try copy(Vectors.path("dualar/dual_bf16"), ["tokenizer.json"])
            try edit(folder, ["vocab_size": 102_048])
            assertThrows(.checkpoint, containing: "config.json is that of fish-speech 1.5") {
                try LanguageModel.load(folder)
            }
        }
    }
}
