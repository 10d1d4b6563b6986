import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// `return recipe { ... }`: a file that only makes a value, which is run, checked, shown and completed.
final class RecipeValueTests: XCTestCase {
    private func write(_ name: String, _ body: String, in folder: TestFolder) throws {
        try body.write(toFile: folder(name), atomically: true, encoding: .utf8)
    }

    func testItRunsWithItsOptionsAndGivesItsExitCode() throws {
        let folder = try TestFolder("recipe")
        try write("loud.lua", LuaScript.file("loud").text, in: folder)
        func run(_ arguments: [String]) throws -> OpahProcess.Result {
            try OpahProcess.run(arguments, folder: folder.path)
        }
        XCTAssertEqual(try run(["run", "loud.lua", "data", "--gain", "3"]).code, 0)
        XCTAssertEqual(try String(contentsOfFile: folder("ran.txt"), encoding: .utf8), "data 3.0")
        XCTAssertEqual(try run(["run", "loud.lua", "data", "--gain", "7"]).code, 3)
        // As lua itself starts files.
        XCTAssertEqual(try run(["loud.lua", "voices", "--gain=7"]).code, 3)
        XCTAssertEqual(try String(contentsOfFile: folder("ran.txt"), encoding: .utf8), "voices 7.0")
        let failed = try run(["run", "loud.lua", "data", "--gain", "9"])
        XCTAssertEqual(failed.code, 1)
        XCTAssertTrue(failed.errors.contains("too loud"), failed.errors)
        let wrong = try run(["run", "loud.lua", "--gain", "100"])
        XCTAssertEqual(wrong.code, 2)
        XCTAssertTrue(wrong.errors.contains("folder") && wrong.errors.contains("--gain"), wrong.errors)
    }

    func testWhoAsksWhatItTakesRunsNothing() throws {
        let folder = try TestFolder("recipe")
        try write("loud.lua", LuaScript.file("loud").text, in: folder)
        for arguments in [["show", "loud.lua"], ["run", "loud.lua", "--help"]] {
            let help = try OpahProcess.run(arguments, folder: folder.path)
            XCTAssertEqual(help.code, 0, help.errors)
            XCTAssertTrue(help.output.contains("Say how loud") && help.output.contains("--gain NUMBER"), help.output)
        }
        let checked = try OpahProcess.run(["check", "loud.lua", "data", "--gain", "20"], folder: folder.path)
        XCTAssertEqual(checked.code, 0, checked.errors)
        for line in ["gain = 20", "adds 20", "about 2 s"] {
            XCTAssertTrue(checked.output.contains(line), "\(line) in \(checked.output)")
        }
        XCTAssertEqual(try OpahProcess.run(["check", "loud.lua"], folder: folder.path).code, 2)
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("ran.txt")))
    }

    func testARecipeRunsARecipe() throws {
        let folder = try TestFolder("recipe")
        try write("loud.lua", LuaScript.file("loud").text, in: folder)
        try write(
            "outer.lua",
            """
            local run = require "opah.run"
            return require "opah.recipe" { run = function()
              assert(run("loud.lua", { "data", "--help" }) == 0)
              assert(run("loud.lua", { "data", "--gain", "7" }) == 3)
              assert(arg[0] == "outer.lua")
              local ok, problem = pcall(run, "loud.lua", { "data", "--gain", "9" })
              assert(not ok and tostring(problem):find "too loud")
              return 0
            end }
            """, in: folder)
        let result = try OpahProcess.run(["run", "outer.lua"], folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
    }

    func testWhatIsWronglyDeclaredIsNamed() throws {
        let folder = try TestFolder("recipe")
        for (body, wanted) in [
            ("plan = print", "run is missing"), ("run = print, flag = {}", "no field flag"), ("run = 3", "run"),
            ("run = print, flags = { { 'x', 'colour', nil, 'y' } }", "no option type colour")
        ] {
            try write("wrong.lua", "return require 'opah.recipe' { \(body) }\n", in: folder)
            for command in ["run", "show"] {
                let result = try OpahProcess.run([command, "wrong.lua"], folder: folder.path)
                XCTAssertEqual(result.code, 1, "\(command): \(body)")
                XCTAssertTrue(result.errors.contains(wanted), "\(body): \(result.errors)")
            }
        }
    }

    /// The declaration is the file's last value; nothing of it is worked at the top level.
    func testEveryStockRecipeAndExampleIsAValue() throws {
        let folders = ["stdlib-lua/opah/recipes", "examples"].map { OpahProcess.checkout + "/" + $0 }
        for folder in folders {
            for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            where name.hasSuffix(".lua") {
                let text = try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
                XCTAssertNotNil(
                    text.firstMatch(of: /(?m)^return (opah\.)?recipe \{$/), "\(name) does not end with its recipe")
            }
        }
    }
}
