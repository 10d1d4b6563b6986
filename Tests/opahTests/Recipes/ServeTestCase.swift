import Foundation
import TestSupport
import XCTest

/// A running `opah run serve` with the embedded voice, which ends with the test, and curl to ask it.
class ServeTestCase: XCTestCase {
    var folder: TestFolder!
    var running: OpahProcess.Running!
    /// http://127.0.0.1:PORT
    var address = ""

    func start(_ more: [String] = [], _ environment: [String: String] = [:], port: Int = 0) throws {
        folder = try TestFolder("serve")
        address = ""
        running = try OpahProcess.start(
            ["run", "serve", "--embedded", "--port", "\(port)"] + more, folder: folder.path, environment: environment)
        for _ in 0 ..< 600 where address.isEmpty {
            usleep(50_000)
            let text = running.errorsSoFar
            if let range = text.range(of: "listening on ") {
                address = String(text[range.upperBound...].prefix { !$0.isNewline })
            }
        }
        XCTAssertTrue(address.hasPrefix("http://127.0.0.1:"), running.errorsSoFar)
    }

    override func tearDown() {
        if let running, running.process.isRunning {
            running.process.terminate()
            _ = running.finish()
        }
        address = ""
    }

    func ask(
        _ path: String, _ body: String? = nil, type: String = "application/json", headers: [String] = []
    ) throws -> (status: Int, body: Data) {
        let process = Process(), output = folder("answer-\(UUID().uuidString)"), pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["curl", "-s", "-m", "100", "-o", output, "-w", "%{http_code}", address + path]
            + (body.map { ["-H", "Content-Type: \(type)", "--data-binary", $0] } ?? []) + headers.flatMap { ["-H", $0] }
        process.standardOutput = pipe
        try process.run()
        let status = Int(String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)) ?? 0
        process.waitUntilExit()
        return (status, (try? Data(contentsOf: URL(fileURLWithPath: output))) ?? Data())
    }
}
