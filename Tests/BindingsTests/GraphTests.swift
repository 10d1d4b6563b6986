import Foundation
import LuaHost
import LuaTestSupport
import TestSupport
import XCTest

/// `opah.graph`: what is made again, what is not, and what a fault or a kill leaves behind.
final class GraphTests: XCTestCase {
    /// A little graph: `raw` has three clips with labels; `upper` copies each clip in capitals, `packs` joins those and
    /// the labels, `report` counts the bytes of the packs. `run(options)` makes the graph anew, as a new process would,
    /// and returns its reports; `made(reports)` says what was made, as in "upper 3, packs".
    private static let setup = LuaScript.file("setup")

    private func check(_ code: LuaScript, file: StaticString = #filePath, line: UInt = #line) throws {
        try LuaFixture.check(code, after: Self.setup, file: file, line: line)
    }

    func testASecondRunDoesNothing() throws {
        try check(.file("a_second_run_does_nothing"))
    }

    func testOnlyWhatDependsOnAChangeIsMadeAgain() throws {
        try check(.file("only_what_depends_on_a_change_is_made_again"))
    }

    func testParamsCodeAndCapturedValuesCount() throws {
        try check(.file("params_code_and_captured_values_count"))
    }

    func testMissingAndChangedOutputsAreMadeAgain() throws {
        try check(.file("missing_and_changed_outputs_are_made_again"))
    }

    func testAFailureLeavesWhatWasMade() throws {
        try check(.file("a_failure_leaves_what_was_made"))
    }

    func testAnInterruptionKeepsWhatIsComplete() throws {
        try check(.file("an_interruption_keeps_what_is_complete"))
    }

    func testUnfinishedWorkCanGoOn() throws {
        try check(.file("unfinished_work_can_go_on"))
    }

    func testWrongDeclarationsAreRefused() throws {
        try check(.file("wrong_declarations_are_refused"))
    }

    func testBatchesKeepEachFileForItself() throws {
        try check(.file("batches_keep_each_file_for_itself"))
    }

    func testLongStagesSayHowLongTheyTook() throws {
        try check(
            """
            local took = require "opah.graph.took"
            assert(took.text(1, 3) == "" and took.last_time(nil) == "" and took.text(nil) == "")
            assert(took.text(200) == " in 3 min 20 s" and took.text(200, 1) == " in 3 min 20 s")
            assert(took.text(200, 100) == " in 3 min 20 s, 2 s each" and took.last_time(7200) == "; took 2 h last time")
            run()
            assert(json.decode(fs.read(folder .. "/out/.graph/packs.json")).seconds >= 0)
            """)
    }

