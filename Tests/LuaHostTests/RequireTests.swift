import Foundation
import LuaHost
import Support
import XCTest

final class RequireTests: LuaTestCase {
    private var folder = ""

    override func setUpWithError() throws {
        try super.setUpWithError()
        folder = NSTemporaryDirectory() + "opah-require-\(UUID().uuidString)"
        for name in ["script/sub", "library/opah", "path"] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        }
    }
    override func tearDown() {
        try? FileManager.default.removeItem(atPath: folder)
        super.tearDown()
    }

    private func write(_ path: String, _ text: String) throws {
        try text.write(toFile: "\(folder)/\(path)", atomically: true, encoding: .utf8)
    }

    func testOrder() throws {
        lua.scriptFolder = folder + "/script"
        lua.libraryFolder = folder + "/library"
        try lua.run("package.path = '\(folder)/path/?.lua'")
        for place in ["script", "library", "path"] { try write("\(place)/one.lua", "return '\(place)'") }
        for place in ["library", "path"] { try write("\(place)/two.lua", "return '\(place)'") }
        try write("path/three.lua", "return '\(folder)' and 'path'")
        try write("script/sub/init.lua", "return (...) .. ' from ' .. select(2, ...)")
        try write("script/opah.lua", "return 'not this'")
        try expect("return require 'one' .. require 'two' .. require 'three'", "scriptlibrarypath")
        try expect("return require 'sub'", "sub from \(folder)/script/sub/init.lua")
        try expect("return require 'opah.test' == test", "true")
        let error = try failure("require 'a.missing'")
        for tried in [
            "package.preload['a.missing']", "\(folder)/script/a/missing.lua", "\(folder)/library/a/missing/init.lua",
            "\(folder)/path/a/missing.lua", "a/missing.so"
        ] {
            XCTAssertTrue(error.message.contains(tried), "\(tried) in \(error.message)")
        }
        try write("script/broken.lua", "return = 1")
        XCTAssertTrue(try failure("require 'broken'").message.contains("broken.lua:1: unexpected symbol near '='"))
        try write("script/failing.lua", "local t = nil\nt.x = 1")
        XCTAssertTrue(try failure("require 'failing'").message.contains("failing.lua:2: attempt to index a nil value"))
    }

    func testScriptsAndArguments() throws {
        try write(
            "script/main.lua",
            "#!/usr/bin/env opah\nreturn arg[0] .. arg[1] .. #arg .. select('#', ...) .. select(2, ...) .. arg[-1]")
        let values = try lua.run(file: folder + "/script/main.lua", arguments: ["a", "b c"])
        XCTAssertEqual(values.first?.string, "\(folder)/script/main.luaa22b copah")
        XCTAssertThrowsError(try lua.run(file: folder + "/none.lua")) {
            XCTAssertEqual(($0 as? OpahError)?.kind, .file)
        }
        XCTAssertThrowsError(try lua.run(file: folder)) { XCTAssertEqual(($0 as? OpahError)?.kind, .file) }
    }

    func testSubmodulesLoadWhenTouched() throws {
        nonisolated(unsafe) var built = 0
        let part = LuaModule("opah.part", "Part.") { m in
            built += 1
            m.constant("value", "integer", "A value.", 9)
        }
        let root = LuaModule("opah", "All.") { $0.submodule("part", "opah.part") }
        let lua = try Interpreter(Catalog([root, part]))
        try lua.run("opah = require 'opah'")
        XCTAssertEqual(built, 0)
        XCTAssertEqual(try lua.run("return opah.part.value").first?.integer, 9)
        XCTAssertEqual(try lua.run("return opah.part == require 'opah.part'").first?.boolean, true)
        XCTAssertEqual(built, 1)
        XCTAssertThrowsError(try lua.run("return opah.prat")) {
            XCTAssertEqual(($0 as? OpahError)?.hint, "did you mean part?")
        }
    }

    func testCModules() throws {
        try expect("local json = require 'cjson'; return json.encode({1, 2, json.null})", "[1,2,null]")
        try expect("local ok, e = pcall(require 'cjson'.decode, '{'); return ok", "false")
        try expect("local lfs = require 'lfs'; return lfs.attributes('/', 'mode')", "directory")
        try expect("local lpeg = require 'lpeg'; return lpeg.match(lpeg.C(lpeg.R'az'^1), 'abc1')", "abc")
        XCTAssertTrue(try failure("test.resample(require 'lpeg'.P'x', 1, 2)").message.contains("got lpeg-pattern"))
    }
}
