import Bindings
import Documentation
import Foundation
import LuaHost
import TestSupport
import XCTest

/// Help for the modules written in Lua: complete, and its examples show what they say.
final class LuaHelpTests: XCTestCase {
    func testEveryFunctionSaysHowItIsUsed() {
        let modules = LuaHelp.all()
        XCTAssertGreaterThan(modules.count, 10)
        for module in modules {
            XCTAssertFalse(module.functions.isEmpty, module.name)
            for function in module.functions {
                XCTAssertNotNil(function.example, "\(function.path) has no example")
                XCTAssertFalse(function.summary.isEmpty, "\(function.path) has no sentence")
                XCTAssertFalse(
                    function.doc.contains { $0.contains("@") },
                    "\(function.path): annotations are for editors: \(function.doc)")
                let names = function.arguments.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
                // Several fields of one option table stand for one argument.
                let described = function.parameters.map { String($0.name.split(separator: ".")[0]) }.reduce(
                    into: [String]()
                ) { if $0.last != $1 { $0.append($1) } }
                XCTAssertEqual(described, names, "\(function.path): the types of its arguments")
            }
        }
    }

    func testTheirExamplesRun() throws {
        let curl = FileManager.default.fileExists(atPath: "/usr/bin/curl")
        // For opah.hub: a repository of this name, on this machine.
        let hub = try TinyHub(files: ["config.json": Data("{}".utf8), "model.pth": Data("weights".utf8)], digests: [:])
        defer { hub.stop() }
        setenv("HF_ENDPOINT", "http://127.0.0.1:\(hub.port)", 1)
        defer { unsetenv("HF_ENDPOINT") }
        let failures = try ExampleTests.inExampleFolder {
            let lua = try ExampleTests.interpreter(.opah)
            for name in ["graph", "callbacks", "tables"] { try lua.run("\(name) = require 'opah'.\(name)") }
            var failures: [String] = []
            for module in LuaHelp.all() where curl || module.name != "hub" {
                for (path, example) in [("opah." + module.name, module.example)]
                    + module.functions.map({ ($0.path, $0.example) })
                {
                    guard
                        let example = example?.replacingOccurrences(
                            of: "fishaudio/fish-speech-1.4\"", with: "owner/model\"")
                    else { continue }
                    do { try ExampleTests.run(example, of: (module.name, "opah." + module.name), lua) } catch {
                        failures.append("\(path): \(error)\n\(example)")
                    }
                }
            }
            return failures
        }
        XCTAssertEqual(failures, [])
    }

    /// Types come from the annotations, options from the fields of their class.
    func testTypesAreShownAndAnnotationsAreNot() throws {
        let lua = try Interpreter(.opah, libraryFolder: OpahProcess.checkout + "/stdlib-lua")
        let help = try lua.run("return require 'opah'.help('graph:each')").first?.string ?? ""
        XCTAssertTrue(help.hasPrefix("graph:each(name, spec, work) -> Node\n"), help)
        XCTAssertTrue(help.contains("\n  spec.over             Node  The files to work on.\n"), help)
        XCTAssertTrue(help.contains("\n  spec.params           table (optional)"), help)
        XCTAssertTrue(help.contains("\n  > g = graph { folder = \"out/each\" }\n"), help)
        XCTAssertFalse(help.contains("@"), help)
        XCTAssertTrue(
            try lua.run("return require 'opah'.help('graph')").first?.string?.contains(
                "graph:run() -> integer, table<string, table>\n      Brings every stage") ?? false)
        XCTAssertThrowsError(try lua.run("require 'opah'.help('graph.eech')")) {
            XCTAssertTrue("\($0)".contains("graph:each") || "\($0)".contains("each"), "\($0)")
        }
    }
}
