import Foundation
import LuaHost
import Support
import XCTest

/// What an interactive prompt is made of: evaluation, completion, help on values, strict globals.
final class PromptTests: LuaTestCase {
    private func evaluate(_ line: String) -> String {
        switch lua.evaluate(line) {
        case .incomplete: "..."
        case .values(let values): values.map { (try? lua.text($0)) ?? "?" }.joined(separator: " ")
        case .failure(let error): "\(error.kind): \(error.message)"
        }
    }

    func testEvaluation() {
        XCTAssertEqual(evaluate("1 + 1"), "2")
        XCTAssertEqual(evaluate("=1 + 1"), "2")
        XCTAssertEqual(evaluate("= 1 +"), "...")
        XCTAssertEqual(evaluate("= 1 +\n1"), "2")
        XCTAssertEqual(evaluate("= 1 + + 1"), "lua: stdin:1: unexpected symbol near '+'")
        XCTAssertEqual(evaluate("1, 'a', nil"), "1 a nil")
        XCTAssertEqual(evaluate("x = 5"), "")
        XCTAssertEqual(evaluate("x"), "5")
        XCTAssertEqual(evaluate("return x"), "5")
        XCTAssertEqual(evaluate("-- nothing"), "")
        XCTAssertEqual(evaluate(""), "")
        for partial in ["for i = 1, 2 do", "function f()", "x = {1,", "y = [[text", "print(", "if x then y = 1 else"] {
            XCTAssertEqual(evaluate(partial), "...", partial)
        }
        XCTAssertEqual(evaluate("function f()\n return 3\nend"), "")
        XCTAssertEqual(evaluate("f()"), "3")
        XCTAssertEqual(evaluate("x = 7; x"), "7")
        XCTAssertEqual(evaluate("x = 8\nx + 1"), "9")
        XCTAssertEqual(evaluate("if x then y = 1; x"), "...")
        // The last of several statements, a call, gives its values too.
        XCTAssertEqual(evaluate("function two() count = (count or 0) + 1 return count, 'b' end"), "")
        for (code, expected) in [
            ("x = 1; two()", "1 b"), ("x = 1 two()", "2 b"), ("x = 1\ntwo()", "3 b"),
            ("for i = 1, 2 do x = i end two()", "4 b"), ("x = 1; two();", "5 b"),
            ("x = 1; (two)()", "6 b"), ("local y = 1; two() -- the last", "7 b"),
            ("x = {1, 2}; string.rep('a', #x)", "aa"), ("s = 'a;b' s:upper()", "A;B")
        ] { XCTAssertEqual(evaluate(code), expected, code) }
        // What is one statement stays one, and comments and strings stay what they are.
        for code in [
            "x = two\n(1)", "x = two 'a'", "x = 1 -- ; two()", "x = [[\ntwo()]]", "if true then two() end", "x = two()",
            "repeat local a = 1 until two()", "x = 1; y = two()"
        ] {
            XCTAssertEqual(evaluate(code), "", code)
        }
        XCTAssertEqual(evaluate("count"), "13")
        XCTAssertEqual(evaluate("x = 5\n-2"), "", "5 - 2")
        XCTAssertEqual(evaluate("x"), "3")
        guard case .failure(let error) = lua.evaluate("f(error('deep'))") else { return XCTFail("no error") }
        XCTAssertEqual(error.traceback, "stdin:1: in main chunk")
        _ = lua.evaluate("function h() local x = nil + 1 end")
        guard case .failure(let inner) = lua.evaluate("h()") else { return XCTFail("no error") }
        XCTAssertEqual(inner.traceback, "stdin:1: in function 'h'\nstdin:1: in main chunk")
        XCTAssertEqual(evaluate("x = = 2"), "lua: stdin:1: unexpected symbol near '='")
        XCTAssertEqual(evaluate("test.fail('audio')"), "audio: it failed")
        XCTAssertEqual(evaluate("error('no')"), "lua: stdin:1: no")
    }

    private func complete(_ line: String) -> [String] { lua.completions(line).candidates.map(\.text) }

