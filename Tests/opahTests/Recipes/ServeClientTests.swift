import Foundation
import TestSupport
import XCTest

/// Requests as the `openai` package and fish-speech's own client sent them, byte for byte (`Tests/Vectors/clients`),
/// and a server that is killed. `scripts/serve-trial` asks with the clients themselves.
final class ServeClientTests: ServeTestCase {
    private static let text = "The old bird waited behind the harbour again."

    private var port: Int { Int(address.split(separator: ":").last ?? "") ?? 0 }

    private func bash(_ script: String) throws -> (code: Int32, output: Data) {
        let process = Process(), pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", script]
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }

    /// What the server sends for the bytes of a file and, on the same connection, for a question after them.
    private func replay(_ name: String) throws -> Data {
        try "GET /v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".write(
            toFile: folder("last"), atomically: true, encoding: .utf8)
        let said = try bash(
            "exec 3<>/dev/tcp/127.0.0.1/\(port); cat '\(Vectors.path("clients/" + name))' '\(folder("last"))' >&3; timeout 100 cat <&3"
        )
        XCTAssertEqual(said.code, 0)
        XCTAssertTrue(
            String(decoding: said.output.suffix(20), as: UTF8.self).hasSuffix("\r\n\r\n{\"status\": \"ok\"}"),
            "the connection goes on after the answer")
        return said.output
    }

    func testTheOpenAIPackagesRequests() throws {
        try start(["--seed", "7"])
        let wave = try ask("/v1/audio/speech", #"{"input": "\#(Self.text)", "voice": "rms", "response_format": "wav"}"#)
        XCTAssertEqual(wave.status, 200)
        XCTAssertGreaterThan(wave.body.count, 20_000)
        let whole = try replay("openai-speech.http")
        XCTAssertTrue(whole.starts(with: Data("HTTP/1.1 200 OK\r\n".utf8)))
        XCTAssertNotNil(whole.range(of: wave.body), "another sound")
        let events = String(decoding: try replay("openai-speech-sse.http"), as: UTF8.self)
        XCTAssertTrue(
            events.hasPrefix("HTTP/1.1 200 OK\r\n") && events.contains("Content-Type: text/event-stream\r\n"),
            String(events.prefix(300)))
        XCTAssertEqual(events.components(separatedBy: "speech.audio.done").count, 2, "one end")
        XCTAssertGreaterThan(events.components(separatedBy: "speech.audio.delta").count, 2, "in pieces")
    }

    func testFishSpeechsRequests() throws {
        try start()
        let file = Vectors.path("clients/fish-tts.msgpack")
        let packed = try ask("/v1/tts", "@" + file, type: "application/msgpack")
        XCTAssertEqual(packed.status, 200)
        // The reference's recording, as it lies in the message: a wav file says its length.
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file)),
            from = try XCTUnwrap(bytes.range(of: Data("RIFF".utf8))).lowerBound
        let length = 8 + (0 ..< 4).reduce(0) { $0 | Int(bytes[from + 4 + $1]) << (8 * $1) }
        let recording = bytes[from ..< from + length].base64EncodedString()
        func asJSON(_ references: String) throws -> Data {
            let fields =
                #"{"text": "\#(Self.text)", "references": [\#(references)], "seed": 5, "max_new_tokens": 60, "top_p": 0.7, "repetition_penalty": 1.2, "temperature": 0.7, "chunk_length": 200}"#
            try fields.write(toFile: folder("tts.json"), atomically: true, encoding: .utf8)
            let answer = try ask("/v1/tts", "@" + folder("tts.json"))
            XCTAssertEqual(answer.status, 200)
            return answer.body
        }
        XCTAssertEqual(try asJSON(#"{"audio": "\#(recording)", "text": "Good morning."}"#), packed.body)
        XCTAssertNotEqual(try asJSON(""), packed.body, "the reference has no part in it")
        let encoded = try ask(
            "/v1/vqgan/encode", "@" + Vectors.path("clients/fish-encode.msgpack"), type: "application/msgpack")
        XCTAssertEqual(encoded.status, 200)
        XCTAssertTrue(
            encoded.body.starts(with: [0x81, 0xa6] + Array("tokens".utf8) + [0x91, 0x94]),
            "one clip of four codebooks, as MessagePack")
    }

    func testKilledAndStartedAgainOnTheSamePort() throws {
        try start()
        let text = String(repeating: Self.text + " ", count: 60), client = Process()
        try #"{"input": "\#(text)", "response_format": "pcm"}"#.write(
            toFile: folder("long.json"), atomically: true, encoding: .utf8)
        client.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        client.arguments = [
            "curl", "-s", "-m", "100", "-o", "/dev/null", "-H", "Content-Type: application/json", "-d",
            "@" + folder("long.json"), address + "/v1/audio/speech"
        ]
        try client.run()
        for _ in 0 ..< 200 {
            if try String(decoding: ask("/metrics").body, as: UTF8.self).contains("opah_texts_active 1") { break }
            usleep(20_000)
        }
        XCTAssertTrue(client.isRunning)
        let before = port
        kill(running.process.processIdentifier, SIGKILL)
        XCTAssertEqual(running.finish().code, 128 + SIGKILL)
        client.waitUntilExit()
        XCTAssertNotEqual(client.terminationStatus, 0, "sound that was cut off passed for whole")
        try start(port: before)
        XCTAssertEqual(port, before)
        XCTAssertEqual(
            try ask("/v1/audio/speech", #"{"input": "\#(Self.text)", "response_format": "wav"}"#).status, 200)
    }

    func testALongQueueHasItsConnections() throws {
        try start(["--queue", "300"])
        let said = try bash(
            "for i in {1..300}; do exec {fd}<>/dev/tcp/127.0.0.1/\(port); printf 'GET /' >&$fd; done; curl -s -o /dev/null -w '%{http_code}' \(address)/v1/health"
        )
        XCTAssertEqual(String(decoding: said.output, as: UTF8.self), "200")
        let few = try bash(
            "ulimit -n 256; OPAH_HOME='\(OpahProcess.checkout)' exec '\(OpahProcess.program.path)' run serve --embedded --port 0 --queue 300 2>&1"
        )
        XCTAssertEqual(few.code, 2)
        XCTAssertTrue(
            String(decoding: few.output, as: UTF8.self).contains(
                "--queue 300 needs 444 open files, and this process may have 256"),
            String(decoding: few.output, as: UTF8.self))
    }
}
