import LuaHost
import Support
import XCTest

/// A class with all there is to declare: a vector of numbers with bytes outside Lua.
final class Vector {
    nonisolated(unsafe) static var alive = 0   // tests run on one thread
    var values: [Double]
    var label = "none"

    init(_ values: [Double]) {
        self.values = values
        Vector.alive += 1
    }
    deinit { Vector.alive -= 1 }

    func add(_ other: Vector) throws -> Vector {
        guard values.count == other.values.count else {
            throw OpahError(
                .shape, "add: shapes [\(values.count)] and [\(other.values.count)] do not match",
                hint: "slice or pad one of them")
        }
        return Vector(zip(values, other.values).map { $0 + $1 })
    }
}

extension Vector: LuaObject {
    static let luaClass = LuaClass("Vector", of: Vector.self, "A list of numbers.") { c in
        c.bytes { max(1, $0.values.count) * 8 }
        c.method(
            "scale", "(factor: number, opts?: {offset?: number = 0.5}) -> Vector",
            "Multiplies each element, then adds `offset`."
        ) { v, call in
            let factor = try call.number(1), offset: Double = try call.option("offset")
            return try call.push(Vector(v.values.map { $0 * factor + offset }))
        }
        c.method("map", "(f: fun(x: number): number) -> Vector", "Calls `f` on each element.") { v, call in
            let f = try call.function(1)
            return try call.push(Vector(v.values.map { try f.call($0) }))
        }
        c.alias("each", of: "map")
        c.method("zero", "() -> Vector", "Sets all to zero and gives itself.") { v, call in
            v.values = v.values.map { _ in 0 }
            return call.pass(0)
        }
        c.property("label", "string", "A name.", set: { v, call in v.label = try call.string(1) }) { v, call in
            try call.push(v.label)
        }
        c.property("sum", "number", "The sum.") { v, call in try call.push(v.values.reduce(0, +)) }
        c.constant("base", 1, "integer", "The index base.")
        c.metamethod("__add", "(a: Vector|number, b: Vector|number) -> Vector", "Elementwise.") { call in
            if let a = try call.objectIfAny(1, as: Vector.self), let b = try call.objectIfAny(2, as: Vector.self) {
                return try call.push(a.add(b))
            }
            let vector = try call.objectIfAny(1, as: Vector.self) ?? call.object(2),
                number = try call.numberIfAny(1) ?? call.number(2)
            return try call.push(Vector(vector.values.map { $0 + number }))
        }
        c.metamethod("__len", "(v: Vector) -> integer", "The number of elements.") { call in
            try call.push(call.object(1, as: Vector.self).values.count)
        }
        c.metamethod("__tostring", "(v: Vector) -> string", "The elements.") { call in
            try call.push("\(call.object(1, as: Vector.self).values)")
        }
        c.indexer { v, call in
            let i = try call.integer(1)
            guard i >= 1, i <= v.values.count else {
                throw OpahError(.index, "index \(i) is outside 1...\(v.values.count)")
            }
            return try call.push(v.values[i - 1])
        }
        c.newIndexer { v, call in v.values[try call.integer(1) - 1] = try call.number(2) }
    }
}

/// An object without content, to measure calls.
final class Token: LuaObject {
    static let luaClass = LuaClass("Token", of: Token.self, "Nothing.") { c in
        c.metamethod("__add", "(a: Token, b: Token) -> Token", "A new one.") { call in
            _ = try (call.object(1, as: Token.self), call.object(2, as: Token.self))
            return try call.push(Token())
        }
        c.metamethod("__sub", "(a: Token, b: Token) -> Token", "The first.") { call in
            _ = try (call.object(1, as: Token.self), call.object(2, as: Token.self))
            return call.pass(1)
        }
    }
}

enum Mode: String, CaseIterable, LuaReadable { case fast, slow }