    func testCompletion() throws {
        try lua.run(
            """
            v = test.vector(1)
            trap = setmetatable({real = 1}, {__index = function() ran = true end, __pairs = function() ran = true end})
            Base = {inherited = function() end}
            child = setmetatable({own = {deep = 1}}, {__index = Base})
            text = "abc"
            """)
        XCTAssertEqual(complete("pri"), ["print"])
        XCTAssertEqual(complete("x = whi"), ["while"])
        XCTAssertEqual(complete("test.re"), ["resample"])
        XCTAssertEqual(complete("local y = test.zer"), ["zeros"])
        XCTAssertEqual(complete("v:s"), ["scale"])
        XCTAssertEqual(complete("v.s"), ["sum"])
        XCTAssertEqual(complete("text:up"), ["upper"])
        XCTAssertEqual(complete("io.stdout:wr"), ["write"])
        XCTAssertEqual(complete("child.in"), ["inherited"])
        XCTAssertEqual(complete("child.own."), ["deep"])
        XCTAssertEqual(complete("child:"), ["inherited"])
        XCTAssertEqual(complete("trap."), ["real"])
        XCTAssertEqual(complete("trap.x."), [])
        XCTAssertEqual(try result("return ran"), "nil")
        XCTAssertEqual(complete("require \"opah."), ["opah.test"])
        XCTAssertEqual(complete("require('op"), ["opah.test"])
        XCTAssertEqual(complete("test.resample(v, 1, 2, {wi"), ["width", "window"])
        XCTAssertEqual(complete("test.resample(v, f(1, {2}), '({', {width = 3, ro"), ["rolloff"])
        XCTAssertEqual(complete("test.configure{path = 'x', "), ["path", "sizes", "lora", "mode", "on_step"])
        XCTAssertEqual(complete("v:scale(2, {"), ["offset"])
        XCTAssertEqual(complete("_"), ["_G", "_VERSION"])
        XCTAssertFalse(complete("").contains("_G"))
        let found = lua.completions("y = test.resample")
        XCTAssertEqual(found.start, 9)
        XCTAssertEqual(
            found.candidates,
            [Completion(text: "resample", kind: .function, detail: "(samples, from_rate, to_rate [, opts]) -> Vector")])
        XCTAssertEqual(try lua.run("return 1").first?.integer, 1)
    }

    func testCompletionOfModulesNotYetLoaded() throws {
        let holder = LuaModule("opah.holder", "Holds.") { m in
            m.type(Vector.luaClass)
            m.constant("unit", "Vector", "A vector.", Vector([1]))
        }
        let root = LuaModule("opah", "All.") { $0.submodule("holder", "opah.holder") }
        lua = try Interpreter(Catalog([root, holder]))
        try lua.run("opah = require 'opah'")
        XCTAssertEqual(complete("opah."), ["holder"])
        XCTAssertEqual(complete("opah.holder."), ["unit"])
        XCTAssertEqual(complete("opah.holder.unit:sca"), ["scale"])
        XCTAssertEqual(try result("return rawget(opah, 'holder')"), "nil")
    }

