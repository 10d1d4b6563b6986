import Bindings
import Console
import Foundation
import LuaHost
import TestSupport
import XCTest

/// Documentation that does not lie: declarations can be read, and every example runs.
final class ExampleTests: XCTestCase {
    /// A folder that holds only `data`, the example voices and a pack, as the current one while `body` runs.
    static func inExampleFolder<T>(_ body: () throws -> T) throws -> T {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: OpahProcess.checkout + "/examples/data", toPath: folder.path + "/data")
        try FileManager.default.copyItem(
            atPath: OpahProcess.checkout + "/Tests/Vectors/dataset/protos_lab", toPath: folder.path + "/data/protos")
        let before = FileManager.default.currentDirectoryPath, style = Terminal.style
        Terminal.style = .quiet
        _ = FileManager.default.changeCurrentDirectoryPath(folder.path)
        defer {
            Terminal.style = style
            _ = FileManager.default.changeCurrentDirectoryPath(before)
            try? FileManager.default.removeItem(at: folder)
        }
        return try body()
    }

    /// An interpreter for examples: as at the prompt, every module of the catalog is a global.
    static func interpreter(_ catalog: Catalog) throws -> Interpreter {
        let lua = try Interpreter(catalog, libraryFolder: OpahProcess.checkout + "/stdlib-lua")
        for module in catalog.modules { try lua.run("_G['\(module.shortName)'] = require \"\(module.name)\"") }
        try lua.run(ExampleCheck.support)
        return lua
    }

    /// Runs one example in a fresh environment, with its module as a local of its short name.
    static func run(_ example: String, of module: (short: String, full: String), _ lua: Interpreter) throws {
        try lua.run(
            "local \(module.short) = require \"\(module.full)\"\ndo local _ENV = setmetatable({}, {__index = _G})\n\(ExampleCheck.chunk(example))\nend",
            name: "=example")
    }

    /// Runs every example of a catalog; gives what went wrong, and where a function returns something else than it
    /// declares.
    static func failures(of catalog: Catalog) throws -> [String] {
        try inExampleFolder { try failures(of: catalog, interpreter(catalog)) }
    }

    private static func failures(of catalog: Catalog, _ lua: Interpreter) throws -> [String] {
        var failures: [String] = []
        ResultChecks.clear()
        ResultChecks.isOn = true
        defer { ResultChecks.isOn = false }
        for module in catalog.modules {
            for declaration in module.declarations + module.classes.flatMap(\.declarations) {
                guard let example = declaration.example else { continue }
                do { try run(example, of: (module.shortName, module.name), lua) } catch {
                    failures.append("\(declaration.path): \(error)\n    \(example)")
                }
            }
        }
        return failures + ResultChecks.problems
    }

    func testExamplesRun() throws {
        XCTAssertEqual(try Self.failures(of: Catalog([.opah, .tensor, .nn, .audio], inspect: Catalog.opah.inspect)), [])
    }

    func testAFailingExampleIsFound() throws {
        let broken = LuaModule("opah.broken", "Broken.") { m in
            m.function("f", "()", "F.", example: "broken.g()") { _ in .none }
        }
        XCTAssertEqual(
            try Self.failures(of: Catalog([.opah, .tensor, .audio, broken], inspect: Catalog.opah.inspect)).count, 1)
        for (wrong, right) in [
            ("1 + 1  --> 3", "1 + 1  --> 2"),
            ("tensor.ones(2, 2)  --> [[1., 1.]]", "tensor.ones(2, 2)  --> [[1., 1.], [1., 1.]]"),
            ("('a'):byte(), {x = 1}  --> 97", "('a'):byte(), {x = 1}  --> 97, {x = 1}"),
            ("'abc'  --> \"b...\"", "'abc'  --> \"a...\"")
        ] {
            func module(_ example: String) -> LuaModule {
                LuaModule("opah.shown", "Shown.") { m in m.function("f", "()", "F.", example: example) { _ in .none } }
            }
            XCTAssertEqual(
                try Self.failures(of: Catalog([.opah, .tensor, .audio, module(wrong)], inspect: Catalog.opah.inspect))
                    .count, 1, wrong)
            XCTAssertEqual(
                try Self.failures(of: Catalog([.opah, .tensor, .audio, module(right)], inspect: Catalog.opah.inspect)),
                [], right)
        }
    }

    /// What functions return is held against what they declare.
    func testAWrongResultIsFound() throws {
        func problems(_ signature: String, _ body: @escaping Body) throws -> [String] {
            let module = LuaModule("opah.told", "Told.") { m in
                m.function("f", signature, "F.", example: "told.f()", body)
            }
            return try Self.failures(of: Catalog([.opah, .tensor, .audio, module], inspect: Catalog.opah.inspect))
        }
        let fields: Fields = ["rate": 3, "name": "x", "parts": List([1, 2])]
        XCTAssertEqual(
            try problems("() -> {rate: integer, name: string, parts: integer[], more?: string}") {
                try $0.push(fields)
            }, [])
        XCTAssertEqual(
            try problems("() -> Told<{rate: string, name: string, parts: string[]}>") { try $0.push(fields) }.sorted(),
            [
                "told.f: result 1.parts[1]: string expected, got number",
                "told.f: result 1.parts[2]: string expected, got number",
                "told.f: result 1.rate: string expected, got number"
            ])
        XCTAssertEqual(
            try problems("() -> {name: string, missing: number, ...}") { try $0.push(fields) },
            ["told.f: result 1.missing is missing (number)"])
        XCTAssertEqual(
            try problems("() -> {rate: integer, name: string}") { try $0.push(fields) },
            ["told.f: result 1.parts is not declared"])
        XCTAssertEqual(
            try problems("() -> integer, string") { try $0.push(3) }, ["told.f: result 2 is missing (string)"])
        XCTAssertEqual(try problems("() -> integer?") { _ in .none }, [])
        XCTAssertEqual(try problems("()") { try $0.push(3) }, ["told.f: result 1 is not declared"])
    }

    func testStubsAreLua() throws {
        let lua = try Interpreter()
        for module in [LuaModule.tensor, .nn] { try lua.check(module.stubs(), name: "=\(module.name)") }
        XCTAssertTrue(try LuaModule.tensor.stubs().contains("\ntensor.exp = Tensor.exp\n"))
    }

    func testDeclarationsAreSound() {
        XCTAssertEqual(Catalog([.tensor, .nn]).problems(), [])
    }

    /// Whatever can be called or read shows how; constants say it all with their sentence. An example shows what it is
    /// an example of: its name, or the sign of an operator.
    func testEveryDeclarationHasAnExample() {
        let signs = [
            "__add": "+", "__sub": "-", "__mul": "*", "__div": "/", "__mod": "%", "__pow": "^", "__unm": "-",
            "__idiv": "//", "__band": "&", "__bor": "|", "__bxor": "~",
            "__bnot": "~", "__concat": "..", "__len": "#", "__eq": "==", "__lt": "<", "__le": "<=", "__index": "[",
            "__newindex": "] =", "__tostring": "tostring"
        ]
        var missing: [String] = [], astray: [String] = [], asserting: [String] = []
        for module in Catalog.opah.modules {
            for declaration in module.declarations + module.classes.flatMap(\.declarations)
            where declaration.role != .constant {
                guard let example = declaration.example else { missing.append(declaration.path); continue }
                let shown = signs[declaration.name] ?? declaration.name
                if !example.contains(shown) { astray.append(declaration.path) }
                if example.contains("assert(") { asserting.append(declaration.path) }
            }
        }
        XCTAssertEqual(missing, [], "without an example")
        XCTAssertEqual(astray, [], "with an example of something else")
        XCTAssertEqual(asserting, [], "`EXPRESSION  --> RESULT` reads better than assert")
    }
}