let testModule = LuaModule("opah.test", "Functions for tests.") { m in
    m.type(Vector.luaClass)
    m.type(Token.luaClass)
    m.function("token", "() -> Token", "A token.") { call in try call.push(Token()) }
    m.function("vector", "(...: number|number[]) -> Vector", "A vector of the numbers given.") { call in
        try call.push(Vector(call.variadic()))
    }
    m.function(
        "resample",
        "(samples: Vector, from_rate: integer, to_rate: integer, opts?: {width?: integer = 6, rolloff?: number = 0.99, window?: \"hann\"|\"kaiser\" = \"hann\"}) -> Vector",
        "Samples at another rate in Hz. It does nothing else.", example: "test.resample(v, 44100, 22050)"
    ) { call in
        let width: Int = try call.option("width"), rolloff: Double = try call.option("rolloff"),
            window: String = try call.option("window")
        let samples = try call.object(1, as: Vector.self)
        return try call.push(Vector(samples.values + [Double(width), rolloff, window == "hann" ? 1 : 2]))
    }
    m.function("load", "{", "Broken on purpose.") { _ in .none }
    m.function(
        "configure",
        "(config: {path: string, sizes?: integer[], lora?: {r?: integer = 8, alpha: number}, mode?: \"fast\"|\"slow\" = \"fast\", on_step?: fun(step: integer)}) -> table",
        "Takes a table of options."
    ) { call in
        let path: String = try call.option("path"), sizes: [Int]? = try call.option("sizes"),
            mode: Mode = try call.option("mode")
        let r: Int = try call.options.nested("lora").get("r")
        let f: LuaFunction? = try call.option("on_step")
        try f?(7)
        return try call.push(fields: ["path": path, "sizes": sizes, "mode": mode.rawValue, "r": r])
    }
    m.function("zeros", "(...: integer|integer[], opts?: {dtype?: string = \"float32\"}) -> any", "Sizes and dtype.") {
        call in
        let sizes: [Int] = try call.variadic(), dtype: String = try call.option("dtype")
        return try call.push(sizes, dtype)
    }
    m.function("fail", "(kind?: string, message?: string = \"it failed\", hint?: string)", "Throws.") { call in
        throw OpahError(OpahError.Kind(rawValue: try call.get(1) ?? "data")!, try call.string(2), hint: try call.get(3))
    }
    m.function("call", "(f: function, ...: any) -> ...: any", "Calls back.") { call in
        try call.push(all: call.function(1)(all: call.variadicRange.map { try call.value($0) }))
    }
    m.function("echo", "(value: any) -> any", "Through Swift and back.") { call in try call.push(call.value(1)) }
    m.function("bytes", "(s: string) -> string, integer", "A string by its bytes.") { call in
        let bytes = try call.bytes(1)
        return try call.push(LuaBytes(bytes), bytes.count)
    }
    m.function("counter", "(first?: integer = 1) -> function", "A function that counts.") { call in
        var next = try call.integer(1)
        return try call.push(
            LuaClosure("counter", "(step?: integer = 1) -> integer") { call in
                defer { next += 1 }
                return try call.push(next * (try call.integer(1)))
            })
    }
    m.function("spin", "()", "Loops until stopped.") { _ in
        while true { try Interrupt.check() }
    }
    m.function("save", "() -> string", "Saves, also while being stopped.", finishes: true) { call in
        try Interrupt.check()
        return try call.push("saved")
    }
    m.function("poll", "()", "Does what a native loop does.") { _ in
        try Interrupt.check()
        return .none
    }
    m.function("forget", "()", "Forgets the request, as a trainer does that writes a checkpoint first.") { _ in
        while !Interrupt.isRequested {}
        Interrupt.clear()
        return .none
    }
    m.constant("answer", "integer", "A number.", 42)
}

class LuaTestCase: XCTestCase {
    var lua: Interpreter!

    override func setUpWithError() throws {
        lua = try Interpreter(Catalog([testModule]))
        try lua.run("test = require 'opah.test'")
    }
    override func tearDown() { lua = nil }

    /// The first result of a chunk as text.
    func result(_ code: String, file: StaticString = #filePath, line: UInt = #line) throws -> String {
        try lua.run(code).first.map { try lua.text($0) } ?? "nothing"
    }

    func expect(_ code: String, _ expected: String, file: StaticString = #filePath, line: UInt = #line) throws {
        XCTAssertEqual(try result(code), expected, code, file: file, line: line)
    }

    /// The error that a chunk ends with.
    func failure(_ code: String, file: StaticString = #filePath, line: UInt = #line) throws -> OpahError {
        do {
            try lua.run(code, name: "=test")
        } catch let error as OpahError { return error }
        XCTFail("no error: \(code)", file: file, line: line)
        return OpahError(.lua, "")
    }
}
