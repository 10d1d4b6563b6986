import Foundation
import TestSupport
import XCTest

/// `opah run studio`, asked with curl as its page asks: clips with findings, edits and the way back, who may edit, what
/// is never sent, and events while a run is written.
final class StudioTests: XCTestCase {
    private var folder: TestFolder!
    private var running: OpahProcess.Running!
    private var address = "", word = ""

    override func setUpWithError() throws {
        folder = try TestFolder("studio")
        try FileManager.default.copyItem(atPath: OpahProcess.checkout + "/examples/data", toPath: folder("data"))
    }

    override func tearDown() { stop() }

    private func start(_ more: [String] = [], _ environment: [String: String] = [:]) throws {
        address = ""
        running = try OpahProcess.start(
            ["run", "studio", "data", "--port", "0"] + more, folder: folder.path,
            environment: environment)
        for _ in 0 ..< 600 where address.isEmpty {
            usleep(50_000)
            let text = running.errorsSoFar
            if let range = text.range(of: "open http://127.0.0.1:") {
                address = "http://127.0.0.1:" + text[range.upperBound...].prefix { $0.isNumber }
            }
        }
        XCTAssertFalse(address.isEmpty, running.errorsSoFar)
        word = try pageWord()
    }

    private func stop() {
        guard let running, running.process.isRunning else { return }
        running.process.terminate()
        _ = running.finish()
    }

