import Foundation
import TestSupport
import XCTest

/// Parts of one work in one folder: parts of the same number go together, others and whole runs exclude each other,
/// and one that was killed is run again.
final class PartsTests: XCTestCase {
    private static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"
    private static let codec = ["--config-name", tiny + "/codec.lua", "--checkpoint-path", tiny + "/codec.pth"]
    private var folder: TestFolder!

    override func setUpWithError() throws {
        folder = try TestFolder("parts")
        try FileManager.default.copyItem(atPath: OpahProcess.checkout + "/examples/data", toPath: folder("data"))
    }

    /// Another process that holds a part's lock, or a whole run's, until it is killed.
    private func holder(_ place: String, _ part: String, _ base: String = ".lock") throws -> OpahProcess.Running {
        try? FileManager.default.removeItem(atPath: folder("held"))
        let running = try OpahProcess.start(
            [
                "-e",
                """
                local part_lock, dist, fs = require "opah.part_lock", require "opah.dist", require "opah.fs"
                local lock <close> = part_lock.take("\(place)", "holding", dist.shard("\(part)"), "\(base)")
                fs.write("held", "")
                os.execute("sleep 60")
                """
            ], folder: folder.path)
        let end = Date() + 30
        while !FileManager.default.fileExists(atPath: folder("held")), running.process.isRunning, Date() < end {
            usleep(5000)
        }
        XCTAssertTrue(running.process.isRunning, running.errorsSoFar)
        return running
    }

    private func end(_ running: OpahProcess.Running) {
        kill(running.process.processIdentifier, SIGKILL)
        _ = running.finish()
    }

