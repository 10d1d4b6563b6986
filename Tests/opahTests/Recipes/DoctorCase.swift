import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// Runs `opah run doctor` on clips that a test makes.
class DoctorCase: XCTestCase {
    static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"

    /// Runs Lua that has `voice(seconds, seed)` [T] at 44.1 kHz: syllables of harmonics and hiss over the noise of a quiet
    /// room, other ones for each seed; and `put(name, samples, rate, label)`, which writes a clip below `in`.
    func lua(_ folder: TestFolder, _ script: LuaScript) throws {
        let result = try OpahProcess.run(script.command(after: .file("tools")), folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
    }

    struct Findings {
        var code: Int32
        /// Codes by file, in the order of the alphabet.
        var codes: [String: [String]] = [:]
        var severities: [String: String] = [:]
        var what: [String: String] = [:]
        var facts: [String: Any] = [:]
        var result: OpahProcess.Result
    }

    func doctor(_ folder: TestFolder, _ arguments: String...) throws -> Findings {
        let result = try OpahProcess.run(["run", "doctor", "in", "--json"] + arguments, folder: folder.path)
        var findings = Findings(code: result.code, result: result)
        for line in result.errors.split(separator: "\n") {
            let event = try XCTUnwrap(
                JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], String(line))
            if event["event"] as? String == "fault" {
                let file = try XCTUnwrap(event["file"] as? String), code = try XCTUnwrap(event["code"] as? String)
                XCTAssertNotEqual(event["remedy"] as? String ?? "", "", code)
                XCTAssertTrue(result.output.contains(code), code)
                findings.codes[file, default: []].append(code)
                findings.severities[code] = event["severity"] as? String
                findings.what[file + " " + code] = event["what"] as? String
            }
            if event["event"] as? String == "result" { findings.facts = event["facts"] as? [String: Any] ?? [:] }
        }
        for file in findings.codes.keys { findings.codes[file]?.sort() }
        return findings
    }

    func write(_ text: String, _ path: String) throws {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }
}
