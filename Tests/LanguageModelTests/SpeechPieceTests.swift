import Foundation
import LanguageModel
import Support
import Tensors
import TestSupport
import Text
import XCTest

/// Long texts go piece by piece, each seeing earlier ones; and where speech ends before its text does.
final class SpeechPieceTests: GenerationCase {
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
        for text in ["...", "。", "\u{200B}\u{2060}", " – ? ", ""] {
            assertThrows(.argument, containing: "nothing to speak") { try model.speak(text, SpeechOptions(options())) }
        }
        assertThrows(.index) {
            try model.generate(prompt: Tensor(integers: [5, 99, 0, 0, 0, 0, 0, 0, 0], [9, 1]), options())
        }
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
}
