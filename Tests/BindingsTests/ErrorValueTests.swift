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
        try LuaFixture.check(.file("in_stages_and_for_scripts"))
    }
}
