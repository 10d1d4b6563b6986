import Foundation
import TestSupport
import XCTest

/// What tests of `opah run import` make, run and look at.
class ImportCase: XCTestCase {
    let alice = OpahProcess.checkout + "/examples/data/Alice/"

    func write(_ text: String, _ path: String, as encoding: String.Encoding = .utf8) throws {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try XCTUnwrap(text.data(using: encoding)).write(to: URL(fileURLWithPath: path))
    }

    func clip(_ path: String, _ name: String = "4.80-7.20.wav") throws {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: alice + name, toPath: path)
    }

    func run(_ folder: TestFolder, _ arguments: String...) throws -> OpahProcess.Result {
        try OpahProcess.run(["run", "import"] + arguments, folder: folder.path)
    }

    func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Everything below `folder` but the program's own records, sorted.
    func files(_ folder: String) -> [String] {
        let all = (try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []
        return all.filter { !$0.contains("/.") && !$0.hasPrefix(".") && $0.contains(".") }.sorted()
    }

    func lua(_ folder: TestFolder, _ code: String) throws -> String {
        let result = try OpahProcess.run(["-e", "local opah = require 'opah' " + code], folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A recording whose sample n (from 0) has the value n / 2^23, exact in 24 bits: a piece tells where it was cut.
    func ramp(_ folder: TestFolder, _ path: String, seconds: Int = 10, rate: Int = 44100) throws {
        let code =
            "opah.fs.mkdir(opah.fs.dirname('\(path)')) local n = opah.tensor.range(0, \(seconds * rate) - 1, 1, { dtype = 'float32' }) / 8388608 opah.audio.save('\(path)', n, \(rate), { subtype = 'pcm24' })"
        _ = try lua(folder, code)
    }

    /// First sample and length of each piece below `out`, by name.
    func cuts(_ folder: TestFolder) throws -> [String] {
        let code = """
            for _, p in ipairs(opah.fs.list('out', { recursive = true, extension = { '.wav', '.flac' } })) do
              local s = opah.audio.load(p)
              assert(math.tointeger((s[-1] - s[1]) * 8388608) == #s - 1, 'samples are missing')
              print(math.tointeger(s[1] * 8388608) .. ' ' .. #s)
            end
            """
        return try lua(folder, code).split(separator: "\n").map(String.init)
    }
}
