import Foundation
import TestSupport
import XCTest

/// A running `opah run studio`, which ends with the test, asked with curl as its page asks.
class StudioCase: XCTestCase {
    var folder: TestFolder!
    var running: OpahProcess.Running!
    var address = "", word = ""

    override func setUpWithError() throws {
        folder = try TestFolder("studio")
        try FileManager.default.copyItem(atPath: OpahProcess.checkout + "/examples/data", toPath: folder("data"))
    }

    override func tearDown() { stop() }

    func start(_ more: [String] = [], _ environment: [String: String] = [:]) throws {
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

    func stop() {
        guard let running, running.process.isRunning else { return }
        running.process.terminate()
        _ = running.finish()
    }

    /// Runs curl; the answer's status and body.
    func curl(_ path: String, _ arguments: [String] = []) throws -> (status: Int, body: Data) {
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

    func get(_ path: String) throws -> [String: Any] {
        let answer = try curl(path)
        XCTAssertEqual(answer.status, 200, path)
        return try XCTUnwrap(JSONSerialization.jsonObject(with: answer.body) as? [String: Any])
    }

    /// An edit with this start's word, unless `headers` say otherwise.
    func edit(
        _ name: String, _ body: [String: Any], headers: [String]? = nil
    ) throws -> (status: Int, value: [String: Any]) {
        let text = String(decoding: try JSONSerialization.data(withJSONObject: body), as: UTF8.self)
        let sent = ["Content-Type: application/json"] + (headers ?? ["X-Opah-Page: \(word)"])
        let answer = try curl("/api/" + name, ["--data-binary", text] + sent.flatMap { ["-H", $0] })
        return (answer.status, (try? JSONSerialization.jsonObject(with: answer.body) as? [String: Any]) ?? [:])
    }

    func pageWord(_ arguments: [String] = []) throws -> String {
        let page = String(decoding: try curl("/", arguments).body, as: UTF8.self)
        let range = try XCTUnwrap(page.range(of: "name=\"word\" content=\""), page)
        return String(page[range.upperBound...].prefix { $0 != "\"" })
    }

    /// A clip once all are examined, as the list has it; or once they are compared with each other, 1.5 s later.
    func clip(_ id: String, compared: Bool = false) throws -> [String: Any] {
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

    func digest(_ clip: [String: Any]) throws -> String {
        try XCTUnwrap((clip["label"] as? [String: Any])?["digest"] as? String)
    }

    func codes(_ clip: [String: Any]) -> [String] {
        (clip["faults"] as? [[String: Any]] ?? []).compactMap { $0["code"] as? String }
    }
    func content(_ path: String) -> String? { try? String(contentsOfFile: folder(path), encoding: .utf8) }
    func message(_ value: [String: Any]) -> String {
        (value["error"] as? [String: Any])?["message"] as? String ?? ""
    }
}