    func testCompletionAfterCallsAndIndexes() throws {
        try lua.run(
            """
            v = test.vector(1)
            list = {v, {deep = {v}}}
            named = {clip = v}
            i, key = 2, "clip"
            alias = test.vector
            function own() ran = true return v end
            calls = setmetatable({}, {__call = function() ran = true return v end, __index = function() ran = true end})
            """)
        // What functions and methods are declared to give, also through several of them.
        XCTAssertEqual(complete("test.vector(1, 2):sc"), ["scale"])
        XCTAssertEqual(complete("alias(1).su"), ["sum"])
        XCTAssertEqual(complete("v:scale(f(2, '):'), {offset = 1}):map(print):ze"), ["zero"])
        XCTAssertEqual(complete("v:zero().la"), ["label"])
        XCTAssertEqual(complete("v.sum:"), [], "a number")
        XCTAssertEqual(complete("v:scale(2) -- twice\n  :sc"), ["scale"])
        XCTAssertEqual(complete("(v:scale(2)):ma"), ["map"])
        XCTAssertEqual(complete("v.label:up"), ["upper"])
        XCTAssertEqual(complete("('x'):rep(2):lo"), [], "Lua's own functions declare nothing")
        XCTAssertEqual(complete("('x'):lo"), ["lower"])
        XCTAssertEqual(complete("require('opah.test').vector(1):sc"), ["scale"])
        XCTAssertEqual(complete("require 'opah.test'.vec"), ["vector"])
        // Elements as they are; an unknown place stands for the first one.
        XCTAssertEqual(complete("list[1]:sc"), ["scale"])
        XCTAssertEqual(complete("list[2].de"), ["deep"])
        XCTAssertEqual(complete("list[i].deep[1]:sc"), ["scale"])
        XCTAssertEqual(complete("list[#list - 1]:sc"), ["scale"])
        XCTAssertEqual(complete("list[9]:sc"), [])
        XCTAssertEqual(complete("named['clip']:sc"), ["scale"])
        XCTAssertEqual(complete("named[key]:sc"), ["scale"])
        XCTAssertEqual(complete("v[1]:"), [], "the elements of this class are not declared")
        // What the text itself has set, though it has not run.
        XCTAssertEqual(complete("for i = 1, 2 do\n  local w = test.vector(i)\n  w:sc"), ["scale"])
        XCTAssertEqual(complete("w = v:scale(2); w = w:zero(); w:sc"), ["scale"])
        XCTAssertEqual(complete("w = test.vector(1); u = w:scale(2); u:sc"), ["scale"])
        XCTAssertEqual(complete("local v = 1 + 2; v:sc"), [], "no longer the global")
        XCTAssertEqual(complete("f{v = 1}; v:sc"), ["scale"], "a key is no variable")
        // Nobody's code runs.
        XCTAssertEqual(complete("own():sc"), [])
        XCTAssertEqual(complete("calls():sc"), [])
        XCTAssertEqual(complete("calls.x:sc"), [])
        XCTAssertEqual(complete("calls[3]:sc"), [])
        XCTAssertEqual(try result("return ran"), "nil")
        for broken in [
            "):", "]:", "f(:", "v..", "1.", "x = ):sc", "v:scale(2)):sc", "[[v:", "--v:", "v[1:sc", "'v:", "end:",
            "{}:sc", ".", ":", "a.b(", "((((", "\"\\"
        ] { _ = complete(broken) }
        XCTAssertEqual(complete("-- v:sc"), [], "a comment")
        XCTAssertEqual(complete("x = [[ v:sc"), [], "a long string")
        XCTAssertEqual(complete("x = [[ f(' ]] v:sc"), ["scale"])
        // Arguments of such calls, options in options, and words that a signature lists.
        XCTAssertEqual(lua.usage("test.vector(1):scale("), "Vector:scale(factor [, opts]) -> Vector")
        XCTAssertEqual(complete("test.vector(1):scale(2, {"), ["offset"])
        XCTAssertEqual(complete("test.configure{path = 'x', lora = {"), ["r", "alpha"])
        XCTAssertEqual(complete("test.resample(v, 1, 2, {window = \"k"), ["kaiser"])
        XCTAssertEqual(complete("test.configure{mode = '"), ["fast", "slow"])
        guard case .declaration(let found)? = lua.named("v:scale(2):map") else {
            return XCTFail("no help behind a call")
        }
        XCTAssertEqual(found.path, "Vector:map")
    }

