import Foundation
import TestSupport
import XCTest

/// The program as a host of Lua: what works under lua works here.
final class LuaEcosystemTests: XCTestCase {
    func testOptionsAndArgumentsAreThoseOfLua() throws {
        let folder = try TestFolder()
        try "for i = -4, 2 do io.write(tostring(arg[i]), ' ') end print(x, ...)".write(
            toFile: folder("a.lua"), atomically: true, encoding: .utf8)
        let shown = try OpahProcess.run(["-e", "x = 5", "-W", "a.lua", "one", "--two"], folder: folder.path)
        XCTAssertEqual(
            shown.output, "\(OpahProcess.program.path) -e x = 5 -W a.lua one --two 5\tone\t--two\n", shown.errors)
        XCTAssertEqual(try OpahProcess.run(["-e", "a = 1", "-e", "print(a + 1)"]).output, "2\n")
        XCTAssertEqual(try OpahProcess.run(["-lmath", "-e", "print(math.pi > 3)"]).output, "true\n")
        XCTAssertTrue(try OpahProcess.run(["-v"]).output.contains("Lua 5.4"))
        // A script without the suffix, as `#!/usr/bin/env opah` runs it.
        try "#!/usr/bin/env opah\nprint(arg[0] ~= nil, undeclared)".write(
            toFile: folder("script"), atomically: true, encoding: .utf8)
        XCTAssertEqual(try OpahProcess.run(["./script"], folder: folder.path).output, "true\tnil\n")
    }

    func testGlobalsAreStrictInRecipesOnly() throws {
        let folder = try TestFolder()
        try "local count = 1\nprint(coutn)".write(toFile: folder("a.lua"), atomically: true, encoding: .utf8)
        XCTAssertEqual(try OpahProcess.run(["a.lua"], folder: folder.path).output, "nil\n")
        let strict = try OpahProcess.run(["run", "a.lua"], folder: folder.path)
        XCTAssertEqual(strict.code, 1)
        XCTAssertTrue(
            strict.errors.contains("undeclared variable 'coutn'") && strict.errors.contains("a.lua:2"), strict.errors)
        // Nothing is added to what Lua has.
        let names =
            "local names = {} for name in pairs(_G) do names[#names + 1] = name end table.sort(names) print(table.concat(names, ' '))"
        XCTAssertEqual(
            try OpahProcess.run(["-e", names]).output,
            "_G _VERSION arg assert collectgarbage coroutine debug dofile error getmetatable io ipairs load loadfile math next os package pairs pcall print rawequal rawget rawlen rawset require select setmetatable string table tonumber tostring type utf8 warn xpcall\n"
        )
    }

    func testOsExitClosesWhatIsOpen() throws {
        let folder = try TestFolder()
        let code = """
            local held <close> = setmetatable({}, { __close = function() print "closed" end })
            kept = setmetatable({}, { __gc = function() print "collected" end })
            tensor = require "opah.tensor".ones(3)
            file = io.open("out.txt", "w")
            file:write("all of it")
            os.exit(%s, true)
            """
        for (argument, expected) in [("7", Int32(7)), ("true", 0), ("false", 1)] {
            let result = try OpahProcess.run(
                ["-e", code.replacingOccurrences(of: "%s", with: argument)], folder: folder.path)
            XCTAssertEqual(result.code, expected, result.errors)
            XCTAssertEqual(result.output, "closed\ncollected\n")
            XCTAssertEqual(try String(contentsOfFile: folder("out.txt"), encoding: .utf8), "all of it")
        }
        // A recipe that ends so is recorded all the same.
        try "require 'opah.config'.parse_args(arg, { flags = { { 'output', 'output', 'o', '' } } }) os.exit(5)".write(
            toFile: folder("r.lua"), atomically: true, encoding: .utf8)
        XCTAssertEqual(try OpahProcess.run(["run", "r.lua"], folder: folder.path).code, 5)
        XCTAssertTrue(try String(contentsOfFile: folder("o/run.json"), encoding: .utf8).contains("\"exit_code\": 5"))
    }

    func testPathsComeFromTheEnvironmentAndInitCodeDoesNot() throws {
        setenv("LUA_PATH", "/nowhere/?.lua;;", 1)
        setenv("LUA_CPATH_5_4", "/nowhere/?.so;;", 1)
        setenv("LUA_INIT", "print 'init'", 1)
        defer { for name in ["LUA_PATH", "LUA_CPATH_5_4", "LUA_INIT"] { unsetenv(name) } }
        let result = try OpahProcess.run(["-e", "print(package.path:match '^[^;]*', package.cpath:match '^[^;]*')"])
        XCTAssertEqual(result.output, "/nowhere/?.lua\t/nowhere/?.so\n")
    }

    /// C modules find the interpreter's own functions in the program.
    func testModulesOfOthersLoad() throws {
        for (module, proof) in [
            ("lfs", "m.currentdir() ~= nil"), ("cjson", "m.decode('[1,2]')[2] == 2"),
            ("lpeg", "m.match(m.P 'a' ^ 1, 'aab') == 3"), ("pl.pretty", "m.write({ 1 }, '') == '{1}'")
        ] {
            let result = try OpahProcess.run([
                "-e",
                "local ok, m = pcall(require, '\(module)') if not ok then print 'missing' else print(\(proof)) end"
            ])
            if result.output == "missing\n" { throw XCTSkip("\(module) is not installed") }
            XCTAssertEqual(result.output, "true\n", module + result.errors)
        }
    }

    func testSpecsRunUnderBusted() throws {
        guard FileManager.default.fileExists(atPath: "/usr/bin/busted") else {
            throw XCTSkip("busted is not installed")
        }
        let result = try OpahProcess.run(["/usr/bin/busted", "Tests/Lua"], folder: OpahProcess.checkout)
        XCTAssertEqual(result.code, 0, result.output + result.errors)
        XCTAssertTrue(result.output.contains("0 failures / 0 errors"), result.output)
    }

    func testTheLuaFilesAreTidy() throws {
        guard FileManager.default.fileExists(atPath: "/usr/bin/luacheck") else {
            throw XCTSkip("luacheck is not installed")
        }
        let luacheck = Process(), pipe = Pipe()
        luacheck.executableURL = URL(fileURLWithPath: "/usr/bin/luacheck")
        luacheck.arguments = ["-q", "--no-color", "stdlib-lua", "examples", "Tests"]
        luacheck.currentDirectoryURL = URL(fileURLWithPath: OpahProcess.checkout)
        luacheck.standardOutput = pipe
        try luacheck.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        luacheck.waitUntilExit()
        XCTAssertEqual(luacheck.terminationStatus, 0, output)
    }
}
