import Foundation
import TestSupport
import XCTest

/// Recipes side by side: what one of them does never harms the others, and the report tells the truth.
final class BatchTests: XCTestCase {
    private func write(_ folder: TestFolder, _ files: [String: String]) throws {
        for (name, text) in files { try text.write(toFile: folder(name), atomically: true, encoding: .utf8) }
    }

    private func report(
        _ folder: TestFolder, _ path: String = "out/batch/report.json"
    ) throws -> [String: [String: Any]] {
        let whole =
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder(path))))
            as? [String: Any]
        let recipes = try XCTUnwrap(whole?["recipes"] as? [[String: Any]])
        return Dictionary(uniqueKeysWithValues: recipes.map { ($0["name"] as? String ?? "", $0) })
    }

    /// Runs of one recipe are told apart by their folders, and what failed stands first.
    func testThePageShowsTheCurvesOfEachRun() throws {
        let folder = try TestFolder()
        try write(
            folder,
            [
                "a.lua": """
                local opah = require "opah"
                for _, voice in ipairs { "alice", "hanako" } do
                  local lines = {}
                  for step = 1, 5 do lines[step] = opah.json.encode { stage = "train", step = step, loss = 1 / step } end
                  local run = opah.fs.join(os.getenv "OPAH_OUT", voice, "run")
                  opah.fs.mkdir(run)
                  opah.fs.write(opah.fs.join(run, "metrics.jsonl"), table.concat(lines, "\\n"))
                end
                """,
                "b.lua": "error 'b fails'"
            ])
        XCTAssertEqual(
            try OpahProcess.run(["batch", ".", "--keep-going", "--output", "made"], folder: folder.path).code, 1)
        let page = try String(contentsOfFile: folder("made/report.html"), encoding: .utf8)
        for part in ["alice train", "hanako train"] { XCTAssertTrue(page.contains(part), "the page lacks \(part)") }
        XCTAssertEqual(page.ranges(of: "<polyline").count, 2)
        PageCheck.check(page, "the batch report")
        let failed = try XCTUnwrap(page.range(of: "id=\"b\"")), fine = try XCTUnwrap(page.range(of: "id=\"a\""))
        XCTAssertLessThan(failed.lowerBound, fine.lowerBound)
    }

    func testOneThatCrashesHangsLeaksForksOrFillsTheDiskDoesNotHarmTheOthers() throws {
        let folder = try TestFolder()
        try write(
            folder,
            [
                "fine.lua": """
                local opah = require "opah"
                local args = opah.config.parse_args(arg, { flags = { { "output", "output", "elsewhere", "where" } } })
                local bar = opah.progress.bar(10, "train")
                for step = 1, 10 do bar:step(1, { loss = 1 / step }) os.execute("sleep 0.06") end
                bar:done()
                opah.fs.write(opah.fs.join(args.output, "result.txt"), "here")
                print "a last line"
                """,
                "crash.lua": "os.execute('kill -9 $PPID') while true do end",
                "abort.lua": "os.execute('kill -ABRT $PPID') os.execute('sleep 0.1')",
                "hang.lua": "while true do pcall(function() while true do end end) end",
                "leak.lua":
                    "local tensor = require 'opah.tensor' local keep = {} while true do keep[#keep + 1] = tensor.ones(1024, 1024) end",
                "forks.lua": "while true do os.execute('sleep 60 &') end",
                "disk.lua":
                    "local file = io.open(os.getenv('OPAH_OUT') .. '/large', 'w') while true do file:write(('x'):rep(65536)) end",
                "many.lua":
                    "for i = 1, 1e6 do local file = io.open(os.getenv('OPAH_OUT') .. '/' .. i, 'w') file:write(('x'):rep(1e6)) file:close() end",
                "error.lua": "error 'no luck'",
                "daemon.lua": "os.execute('setsid sleep 61 >/dev/null 2>&1 &') os.execute('sleep 0.3')"
            ])
        let result = try OpahProcess.run(
            [
                "batch", ".", "--jobs", "3", "--timeout", "8", "--grace", "0.5", "--memory", "250MB", "--disk", "40MB",
                "--report", "own.html"
            ], folder: folder.path)
        XCTAssertEqual(result.code, 1, result.errors)
        let recipes = try report(folder)
        XCTAssertEqual(
            recipes.mapValues { $0["state"] as? String ?? "" },
            [
                "fine": "done", "crash": "crashed", "abort": "crashed", "hang": "timed out", "leak": "over memory",
                "forks": "too many processes", "disk": "over disk", "many": "over disk",
                "error": "failed", "daemon": "done"
            ], result.errors)
        let fine = try XCTUnwrap(recipes["fine"])
        XCTAssertEqual((fine["metrics"] as? [String: Double])?["loss"], 0.1)
        XCTAssertGreaterThan(fine["peak_memory"] as? Int ?? 0, 5_000_000)
        XCTAssertEqual(try String(contentsOfFile: folder("out/batch/fine/out/result.txt"), encoding: .utf8), "here")
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("elsewhere")))
        XCTAssertEqual(recipes["crash"]?["exit_code"] as? Int, 137)
        XCTAssertTrue((recipes["error"]?["reason"] as? String ?? "").contains("no luck"))
        let page = try String(contentsOfFile: folder("own.html"), encoding: .utf8)
        for part in recipes.keys + ["timed out", "a last line", "out/batch/fine/out/result.txt", "<polyline"] {
            XCTAssertTrue(page.contains(part), "the page lacks \(part)")
        }
        // Nothing that they started is left.
        let left = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { pid in
            guard Int(pid) != nil, let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ") else {
                return false
            }
            return String(decoding: environment, as: UTF8.self).contains("OPAH_OUT=" + folder.path)
        }
        XCTAssertEqual(left, [])
    }

    func testWhatIsFinishedAndUnchangedIsNotRunAgain() throws {
        let folder = try TestFolder()
        try write(
            folder,
            [
                "words.txt": "one", "helper.lua": "return 1",
                "reads.lua": """
                local opah, helper = require "opah", require "helper"
                local args = opah.config.parse_args(arg, { flags = { { "input", "file", "words.txt", "what to read" }, { "factor", "integer", helper, "any" } } })
                print(opah.fs.read(args.input), args.factor)
                """
            ])
        func states(_ more: String...) throws -> [Bool] {
            let result = try OpahProcess.run(["batch", "reads.lua"] + more, folder: folder.path)
            XCTAssertEqual(result.code, 0, result.errors)
            return try report(folder).sorted { $0.key < $1.key }.map { $0.value["unchanged"] as? Bool ?? false }
        }
        XCTAssertEqual(try states(), [false])
        // A batch that was killed after it had saved how a recipe ended, and before it gave back its lock.
        let lock = folder("out/batch/reads/.run.lock")
        try write(folder, ["out/batch/reads/.run.lock": ""])
        XCTAssertEqual(try states(), [true])
        XCTAssertFalse(FileManager.default.fileExists(atPath: lock))
        XCTAssertEqual(try states("--fresh"), [false])
        try write(folder, ["words.txt": "another"])
        XCTAssertEqual(try states(), [false], "an input has changed")
        try write(folder, ["helper.lua": "return 12"])
        XCTAssertEqual(try states(), [false], "a file that it requires has changed")
        XCTAssertEqual(try states(), [true])
        XCTAssertEqual(try states("--", "--factor", "3"), [false], "its arguments have changed")
        XCTAssertEqual(try states("--vary", "factor=1,2"), [false, false])
        XCTAssertEqual(try states("--vary", "factor=1,2"), [true, true])
    }

    func testAnInterruptedBatchGoesOn() throws {
        let folder = try TestFolder()
        try write(
            folder,
            [
                "a.lua": "print 'quick'",
                "b.lua":
                    "if arg[1] then return end io.stderr:write('waits\\n') local ok, why = pcall(function() while true do end end) "
                    + "io.open(os.getenv('OPAH_OUT') .. '/saved', 'w'):close() error(why, 0)",
                "c.lua": "print 'never begun'"
            ])
        let batch = try OpahProcess.start(["batch", "."], folder: folder.path)
        let log = folder("out/batch/b/log.txt")
        while !((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").contains("waits"), batch.process.isRunning {
            usleep(20_000)
        }
        batch.process.interrupt()
        let stopped = batch.finish()
        XCTAssertEqual(stopped.code, 130, stopped.errors)
        XCTAssertEqual(
            try report(folder).mapValues { $0["state"] as? String ?? "" },
            ["a": "done", "b": "interrupted", "c": "not run"])
        XCTAssertTrue(
            FileManager.default.fileExists(atPath: folder("out/batch/b/out/saved")), "it was asked to stop, not killed")
        try write(folder, ["b.lua": "print 'now quick'"])
        XCTAssertEqual(try OpahProcess.run(["batch", "."], folder: folder.path).code, 0)
        let recipes = try report(folder)
        XCTAssertEqual(recipes["a"]?["unchanged"] as? Bool, true)
        XCTAssertEqual(recipes.mapValues { $0["state"] as? String ?? "" }, ["a": "done", "b": "done", "c": "done"])
    }

    func testRetriesAndStoppingAtTheFirstFailure() throws {
        let folder = try TestFolder()
        try write(
            folder,
            [
                "a.lua":
                    "local mark = os.getenv('OPAH_OUT') .. '/tried' if io.open(mark) then return 3 end io.open(mark, 'w'):close() error 'at first'",
                "b.lua": "error 'always'", "c.lua": "print 'last'"
            ])
        let result = try OpahProcess.run(["batch", ".", "--retry", "1", "--no-keep-going"], folder: folder.path)
        XCTAssertEqual(result.code, 1, result.errors)
        let recipes = try report(folder)
        XCTAssertEqual(
            recipes.mapValues { $0["state"] as? String ?? "" }, ["a": "done, with skips", "b": "failed", "c": "not run"]
        )
        XCTAssertEqual(recipes.mapValues { $0["attempts"] as? Int ?? -1 }, ["a": 2, "b": 2, "c": 0])
        XCTAssertEqual(try OpahProcess.run(["batch", "a.lua", "c.lua"], folder: folder.path).code, 3)
    }

    func testListsOfRuns() throws {
        let folder = try TestFolder()
        try write(
            folder,
            [
                "sweep.batch": """
                # Four runs, and one more.
                vary rank = 4 8
                vary lr = 1e-4 "3e-4"
                r{rank}-lr{lr}: {here}/tune.lua --rank {rank} \\
                    --lr {lr} --output {out} '{a:1}'
                length {here}
                """,
                "tune.lua": "-- batch: no, it is part of the sweep\nprint(table.concat(arg, ' '))",
                "plain.lua": "print 'plain'"
            ])
        try FileManager.default.copyItem(
            atPath: OpahProcess.checkout + "/examples/data/Alice/4.80-7.20.wav", toPath: folder("voice.wav"))
        let dry = try OpahProcess.run(["batch", folder.path, "--dry-run"], folder: folder.path)
        XCTAssertEqual(
            dry.output,
            """
            plain\topah run \(folder.path)/plain.lua
            r4-lr1e-4\topah run \(folder.path)/tune.lua --rank 4 --lr 1e-4 --output {out} {a:1}
            r4-lr3e-4\topah run \(folder.path)/tune.lua --rank 4 --lr 3e-4 --output {out} {a:1}
            r8-lr1e-4\topah run \(folder.path)/tune.lua --rank 8 --lr 1e-4 --output {out} {a:1}
            r8-lr3e-4\topah run \(folder.path)/tune.lua --rank 8 --lr 3e-4 --output {out} {a:1}
            length\topah run length \(folder.path)

            """)
        XCTAssertTrue(dry.errors.contains("tune.lua: it is part of the sweep"), dry.errors)
        XCTAssertEqual(
            try OpahProcess.run(["batch", "sweep.batch", "--output", "o", "--jobs", "2"], folder: folder.path).code, 0)
        let log = try String(contentsOfFile: folder("o/r8-lr3e-4/log.txt"), encoding: .utf8)
        XCTAssertTrue(
            log.contains("--rank 8 --lr 3e-4 --output \(folder.path)/o/r8-lr3e-4/out {a:1}")
                || log.contains("/o/r8-lr3e-4/out {a:1}"), log)
        for (line, problem) in [
            ("x.lua {b}", "{b} has no meaning"), ("vary a 1", "vary NAME = VALUE"), ("print 'a", "not closed"),
            ("lenght .", "length"), ("name:", "a recipe is missing")
        ] {
            try write(folder, ["bad.batch": "\n" + line])
            let wrong = try OpahProcess.run(["batch", "bad.batch", "--dry-run"], folder: folder.path)
            XCTAssertEqual(wrong.code, 2, line)
            XCTAssertTrue(wrong.errors.contains("bad.batch:2: ") && wrong.errors.contains(problem), wrong.errors)
        }
        // A few lines that multiply to more than memory holds.
        let values = String(repeating: " 1", count: 90)
        try write(
            folder, ["many.batch": "abcde".map { "vary \($0) =\(values)\n" }.joined() + "length {a} {b} {c} {d} {e}"])
        for words in [
            ["many.batch"],
            ["plain.lua"] + (0 ..< 5).flatMap { ["--vary", "\($0)=" + values.replacing(" ", with: ",")] }
        ] {
            let many = try OpahProcess.run(["batch", "--dry-run"] + words, folder: folder.path)
            XCTAssertEqual(many.code, 2)
            XCTAssertTrue(many.errors.contains("more than 100000 runs"), many.errors)
        }
        for wrong in [["--jobs", "0"], ["--memory", "lots"], ["--timeout", "-1"], ["--vary", "x"]] {
            XCTAssertEqual(
                try OpahProcess.run(["batch", "plain.lua", "--dry-run"] + wrong, folder: folder.path).code, 2, wrong[0])
        }
    }

    func testARunKeepsARecordOfItself() throws {
        let folder = try TestFolder()
        try write(
            folder,
            [
                "r.lua": """
                local args = require "opah.config".parse_args(arg, { overrides = true, flags = { { "output", "output", "mine", "where" }, { "lr", "number", 0.5, "rate" } } })
                error "after the options"
                """
            ])
        let result = try OpahProcess.run(["run", "r.lua", "--lr", "0.25", "a.b=c"], folder: folder.path)
        XCTAssertEqual(result.code, 1)
        XCTAssertTrue(result.errors.contains("r.lua: output=mine lr=0.25 overrides="), result.errors)
        let record = try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder("mine/run.json"))))
                as? [String: Any])
        XCTAssertEqual(record["state"] as? String, "failed")
        XCTAssertEqual((record["options"] as? [String: Any])?["lr"] as? Double, 0.25)
        XCTAssertTrue((record["error"] as? String ?? "").contains("after the options"))
    }
}
