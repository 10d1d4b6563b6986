import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// What tests of voices share: two adapters, a reference, and what the tiny model says with them.
class VoiceCase: XCTestCase {
    static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"

    func opah(
        _ folder: TestFolder, _ arguments: [String], _ environment: [String: String] = [:]
    ) throws -> OpahProcess.Result {
        try OpahProcess.run(["run"] + arguments, folder: folder.path, environment: environment)
    }

    func generate(
        _ folder: TestFolder, _ output: String, _ more: [String], model: String = tiny
    ) throws -> OpahProcess.Result {
        try opah(
            folder,
            [
                "generate", "--text", "The boats are here.", "--checkpoint-path", model, "--max-new-tokens", "12",
                "--min-frames", "12", "--output", output
            ] + more)
    }

    func codes(_ folder: TestFolder, _ output: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: folder(output + "/codes_0.npy")))
    }

    /// Two adapters that change what the model says, and codes of a reference, without training.
    func makeParts(_ folder: TestFolder) throws {
        let made = try OpahProcess.run(LuaScript.file("parts").command([Self.tiny]), folder: folder.path)
        XCTAssertEqual(made.code, 0, made.errors)
    }
}
