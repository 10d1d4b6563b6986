import Foundation
import TestSupport
import XCTest

/// Recipes that do not want to end, and batches that are killed.
final class BatchTortureTests: XCTestCase {
    private func report(_ folder: TestFolder) throws -> [String: [String: Any]] {
        let whole =
            try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(fileURLWithPath: folder("out/batch/report.json")))) as? [String: Any]
        let recipes = try XCTUnwrap(whole?["recipes"] as? [[String: Any]])
        return Dictionary(uniqueKeysWithValues: recipes.map { ($0["name"] as? String ?? "", $0) })
    }

    private func write(_ folder: TestFolder, _ files: [String: String]) throws {
        for (name, text) in files { try text.write(toFile: folder(name), atomically: true, encoding: .utf8) }
    }

    /// Whether a file is still being written to.
    private func grows(_ path: String) throws -> Bool {
        func size() throws -> Int { try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0 }
        let before = try size()
        usleep(500_000)
        return try size() > before
    }

    func testWhatDoesNotWantToEndEndsAllTheSame() throws {
        let folder = try TestFolder()
        // A process that has left group, parent and environment behind, and writes for ever.
        func daemon(_ name: String) -> String {
            "setsid env -i PATH=/usr/bin:/bin sh -c 'trap \"\" INT TERM HUP; while :; do echo x >> \(folder.path)/\(name); sleep 0.05; done' >/dev/null 2>&1 &"
        }
        try write(
            folder,
            [
                "deaf.lua": "os.execute [[trap '' INT TERM; while :; do sleep 0.1; done]]",
                "daemon.lua": "os.execute [[\(daemon("grown"))]] os.execute 'sleep 1'",
                // tail keeps what it reads, as it waits for a line's end.
                "heavy.lua":
                    "os.execute [[setsid sh -c 'head -c 900000000 /dev/zero | tail -n 1 | wc -c' >/dev/null 2>&1 &]] os.execute 'sleep 5'",
                "threads.lua":
                    "local machine = require 'opah.machine' while true do machine.run({ 'sh', '-c', 'setsid sleep 62 & sleep 0.05' }) end",
                "popen.lua": "local keep = {} while true do keep[#keep + 1] = io.popen('sleep 63') end",
                "log.lua": "while true do print(('log '):rep(1000)) end",
                "stopped.lua": "os.execute 'kill -STOP $PPID'",
                "last.lua": "print 'still here'"
            ])
        let result = try OpahProcess.run(
            ["batch", ".", "--jobs", "3", "--timeout", "6", "--grace", "0.5", "--disk", "30MB", "--memory", "500MB"],
            folder: folder.path)
        XCTAssertEqual(result.code, 1, result.errors)
        let recipes = try report(folder)
        XCTAssertEqual(
            recipes.mapValues { $0["state"] as? String ?? "" },
            [
                "deaf": "timed out", "daemon": "done", "heavy": "over memory", "threads": "timed out",
                "popen": "too many processes", "log": "over disk", "stopped": "timed out", "last": "done"
            ], result.errors)
        XCTAssertFalse(try grows(folder("grown")), "the daemon goes on")
        let left = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { pid in
            guard Int(pid) != nil, let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ") else {
                return false
            }
            return String(decoding: environment, as: UTF8.self).contains("OPAH_OUT=" + folder.path)
        }
        XCTAssertEqual(left, [])
        XCTAssertLessThan(
            try FileManager.default.attributesOfItem(atPath: folder("out/batch/log/log.txt"))[.size] as? Int ?? .max,
            40_000_000)
    }

    /// What a recipe does to the files that the batch keeps about it harms nobody else.
    func testARecipeThatSpoilsItsOwnFolder() throws {
        let folder = try TestFolder()
        try write(
            folder,
            [
                "gone.lua":
                    "local fs = require 'opah.fs' fs.remove(fs.dirname(os.getenv 'OPAH_OUT'), { recursive = true })",
                "pipes.lua":
                    "os.execute [[for f in \"$OPAH_EVENTS\" \"$OPAH_OUT/../state.json\" \"$OPAH_OUT/../log-1.txt\"; do rm -f \"$f\"; mkfifo \"$f\"; done; sleep 0.5]] os.execute 'kill -9 $PPID'",
                "folders.lua": "os.execute [[cd \"$OPAH_OUT/..\"; rm -f events.jsonl; mkdir events.jsonl state.json]]",
                "line.lua":
                    "local file = io.open(os.getenv 'OPAH_EVENTS', 'a') for i = 1, 30 do file:write(('x'):rep(1000000)) end file:write('\\n{\"event\": \"metrics\", \"loss\": 1.5}\\n') file:close()",
                "names.lua":
                    "local progress = require 'opah.progress' for i = 1, 5000 do progress.event({ event = 'metrics', ['n' .. i] = i }) end",
                "links.lua":
                    "os.execute [[ln -s / \"$OPAH_OUT/root\"; ln -s . \"$OPAH_OUT/circle\"; mkfifo \"$OPAH_OUT/metrics.jsonl\"; echo x > \"$OPAH_OUT/file\"]]",
                "colours.lua": "print '\\27[31mred\\27[2J\\0' error 'it is \\27[31mred'",
                "last.lua": "print 'still here'"
            ])
        for _ in 0 ..< 2 {
            let result = try OpahProcess.run(
                ["batch", ".", "--jobs", "2", "--timeout", "30", "--grace", "1", "--fresh"], folder: folder.path)
            XCTAssertEqual(result.code, 1, result.errors)
            let recipes = try report(folder)
            XCTAssertEqual(
                recipes.mapValues { $0["state"] as? String ?? "" },
                [
                    "gone": "done", "pipes": "crashed", "folders": "done", "line": "done", "names": "done",
                    "links": "done", "colours": "failed", "last": "done"
                ], result.errors)
            XCTAssertEqual(
                (recipes["links"]?["files"] as? [String])?.map { $0.split(separator: "/").last ?? "" }, ["file"])
            XCTAssertFalse(result.errors.contains("\u{1B}"), "colours of a recipe reach the terminal")
            XCTAssertEqual((recipes["line"]?["metrics"] as? [String: Double])?["loss"], 1.5)
            XCTAssertLessThanOrEqual((recipes["names"]?["metrics"] as? [String: Any])?.count ?? .max, 200)
        }
    }

    func testARecipeThatCannotBegin() throws {
        let folder = try TestFolder()
        try write(folder, ["a.lua": "print 'a'", "b.lua": "print 'b'"])
        try FileManager.default.createDirectory(atPath: folder("out/batch/a"), withIntermediateDirectories: true)
        try write(folder, ["out/batch/a/out": "a file where a folder should be"])
        let result = try OpahProcess.run(["batch", "a.lua", "b.lua"], folder: folder.path)
        XCTAssertEqual(result.code, 1, result.errors)
        let recipes = try report(folder)
        XCTAssertEqual(recipes.mapValues { $0["state"] as? String ?? "" }, ["a": "failed", "b": "done"])
        XCTAssertTrue((recipes["a"]?["reason"] as? String ?? "").contains("it could not begin: "), result.errors)
    }

    /// A batch that is killed outright leaves a recipe that does not let itself be stopped: the next batch ends it
    /// first.
    func testTheBatchItselfIsKilled() throws {
        let folder = try TestFolder()
        try write(
            folder,
            [
                "deaf.lua": """
                local out = os.getenv "OPAH_OUT"
                if io.open(out .. "/pid") then print "second" return end
                os.execute("echo $PPID > " .. out .. "/pid")
                local log = io.open(out .. "/grown", "w")
                while true do pcall(function() while true do log:write("x") log:flush() os.execute "sleep 0.05" end end) end
                """,
                "fine.lua": "print 'fine'"
            ])
        let batch = try OpahProcess.start(["batch", "fine.lua", "deaf.lua"], folder: folder.path)
        while batch.process.isRunning, !FileManager.default.fileExists(atPath: folder("out/batch/deaf/out/grown")) {
            usleep(10_000)
        }
        let second = try OpahProcess.run(["batch", "fine.lua"], folder: folder.path)
        XCTAssertEqual(second.code, 1, second.errors)
        XCTAssertTrue(
            second.errors.contains(
                "out/batch: another process is at work here (a batch): \(batch.process.processIdentifier) on"),
            second.errors)
        kill(batch.process.processIdentifier, SIGKILL)
        usleep(1_500_000)   // what does let itself be stopped has been
        XCTAssertTrue(try grows(folder("out/batch/deaf/out/grown")))
        let again = try OpahProcess.run(["batch", "fine.lua", "deaf.lua", "--grace", "1"], folder: folder.path)
        _ = batch.finish()   // waits for what it started too
        XCTAssertEqual(again.code, 0, again.errors)
        XCTAssertTrue(again.errors.contains("waiting for "), again.errors)
        XCTAssertFalse(try grows(folder("out/batch/deaf/out/grown")))
        let recipes = try report(folder)
        XCTAssertEqual(recipes["fine"]?["unchanged"] as? Bool, true)
        XCTAssertEqual(recipes["deaf"]?["state"] as? String, "done")
        XCTAssertTrue((recipes["deaf"]?["last_lines"] as? String ?? "").contains("second"))
    }
}
