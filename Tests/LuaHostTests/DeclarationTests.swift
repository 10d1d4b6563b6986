import LuaHost
import Support
import XCTest

final class DeclarationTests: LuaTestCase {
    func testMethodsPropertiesOperators() throws {
        try expect("return test.vector(1, 2, 3)", "[1.0, 2.0, 3.0]")
        try expect("return test.vector{4, 5}", "[4.0, 5.0]")
        try expect("return #test.vector(1, 2, 3)", "3")
        try expect("local v = test.vector(1, 2, 3); return v + v", "[2.0, 4.0, 6.0]")
        try expect("return 10 + test.vector(1)", "[11.0]")
        try expect("return test.vector(1, 2)[2]", "2.0")
        try expect("local v = test.vector(1, 2); v[2] = 7; return v", "[1.0, 7.0]")
        try expect("return test.vector(1, 2).sum", "3.0")
        try expect("local v = test.vector(); v.label = 'x'; return v.label", "x")
        try expect("return test.vector(1, 2):scale(2)", "[2.5, 4.5]")
        try expect("return test.vector(1, 2):scale(2, {offset = 0})", "[2.0, 4.0]")
        try expect("return test.vector(1, 2):map(function(x) return x * x end)", "[1.0, 4.0]")
        try expect("return test.vector(1):each(math.abs)", "[1.0]")
        try expect("return test.vector().base", "1")
        try expect("local v = test.vector(1, 2); return v:zero() == v and v", "[0.0, 0.0]")
        try expect("return test.answer", "42")
        try expect("local v = test.vector(1); return v == test.echo(v)", "true")
        try expect("return test.vector(1) == test.vector(1)", "false")
        try expect("local f = test.counter(5); f(); return f() + f(10)", "76")
    }

    func testDefaultsAndOptions() throws {
        try expect("return test.resample(test.vector(), 1, 2)", "[6.0, 0.99, 1.0]")
        try expect("return test.resample(test.vector(), 1, 2, {width = 3, window = 'kaiser'})", "[3.0, 0.99, 2.0]")
        try expect(
            "return test.resample(test.vector(), 1, 2, setmetatable({}, {__index = {width = 4}}))", "[4.0, 0.99, 1.0]")
        try expect("local t, d = test.zeros(2, 3, {dtype = 'int8'}); return #t .. t[1] .. t[2] .. d", "223int8")
        try expect("local t, d = test.zeros({2, 3}); return #t .. d", "2float32")
        try expect("local t, d = test.zeros({}); return #t .. d", "0float32")
        try expect("local t, d = test.zeros({4, 5}, {dtype = 'bool'}); return #t .. d", "2bool")
        try expect(
            "local step; local r = test.configure{path = 'p', sizes = {1, 2}, lora = {alpha = 1}, on_step = function(s) step = s end}; return r.path .. #r.sizes .. r.mode .. r.r .. step",
            "p2fast87")
    }

