import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// Lua files of strangers that are read, described or checked: they compute a table or declare options, and nothing
/// else.
final class StrangersFileTests: XCTestCase {
    private var folder: TestFolder!
    override func setUpWithError() throws { folder = try TestFolder("stranger") }
    override func tearDown() { folder = nil }

    private func write(_ name: String, _ text: String) throws {
        try text.write(toFile: folder(name), atomically: true, encoding: .utf8)
    }
    private var isHurt: Bool { FileManager.default.fileExists(atPath: folder("hurt")) }

    // MARK: table files

    func testTableFilesAreData() throws {
        var files = [
            "os.execute('touch hurt')", "io.open('hurt', 'w')", "require 'opah.fs'.write('hurt', '')",
            "require 'os'.execute('touch hurt')", "package.loadlib('x', 'y')",
            "dofile 'x'", "loadfile 'x'", "load 'os.execute()'", "string.rep('x', 3)", "print 'x'",
            "getmetatable('').x = 1", "setmetatable({}, {})", "debug.sethook()",
            "pcall(error)", "coroutine.wrap(error)", "collectgarbage()", "_G.os = 1", "return 5",
            "return function() end", "return {print}", "return {1, a = 2}"
        ]
        // What takes too long, or too much.
        files += [
            "while true do end", "local function f() return f() end f()", "local function f() f() end f()",
            "::a:: goto a", "local s = 'x' for i = 1, 60 do s = s .. s end return {s}",
            "local t = {} for i = 1, 1e9 do t[i] = {} end return t",
            "local a = {} for i = 1, 100 do a = {a, a} end return a", "local a = {} a[1] = a return a",
            "return " + String(repeating: "{", count: 150) + String(repeating: "}", count: 150) + ", "
                + String(repeating: "(", count: 5000), "return {x = ('x'):rep(1e9)}",
            "local s = 'y' while true do s = s .. 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' end"
        ]
        try LuaFixture.check(.file("table_files_do_no_harm"), with: ["files": files])
    }

    func testTableFilesMayCompute() throws {
        try LuaFixture.check(.file("table_files_may_compute"))
    }

    // MARK: recipes that are only described

    private static let options =
        "\nrequire 'opah.config'.parse_args(arg, { flags = { { 'rank', 'integer', 8, 'how much' } } })\nos.execute 'touch hurt'\n"

    func testDescribedRecipesDoNothing() throws {
        for line in [
            "os.execute 'touch hurt'", "io.open('hurt', 'w'):close()", "io.popen 'touch hurt'", "os.remove 'precious'",
            "os.rename('precious', 'hurt')", "os.exit(0)", "os.getenv 'HOME'",
            "require 'opah.fs'.write('hurt', '')", "require 'opah.fs'.remove('precious')",
            "require 'opah'.fs.move('precious', 'hurt')", "require 'opah.machine'.run { 'touch', 'hurt' }",
            "require 'opah.tensor'.save_npy('hurt', {})", "require 'opah'.run('length')", "require 'cjson'",
            "require 'lfs'", "package.loadlib('libc.so.6', 'system')", "package.loaded.os.execute()",
            "dofile 'hurt.lua'", "loadfile 'hurt.lua'", "debug.getregistry()", "require 'os'.execute 'touch hurt'",
            "require 'io'.open('hurt', 'w')", "require 'debug'", "require 'package'",
            "load(string.dump(function() end))", "setmetatable({}, { __gc = function() end })",
            "assert(load('\\27Lua'))", "require 'opah.hub'.open 'a/b'", "require 'opah.lm'.load '.'",
            "require 'opah.audio'.play()", "require 'opah'.play()", "error 'stop'"
        ] {
            try write("evil.lua", line + Self.options)
            try write("precious", "kept")
            try write("hurt.lua", "error 'ran'")
            for command in [
                ["check", "evil.lua"], ["show", "evil.lua"], ["complete-words", "--", "run", "evil.lua", "--r"]
            ] {
                let result = try OpahProcess.run(command, folder: folder.path)
                XCTAssertFalse(isHurt, "\(command) \(line)")
                XCTAssertEqual(
                    FileManager.default.contents(atPath: folder("precious")), Data("kept".utf8), "\(command) \(line)")
                XCTAssertFalse(result.output.contains("rank"), "\(command) \(line): \(result.output)")
                if command[0] != "complete-words", result.code != 0 {
                    XCTAssertEqual(result.code, 1, "\(command) \(line): \(result.errors)")
                }
            }
        }
    }

