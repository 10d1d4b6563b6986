import Foundation
import TestSupport
import XCTest

/// What a page of the studio hears: events while a run is written, and speech.
final class StudioEventTests: StudioCase {
    /// What a page hears by server-sent events while a run begins, goes on, and is written anew.
    func testEvents() throws {
        try start(["--results", "results"])
        _ = try clip("Alice/0.00-2.10")
        let process = Process(), output = folder("events")
        _ = FileManager.default.createFile(atPath: output, contents: nil)
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["curl", "-s", "-N", "-m", "120", address + "/api/events?since=0"]
        process.standardOutput = FileHandle(forWritingAtPath: output)
        try process.run()
        defer { if process.isRunning { process.terminate() } }
        func heard(_ name: String, _ fits: ([String: Any]) -> Bool) -> Bool {
            for _ in 0 ..< 300 {
                let blocks =
                    ((try? String(contentsOfFile: output, encoding: .utf8))
                    ?? "").components(separatedBy: "\n\n").dropLast()
                for block in blocks where block.hasPrefix("event: \(name)\ndata: ") {
                    let text = block.dropFirst("event: \(name)\ndata: ".count)
                    if let value = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any],
                        fits(value)
                    {
                        return true
                    }
                }
                usleep(100_000)
            }
            return false
        }
        func entries(_ value: [String: Any]) -> [[String: Any]] { value["entries"] as? [[String: Any]] ?? [] }
        XCTAssertTrue(heard("clips") { $0["whole"] as? Bool == true && ($0["clips"] as? [Any])?.count == 14 })
        // A run that begins later, with a line that is not whole yet.
        let metrics = folder("results/late/metrics.jsonl")
        try FileManager.default.createDirectory(atPath: folder("results/late"), withIntermediateDirectories: true)
        try Data("{\"stage\": \"train\", \"step\": 1, \"loss\": 3.5}\n{\"stage\": \"tr".utf8)
            .write(to: URL(fileURLWithPath: metrics))
        XCTAssertTrue(
            heard("metrics") {
                $0["anew"] as? Bool == true && entries($0).count == 1
                    && entries($0)[0]["loss"] as? Double == 3.5
            })
        let file = try XCTUnwrap(FileHandle(forWritingAtPath: metrics))
        file.seekToEndOfFile()
        file.write(Data("ain\", \"step\": 2, \"loss\": 3.25}\nno line of ours\n".utf8))
        try file.close()
        XCTAssertTrue(
            heard("metrics") {
                $0["anew"] as? Bool == false && entries($0).count == 1
                    && entries($0)[0]["loss"] as? Double == 3.25
            })
        XCTAssertTrue(
            String(
                decoding: try curl("/api/curve?run=late&figure=loss").body,
                as: UTF8.self
            ).hasPrefix("<svg"))
        // Written anew, as a run that resumes does.
        try Data(
            String(
                repeating: "{\"stage\": \"train\", \"step\": 1, \"loss\": 9.5}\n",
                count: 5
            ).utf8
        ).write(to: URL(fileURLWithPath: metrics), options: .atomic)
        XCTAssertTrue(
            heard("metrics") {
                $0["anew"] as? Bool == true && entries($0).count == 5
                    && entries($0)[4]["loss"] as? Double == 9.5
            })
        // Edits of another page.
        XCTAssertEqual(
            try edit(
                "label",
                [
                    "id": "Alice/0.00-2.10", "text": "Seen by all.",
                    "digest": digest(clip("Alice/0.00-2.10"))
                ]
            ).status, 200)
        XCTAssertTrue(
            heard("clips") { value in
                value["whole"] as? Bool == false
                    && (value["clips"] as? [[String: Any]]
                        ?? []).contains { ($0["label"] as? [String: Any])?["text"] as? String == "Seen by all." }
            })
        XCTAssertEqual(try edit("exclude", ["id": "Alice/0.00-2.10"]).status, 200)
        XCTAssertTrue(heard("clips") { ($0["gone"] as? [String] ?? []).contains("Alice/0.00-2.10") })
        // An open page does not keep the program.
        running.process.terminate()
        XCTAssertEqual(running.finish().code, 0)
        process.waitUntilExit()
        XCTAssertEqual(process.terminationStatus, 0, "the stream has an end")
    }

    func testSpeaking() throws {
        try start()
        XCTAssertEqual(try edit("speak", ["text": "The old bird waited."]).status, 409, "no model was given")
        stop()
        try start(["--embedded"])
        XCTAssertEqual(try get("/api/voices")["voices"] as? [String], ["rms", "slt"])
        let answer = try curl(
            "/api/speak",
            [
                "-H", "X-Opah-Page: \(word)", "-H", "Content-Type: application/json",
                "-d", #"{"text": "The old bird waited.", "voice": "slt", "seed": 3}"#
            ])
        XCTAssertEqual(answer.status, 200)
        XCTAssertEqual(String(decoding: answer.body.prefix(4), as: UTF8.self), "RIFF")
        XCTAssertGreaterThan(answer.body.count, 10_000)
        XCTAssertEqual(try edit("speak", ["text": "The old bird waited.", "voice": "nobody"]).status, 400)
    }
}