    private func hidden(_ place: String) -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: folder(place))) ?? []
        return all.filter { $0.contains("lock") || $0.hasSuffix(".tmp") }
    }

    func testWhatCannotGoTogetherIsRefused() throws {
        func expect(_ code: Int32, _ words: [String], _ said: String, line: UInt = #line) throws {
            let run = try OpahProcess.run(words, folder: folder.path)
            XCTAssertEqual(run.code, code, run.errors, line: line)
            XCTAssertTrue(run.errors.contains(said), run.errors, line: line)
        }
        var other = try holder("out", "1/3")
        for words in [
            ["resample", "data", "out", "--sampling-rate", "8000"], ["loudness-norm", "data", "out"],
            ["slice-audio", "data", "out"]
        ] {
            try expect(1, ["run"] + words, "a run over everything cannot go together with part 1 of 3")
            try expect(1, ["run"] + words + ["--shard", "2/4"], "part 2 of 4 cannot go together with part 1 of 3")
        }
        try expect(
            1, ["run", "slice-audio-v2", "data", "out"], "a run over everything cannot go together with part 1 of 3")
        XCTAssertEqual(
            try FileManager.default.contentsOfDirectory(atPath: folder("out")), [".lock-1-of-3"],
            "a refused run changes nothing")
        // The same part twice, and another part of the same number.
        try expect(
            1, ["run", "resample", "data", "out", "--sampling-rate", "8000", "--shard", "1/3"],
            "another process is at work here")
        try expect(0, ["run", "resample", "data", "out", "--sampling-rate", "8000", "--shard", "2/3"], "clips")
        end(other)
        // What it left is in nobody's way, and goes.
        try expect(0, ["run", "resample", "data", "out", "--sampling-rate", "8000"], "clips")
        XCTAssertEqual(hidden("out"), [])

        let extract = ["run", "extract-vq", "data"] + Self.codec, base = ".extract-vq.run.lock"
        other = try holder("data", "1/1", base)
        try expect(1, extract + ["--shard", "1/2"], "part 1 of 2 cannot go together with a run over everything")
        end(other)
        other = try holder("data", "2/3", base)
        try expect(1, extract, "a run over everything cannot go together with part 2 of 3")
        try expect(1, extract + ["--shard", "2/2"], "part 2 of 2 cannot go together with part 2 of 3")
        try expect(0, extract + ["--shard", "3/3"], "clips have codes")
        end(other)
        try expect(0, extract, "14 clips have codes")
        XCTAssertEqual(hidden("data"), [])
    }

    /// All look at once at what runs on another host left: none of them takes another for its owner.
    func testPartsThatBeginTogetherGoTogether() throws {
        for round in 1 ... 3 {
            let place = "out\(round)"
            try FileManager.default.createDirectory(atPath: folder(place), withIntermediateDirectories: true)
            for name in [".lock", ".lock-1-of-3", ".lock-2-of-3"] {
                try #"{"process": 1, "host": "elsewhere", "since": 0, "command": "x"}"#.write(
                    toFile: folder(place + "/" + name), atomically: false, encoding: .utf8)
            }
            let parts = try (1 ... 5).map {
                try OpahProcess.start(
                    ["run", "resample", "data", place, "--sampling-rate", "8000", "--shard", "\($0)/5"],
                    folder: folder.path)
            }
            for part in parts {
                let result = part.finish()
                XCTAssertEqual(result.code, 0, result.errors)
            }
            XCTAssertEqual(hidden(place), [])
        }
    }

    private func codes(_ place: String) throws -> [String: Data] {
        var found: [String: Data] = [:]
        for case let path as String in FileManager.default.enumerator(atPath: folder(place))!
        where path.hasSuffix(".npy") {
            found[path] = try Data(contentsOf: URL(fileURLWithPath: folder(place + "/" + path)))
        }
        return found
    }

    func testAKilledPartIsRunAgain() throws {
        try FileManager.default.createDirectory(atPath: folder("many"), withIntermediateDirectories: true)
        for copy in 1 ... 20 {
            try FileManager.default.copyItem(atPath: folder("data"), toPath: folder("many/\(copy)"))
        }
        try FileManager.default.copyItem(atPath: folder("many"), toPath: folder("whole"))
        let whole = try OpahProcess.run(["run", "extract-vq", "whole"] + Self.codec, folder: folder.path)
        XCTAssertEqual(whole.code, 0, whole.errors)
        let wanted = try codes("whole")
        XCTAssertEqual(wanted.count, 280)

        func part(_ index: Int) -> [String] { ["run", "extract-vq", "many", "--shard", "\(index)/3"] + Self.codec }
        func made(_ text: String) -> Int {
            text.firstMatch(of: /codes, ([0-9]+) of them new/).flatMap { Int(String($0.1)) } ?? 0
        }
        let killed = try OpahProcess.start(part(2), folder: folder.path, environment: ["OPAH_THREADS": "1"])
        let lock = folder("many/.extract-vq.run.lock-2-of-3"), end = Date() + 30
        while !FileManager.default.fileExists(atPath: lock), killed.process.isRunning, Date() < end { usleep(1000) }
        usleep(50_000)
        kill(killed.process.processIdentifier, SIGKILL)
        let said = killed.finish()
        XCTAssertEqual(said.code, 128 + SIGKILL)
        XCTAssertFalse(said.errors.contains("clips have codes"), said.errors)
        XCTAssertTrue(FileManager.default.fileExists(atPath: lock), "killed before its work, or after")
        let before = try codes("many").count
        for (path, content) in try codes("many") { XCTAssertEqual(content, wanted[path], path) }

        var new = 0
        for index in [1, 3, 2] {
            let run = try OpahProcess.run(part(index), folder: folder.path)
            XCTAssertEqual(run.code, 0, run.errors)
            new += made(run.errors)
        }
        // Codes that were there without a word of what made them are made again, to the same bytes.
        XCTAssertGreaterThanOrEqual(before + new, wanted.count)
        let last = try OpahProcess.run(["run", "extract-vq", "many"] + Self.codec, folder: folder.path)
        XCTAssertTrue(last.errors.contains("280 clips have codes, 0 of them new"), last.errors)
        XCTAssertEqual(try codes("many"), wanted)
        XCTAssertEqual(hidden("many"), [])
    }
}