    func testRefusalsSayWhatToDo() throws {
        try write("home.lua", "local home = os.getenv 'HOME'" + Self.options)
        let refused = try OpahProcess.run(["check", "home.lua"], folder: folder.path)
        XCTAssertEqual(refused.code, 1)
        for part in ["home.lua", "os.getenv is not there", "only described", "opah check --trust"] {
            XCTAssertTrue(refused.errors.contains(part), refused.errors)
        }
        let trusted = try OpahProcess.run(["check", "--trust", "home.lua", "--rank", "4"], folder: folder.path)
        XCTAssertEqual(trusted.code, 0, trusted.errors)
        XCTAssertEqual(trusted.output, "rank = 4\n")
        XCTAssertTrue(
            try OpahProcess.run(["show", "--trust", "home.lua"], folder: folder.path).output.contains("--rank"))
        XCTAssertFalse(isHurt)
    }

    func testPlansOfOnesOwnAreConfinedUntilTrusted() throws {
        try write(
            "plan.lua",
            """
            local config, fs = require "opah.config", require "opah.fs"
            config.parse_args(arg, { plan = function() return { lines = { "there are " .. #fs.list(".") .. " files" } } end })
            """)
        let refused = try OpahProcess.run(["check", "plan.lua"], folder: folder.path)
        XCTAssertEqual(refused.code, 1)
        XCTAssertTrue(
            refused.errors.contains("fs.list is not there") && refused.errors.contains("--trust"), refused.errors)
        let trusted = try OpahProcess.run(["check", "--trust", "plan.lua"], folder: folder.path)
        XCTAssertEqual(trusted.code, 0, trusted.errors)
        XCTAssertTrue(trusted.output.contains("there are 1 files"), trusted.output)
    }

    /// All at once, and given less than the two seconds that a file has; the first one has them.
    func testWhatWouldNeverEnd() throws {
        let began = Date(), begin = "local f = function() while true do end end\n"
        let lines = [
            "f()", "while true do pcall(f) end", "while true do coroutine.wrap(function() pcall(f) end)() end",
            "xpcall(f, f)", "local x <close> = setmetatable({}, { __close = f }) error 'x'",
            "setmetatable({}, { __index = f })[1] = setmetatable({}, { __tostring = f }) error(setmetatable({}, { __tostring = f }))",
            "for i = 1, 1e12 do coroutine.create(f) end",
            "('a'):rep(40000):find(('.-'):rep(30) .. 'b')", "table.move({}, 1, 1e15, 2)",
            "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) end", "local s = ('x'):rep(1e10)",
            "while true do pcall(string.rep, 'x', 1e9) end", "require 'opah.config'.parse_args(arg, { plan = f })"
        ]
        let running = try lines.indices.map { i in
            try write("loop\(i).lua", begin + lines[i] + Self.options)
            return try OpahProcess.start(
                ["check", "loop\(i).lua"], folder: folder.path,
                environment: i == 0 ? [:] : ["OPAH_DESCRIBE_SECONDS": "0.4"])
        }
        for (line, running) in zip(lines, running) {
            let result = running.finish()
            XCTAssertEqual(result.code, 1, "\(line): \(result.errors)")
            XCTAssertFalse(result.errors.isEmpty, line)
            XCTAssertLessThan(Date().timeIntervalSince(began), 60, line)   // the clock of a busy machine
            XCTAssertFalse(isHurt, line)
        }
    }

