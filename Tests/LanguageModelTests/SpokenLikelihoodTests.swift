import LanguageModel
import Support
import Tensors
import TestSupport
import XCTest

/// What a session says of codes after a text is what training's forward pass says of the same row.
final class SpokenLikelihoodTests: XCTestCase {
    private func codes(_ books: Int, _ frames: Int) throws -> Tensor {
        try Tensor(integers: (0 ..< books * frames).map { ($0 * 37 + $0 / 5) % 60 }, [books, frames])
    }

    /// The negative logarithm by the forward pass, the mean over codebooks.
    private func expected(_ model: LanguageModel, _ text: String, _ codes: Tensor, _ speaker: String) throws -> [Float]
    {
        let books = model.configuration.codebookCount, tokenizer = try XCTUnwrap(model.tokenizer)
        func row(_ codes: Tensor?) throws -> Tensor {
            try Prompt.encode(tokenizer, text: text, codes: codes, codebookCount: books, speaker: speaker)
        }
        let whole = try row(codes), first = try row(nil).shape[1], frames = codes.shape[1]
        let result = try Autograd.withoutGradients {
            try model.forward(Batch(inputs: whole.unsqueeze(dim: 0))).codebookLogits.logSoftmax(dim: 3)
        }
        let size = model.configuration.codebookSize, logs = try result.floats(), values = try whole.ints()
        return (0 ..< frames).map { t in
            -(0 ..< books).reduce(Float(0)) { sum, book in
                let value = values[(1 + book) * whole.shape[1] + first + t]
                return sum + logs[((first - 1 + t) * books + book) * size + value]
            } / Float(books)
        }
    }

    func testEqualsTheForwardPass() throws {
        for folder in ["examples/checkpoints/tiny", "examples/checkpoints/voice", "Tests/Vectors/release15/model"] {
            let model = try LanguageModel.load(OpahProcess.checkout + "/" + folder), session = try SpeechSession(model)
            // More frames than are looked at together, and not a multiple of them.
            for (text, frames, speaker) in [("Good morning, all.", 75, "assistant"), (".", 1, "alice")] {
                let codes = try codes(model.configuration.codebookCount, frames)
                let found = try session.nats(text, codes: codes, speaker: speaker)
                XCTAssertEqual(found.shape, [frames])
                assertClose(
                    try found.floats(), try expected(model, text, codes, speaker), abs: 2e-4, rel: 1e-5,
                    "\(folder), \(frames) frames")
            }
        }
    }

    /// Weights that cannot be trained can be asked as well, and what is being spoken meanwhile does not change.
    func testBesideTextsThatAreSpoken() throws {
        let folder = OpahProcess.checkout + "/examples/checkpoints/voice"
        let plain = try LanguageModel.load(folder), model = try LanguageModel.load(folder, weights: .int8)
        let options = SpeechOptions(
            GenerationOptions(
                sampling: try SamplingOptions(topP: 0.7, temperature: 0.2, repetitionPenalty: 1), maxNewTokens: 60))
        let alone = try model.speak("The old bird waited.", options)[0].codes, session = try SpeechSession(model)
        _ = try session.add("The old bird waited.", options)
        var own: [Float] = [], other: [Float] = [], spoken: Tensor?
        while session.count > 0 {
            own = try session.nats("The old bird waited.", codes: alone, speaker: "rms").floats()
            other = try session.nats("My mother painted seven stones.", codes: alone, speaker: "rms").floats()
            for case (_, .ended(let speech)) in try session.step() { spoken = speech.codes }
        }
        XCTAssertEqual(try spoken?.ints(), try alone.ints())
        func mean(_ values: [Float]) -> Float { values.reduce(0, +) / Float(values.count) }
        let exact = try SpeechSession(plain).nats("The old bird waited.", codes: alone, speaker: "rms").floats()
        XCTAssertEqual(mean(own), mean(exact), accuracy: 0.02 * mean(exact))
        XCTAssertLessThan(2 * mean(own), mean(other))
    }

    func testRefusesWhatItCannotRead() throws {
        let model = try LanguageModel.load(OpahProcess.checkout + "/examples/checkpoints/tiny"),
            session = try SpeechSession(model), books = model.configuration.codebookCount
        assertThrows(.argument, containing: "takes \(model.maxLength) at once") {
            try session.nats("Hi.", codes: codes(books, model.maxLength))
        }
        assertThrows(.shape, containing: "codebooks") { try session.nats("Hi.", codes: codes(books - 1, 4)) }
        assertThrows(.index, containing: "1000001") {
            try session.nats("Hi.", codes: Tensor(integers: Array(repeating: 1_000_000, count: books), [books, 1]))
        }
    }
}
