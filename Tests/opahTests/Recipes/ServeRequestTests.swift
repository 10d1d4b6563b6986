import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// `opah run serve`: fields of the wrong kind are refused by name and never taken for what was not said; a voice that
/// went or cannot be loaded is told as that.
final class ServeRequestTests: ServeTestCase {
    private func refused(
        _ path: String, _ body: String, _ says: String, line: UInt = #line
    ) throws {
        let answer = try ask(path, body), words = String(decoding: answer.body, as: UTF8.self)
        XCTAssertEqual(answer.status, 400, body, line: line)
        XCTAssertTrue(words.contains(says), "\(body): \(words)", line: line)
    }

    func testFieldsOfTheWrongKind() throws {
        try start()
        // No voice that was named means the usual one, and nothing else does.
        for voice in ["{}", "[]", "[1]", "{\"name\": \"slt\"}"] {
            try refused("/v1/audio/speech", "{\"input\": \"Hi\", \"voice\": \(voice)}", "voice must be a name")
        }
        try refused("/v1/audio/speech", "{\"input\": \"Hi\", \"voice\": {\"id\": 5}}", "id must be a string")
        XCTAssertEqual(
            try ask("/v1/audio/speech", "{\"input\": \"Hi\", \"voice\": {\"id\": \"rms\"}}").status, 200)
        let long = String(repeating: "x", count: 5000)
        let answer = try ask("/v1/audio/speech", "{\"input\": \"Hi\", \"voice\": \"\(long)\"}")
        XCTAssertEqual(answer.status, 400)
        XCTAssertLessThan(answer.body.count, 500)
        // A text of digits is no number, in any field.
        for field in ["seed", "best_of", "chunk_length", "max_new_tokens", "top_p"] {
            try refused("/v1/tts", "{\"text\": \"Hi\", \"\(field)\": \"1\"}", "\(field) must be a")
        }
        try refused("/v1/tts", "{\"text\": \"Hi\", \"references\": 5}", "references must be a list")
        // What was forgotten is no empty list, and codes are not cut to whole numbers.
        try refused("/v1/vqgan/encode", "{}", "audios is missing")
        try refused("/v1/vqgan/decode", "{}", "tokens is missing")
        try refused("/v1/vqgan/decode", "{\"tokens\": [[[1.5], [0], [0], [0]]]}", "whole numbers")
        try refused("/v1/vqgan/decode", "{\"tokens\": [[[true], [0], [0], [0]]]}", "whole numbers")
        XCTAssertEqual(try ask("/v1/vqgan/decode", "{\"tokens\": [[[1.0], [0], [0], [0]]]}").status, 200)
        // Of several recordings, the one that is too short.
        let clip = try Data(
            contentsOf: URL(fileURLWithPath: OpahProcess.checkout + "/examples/data/Alice/4.80-7.20.wav"))
        var short = clip.prefix(44 + 200)
        short.replaceSubrange(40 ..< 44, with: [200, 0, 0, 0])
        let pair = "[\"\(clip.base64EncodedString())\", \"\(short.base64EncodedString())\"]"
        try "{\"audios\": \(pair)}".write(toFile: folder("pair.json"), atomically: true, encoding: .utf8)
        try refused("/v1/vqgan/encode", "@" + folder("pair.json"), "clip 2: a clip of")
        // A role is no voice that could be let go.
        XCTAssertEqual(try delete("rms"), 409)
        XCTAssertEqual(try delete("nobody"), 404)
        XCTAssertEqual(try ask("/v1/audio/speech", "{\"input\": \"Hi\", \"voice\": \"rms\"}").status, 200)
    }

    private func delete(_ name: String) throws -> Int {
        let result = try Shell.run(
            "curl -s -o /dev/null -w '%{http_code}' -X DELETE \(address)/v1/voices/\(name)", folder: folder)
        return Int(result.text) ?? 0
    }

    /// In one interpreter: what a voice's folder, a DELETE and an unnamed request mean.
    func testVoicesThatComeAndGo() throws {
        let folder = try TestFolder("serve-voices")
        let result = try OpahProcess.run(LuaScript.file("come_and_go").command(), folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
    }
}