    /// Recipes as people write them, with modules of their own and the program's.
    func testOrdinaryRecipesAreDescribed() throws {
        try write("helper.lua", "return { ranks = { 4, 8 } }")
        try write(
            "mine.lua",
            "\u{FEFF}#!/usr/bin/env opah\n" + LuaScript.file("mine").text)
        let shown = try OpahProcess.run(["show", "mine.lua"], folder: folder.path)
        XCTAssertEqual(shown.code, 0, shown.errors)
        XCTAssertTrue(
            shown.output.contains("Tune a model my way.") && shown.output.contains("--rank")
                && shown.output.contains("how \\x1b[31mmuch"), shown.output)
        XCTAssertFalse(shown.output.contains("\u{1B}") || shown.output.contains("ready"), shown.output)
        let checked = try OpahProcess.run(["check", "mine.lua", "--rank", "3"], folder: folder.path)
        XCTAssertEqual(checked.code, 0, checked.errors)
        XCTAssertTrue(checked.output.contains("rank = 3\n"), checked.output)
        XCTAssertEqual(try OpahProcess.run(["check", "mine.lua", "--rnak", "3"], folder: folder.path).code, 2)
        XCTAssertTrue(
            try OpahProcess.run(["complete-words", "--", "run", "mine.lua", "--ra"], folder: folder.path).output
                .hasPrefix("--rank\t"))
        XCTAssertFalse(isHurt)
    }

    func testScriptsDeclareNoOptions() throws {
        try write("script.lua", "local tensor = require 'opah.tensor'\nprint(tensor.ones(3))\nos.execute 'touch hurt'")
        let checked = try OpahProcess.run(["check", "script.lua"], folder: folder.path)
        XCTAssertEqual(checked.code, 0, checked.errors)
        XCTAssertTrue(
            checked.output.contains("syntax is right; it declares no options before it calls tensor.ones"),
            checked.output)
        try write("nothing.lua", "local x = 1")
        XCTAssertTrue(
            try OpahProcess.run(["check", "nothing.lua"], folder: folder.path).output.contains(
                "nothing.lua: syntax is right; it declares no options\n"))
        try write("wrong.lua", "local x = = 1")
        XCTAssertEqual(try OpahProcess.run(["check", "wrong.lua"], folder: folder.path).code, 1)
        XCTAssertFalse(isHurt)
    }

    /// A file of the old form, or a plain script, is not run by whoever asks for its help.
    func testHelpRunsNothing() throws {
        let options = "require('opah.config').parse_args(arg, { flags = { { 'rank', 'integer', 4, 'how much' } } })\n"
        for (name, text, part) in [
            ("old.lua", "--- Tune.\n" + options + "os.execute 'touch hurt'", "--rank"),
            ("plain.lua", "--- Hurts a little.\nos.execute 'touch hurt'", "before it calls os.execute"),
            ("file.lua", "--- Hurts a little.\nio.open('hurt', 'w'):close()", "before it calls io.open"),
            ("late.lua", "require('opah.fs').write('hurt', 'x')\n" + options, "before it calls fs.write"),
            ("quiet.lua", "--- Hurts a little.\nlocal x = 1", "declares no options\n")
        ] {
            try write(name, text)
            for arguments in [["run", name, "--help"], ["run", name, "x", "-h"]] {
                let help = try OpahProcess.run(arguments, folder: folder.path)
                XCTAssertEqual(help.code, 0, "\(name): \(help.errors)")
                XCTAssertTrue(help.output.contains(part), "\(name): \(help.output)")
                XCTAssertFalse(isHurt, name)
                guard name != "old.lua" else { continue }
                XCTAssertTrue(help.errors.contains("opah show --trust \(name)"), help.errors)
                XCTAssertEqual(help.output.contains("Hurts a little."), text.hasPrefix("---"), help.output)
            }
        }
        let given = try OpahProcess.run(["run", "-", "--help"], folder: folder.path, input: options)
        XCTAssertTrue(given.output.contains("--rank"), given.output + given.errors)
        XCTAssertEqual(try OpahProcess.run(["run", "plain.lua"], folder: folder.path).code, 0)
        XCTAssertTrue(isHurt)
    }

    // MARK: modules and texts