    /// Runs curl; the answer's status and body.
    private func curl(_ path: String, _ arguments: [String] = []) throws -> (status: Int, body: Data) {
        let process = Process(), output = folder("answer-\(UUID().uuidString)"), pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            [
                "curl", "-s", "-m", "60", "--path-as-is", "-o", output, "-w", "%{http_code}",
                address
                    + path
            ] + arguments
        process.standardOutput = pipe
        try process.run()
        let status = Int(String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)) ?? 0
        process.waitUntilExit()
        return (status, (try? Data(contentsOf: URL(fileURLWithPath: output))) ?? Data())
    }

    private func get(_ path: String) throws -> [String: Any] {
        let answer = try curl(path)
        XCTAssertEqual(answer.status, 200, path)
        return try XCTUnwrap(JSONSerialization.jsonObject(with: answer.body) as? [String: Any])
    }

    /// An edit with this start's word, unless `headers` say otherwise.
    private func edit(
        _ name: String, _ body: [String: Any], headers: [String]? = nil
    ) throws -> (status: Int, value: [String: Any]) {
        let text = String(decoding: try JSONSerialization.data(withJSONObject: body), as: UTF8.self)
        let sent = ["Content-Type: application/json"] + (headers ?? ["X-Opah-Page: \(word)"])
        let answer = try curl("/api/" + name, ["--data-binary", text] + sent.flatMap { ["-H", $0] })
        return (answer.status, (try? JSONSerialization.jsonObject(with: answer.body) as? [String: Any]) ?? [:])
    }

    private func pageWord(_ arguments: [String] = []) throws -> String {
        let page = String(decoding: try curl("/", arguments).body, as: UTF8.self)
        let range = try XCTUnwrap(page.range(of: "name=\"word\" content=\""), page)
        return String(page[range.upperBound...].prefix { $0 != "\"" })
    }

    /// A clip once all are examined, as the list has it; or once they are compared with each other, 1.5 s later.
    private func clip(_ id: String, compared: Bool = false) throws -> [String: Any] {
        for _ in 0 ..< 400 {
            let list = try get("/api/clips")
            if compared ? list["done"] as? Bool == true : list["seen"] as? Int == list["total"] as? Int {
                return try XCTUnwrap((list["clips"] as? [[String: Any]])?.first { $0["id"] as? String == id }, id)
            }
            usleep(50_000)
        }
        XCTFail("the clips were never examined: \(running.errorsSoFar)")
        return [:]
    }

    private func digest(_ clip: [String: Any]) throws -> String {
        try XCTUnwrap((clip["label"] as? [String: Any])?["digest"] as? String)
    }
    private func codes(_ clip: [String: Any]) -> [String] {
        (clip["faults"] as? [[String: Any]] ?? []).compactMap { $0["code"] as? String }
    }
    private func content(_ path: String) -> String? { try? String(contentsOfFile: folder(path), encoding: .utf8) }
    private func message(_ value: [String: Any]) -> String {
        (value["error"] as? [String: Any])?["message"] as? String ?? ""
    }

    func testClipsEditsAndTheWayBack() throws {
        let wave = try Data(contentsOf: URL(fileURLWithPath: folder("data/Alice/4.80-7.20.wav")))
        try wave.write(to: URL(fileURLWithPath: folder("data/Alice/bare.wav")))
        try wave.write(to: URL(fileURLWithPath: folder("data/Alice/crlf.wav")))
        try Data("Hello there.\r\n".utf8).write(to: URL(fileURLWithPath: folder("data/Alice/crlf.lab")))
        try Data("RIFF1234WAVEjunk".utf8).write(to: URL(fileURLWithPath: folder("data/Alice/broken.wav")))
        try Data("Broken.".utf8).write(to: URL(fileURLWithPath: folder("data/Alice/broken.lab")))
        try start()

        // What doctor finds, sound, pictures.
        XCTAssertEqual(codes(try clip("Alice/broken")), ["unreadable"])
        XCTAssertTrue(codes(try clip("Alice/bare")).contains("no-label"))
        XCTAssertTrue(codes(try clip("Alice/crlf", compared: true)).contains("duplicate"))
        let sound = try curl("/api/sound?id=Alice/0.00-2.10")
        XCTAssertEqual(sound.status, 200)
        XCTAssertEqual(String(decoding: sound.body.prefix(4), as: UTF8.self), "RIFF")
        for name in ["waveform", "spectrogram"] {
            XCTAssertTrue(
                String(
                    decoding: try curl("/api/\(name)?id=Alice/0.00-2.10&dark=1").body,
                    as: UTF8.self
                ).hasPrefix("<svg"), name)
        }

        // A label is written when it is what the page saw, and not otherwise.
        let first = "data/Alice/0.00-2.10.lab", before = try XCTUnwrap(content(first)),
            seen = try digest(clip("Alice/0.00-2.10"))
        let saved = try edit("label", ["id": "Alice/0.00-2.10", "text": "New words. 日本", "digest": seen])
        XCTAssertEqual(saved.status, 200, message(saved.value))
        XCTAssertEqual(content(first), "New words. 日本")
        let stale = try edit("label", ["id": "Alice/0.00-2.10", "text": "Late words.", "digest": seen])
        XCTAssertEqual(stale.status, 409)
        XCTAssertTrue(message(stale.value).contains("was changed by somebody else"), message(stale.value))
        XCTAssertEqual(content(first), "New words. 日本")
        // The end of the line stays, and a label that was missing is made.
        XCTAssertEqual(
            try edit(
                "label",
                [
                    "id": "Alice/crlf", "text": "Hello you.",
                    "digest": digest(clip("Alice/crlf"))
                ]
            ).status, 200)
        XCTAssertEqual(
            try Data(contentsOf: URL(fileURLWithPath: folder("data/Alice/crlf.lab"))),
            Data("Hello you.\r\n".utf8))
        let made = try edit("label", ["id": "Alice/bare", "text": "Nobody had told.", "digest": ""])
        XCTAssertEqual(content("data/Alice/bare.lab"), "Nobody had told.")
        XCTAssertFalse(codes(made.value["clip"] as? [String: Any] ?? [:]).contains("no-label"))
        for wrong in [
            ["text": "a\nb"], ["text": "..."], ["text": ""], ["text": 5], ["id": "../x"],
            ["digest": NSNull()]
        ] as [[String: Any]] {
            let body =
                ([
                    "id": "Alice/0.00-2.10", "text": "Words.",
                    "digest": seen
                ] as [String: Any]).merging(wrong) { $1 }
            XCTAssertTrue([400, 404].contains(try edit("label", body).status), "\(wrong)")
        }
        XCTAssertEqual(content(first), "New words. 日本")

        // Excluded: moved with its label, with doctor's list; undone after another start too.
        let excluded = try edit("exclude", ["id": "Alice/broken"])
        XCTAssertEqual(excluded.status, 200, message(excluded.value))
        XCTAssertNil(content("data/Alice/broken.lab"))
        XCTAssertEqual(content("data-quarantine/Alice/broken.lab"), "Broken.")
        XCTAssertTrue(content("data-quarantine/quarantine.jsonl")?.contains("\"Alice/broken.wav\"") ?? false)
        XCTAssertEqual(try edit("exclude", ["id": "Alice/broken"]).status, 404)
        running.process.terminate()
        XCTAssertEqual(running.finish().code, 0)
        let old = word
        try start()
        XCTAssertEqual(try edit("undo", [:], headers: ["X-Opah-Page: \(old)"]).status, 403, "a page of another start")
        XCTAssertEqual(try edit("undo", [:]).status, 200)
        XCTAssertEqual(content("data/Alice/broken.lab"), "Broken.")
        XCTAssertEqual(content("data-quarantine/quarantine.jsonl"), "")
        XCTAssertEqual(try edit("undo", [:]).status, 200)
        XCTAssertNil(content("data/Alice/bare.lab"), "there was no label before")
        // Changed by somebody else since: left alone, and undo goes on.
        try Data("Somebody else.".utf8).write(to: URL(fileURLWithPath: folder("data/Alice/crlf.lab")))
        XCTAssertEqual(try edit("undo", [:]).status, 409)
        XCTAssertEqual(content("data/Alice/crlf.lab"), "Somebody else.")
        XCTAssertEqual(try edit("undo", [:]).status, 200)
        XCTAssertEqual(content(first), before)
        XCTAssertEqual(try edit("undo", [:]).status, 409, "nothing is left to undo")

        // doctor knows the way back as well.
        XCTAssertEqual(try edit("exclude", ["id": "Alice/broken"]).status, 200)
        let restored = try OpahProcess.run(
            ["run", "doctor", "data", "--quarantine", "data-quarantine", "--restore"],
            folder: folder.path)
        XCTAssertEqual(restored.code, 0, restored.errors)
        XCTAssertEqual(content("data/Alice/broken.lab"), "Broken.")
        // One studio works on a folder.
        let second = try OpahProcess.run(["run", "studio", "data", "--port", "0"], folder: folder.path)
        XCTAssertEqual(second.code, 1)
        XCTAssertTrue(second.errors.contains("at work here"), second.errors)
    }

    /// The list is kept from one load of the page to the next, and is true all the same.
    func testTheFolderChangesUnderneath() throws {
        let wave = try Data(contentsOf: URL(fileURLWithPath: folder("data/Alice/4.80-7.20.wav")))
        /// Writes into the file that is there: neither its name nor its inode changes.
        func overwrite(_ path: String, _ data: Data) throws {
            let file = try XCTUnwrap(FileHandle(forWritingAtPath: folder(path)), path)
            try file.truncate(atOffset: 0)
            try file.write(contentsOf: data)
            try file.close()
        }
        func text(_ id: String) throws -> String? { (try clip(id)["label"] as? [String: Any])?["text"] as? String }
        func total() throws -> Int { try XCTUnwrap(get("/api/clips")["total"] as? Int) }
        func leftOut() throws -> [String] {
            (try get("/api/clips")["left_out"] as? [[String: Any]] ?? []).compactMap { $0["what"] as? String }
        }
        try start()
        let id = "Alice/0.00-2.10", label = "data/Alice/0.00-2.10.lab"
        _ = try clip(id)
        let count = try total(), version = try get("/api/clips")["version"] as? Int
        XCTAssertEqual(try get("/api/clips")["version"] as? Int, version, "nothing changed, and nothing is looked at")

        // Labels: in place and of the same length, again within the same tick of the disk's clock, gone, another
        // suffix.
        for words in ["aaaa bbbb.", "cccc dddd.", "eeee ffff."] {
            try overwrite(label, Data(words.utf8))
            XCTAssertEqual(try text(id), words)
        }
        try FileManager.default.removeItem(atPath: folder(label))
        XCTAssertTrue(codes(try clip(id)).contains("no-label"))
        try Data("Of another suffix.".utf8).write(to: URL(fileURLWithPath: folder("data/Alice/0.00-2.10.txt")))
        XCTAssertEqual(try text(id), "Of another suffix.")

        // Sounds: broken, mended, replaced by one of the same size and time.
        try overwrite("data/Alice/4.80-7.20.wav", Data("RIFF1234WAVEjunk".utf8))
        XCTAssertEqual(codes(try clip("Alice/4.80-7.20")), ["unreadable"])
        try overwrite("data/Alice/4.80-7.20.wav", wave)
        XCTAssertFalse(codes(try clip("Alice/4.80-7.20")).contains("unreadable"))
        let time = try FileManager.default.attributesOfItem(atPath: folder("data/Alice/4.80-7.20.wav"))
        try (wave.prefix(44) + Data(count: wave.count - 44)).write(to: URL(fileURLWithPath: folder("quiet.wav")))
        try FileManager.default.setAttributes(
            [.modificationDate: XCTUnwrap(time[.modificationDate])],
            ofItemAtPath: folder("quiet.wav"))
        XCTAssertEqual(rename(folder("quiet.wav"), folder("data/Alice/4.80-7.20.wav")), 0)
        XCTAssertTrue(codes(try clip("Alice/4.80-7.20")).contains("silent"))

        // Names: in a folder that was empty, gone again, left out for its content, and a link to nothing.
        try FileManager.default.createDirectory(atPath: folder("data/Bob"), withIntermediateDirectories: false)
        XCTAssertEqual(try total(), count)
        try wave.write(to: URL(fileURLWithPath: folder("data/Bob/a.wav")))
        XCTAssertEqual(try clip("Bob/a")["speaker"] as? String, "Bob")
        try FileManager.default.removeItem(atPath: folder("data/Bob/a.wav"))
        XCTAssertEqual(try total(), count)
        try Data("not a sound".utf8).write(to: URL(fileURLWithPath: folder("data/Bob/b.aac")))
        XCTAssertEqual(try leftOut().count, 1)
        try overwrite("data/Bob/b.aac", wave)
        XCTAssertEqual(try clip("Bob/b")["file"] as? String, "Bob/b.aac")
        XCTAssertEqual(try leftOut(), [])
        try FileManager.default.createSymbolicLink(atPath: folder("data/Alice/z.wav"), withDestinationPath: "nowhere")
        XCTAssertEqual(try leftOut(), ["is a link to nothing"])
    }

    func testNothingFromOutsideAndNobodyFromElsewhere() throws {
        try Data("Secret words.".utf8).write(to: URL(fileURLWithPath: folder("secret.lab")))
        try FileManager.default.copyItem(atPath: folder("data/Alice/4.80-7.20.wav"), toPath: folder("outside.wav"))
        try FileManager.default.createSymbolicLink(
            atPath: folder("data/Alice/linked.wav"),
            withDestinationPath: folder("outside.wav"))
        try FileManager.default.createSymbolicLink(
            atPath: folder("data/Alice/linked.lab"),
            withDestinationPath: folder("secret.lab"))
        try FileManager.default.createDirectory(
            atPath: folder("results/run/audition"),
            withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: folder("results/run/audition/a.wav"),
            withDestinationPath: folder("outside.wav"))
        let spoken = #"[{"text": "Hi", "sound": "outside.wav"}]"#
        try Data(#"{"checkpoints": [{"step": 1, "folder": "../../..", "spoken": \#(spoken)}]}"#.utf8)
            .write(to: URL(fileURLWithPath: folder("results/run/audition/audition.json")))
        try start()
        for id in [
            "../outside", "Alice/../../outside", "/etc/passwd", "Alice/linked", "Alice/4.80-7.20.wav",
            "..%2Foutside", ""
        ] {
            for what in ["sound", "waveform", "spectrogram"] {
                XCTAssertEqual(try curl("/api/\(what)?id=\(id)").status, 404, "\(what) of \(id)")
            }
        }
        for file in ["../outside.wav", "run/audition/a.wav", "run/audition/../../../outside.wav", "/etc/passwd"] {
            XCTAssertEqual(try curl("/api/take?file=\(file)").status, 404, file)
        }
        for path in ["/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/routes.lua", "/page.html"] {
            XCTAssertTrue([400, 404].contains(try curl(path).status), path)
        }
        XCTAssertFalse(String(decoding: try curl("/api/clips").body, as: UTF8.self).contains("Secret"))
        XCTAssertFalse(String(decoding: try curl("/api/run?run=run").body, as: UTF8.self).contains("outside.wav"))
        XCTAssertEqual(try edit("label", ["id": "Alice/linked", "text": "Over.", "digest": ""]).status, 409)
        XCTAssertEqual(content("secret.lab"), "Secret words.")

        let path = "data/Alice/4.80-7.20.lab", before = content(path),
            body = [
                "id": "Alice/4.80-7.20",
                "text": "Taken over.", "digest": try digest(clip("Alice/4.80-7.20"))
            ]
        let mine = "X-Opah-Page: \(word)"
        for headers in [
            [], ["X-Opah-Page: 0000"], [mine, "Origin: http://evil.example"], [mine, "Origin: null"],
            [mine, "Sec-Fetch-Site: cross-site"],
            [mine, "Host: evil.example"]
        ] {
            XCTAssertEqual(try edit("label", body, headers: headers).status, 403, "\(headers)")
        }
        XCTAssertEqual(try curl("/api/label").status, 405)
        XCTAssertEqual(try curl("/api/label", ["-d", "id=1", "-H", mine]).status, 415, "a form of another page")
        XCTAssertEqual(content(path), before)
        XCTAssertEqual(
            try edit("label", body, headers: [mine, "Origin: \(address)"]).status, 200,
            "and the page itself may")

        // Everything that the page needs comes from here, and it says so.
        let head = folder("head")
        let page = String(decoding: try curl("/", ["-D", head]).body, as: UTF8.self)
        XCTAssertTrue(
            try String(
                contentsOfFile: head,
                encoding: .utf8
            ).contains("Content-Security-Policy: default-src 'none'; script-src 'self'"))
        XCTAssertFalse(page.contains("//"), "no address of another host")
        for name in ["page.css", "page.js", "shared.js", "clips.js", "playhead.js", "training.js", "speak.js"] {
            let file = String(decoding: try curl("/" + name).body, as: UTF8.self)
            XCTAssertFalse(file.isEmpty, name)
            XCTAssertFalse(file.contains("http:") || file.contains("https:"), name)
        }
    }

    func testATokenForOtherMachines() throws {
        let open = try OpahProcess.run(
            ["run", "studio", "data", "--port", "0", "--address", "0.0.0.0"],
            folder: folder.path)
        XCTAssertEqual(open.code, 1)
        XCTAssertTrue(open.errors.contains("a token is needed"), open.errors)
        running = try OpahProcess.start(
            ["run", "studio", "data", "--port", "0"], folder: folder.path,
            environment: ["OPAH_TOKEN": "secret"])
        for _ in 0 ..< 600 where address.isEmpty {
            usleep(50_000)
            let text = running.errorsSoFar
            if let range = text.range(of: "open http://127.0.0.1:") {
                address = "http://127.0.0.1:" + text[range.upperBound...].prefix { $0.isNumber }
            }
        }
        XCTAssertEqual(try curl("/").status, 401)
        XCTAssertEqual(try curl("/", ["-H", "Authorization: Bearer secret"]).status, 200)
        XCTAssertEqual(try curl("/", ["-u", "anyone:secret"]).status, 200, "as a browser asks for it")
        XCTAssertEqual(try curl("/", ["-u", "secret:anything"]).status, 401)
    }

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
