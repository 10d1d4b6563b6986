import Foundation
import TestSupport
import XCTest

/// `opah run serve`, asked with curl: the embedded voice in OpenAI's and fish-speech's forms.
final class ServeTests: ServeTestCase {
    func testSpeech() throws {
        try start(["--seed", "7"])
        let text = #""input": "The old bird waited behind the harbour again.", "voice": "rms""#
        let whole = try ask("/v1/audio/speech", "{\(text), \"response_format\": \"wav\"}")
        XCTAssertEqual(whole.status, 200)
        XCTAssertEqual(String(decoding: whole.body.prefix(4), as: UTF8.self), "RIFF")
        XCTAssertGreaterThan(whole.body.count, 2 * 16000, "more than a second")
        // Streamed or not, the samples are the same to the last bit; only the sizes in the head differ.
        let streamed = try ask(
            "/v1/audio/speech", "{\(text), \"response_format\": \"wav\", \"stream_format\": \"audio\"}")
        XCTAssertEqual(streamed.body.dropFirst(44), whole.body.dropFirst(44))
        XCTAssertEqual(
            try ask("/v1/audio/speech", "{\(text), \"response_format\": \"pcm\"}").body, whole.body.dropFirst(44))
        let events = String(
            decoding: try ask("/v1/audio/speech", "{\(text), \"response_format\": \"pcm\", \"stream_format\": \"sse\"}")
                .body, as: UTF8.self)
        var samples = Data(), ended = false
        for line in events.split(separator: "\n") {
            let event = try XCTUnwrap(
                JSONSerialization.jsonObject(with: Data(line.dropFirst(6).utf8)) as? [String: Any])
            if event["type"] as? String == "speech.audio.delta" {
                samples += try XCTUnwrap(Data(base64Encoded: event["audio"] as? String ?? ""))
            }
            ended = event["type"] as? String == "speech.audio.done"
        }
        XCTAssertEqual(samples, whole.body.dropFirst(44))
        XCTAssertTrue(ended)
        for (format, magic) in [("flac", [UInt8]("fLaC".utf8)), ("opus", [UInt8]("OggS".utf8))] {
            XCTAssertEqual(
                [UInt8](try ask("/v1/audio/speech", "{\(text), \"response_format\": \"\(format)\"}").body.prefix(4)),
                magic)
        }
        XCTAssertEqual(try ask("/v1/audio/speech", "{\(text)}").body.first, 0xff, "mp3, as OpenAI's")
        for wrong in [
            "{}", "[", "[1]", "{\"input\": 5}", "{\"input\": \"\"}", "{\"input\": \"...\"}", "{\(text), \"speed\": 2}",
            "{\"input\": \"Hi\", \"voice\": \"nobody\"}",
            "{\"input\": \"Hi\", \"voice\": \"../../x\"}", "{\(text), \"response_format\": \"aac\"}",
            "{\"input\": \"\(String(repeating: "a", count: 5000))\"}"
        ] {
            let answer = try ask("/v1/audio/speech", wrong)
            XCTAssertEqual(answer.status, 400, wrong)
            let error = (try? JSONSerialization.jsonObject(with: answer.body) as? [String: [String: Any]])?["error"]
            XCTAssertEqual(error?["type"] as? String, "invalid_request_error", wrong)
        }
        XCTAssertEqual(try ask("/v1/audio/speech").status, 405)
        XCTAssertEqual(try ask("/v1/audio/speech", "{}", type: "text/html").status, 415)
        XCTAssertEqual(try ask("/v1/nothing").status, 404)
        XCTAssertTrue(String(decoding: try ask("/v1/voices").body, as: UTF8.self).contains("\"rms\""))
        XCTAssertTrue(String(decoding: try ask("/metrics").body, as: UTF8.self).contains("opah_texts_spoken_total 7"))
        running.process.terminate()   // SIGTERM
        let result = running.finish()
        XCTAssertEqual(result.code, 0, result.errors)
        XCTAssertFalse(result.errors.contains("harbour"), "texts are not logged unless asked")
        XCTAssertTrue(result.errors.contains("\"characters\": 45"), result.errors)
    }