    /// A folder that one works in, or a recipe's own, takes the place of no module of the program.
    func testNoFolderShadowsTheLibrary() throws {
        try FileManager.default.createDirectory(atPath: folder("opah/recipes"), withIntermediateDirectories: true)
        for name in ["stage", "run", "graph", "callbacks", "tables", "embedded", "init", "hub", "none", "config"] {
            try write("opah/\(name).lua", "io.stderr:write 'SHADOW' os.execute 'touch hurt' return {}")
        }
        try write("opah.lua", "io.stderr:write 'SHADOW' return {}")
        let code =
            "local opah = require 'opah' local s = require 'opah.stage' assert(opah.graph and opah.callbacks and opah.run and opah.tables)\nassert(not pcall(require, 'opah.none'))\nprint 'right'"
        try write("script.lua", code)
        for (arguments, input) in [
            (["-"], code), (["-e", code], nil), (["script.lua"], nil), (["run", "script.lua"], nil),
            (["repl", "--no-init"], code.replacingOccurrences(of: "local ", with: "")),
            (["-l", "opah.stage", "script.lua"], nil)
        ] as [([String], String?)] {
            let result = try OpahProcess.run(
                arguments, folder: folder.path, input: input, environment: ["LUA_PATH": "./?.lua;./?/init.lua"])
            XCTAssertTrue(result.output.contains("right"), "\(arguments): \(result.errors)")
            XCTAssertFalse(result.errors.contains("SHADOW") || isHurt, "\(arguments): \(result.errors)")
        }
        XCTAssertFalse(
            try OpahProcess.run(["run", "length", OpahProcess.checkout + "/examples/data"], folder: folder.path).errors
                .contains("SHADOW"))
        // A copy of a recipe is one's own, and runs.
        XCTAssertEqual(try OpahProcess.run(["cp", "length", "length.lua"], folder: folder.path).code, 0)
        let copy = try OpahProcess.run(
            ["run", "length.lua", OpahProcess.checkout + "/examples/data"], folder: folder.path)
        XCTAssertEqual(copy.code, 0, copy.errors)
        XCTAssertFalse(isHurt)
    }

    func testBatchListsMayBeginWithAMark() throws {
        try write("jobs.batch", "\u{FEFF}one: length \(folder.path)\n")
        let list = try OpahProcess.run(["batch", "jobs.batch", "--dry-run"], folder: folder.path)
        XCTAssertTrue(list.output.hasPrefix("one\topah run length"), list.output + list.errors)
        try Data([0xFF, 0xFE, 0x2D, 0x00]).write(to: URL(fileURLWithPath: folder("wide.lua")))
        XCTAssertTrue(
            try OpahProcess.run(["check", "wide.lua"], folder: folder.path).errors.contains("save it as UTF-8"))
    }

