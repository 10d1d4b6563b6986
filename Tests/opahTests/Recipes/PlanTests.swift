import Foundation
import TestSupport
import XCTest

/// `opah check`: what a run will take, and refusals of what cannot fit.
final class PlanTests: XCTestCase {
    private let data = OpahProcess.checkout + "/examples/data",
        tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"

    private func check(
        _ arguments: [String], _ limits: [String: String] = [:], folder: String
    ) throws -> OpahProcess.Result {
        for (name, value) in limits { setenv(name, value, 1) }
        defer { for name in limits.keys { unsetenv(name) } }
        return try OpahProcess.run(["check"] + arguments, folder: folder)
    }

    func testStagesOverClipsTellMemoryAndDisk() throws {
        let folder = try TestFolder()
        for stage in ["loudness-norm", "resample", "slice-audio", "slice-audio-v2", "merge-short", "augment"] {
            let result = try check([stage, data, "out"], folder: folder.path)
            XCTAssertEqual(result.code, 0, result.errors)
            for line in ["14 clips", "memory", "at its peak", "disk", "in out;"] {
                XCTAssertTrue(result.output.contains(line), "\(stage): \(result.output)")
            }
            XCTAssertFalse(FileManager.default.fileExists(atPath: folder("out")), "nothing is made")
        }
    }

    func testWhatCannotFitIsRefused() throws {
        let folder = try TestFolder()
        let memory = try check(["loudness-norm", data, "out"], ["OPAH_MEMORY_LIMIT": "1MB"], folder: folder.path)
        XCTAssertEqual(memory.code, 1)
        for part in ["of memory", "OPAH_MEMORY_LIMIT", "slice-audio"] {
            XCTAssertTrue(memory.errors.contains(part), memory.errors)
        }
        let disk = try check(["loudness-norm", data, "out"], ["OPAH_DISK_LIMIT": "1000"], folder: folder.path)
        XCTAssertEqual(disk.code, 1)
        for part in ["writes", "OPAH_DISK_LIMIT", "free some space"] {
            XCTAssertTrue(disk.errors.contains(part), disk.errors)
        }
        let wrong = try check(["loudness-norm", data, "out"], ["OPAH_DISK_LIMIT": "lots"], folder: folder.path)
        XCTAssertEqual(wrong.code, 1)
        XCTAssertTrue(wrong.errors.contains("OPAH_DISK_LIMIT is set to"), wrong.errors)
    }

    func testSpeakingHasAPlan() throws {
        let folder = try TestFolder()
        let result = try check(
            ["generate", "--checkpoint-path", tiny, "--text", "The harbour is quiet today.", "--max-new-tokens", "20"],
            folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
        for part in ["about 20 frames for 27 bytes", "time", "memory", "disk"] {
            XCTAssertTrue(result.output.contains(part), result.output)
        }
        let refused = try check(
            ["generate", "--checkpoint-path", tiny, "--text", "Hello."], ["OPAH_MEMORY_LIMIT": "1MB"],
            folder: folder.path)
        XCTAssertEqual(refused.code, 1)
        XCTAssertTrue(refused.errors.contains("fewer samples"), refused.errors)
    }

    /// The disk that a plan foretells is what is then written, within what differs from codec to codec.
    func testForetoldDiskIsWhatIsWritten() throws {
        let folder = try TestFolder()
        try """
        local machine, fs, config = require "opah.machine", require "opah.fs", require "opah.config"
        local planning = require "opah.planning"
        local plan = planning.clip_by_clip({ input_dir = arg[1], output_dir = "out" }, planning.cut, function(clip) return planning.rewritten(clip, 44100, 1) end)
        assert(machine.run { machine.program, "run", "resample", arg[1], "out" }.exit_code == 0)
        local written = 0
        for _, path in ipairs(fs.list("out", { recursive = true })) do
          if not path:match("%.lab$") then written = written + fs.stat(path).size end
        end
        assert(math.abs(plan.disk / written - 1) < 0.3, plan.disk .. " foretold, " .. written .. " written")
        """.write(toFile: folder("compare.lua"), atomically: true, encoding: .utf8)
        let result = try OpahProcess.run([folder("compare.lua"), data], folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
    }

    /// A recipe's own plan: asked for with its options, and not when it runs.
    func testARecipeOfOnesOwnHasAPlan() throws {
        let folder = try TestFolder()
        try """
        local config = require "opah.config"
        local args = config.parse_args(arg, {
          flags = { { "hours", "number", 2, "how long" } },
          plan = function(args) return { seconds = args.hours * 3600, lines = { "as asked for" } } end,
        })
        print("ran")
        """.write(toFile: folder("own.lua"), atomically: true, encoding: .utf8)
        let checked = try check([folder("own.lua"), "--hours", "1.5"], folder: folder.path)
        XCTAssertEqual(checked.code, 0, checked.errors)
        XCTAssertTrue(
            checked.output.contains("as asked for") && checked.output.contains("about 1 h 30 min")
                && !checked.output.contains("ran"), checked.output)
        XCTAssertEqual(try OpahProcess.run(["run", folder("own.lua")]).output, "ran\n")
    }
}