    /// Two runs on one folder: the second is refused and told who is there; one that was killed is in nobody's way.
    func testOneRunAtATime() throws {
        let folder = try TestFolder("graph")
        try """
        local opah = require "opah"
        opah.fs.mkdir("raw")
        opah.fs.write("raw/a.txt", "a")
        local graph = opah.graph { folder = "out" }
        graph:each("slow", { over = graph:files("raw") }, function(input, output)
          if os.getenv("SLOW") then io.open("begun", "w"):close() while true do os.execute("sleep 0.1") end end
          opah.fs.copy(input, output .. ".txt")
        end)
        return graph:run()
        """.write(toFile: folder("graph.lua"), atomically: true, encoding: .utf8)
        let first = try OpahProcess.start(["run", "graph.lua"], folder: folder.path, environment: ["SLOW": "1"])
        while first.process.isRunning, !FileManager.default.fileExists(atPath: folder("begun")) { usleep(5000) }
        let second = try OpahProcess.run(["run", "graph.lua"], folder: folder.path)
        XCTAssertEqual(second.code, 1, second.errors)
        for part in [
            "out: another process is at work here (a graph): \(first.process.processIdentifier) on ",
            "opah run graph.lua", "hint: wait until it ends"
        ] {
            XCTAssertTrue(second.errors.contains(part), second.errors)
        }
        XCTAssertTrue(first.process.isRunning)
        kill(first.process.processIdentifier, SIGKILL)
        _ = first.finish()
        let third = try OpahProcess.run(["run", "graph.lua"], folder: folder.path)
        XCTAssertEqual(third.code, 0, third.errors)
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder("out")).sorted(), [".graph", "slow"])
    }

    /// Ctrl-C in the middle of training: the same command goes on there, and ends with the same bytes.
    func testTrainingGoesOnWhereItWasStopped() throws {
        let folder = try TestFolder("graph")
        func arguments(_ output: String) -> [String] {
            ["run", OpahProcess.checkout + "/examples/cached-path.lua", "--output", output, "--max-steps", "60"]
        }
        let running = try OpahProcess.start(arguments("stopped"), folder: folder.path)
        let first = folder("stopped/.graph/adapter.new/run/checkpoints/step_000000010.ckpt")
        while running.process.isRunning, !FileManager.default.fileExists(atPath: first) { usleep(2000) }
        running.process.interrupt()
        let stopped = running.finish()
        XCTAssertEqual(stopped.code, 130, stopped.errors)
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("stopped/adapter")))
        for output in ["stopped", "whole"] {
            let result = try OpahProcess.run(arguments(output), folder: folder.path)
            XCTAssertEqual(result.code, 0, result.errors)
        }
        XCTAssertTrue(
            FileManager.default.contentsEqual(
                atPath: folder("stopped/adapter/adapter.ckpt"), andPath: folder("whole/adapter/adapter.ckpt")))
    }

    /// The example: a label, a clip, a parameter, a kill.
    func testTheWholePathIsCached() throws {
        let folder = try TestFolder("graph")
        try FileManager.default.copyItem(atPath: OpahProcess.checkout + "/examples/data", toPath: folder("data"))
        let arguments = [
            "run", OpahProcess.checkout + "/examples/cached-path.lua", "--input", "data", "--output", "out",
            "--max-steps", "4"
        ]
        func states(_ more: String...) throws -> [String] {
            let result = try OpahProcess.run(arguments + more, folder: folder.path)
            XCTAssertEqual(result.code, 0, result.errors)
            return result.errors.split(separator: "\n").map(String.init).filter {
                $0.contains(/\ (fresh|made)/) && !$0.contains("to make:")
            }.map { $0.replacing(/\ in [0-9].*/, with: "").replacing(/\ +/, with: " ") }
        }
        let running = try OpahProcess.start(arguments, folder: folder.path)
        while running.process.isRunning,
            !FileManager.default.fileExists(atPath: folder("out/codes/Alice/9.90-12.0.npy"))
        { usleep(1000) }
        kill(running.process.processIdentifier, SIGKILL)
        _ = running.finish()
        XCTAssertEqual(try states().suffix(4), ["packs made", "adapter made", "merged made", "speech made"])
        XCTAssertEqual(
            try states(),
            ["loudness 14 fresh", "codes 14 fresh", "packs fresh", "adapter fresh", "merged fresh", "speech fresh"])
        try "Other words.".write(toFile: folder("data/Alice/9.90-12.0.lab"), atomically: true, encoding: .utf8)
        XCTAssertEqual(
            try states(),
            ["loudness 14 fresh", "codes 14 fresh", "packs made", "adapter made", "merged made", "speech made"])
        try FileManager.default.removeItem(atPath: folder("data/Alice/9.90-12.0.mp3"))
        try FileManager.default.copyItem(
            atPath: folder("data/Alice/0.00-2.10.mp3"), toPath: folder("data/Alice/9.90-12.0.mp3"))
        XCTAssertEqual(
            try states().prefix(3),
            [
                "loudness 13 fresh, 1 made (Alice/9.90-12.0.mp3 changed)",
                "codes 13 fresh, 1 made (Alice/9.90-12.0.wav changed)", "packs made"
            ])
        XCTAssertEqual(
            try states("--text", "Other words."),
            ["loudness 14 fresh", "codes 14 fresh", "packs fresh", "adapter fresh", "merged fresh", "speech made"])
    }
}
