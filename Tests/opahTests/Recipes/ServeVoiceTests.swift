import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// `opah run serve`: voices with codecs of their own, and texts of which the best of several samples is sent.
final class ServeVoiceTests: ServeTestCase {
    private static let text = "The old bird waited behind the harbour again."

    private func passes(_ name: String) throws {
        let folder = try TestFolder("serve-voice")
        let result = try OpahProcess.run(LuaScript.file(name).command(), folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
    }

    func testVoicesHaveCodecsOfTheirOwn() throws { try passes("codecs") }
    func testTheBestOfSeveralIsChosen() throws { try passes("best_of") }

    func testTheBestOfSeveralIsSent() throws {
        try start(["--seed", "7", "--best-of", "2", "--streams", "4"])
        func speech(_ more: String) throws -> (status: Int, body: Data) {
            try ask("/v1/audio/speech", "{\"input\": \"\(Self.text)\", \"voice\": \"rms\", \(more)}")
        }
        let whole = try speech("\"response_format\": \"wav\", \"best_of\": 4")
        XCTAssertEqual(whole.status, 200)
        XCTAssertEqual(
            try speech("\"response_format\": \"pcm\", \"best_of\": 4").body, whole.body.dropFirst(44),
            "streamed or not, the same one")
        XCTAssertEqual(try speech("\"response_format\": \"wav\"").status, 200)
        for wrong in ["0", "9", "5", "1.5", "\"two\"", "[]"] {
            let answer = try speech("\"best_of\": \(wrong)")
            XCTAssertEqual(answer.status, 400, wrong)
            XCTAssertTrue(String(decoding: answer.body, as: UTF8.self).contains("best_of"), wrong)
        }
        // fish-speech's form takes a seed as well: the one that is told gives the sound again.
        let tts = #""text": "\#(Self.text)", "reference_id": "rms", "temperature": 1, "seed": "#
        let best = try ask("/v1/tts", "{\(tts)30, \"best_of\": 3}")
        let again = try (30 ... 32).map { try ask("/v1/tts", "{\(tts)\($0), \"best_of\": 1}").body }
        XCTAssertTrue(again.contains(best.body))
        let errors = running.errorsSoFar
        XCTAssertTrue(errors.contains("\"best_of\": 2") && errors.contains("\"best_of\": 4"), errors)
        XCTAssertTrue(String(decoding: try ask("/metrics").body, as: UTF8.self).contains("opah_texts_active 0"))
        XCTAssertTrue(String(decoding: try ask("/metrics").body, as: UTF8.self).contains("opah_codecs_loaded 1"))
    }
}
