import Foundation
import LuaHost
import LuaTestSupport
import TestSupport
import XCTest

/// Errors that are neither strings nor Opah's own say what they hold, wherever they become text.
final class ErrorValueTests: XCTestCase {
    private func message(_ code: String) throws -> String {
        let result = try OpahProcess.run(["-e", code])
        XCTAssertEqual(result.code, 1, code)
        return result.errors.split(separator: "\n").first.map(String.init) ?? ""
    }

    func testTablesShowTheirFields() throws {
        for (code, expected) in [
            ("error{code = 5}", "opah: {code = 5}"),
            ("error{code = 5, message = 'codec missing'}", "opah: {code = 5, message = \"codec missing\"}"),
            ("error{message = 'codec missing'}", "opah: codec missing"),
            (
                "coroutine.wrap(function() error{code = 7, where = {'a', 'b'}} end)()",
                "opah: {code = 7, where = {\"a\", \"b\"}}"
            ),
            ("assert(false, {1, 2})", "opah: {1, 2}"),
            (
                "error(setmetatable({code = 5}, {__tostring = function(e) return 'code ' .. e.code end}))",
                "opah: code 5"
            ),
            ("error(setmetatable({code = 5}, {__index = {}, __name = 'Failure'}))", "opah: {code = 5}"),
            ("local e = {}; e.me = e; error(e)", "opah: {me = <cycle: the whole>}"),
            ("error{}", "opah: {}"), ("error(false)", "opah: false"), ("error(12)", "opah: 12"),
            ("error(print)", "opah: function (built in)"), ("error(coroutine.create(print))", "opah: thread"),
            ("error{when = coroutine.create(print)}", "opah: {when = thread}")
        ] { XCTAssertEqual(try message(code), expected, code) }
        XCTAssertTrue(try message("error{kind = 'file', message = 'gone', hint = 'look'}") == "opah: gone")
        // A large one is abridged, and stays on one line.
        let long = try message("local t = {}  for i = 1, 1e5 do t[i] = ('x'):rep(100) end  error(t)")
        XCTAssertTrue(long.contains("more") && long.count < 4100, long)
    }

    func testInFilesRecipesAndBatches() throws {
        let folder = try TestFolder("errors")
        try "local function f() error{code = 5, message = 'codec missing'} end\nf()\n".write(
            toFile: folder("e.lua"), atomically: true, encoding: .utf8)
        let expected = "{code = 5, message = \"codec missing\"}"
        for arguments in [["e.lua"], ["run", "e.lua"]] {
            let result = try OpahProcess.run(arguments, folder: folder.path)
            XCTAssertEqual(result.code, 1)
            XCTAssertTrue(result.errors.hasPrefix("opah: " + expected), result.errors)
            XCTAssertTrue(result.errors.contains("e.lua:1: in"), result.errors)
        }
        XCTAssertEqual(try OpahProcess.run(["batch", "e.lua", "--output", "made"], folder: folder.path).code, 1)
        XCTAssertTrue(
            try String(contentsOfFile: folder("made/report.html"), encoding: .utf8).contains(
                "{code = 5, message = &quot;codec missing&quot;}"))
    }

    func testInStagesAndForScripts() throws {
        try LuaFixture.check(
            """
            local stage = require "opah.stage" ("measure", 4)
            stage:try("a", function() error { code = 5 } end)
            stage:try("b", function() error(setmetatable({}, { __tostring = function() return "mine" end })) end)
            stage:try("c", function() error { message = "gone", hint = "look" } end)
            stage:try("d", function() audio.load("nowhere.wav") end)
            stage:skip("e", tensor.ones(2))
            assert(stage.skipped[1].reason == "{code = 5}", stage.skipped[1].reason)
            assert(stage.skipped[2].reason == "mine")
            assert(stage.skipped[3].reason == "gone" and stage.skipped[3].remedy == "look")
            assert(stage.skipped[4].reason:find("No such file", 1, true))
            assert(stage.skipped[5].reason)
            assert(opah.error_text("plain") == "plain")
            local text, hint = opah.error_text(select(2, pcall(audio.load, "nowhere.wav")))
            assert(text:find("nowhere.wav", 1, true))
            assert(select(2, opah.error_text { message = "gone", hint = "look" }) == "look")
            """)
    }
}
