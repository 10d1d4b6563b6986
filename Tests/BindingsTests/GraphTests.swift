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
    private static let setup = """
        for _, name in ipairs { "a", "b", "c" } do
          fs.mkdir(folder .. "/raw/花子")
          fs.write(folder .. "/raw/花子/" .. name .. ".wav", "sound of " .. name)
          fs.write(folder .. "/raw/花子/" .. name .. ".lab", "words of " .. name)
        end
        function graph_of(options)
          options = options or {}
          hooks = { on_clip = options.on_clip, on_pack = options.on_pack }     -- a global: not captured
          local resume, gain = options.resume, options.gain or 1
          local graph = opah.graph { folder = folder .. "/out" }
          local clips = graph:files(folder .. "/raw", { extension = ".wav" })
          local labels = graph:files(folder .. "/raw", { extension = ".lab" })
          local suffix = options.captured or "!"
          local upper = graph:each("upper", { over = clips, params = { gain = gain } }, function(input, output)
            if hooks.on_clip then hooks.on_clip(input) end
            fs.write(output .. ".txt", fs.read(input):upper() .. suffix)
          end)
          local packs = graph:stage("packs", { inputs = { clips = upper, labels = labels }, resume = resume }, function(inputs, output)
            if hooks.on_pack then hooks.on_pack(output) end
            local together, parts = graph:gather(inputs), {}
            for _, path in ipairs(fs.list(together, { recursive = true })) do parts[#parts + 1] = fs.read(path) end
            fs.write(output .. "/all.txt", table.concat(parts, "\\n"))
          end)
          graph:stage("report", { inputs = { packs = packs } }, function(inputs, output)
            fs.write(output .. "/size", tostring(#fs.read(inputs.packs.path .. "/all.txt")))
          end)
          return graph
        end
        function run(options)
          local code, reports = graph_of(options):run()
          return reports, code
        end
        function made(reports)
          local parts = {}
          for _, name in ipairs { "upper", "packs", "report" } do
            if reports[name].made > 0 then parts[#parts + 1] = name .. (name == "upper" and " " .. reports[name].made or "") end
          end
          return table.concat(parts, ", ")
        end
        function expect(wanted, options)
          local reports, code = run(options)
          assert(made(reports) == wanted, ("made '%s', wanted '%s'"):format(made(reports), wanted))
          return reports, code
        end
        function packed() return fs.read(folder .. "/out/packs/all.txt") end
        """

    private func check(_ code: String, file: StaticString = #filePath, line: UInt = #line) throws {
        try LuaFixture.check(code, after: Self.setup, file: file, line: line)
    }

    func testASecondRunDoesNothing() throws {
        try check(
            """
            local reports = expect("upper 3, packs, report")
            assert(reports.packs.why == "not made yet")
            assert(packed():find("SOUND OF A!", 1, true) and packed():find("words of c", 1, true))
            expect("")
            -- Touched, moved to another time, the same content: nothing to do.
            fs.write(folder .. "/raw/花子/a.wav", "sound of a")
            expect("")
            assert(fs.read(folder .. "/out/report/size") == tostring(#packed()))
            local left = fs.list(folder .. "/out/.graph")
            assert(#left == 4 and #fs.glob(folder .. "/out/.graph/*") == 4, "more than manifests and digests is left")
            """)
    }

    func testOnlyWhatDependsOnAChangeIsMadeAgain() throws {
        try check(
            """
            run()
            fs.write(folder .. "/raw/花子/b.lab", "other words")
            local reports = expect("packs, report")
            assert(reports.packs.why == "labels: 花子/b.lab changed" and packed():find("other words", 1, true))
            fs.write(folder .. "/raw/花子/b.wav", "other sound")
            reports = expect("upper 1, packs, report")
            assert(reports.upper.why == "花子/b.wav changed" and reports.upper.fresh == 2)
            -- The same size within the same second is noticed as well.
            fs.write(folder .. "/raw/花子/b.wav", "oTher sound")      -- in capitals it is the same: what follows is not made
            expect("upper 1")
            fs.write(folder .. "/raw/花子/d.wav", "sound of d")
            assert(expect("upper 1, packs, report").upper.why == "花子/d.wav is new")
            fs.remove(folder .. "/raw/花子/d.wav")
            reports = expect("packs, report")
            assert(reports.upper.gone == 1 and not fs.exists(folder .. "/out/upper/花子/d.txt") and not packed():find("SOUND OF D"))
            """)
    }

    func testParamsCodeAndCapturedValuesCount() throws {
        try check(
            """
            run()
            local reports = run { gain = 2 }
            assert(reports.upper.made == 3 and reports.upper.why == "gain was 1 and is 2" and reports.packs.made == 0)
            reports = expect("upper 3, packs, report", { gain = 2, captured = "?" })
            assert(reports.upper.why == "its code changed")
            expect("", { gain = 2, captured = "?" })
            local version = require "opah.graph.version"
            local a = load("return function(x) return x + 1 end")()
            local b = load("-- a comment before\\n\\nreturn function(x) return x + 1 end")()
            local c = load("return function(x) return x + 2 end")()
            assert(version(a) == version(b) and version(a) ~= version(c) and version(a, nil) ~= version(a, c))
            local function outer(n) local function helper() return n end return function() return helper() end end
            assert(version(outer(1)) ~= version(outer(2)), "what a captured function captures counts")
            """)
    }

    func testMissingAndChangedOutputsAreMadeAgain() throws {
        try check(
            """
            run()
            local before = packed()
            fs.remove(folder .. "/out/upper/花子/a.txt")
            assert(expect("upper 1").upper.why == "花子/a.txt is missing")
            fs.write(folder .. "/out/packs/all.txt", "by hand")
            assert(expect("packs").packs.why == "all.txt was changed by hand" and packed() == before)
            fs.remove(folder .. "/out/packs", { recursive = true })
            expect("packs")
            fs.write(folder .. "/out/.graph/packs.json", "{ torn")      -- a manifest that cannot be read is none
            expect("packs")
            fs.remove(folder .. "/out/.graph", { recursive = true })
            expect("upper 3, packs, report")
            """)
    }

    func testAFailureLeavesWhatWasMade() throws {
        try check(
            """
            run()
            local before = packed()
            fs.write(folder .. "/raw/花子/b.lab", "new words")
            local ok, problem = pcall(run, { on_pack = function(output) fs.write(output .. "/half", "x") error("disk on fire", 0) end })
            assert(not ok and tostring(problem):find("disk on fire", 1, true))
            assert(packed() == before and not fs.exists(folder .. "/out/packs/half"))
            expect("packs, report", {})

            -- One bad clip is skipped and listed; its earlier result goes, the others stay; it is tried again.
            fs.write(folder .. "/raw/花子/c.wav", "broken")
            local reports, code = run { on_clip = function(path) if fs.read(path) == "broken" then error("no sound", 0) end end }
            assert(code == 3 and #reports.upper.skipped == 1 and reports.upper.skipped[1].problem == "no sound")
            assert(not fs.exists(folder .. "/out/upper/花子/c.txt") and not packed():find("SOUND OF C") and reports.packs.made == 1)
            assert(expect("upper 1, packs, report").upper.made == 1)

            -- When nothing at all is left the graph says so.
            local all_fail = pcall(run, { gain = 5, on_clip = function() error("no", 0) end })
            assert(not all_fail)
            """)
    }

    func testAnInterruptionKeepsWhatIsComplete() throws {
        try check(
            """
            local seen = 0
            local function stop() seen = seen + 1 if seen == 3 then error(fs.error("interrupted", "stop"), 0) end end
            local ok, problem = pcall(run, { on_clip = stop })
            assert(not ok and problem.kind == "interrupted")
            local reports = expect("upper 1, packs, report", { on_clip = stop })
            assert(reports.upper.fresh == 2)

            -- A change of everything that is interrupted: what was not reached is still made again, and nothing old is used.
            seen = 1
            assert(not pcall(run, { on_clip = stop, captured = "?" }))
            reports = expect("upper 2, packs, report", { on_clip = stop, captured = "?" })
            assert(select(2, packed():gsub("%?", "")) == 3)
            """)
    }

    func testUnfinishedWorkCanGoOn() throws {
        try check(
            """
            local half
            local function work(output)
              half = fs.exists(output .. "/half")
              if not half then fs.write(output .. "/half", "x") error("stopped", 0) end
            end
            assert(not pcall(run, { resume = true, on_pack = work }) and half == false)
            assert(pcall(run, { resume = true, on_pack = work }) and half == true)
            -- With other inputs it begins anew.
            fs.write(folder .. "/raw/花子/b.lab", "new words")
            assert(not pcall(run, { resume = true, on_pack = work }) and half == false)
            fs.write(folder .. "/raw/花子/b.lab", "newer words")
            assert(not pcall(run, { resume = true, on_pack = work }) and half == false)
            -- Without `resume` a half-done folder is never seen.
            assert(not pcall(run, { on_pack = work }) and half == false)
            """)
    }

    func testWrongDeclarationsAreRefused() throws {
        try check(
            """
            local graph = opah.graph { folder = folder .. "/x" }
            local files = graph:files(folder .. "/raw", { extension = ".wav" })
            local function nothing() end
            fails("argument", "needs a folder", opah.graph, {})
            fails("argument", "letters, digits", graph.stage, graph, "a/b", {}, nothing)
            fails("argument", "no setting input", graph.stage, graph, "a", { input = {} }, nothing)
            fails("argument", "by name", graph.stage, graph, "a", { inputs = { files } }, nothing)
            fails("argument", "function that does the work", graph.stage, graph, "a", {})
            fails("argument", "over is", graph.each, graph, "a", {}, nothing)
            graph:each("a", { over = files }, nothing)
            fails("argument", "two of that name", graph.stage, graph, "a", {}, nothing)
            fails("data", "made no file", graph.run, graph)
            fs.write(folder .. "/raw/花子/a.flac", "x")
            local twice = opah.graph { folder = folder .. "/y" }
            twice:each("a", { over = twice:files(folder .. "/raw", { extension = { ".wav", ".flac" } }) }, nothing)
            fails("data", "would be one result", twice.run, twice)
            """)
    }

    func testBatchesKeepEachFileForItself() throws {
        try check(
            """
            given, broken = {}, false          -- globals: not captured
            local function batched(size, work)
              local graph = opah.graph { folder = folder .. "/batched" }
              graph:each("upper", { over = graph:files(folder .. "/raw", { extension = ".wav" }), batch = size }, work)
              given = {}
              local code, reports = graph:run()
              return reports.upper, code
            end
            local function work(inputs, outputs)
              assert(#inputs == #outputs)
              given[#given + 1] = #inputs
              for i, input in ipairs(inputs) do
                if broken and input:find(broken, 1, true) then error("no sound", 0) end
                fs.write(outputs[i] .. ".txt", fs.read(input):upper())
                fs.write(outputs[i] .. ".len", "10")
              end
            end
            local function sizes() return table.concat(given, " ") end
            assert(batched(2, work).made == 3 and sizes() == "2 1", sizes())
            assert(#fs.list(folder .. "/batched/upper", { recursive = true }) == 6 and fs.read(folder .. "/batched/upper/花子/b.txt") == "SOUND OF B")
            assert(batched(2, work).fresh == 3 and #given == 0)

            -- One changed clip redoes only that one; the size of batches is no reason to do anything.
            fs.write(folder .. "/raw/花子/b.wav", "new sound")
            local report = batched(16, work)
            assert(report.made == 1 and report.fresh == 2 and sizes() == "1", sizes())
            fs.remove(folder .. "/batched/upper/花子/c.len")
            assert(batched(16, work).why == "花子/c.len is missing" and sizes() == "1")

            -- A bad clip spoils no other of its batch, and none of theirs is half done.
            for _, name in ipairs { "a", "b", "c" } do fs.write(folder .. "/raw/花子/" .. name .. ".wav", "third sound of " .. name) end
            broken = "b.wav"
            local skipped, code = batched(3, work)
            assert(code == 3 and skipped.made == 2 and #skipped.skipped == 1 and skipped.skipped[1].path:find("b.wav", 1, true) and sizes() == "3 1 1 1", sizes())
            assert(#fs.list(folder .. "/batched/upper", { recursive = true }) == 4)
            broken = false
            assert(batched(3, work).made == 1 and sizes() == "1")
            fails("argument", "batch is a number of files", batched, 0, work)
            fails("argument", "batch is a number of files", batched, "all", work)

            -- Ctrl-C is no bad clip: nothing is tried again.
            fs.write(folder .. "/raw/花子/a.wav", "fourth")
            fs.write(folder .. "/raw/花子/b.wav", "fourth")
            fails("interrupted", "stop", batched, 2, function(inputs) given[#given + 1] = #inputs error(fs.error("interrupted", "stop"), 0) end)
            assert(sizes() == "2")
            """)
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