    func testCompletionInStrings() throws {
        let folder = NSTemporaryDirectory() + "opah-complete-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder + "/inner/deep", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for name in ["inner/one.lua", "inner/two.wav", ".hidden", "it's.wav"] {
            _ = FileManager.default.createFile(atPath: folder + "/" + name, contents: nil)
        }
        XCTAssertEqual(complete("load('\(folder)/"), ["inner/"], "no hidden files, none that would need escapes")
        XCTAssertEqual(complete("load(\"x\", \"\(folder)/inner/t"), ["two.wav"])
        XCTAssertEqual(complete("load('\(folder)/.h"), [".hidden"])
        XCTAssertEqual(complete("load('\(folder)/none/"), [])
        XCTAssertEqual(lua.completions("f('a/b").start, 5)
        lua.scriptFolder = folder
        XCTAssertEqual(complete("require 'inner."), ["inner.deep.", "inner.one"])
        XCTAssertEqual(complete("x = 'done' .. test.zer"), ["zeros"])
        XCTAssertEqual(complete("-- it's a comment\ntest.zer"), ["zeros"])
        XCTAssertEqual(lua.usage("test.resample(v, "), "test.resample(samples, from_rate, to_rate [, opts]) -> Vector")
        XCTAssertEqual(lua.usage("test.resample(v, 1, 2, {"), lua.usage("test.resample("))
        XCTAssertNil(lua.usage("print("))
        XCTAssertNil(lua.usage("x = {"))
    }

    func testNames() throws {
        try lua.run(
            "v = test.vector(1)  function f()\n\nend  t = setmetatable({1, 2, x = 3}, {__index = function() error 'never' end, __tostring = function() end})",
            name: "=names")
        func kind(_ name: String) -> String {
            switch lua.named(name) {
            case .declaration(let declaration): declaration.path
            case .module(let module): module.name
            case .type(let type): type.name
            case .value(let value): "\(value)".prefix { $0 != "(" } + ""
            case nil: "nothing"
            }
        }
        XCTAssertEqual(
            ["test.resample", "v:scale", "test", "Vector", "Vector:scale", "t.x", "t.nothing", "f", "1 + 1", ""].map(
                kind),
            [
                "test.resample", "Vector:scale", "opah.test", "Vector", "Vector:scale", "integer", "nothing",
                "function", "nothing", "nothing"
            ])
        guard case .value(.function(let function))? = lua.named("f"), case .value(.table(let table))? = lua.named("t")
        else { return XCTFail("no f, no t") }
        let place = lua.definition(of: function)
        XCTAssertEqual(place?.source, "=names")
        XCTAssertEqual([place?.firstLine, place?.lastLine], [1, 3])
        XCTAssertEqual(try table.entries(limit: 2).total, 3)
        XCTAssertEqual(try table.entries(limit: 2).first.count, 2)
        XCTAssertNotNil(lua.metafield("__tostring", of: table))
        XCTAssertNil(lua.metafield("__call", of: table))
    }

    func testHelpOnValues() throws {
        let help = { (code: String) in try self.lua.help(about: self.lua.run("return " + code)[0]) }
        XCTAssertEqual(try help("test.resample"), lua.catalog.help("test.resample"))
        XCTAssertEqual(try help("test.vector(1)"), lua.catalog.help("Vector"))
        XCTAssertEqual(try help("test"), lua.catalog.help("opah.test"))
        XCTAssertEqual(try help("'Vector:scale'"), lua.catalog.help("Vector:scale"))
        XCTAssertNil(try help("print"))
        XCTAssertNil(try help("{}"))
    }

    func testStrictGlobals() throws {
        try lua.setStrictGlobals(true)
        let reading = try failure("local learning_rate = 1; return prnt(learning_rate)")
        XCTAssertEqual(reading.message, "undeclared variable 'prnt'")
        XCTAssertEqual(reading.hint, "did you mean print?")
        XCTAssertEqual(reading.traceback, "test:1: in main chunk")
        let writing = try failure("local function f() forgotten = 1 end f()")
        XCTAssertEqual(writing.message, "assignment to undeclared variable 'forgotten' in a function")
        XCTAssertEqual(writing.hint, "write local forgotten, or assign it in the main chunk first")
        try lua.run("oss = 5", name: "=test")
        XCTAssertEqual(
            try failure("local function f() osss = 1 end f()").hint, "did you mean oss?",
            "a variable of one's own, not os")
        try expect("declared = 1; local function f() declared = declared + 1 end f() return declared", "2")
        try expect("maybe = nil; return rawget(_G, 'maybe')", "nil")
        try expect("return require 'cjson' ~= nil and require 're' ~= nil", "true")
        try lua.setStrictGlobals(false)
        try expect("return undeclared", "nil")
    }
}