    /// Names of files never reach a terminal as they are.
    func testNamesAreShownSafely() throws {
        let names = [
            "a\u{1B}]0;title\u{7}.wav", "b\u{1B}[2J.wav", "c\nlength: 9 clips measured.wav", "d\u{202E}gpj.wav",
            "e\u{9B}31m.wav", "f\r.wav",
            "g\nlength: 9 clips measured.webm", "h\nlength: 9 clips measured.mp4"
        ]
        try FileManager.default.createDirectory(atPath: folder("data\u{1B}[1m"), withIntermediateDirectories: true)
        for name in names { try write("data\u{1B}[1m/" + name, "no sound") }
        for arguments in [
            ["run", "length", "data\u{1B}[1m"], ["run", "loudness-norm", "data\u{1B}[1m", "out"],
            ["run", "resample", "data\u{1B}[1m", "out"], ["run", "slice-audio", "data\u{1B}[1m", "out"],
            ["run", "build-dataset", "--input", "data\u{1B}[1m", "--output", "packs", "--text-extension", ".lab"],
            ["run", "length", "data\u{1B}[1m", "none\u{1B}"], ["check", "x\u{1B}.lua"],
            ["-e", "error 'x\\27[2J'"], ["-e", "require 'opah.fs'.read('x\\27\\n.wav')"], ["run", "x\u{1B}.lua"],
            ["batch", "x\u{1B}.lua"]
        ] {
            let result = try OpahProcess.run(arguments, folder: folder.path)
            XCTAssertNotEqual(result.code, 0, "\(arguments)")
            for bad in ["\u{1B}", "\u{7}", "\u{202E}", "\u{9B}", "\r"] {
                XCTAssertFalse(
                    result.errors.unicodeScalars.contains(bad.unicodeScalars.first!), "\(arguments): \(result.errors)")
            }
            XCTAssertFalse(
                result.errors.split(separator: "\n").contains { $0.hasPrefix("length: 9 clips") }, result.errors)
        }
        // Names that were given, and those inside strangers' files, in messages of every part.
        let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny", evil = "x\nEVIL"
        for (suffix, text) in [
            ("pth", "junk"), ("safetensors", "junk"), ("protos", "junk"), ("yaml", "a: ["), ("lua", "x = = 1"),
            ("TextGrid", "junk"), ("srt", "1\n"), ("npy", "junk"), ("txt", ""), ("batch", "train {nosuch}")
        ] { try write("\(evil).\(suffix)", text) }
        try write("throws\nEVIL.lua", "error 'x'")
        let commands: [[String]] = [
            ["run", evil], ["run", evil + ".lua"], ["run", "throws\nEVIL.lua"], ["check", evil + ".lua"],
            ["show", evil], [evil], ["help", evil], ["docs", evil], ["cp", evil, "y"], ["cp", "length", evil + "/y/z"],
            ["batch", evil + ".batch"], ["run", "import", evil + ".TextGrid", "o"], ["run", "import", evil, "o"],
            ["run", "import", evil + ".srt", "o"], ["run", "train", "--config-name", evil + ".yaml"],
            ["run", "train", "--config-name", evil + ".lua"], ["run", "train", "--config-name", evil],
            ["run", "train", "pretrained_ckpt_path='\(evil)'"], ["run", "train", "project=\(evil)"],
            ["run", "generate", "--text-file", evil, "--checkpoint-path", tiny],
            ["run", "generate", "--text", "x", "--checkpoint-path", evil + ".pth"],
            ["run", "vqgan", "-i", evil + ".npy", "-o", "y.wav"], ["run", "voice", "inspect", evil],
            ["run", "doctor", evil], ["run", "length", "--none\nEVIL", "data\nEVIL"]
        ]
        let loads = ["pth", "safetensors", "protos", "npy", "txt"].map { suffix in
            """
            local o, p = require 'opah', 'x\\nEVIL.\(suffix)'
            for _, f in ipairs { o.checkpoint.load, o.audio.load, o.tensor.load, o.lm.load, o.config.load } do
              local _, e = pcall(f, p) io.stderr:write(tostring(e), '\\n')
            end
            error 'the end'
            """
        }
        for arguments in commands + loads.map({ ["-e", $0] }) {
            let result = try OpahProcess.run(arguments, folder: folder.path)
            XCTAssertNotEqual(result.code, 0, "\(arguments)")
            for line in (result.errors + result.output).split(separator: "\n") {
                XCTAssertFalse(line.drop { $0 == " " }.hasPrefix("EVIL"), "\(arguments): \(result.errors)")
            }
        }
        // A table is for a terminal: none of its cells is obeyed, whoever made it.
        let table =
            "local t = require 'opah.tables' { 'clip' }:add { 'b\\27[2J.wav' }:add { 'c\\n9 clips' } print(t:text()) print(t:markdown()) print 'the end'"
        let session = try TerminalSession(["-e", table], folder: folder.path)
        session.wait("the table") { $0.lines.contains { $0.hasPrefix("the end") } }
        let shown = String(decoding: session.raw, as: UTF8.self)
        XCTAssertFalse(
            shown.contains("\u{1B}[2J")
                || shown.split(whereSeparator: \.isNewline).contains { $0.hasPrefix("9 clips") }, shown)
        let events = try OpahProcess.run(["run", "length", "data\u{1B}[1m", "--json"], folder: folder.path)
        XCTAssertTrue(events.errors.contains(#"b\u001b[2J.wav"#), events.errors)
    }
}