    func testFishSpeechForm() throws {
        try start()
        XCTAssertEqual(String(decoding: try ask("/v1/health").body, as: UTF8.self), "{\"status\": \"ok\"}")
        let clip = try Data(
            contentsOf: URL(fileURLWithPath: OpahProcess.checkout + "/examples/data/Alice/4.80-7.20.wav")
        ).base64EncodedString()
        try "{\"audios\": [\"\(clip)\"]}".write(toFile: folder("clip.json"), atomically: true, encoding: .utf8)
        let encoded = try ask("/v1/vqgan/encode", "@" + folder("clip.json"))
        XCTAssertEqual(encoded.status, 200)
        let tokens = try XCTUnwrap(
            (JSONSerialization.jsonObject(with: encoded.body) as? [String: [[[Int]]]])?["tokens"])
        XCTAssertEqual(tokens[0].count, 4)
        try encoded.body.write(to: URL(fileURLWithPath: folder("tokens.json")))
        let decoded = try ask("/v1/vqgan/decode", "@" + folder("tokens.json"))
        let audios = try XCTUnwrap((JSONSerialization.jsonObject(with: decoded.body) as? [String: [String]])?["audios"])
        XCTAssertEqual(Data(base64Encoded: audios[0])?.count, tokens[0][0].count * 640 * 2, "float16")
        XCTAssertEqual(try ask("/v1/vqgan/decode", "{\"tokens\": [[[99999], [0], [0], [0]]]}").status, 400)
        let refused = try ask("/v1/vqgan/encode", "{\"audios\": [\"AAAA\"]}")
        XCTAssertEqual(refused.status, 400)
        let words = String(decoding: refused.body, as: UTF8.self)
        XCTAssertTrue(words.contains("\"message\": \"clip 1: not audio"), "no file of the server: \(words)")
        // MessagePack: {"text": "The old bird.", "format": "wav", "seed": 5, "streaming": true}, and the same as JSON.
        let packed = Data(
            [0x84, 0xa4] + Array("text".utf8) + [0xad] + Array("The old bird.".utf8) + [0xa6] + Array("format".utf8) + [
                0xa3
            ] + Array("wav".utf8)
                + [0xa4] + Array("seed".utf8) + [5, 0xa9] + Array("streaming".utf8) + [0xc3])
        try packed.write(to: URL(fileURLWithPath: folder("tts.msgpack")))
        let streamed = try ask("/v1/tts", "@" + folder("tts.msgpack"), type: "application/msgpack")
        let whole = try ask(
            "/v1/tts", #"{"text": "The old bird.", "format": "wav", "seed": 5, "reference_id": null, "references": []}"#
        )
        XCTAssertEqual([streamed.status, whole.status], [200, 200])
        XCTAssertEqual(streamed.body.dropFirst(44), whole.body.dropFirst(44))
        XCTAssertGreaterThan(whole.body.count, 10_000)
    }

    func testToken() throws {
        try start([], ["OPAH_TOKEN": "secret"])
        XCTAssertEqual(try ask("/v1/models").status, 401)
        XCTAssertEqual(try ask("/v1/models", headers: ["Authorization: Bearer secret"]).status, 200)
        let open = try OpahProcess.run(
            ["run", "serve", "--embedded", "--port", "0", "--address", "0.0.0.0"], folder: folder.path)
        XCTAssertEqual(open.code, 1)
        XCTAssertTrue(open.errors.contains("a token is needed"), open.errors)
    }

    /// A token that is given and empty is none to serve with; a byte order mark is no part of one.
    func testATokenThatIsEmpty() throws {
        let empty = try TestFolder("token")
        for text in ["", " \r\n", "\u{FEFF}\n"] {
            try text.write(toFile: empty("token"), atomically: true, encoding: .utf8)
            for recipe in [["serve", "--embedded"], ["studio", "."]] {
                let words = ["run"] + recipe + ["--port", "0", "--token-file", "token"]
                let result = try OpahProcess.run(words, folder: empty.path)
                XCTAssertEqual(result.code, 2, result.errors)
                XCTAssertTrue(result.errors.contains("token holds no token"), result.errors)
            }
        }
        let variable = try OpahProcess.run(
            ["run", "serve", "--embedded", "--port", "0"], folder: empty.path, environment: ["OPAH_TOKEN": ""])
        XCTAssertEqual(variable.code, 2, variable.errors)
        try "\u{FEFF}secret\r\n".write(toFile: empty("token"), atomically: true, encoding: .utf8)
        try start(["--token-file", empty("token")])
        XCTAssertEqual(try ask("/v1/models").status, 401)
        XCTAssertEqual(try ask("/v1/models", headers: ["Authorization: Bearer secret"]).status, 200)
    }

    /// The unit of the package, as systemd reads it: no word that it does not know, and little that it gives away.
    func testTheUnitIsWhatSystemdKnows() throws {
        let analyze = "/usr/bin/systemd-analyze"
        guard FileManager.default.isExecutableFile(atPath: analyze) else { throw XCTSkip("there is no systemd here") }
        let folder = try TestFolder("unit"), unit = folder("opah-serve.service")
        let text = try String(
            contentsOfFile: OpahProcess.checkout + "/examples/serving/opah-serve.service", encoding: .utf8)
        func lines(_ text: String, _ arguments: [String]) throws -> (status: Int32, text: String) {
            try Data(text.utf8).write(to: URL(fileURLWithPath: unit))
            let process = Process(), pipe = Pipe()
            process.executableURL = URL(fileURLWithPath: analyze)
            process.arguments = arguments + [unit]
            (process.standardOutput, process.standardError) = (pipe, pipe)
            try process.run()
            let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            return (process.terminationStatus, said)
        }
        // Its program is where the package puts it, which need not be here.
        let here = text.replacing("/usr/bin/opah", with: OpahProcess.program.path)
        XCTAssertNotEqual(here, text)
        let verified = try lines(here, ["verify", "--man=no"])
        XCTAssertEqual(verified.status, 0, verified.text)
        XCTAssertFalse(verified.text.contains("opah-serve"), verified.text)
        XCTAssertTrue(
            try lines(here + "NoSuchOption=yes\n", ["verify", "--man=no"]).text.contains("opah-serve"),
            "this test can fail")
        // In tenths: 15 is 1.5.
        let exposed = try lines(here, ["security", "--offline=true", "--no-pager", "--threshold=15"])
        XCTAssertEqual(exposed.status, 0, exposed.text)
    }
}