    func testArgumentMessages() throws {
        let cases: [(code: String, message: String, hint: String?)] = [
            (
                "test.resample(test.vector(), 'x', 2)",
                "test.resample: argument 2 (from_rate): integer expected, got string",
                "test.resample(samples, from_rate, to_rate [, opts]) -> Vector"
            ),
            (
                "test.resample(test.vector(), 1.5, 2)",
                "test.resample: argument 2 (from_rate): integer expected, got 1.5",
                "test.resample(samples, from_rate, to_rate [, opts]) -> Vector"
            ),
            (
                "test.resample(test.vector(), 1)",
                "test.resample: argument 3 (to_rate): integer expected, got no value",
                "test.resample(samples, from_rate, to_rate [, opts]) -> Vector"
            ),
            (
                "test.resample(io.stdout, 1, 2)", "test.resample: argument 1 (samples): Vector expected, got FILE*",
                "test.resample(samples, from_rate, to_rate [, opts]) -> Vector"
            ),
            (
                "test.resample({}, 1, 2)", "test.resample: argument 1 (samples): Vector expected, got table",
                "test.resample(samples, from_rate, to_rate [, opts]) -> Vector"
            ),
            (
                "test.resample(test.vector(), 1, 2, {widht = 3})", "test.resample: unknown option 'widht'",
                "did you mean width?"
            ),
            (
                "test.resample(test.vector(), 1, 2, {width = 'a'})",
                "test.resample: option 'width': integer expected, got string", nil
            ),
            (
                "test.resample(test.vector(), 1, 2, {5})", "test.resample: unknown option '[1]'",
                "the options are width, rolloff, window"
            ),
            (
                "test.resample(test.vector(), 1, 2, {window = 'hamm'})",
                "test.resample: option 'window': \"hann\" or \"kaiser\" expected, got \"hamm\"", "did you mean hann?"
            ),
            (
                "test.resample(test.vector(), 1, 2, {}, 3)", "test.resample: takes at most 4 arguments, got 5",
                "test.resample(samples, from_rate, to_rate [, opts]) -> Vector; of a call in last place all results are passed, in parentheses only the first"
            ),
            (
                "test.resample(test.vector(), 1, 2, 8)", "test.resample: argument 4 (opts): table expected, got number",
                "options are a table: { width = 8 }"
            ),
            (
                "test.resample(test.vector(), 1, 2, 'kaiser')",
                "test.resample: argument 4 (opts): table expected, got string",
                "options are a table: { window = \"kaiser\" }"
            ),
            (
                "test.resample(test.vector(), 1, 2, true)",
                "test.resample: argument 4 (opts): table expected, got boolean",
                "test.resample(samples, from_rate, to_rate [, opts]) -> Vector"
            ),
            (
                "test.configure{sizes = {1}}", "test.configure: option 'path' is missing (string)",
                "test.configure(config) -> table"
            ),
            (
                "test.configure{path = 'x', sizes = {1, 'b'}, lora = {alpha = 1}}",
                "test.configure: option 'sizes'[2]: integer expected, got string", nil
            ),
            (
                "test.configure{path = 'x', lora = {alhpa = 1}}", "test.configure: unknown option 'lora.alhpa'",
                "did you mean alpha?"
            ),
            (
                "test.configure{path = 'x', lora = {}}", "test.configure: option 'lora.alpha' is missing (number)",
                "test.configure(config) -> table"
            ),
            (
                "test.vector(1, 'x')", "test.vector: argument 2: number or list of number expected, got string",
                "test.vector(...) -> Vector"
            ),
            (
                "test.vector().scale(2)", "Vector:scale: called on a number instead of a Vector",
                "methods are called with a colon: x:scale(...)"
            ),
            ("test.vector():scael(2)", "Vector: no field or method 'scael'", "did you mean scale?"),
            ("test.vector().sum = 1", "Vector: 'sum' is a read-only property and cannot be set", nil),
            ("test.vector().lable = 1", "Vector: cannot set field \"lable\"", "did you mean label?"),
            ("test.vector().label = 1", "Vector.label: argument 1 (value): string expected, got number", nil),
            ("test.resmaple()", "opah.test: no field 'resmaple'", "did you mean resample?"),
            ("return test.vector() + 'x'", "Vector +: argument 2 (b): Vector or number expected, got string", nil),
            (
                "test.fail('data', '\\xff')", "test.fail: argument 2 (message): the string is not UTF-8: \"\u{FFFD}\"",
                nil
            )
        ]
        for (code, message, hint) in cases {
            let error = try failure(code)
            XCTAssertEqual(error.message, message, code)
            XCTAssertEqual(error.hint, hint, code)
        }
        XCTAssertEqual(try failure("return test.vector(1)[5]").kind, .index)
        XCTAssertEqual(try failure("test.load()").kind, .config)
    }

    func testValuesGoThroughSwiftUnchanged() throws {
        try expect("local t = {1, {a = 2}}; return test.echo(t) == t", "true")
        try expect("return test.echo(print) == print", "true")
        try expect("local c = coroutine.create(print); return test.echo(c) == c", "true")
        try expect("return test.echo(io.stdout) == io.stdout", "true")
        try expect("return math.type(test.echo(3)) .. math.type(test.echo(3.0))", "integerfloat")
        try expect("return test.echo('a\\0b\\xff') == 'a\\0b\\xff'", "true")
        try expect("local s, n = test.bytes('\\xff\\0é'); return s == '\\xff\\0é' and n", "4")
        try expect("return test.echo(nil)", "nil")
        try expect("return select('#', test.fail == nil, test.echo())", "2")
        try expect("return test.call(function(...) return select('#', ...) .. select(3, ...) end, 1, nil, 'b')", "3b")
    }

    func testSignatures() throws {
        let signature = try Signature(
            parsing:
                "(a: integer, b?: {x?: number = -1e-5, y?: string|integer[] = \"s\", z?: number[] = {0.9, 0.95}}, ...: Tensor?) -> Tensor, table<string, integer>"
        )
        XCTAssertEqual(signature.parameters.map(\.isOptional), [false, true, true])
        guard case .record(let fields, false) = signature.parameters[1].type else { return XCTFail("record") }
        XCTAssertEqual(fields.map(\.defaultValue), [.number(-1e-5), .string("s"), .list([.number(0.9), .number(0.95)])])
        XCTAssertEqual(signature.usage, "(a [, b, ...]) -> Tensor, table<string, integer>")
        XCTAssertEqual(
            try LuaType(parsing: "fun(log: table, n?: integer): (boolean, string)").description,
            "fun(log: table, n?: integer): (boolean, string)")
        for text in ["(a: integer", "(a b)", "(a: )", "(a: integer = x)", "(a) => b", "(a: \"x)", "(a) -> b extra"] {
            XCTAssertThrowsError(try Signature(parsing: text), text) {
                XCTAssertTrue("\($0)".contains("expected"), "\($0)")
            }
        }
    }

