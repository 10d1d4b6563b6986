import Foundation
import TestSupport
import XCTest

/// Who may read and edit in the studio, and what is never sent.
final class StudioAccessTests: StudioCase {
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
}