    /// A type with a name is checked as the type, and called by its name.
    func testNamedTypes() throws {
        let module = LuaModule("opah.named", "Named.") { m in
            m.function(
                "f",
                "(how: Speed<\"fast\"|\"slow\">|integer, opts?: {next?: Speed<\"fast\"|\"slow\"> = \"slow\"}) -> string",
                "Doc."
            ) { call in
                try call.push(call.option("next") as String)
            }
        }
        let lua = try Interpreter(Catalog([module]))
        XCTAssertEqual(try lua.run("return require 'opah.named'.f('fast', {next = 'fast'})").first?.string, "fast")
        XCTAssertEqual(try lua.run("return require 'opah.named'.f(3)").first?.string, "slow")
        XCTAssertThrowsError(try lua.run("require 'opah.named'.f('fsat')")) {
            XCTAssertTrue("\($0)".contains("\"fast\", \"slow\" or integer expected"), "\($0)")
        }
        XCTAssertThrowsError(try lua.run("require 'opah.named'.f(1, {next = 'slwo'})")) {
            XCTAssertTrue("\($0)".contains("slow"), "\($0)")
        }
        let help = try XCTUnwrap(Catalog([module]).help("named.f"))
        XCTAssertTrue(help.contains("Speed|integer\n") && help.contains("Speed is \"fast\", \"slow\""), help)
        let stubs = try Catalog([module]).stubs()
        XCTAssertTrue(
            stubs.contains { $0.name == "Error.lua" && $0.content.contains("---@alias Speed \"fast\"|\"slow\"\n") })
        XCTAssertTrue(
            stubs.contains { $0.name == "opah.named.lua" && $0.content.contains("---@param how Speed|integer\n") })
    }

    /// Where the result depends on the arguments, each case is shown.
    func testForms() throws {
        let catalog = Catalog([LuaModule("opah.forms", "Forms.") { m in m.type(Gauge.luaClass) }])
        XCTAssertEqual(catalog.problems(), [])
        XCTAssertTrue(
            catalog.help("Gauge:size")!.hasPrefix("Gauge:size(dim) -> integer\nGauge:size() -> integer[]\n  Sizes.\n"))
        let stubs = try catalog.stubs()[0].content
        XCTAssertTrue(
            stubs.contains(
                "---@param dim integer\n---@return integer\n---@overload fun(self: Gauge): integer[]\nfunction Gauge:size(dim) end"
            ), stubs)
    }

    func testCatalogFindsItsOwnProblems() {
        let problems = Catalog([testModule]).problems()
        XCTAssertEqual(problems.count, 1, "\(problems)")
        XCTAssertTrue(problems.first?.hasPrefix("test.load: signature {") ?? false, "\(problems)")
    }

    func testHelpAndStubs() throws {
        let catalog = Catalog([testModule])
        XCTAssertEqual(
            catalog.help("test.resample"),
            """
            test.resample(samples, from_rate, to_rate [, opts]) -> Vector
              Samples at another rate in Hz. It does nothing else.

              samples               Vector
              from_rate             integer
              to_rate               integer
              opts.width            integer = 6
              opts.rolloff          number = 0.99
              opts.window           "hann"|"kaiser" = "hann"

              > test.resample(v, 44100, 22050)
            """)
        XCTAssertEqual(catalog.help("opah.test.resample"), catalog.help("resample"))
        XCTAssertTrue(catalog.help("Vector:scale")!.hasPrefix("Vector:scale(factor [, opts]) -> Vector\n"))
        XCTAssertTrue(catalog.help("Vector.sum")!.hasPrefix("Vector.sum: number (read-only)\n"))
        XCTAssertTrue(
            catalog.help("opah.test")!.contains("test.counter([first]) -> function\n      A function that counts."))
        XCTAssertNil(catalog.help("nothing.there"))
        XCTAssertEqual(catalog.suggestion(for: "resmaple"), "did you mean resample?")

        let good = LuaModule("opah.good", "Good.\nVery.") { m in
            m.type(Vector.luaClass)
            m.constant("pi", "number", "A constant.", 3.14)
            m.function(
                "f", "(a: integer = 3, opts?: {x?: number = 0.5}, f?: fun(x: any)) -> result: Vector, ok: boolean",
                "Doc."
            ) { _ in .none }
            m.function("g", "(...: integer, opts?: {x?: boolean})", "Doc.") { _ in .none }
        }
        let stubs = try good.stubs()
        for line in [
            "---@meta opah.good", "---Very.", "---@field pi number A constant.", "---@param a? integer default 3",
            "---@param opts? {x?: number} defaults: x = 0.5", "---@param f? fun(x: any)", "---@return Vector result",
            "---@return boolean ok", "function good.f(a, opts, f) end", "function good.g(...) end", "---@class Vector",
            "---@operator add(Vector|number): Vector", "---@operator len: integer", "---@field sum number The sum.",
            "function Vector:scale(factor, opts) end", "return good"
        ] {
            XCTAssertTrue(stubs.split(separator: "\n").contains(Substring(line)), "\(line) is missing in\n\(stubs)")
        }
        try lua.check(stubs, name: "stubs")
    }
}

private final class Gauge: LuaObject {
    static let luaClass = LuaClass("Gauge", of: Gauge.self, "Measures.") { c in
        c.method(
            "size", "(dim?: integer) -> integer|integer[]", "Sizes.",
            forms: ["(dim: integer) -> integer", "() -> integer[]"]
        ) { _, _ in .none }
    }
}
