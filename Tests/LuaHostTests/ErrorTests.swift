import LuaHost
import Support
import XCTest

final class ErrorTests: LuaTestCase {
    func testFieldsThroughPcall() throws {
        try expect(
            "local ok, e = pcall(test.fail, 'shape', 'no', 'try this'); return tostring(ok) .. e.kind .. e.message .. e.hint .. tostring(e)",
            "falseshapenotry thisno\n  hint: try this")
        try expect("local ok, e = pcall(test.fail); local ok2, e2 = pcall(error, e); return rawequal(e, e2)", "true")
        try expect("local ok, e = pcall(test.fail); return e.hint", "nil")
        try expect("local ok, e = pcall(test.fail); return 'was: ' .. e", "was: it failed")
        try expect("local ok, e = pcall(test.fail); return e.code", "nil")
        try expect("local ok, e = pcall(error, 'plain'); return e", "plain")
        try expect("local t = {}; local ok, e = pcall(error, t); return e == t", "true")
    }

    func testAnErrorWhoseTextFails() throws {
        let error = try failure("error(setmetatable({}, { __tostring = function() error('inner', 0) end }))")
        XCTAssertEqual(error.message, "an error value (a table) whose __tostring fails: inner")
        XCTAssertNotNil(error.hint)
    }

    func testTracebackHasLuaFramesOnly() throws {
        let error = try failure(
            """
            local function inner() test.fail('audio') end
            function outer() inner() end
            outer()
            """)
        XCTAssertEqual(error.kind, .audio)
        XCTAssertEqual(
            error.traceback,
            """
            test:1: in function 'inner'
            test:2: in function 'outer'
            test:3: in main chunk
            """)
        try expect(
            "local ok, e = pcall(function() test.fail() end) return e.traceback",
            "(command line):1: in function <(command line):1>\n(command line):1: in main chunk")
        let deep = try failure("local function f(n) if n == 0 then error('deep') end return 1 + f(n - 1) end f(100)")
        XCTAssertEqual(deep.traceback?.split(separator: "\n").count, 24)
    }

    func testLuaErrorsBecomeSwiftErrors() throws {
        let error = try failure("local x = nil; x.y = 1")
        XCTAssertEqual(error.kind, .lua)
        XCTAssertEqual(error.message, "test:1: attempt to index a nil value (local 'x')")
        XCTAssertEqual(error.traceback, "test:1: in main chunk")
        let syntax = try failure("x = = 1")
        XCTAssertEqual(syntax.kind, .lua)
        XCTAssertTrue(syntax.message.hasPrefix("test:1:"), syntax.message)
        let table = try failure("error{kind = 'config', message = 'wrong', hint = 'look'}")
        XCTAssertEqual(table, OpahError(.config, "wrong", hint: "look"))
        XCTAssertEqual(table.traceback, "test:1: in main chunk")
        XCTAssertEqual(try failure("error{message = 'wrong', kind = 'config', traceback = 'x'}").message, "wrong")
        // Without a printer of values at least nothing that differs from run to run.
        for code in [
            "error{}", "error{code = 5}", "error(coroutine.create(print))", "error(io.stdout)", "error(print)",
            "error(test.vector(1))"
        ] {
            XCTAssertFalse(try failure(code).message.contains("0x"), code)
        }
        XCTAssertEqual(try failure("error(true)").message, "true")
        XCTAssertEqual(try failure("error()").message, "an error without a value (nil)")
        XCTAssertEqual(
            try failure("error(setmetatable({}, {__tostring = function() return 'mine' end}))").message, "mine")
        XCTAssertTrue(try failure("local function f() return f() + 1 end f()").message.contains("stack overflow"))
    }

    func testErrorsThroughCallbacksKeepTheirValue() throws {
        try expect("local t = {}; local ok, e = pcall(test.call, function() error(t) end); return e == t", "true")
        try expect(
            "local ok, e = pcall(test.call, function() error('text') end); return e.kind .. ': ' .. e.message",
            "lua: (command line):1: text")
        try expect("local ok, e = pcall(test.call, function() test.fail('audio') end); return e.kind", "audio")
        try expect(
            """
            local saved
            local ok, e = pcall(test.call, function() local ok, e = pcall(test.fail) saved = e; error(e) end)
            return e == saved
            """, "true")
        let error = try failure(
            """
            test.call(function()
              test.vector(1):map(function(x) error('inside') end)
            end)
            """)
        XCTAssertEqual(error.message, "test:2: inside")
        XCTAssertEqual(
            error.traceback, "test:2: in function <test:2>\ntest:2: in function <test:1>\ntest:1: in main chunk")
    }

    func testErrorsThroughCoroutines() throws {
        try expect("local ok, e = coroutine.resume(coroutine.create(test.fail)); return e.message", "it failed")
        try expect("local ok, e = pcall(coroutine.wrap(function() test.fail('audio') end)); return e.kind", "audio")
        try expect("return coroutine.wrap(function(a) local b = coroutine.yield(a + 1); return b * 2 end)(1)", "2")
        try expect(
            "local c = coroutine.wrap(function(a) local b = coroutine.yield(a + 1); return b * 2 end); c(1); return c(5)",
            "10")
        try expect(
            "local c = coroutine.create(function() error('x') end); local _, e = coroutine.resume(c); return e .. coroutine.status(c)",
            "(command line):1: xdead")
        try expect(
            "return select(2, coroutine.resume(coroutine.create(test.call), coroutine.yield)).message",
            "attempt to yield across a C-call boundary")
        try expect("return select(2, coroutine.resume(coroutine.running()))", "cannot resume non-suspended coroutine")
        try expect(
            "local closed; local c = coroutine.wrap(function() local x <close> = setmetatable({}, {__close = function() closed = true end}); error('e') end); pcall(c); return closed",
            "true")
        let error = try failure(
            "local function step() test.fail('data') end\nlocal co = coroutine.wrap(function() step() end)\nco()")
        XCTAssertEqual(
            error.traceback, "test:1: in function 'step'\ntest:2: in function <test:2>\ntest:3: in main chunk")
    }

    func testCallbacksKeptForLaterRunInTheCurrentCoroutine() throws {
        try lua.run(
            "counter = test.counter(); f = function(x) local co, main = coroutine.running(); return tostring(main) .. x end"
        )
        guard case .function(let f) = try lua.global("f") else { return XCTFail("f") }
        XCTAssertEqual(try f.call("x", as: String.self), "truex")
        let later = LuaModule("later", "Calls what it was made with.") { m in
            m.function("run", "() -> string", "Calls f.") { call in try call.push(f.call(1, as: String.self)) }
        }
        XCTAssertEqual(try Interpreter(Catalog([later])).run("return require 'later'.run()").first?.string, "true1")
        XCTAssertThrowsError(try f.call(1, as: Int.self)) {
            XCTAssertEqual(($0 as? OpahError)?.message, "result of the callback: integer expected, got string")
        }
        XCTAssertEqual(try result("local s; coroutine.wrap(function() s = test.call(f, 2) end)() return s"), "false2")
    }

    func testValuesOutliveNothing() throws {
        guard case .function(let f)? = try lua.run("return function() end").first else { return XCTFail("f") }
        lua = nil
        XCTAssertThrowsError(try f()) { XCTAssertTrue("\($0)".contains("after its interpreter was closed"), "\($0)") }
    }

    func testRecursionThroughSwiftEndsInAnError() throws {
        XCTAssertTrue(try failure("local function f() test.call(f) end f()").message.contains("overflow"))
        XCTAssertTrue(
            try failure(
                "local t = setmetatable({}, {}); getmetatable(t).__index = function(t, k) return t[k] end; return t.x"
            ).message.contains("overflow"))
    }

    func testMetatablesMayBeAbused() throws {
        for code in [
            "local m = debug.getmetatable(test.vector(1)); m.__gc(5); m.__gc(io.stdout); m.__gc()",
            "pcall(debug.getmetatable(test.vector(1)).__index)",
            "pcall(debug.getmetatable(test.vector(1)).__index, {}, 'sum')",
            "pcall(debug.getmetatable(test.vector(1)).__newindex, nil, 'label', 1)",
            "pcall(debug.getmetatable(test.vector(1)).__add)",
            "local v = test.vector(1); debug.getmetatable(v).__gc(v); pcall(function() return v + v end)",
            "local v = debug.setmetatable(test.vector(1), nil); pcall(test.resample, v, 1, 2)",
            "debug.setmetatable(io.stdout, debug.getmetatable(test.vector(1))); pcall(function() return io.stdout.sum end); debug.setmetatable(io.stdout, debug.getmetatable(io.stderr))"
        ] {
            XCTAssertNoThrow(try lua.run(code), code)
        }
        lua = nil
        Vector.alive = 0   // an object without metatable is not finalized
    }

    /// Only the C shim may call what raises.
    func testOnlyTheShimRaises() throws {
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources")
        let forbidden = try Regex(
            #"\b(lua_error|luaL_error|luaL_check\w*|luaL_opt\w*|luaL_arg\w*|lua_call\w*|lua_gettable|lua_settable|lua_getfield|lua_setfield|lua_geti|lua_seti|lua_getglobal|lua_setglobal|lua_arith|lua_compare|lua_concat|lua_len|luaL_len|luaL_tolstring|luaL_requiref|luaL_openlibs|lua_resume|lua_yield\w*)\s*\("#
        )
        var files = 0
        let walker = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)!
        for case let file as URL in walker where file.pathExtension == "swift" {
            files += 1
            let text = try String(contentsOf: file, encoding: .utf8)
            if let match = text.firstMatch(of: forbidden) {
                XCTFail("\(file.lastPathComponent) calls \(text[match.range])")
            }
        }
        XCTAssertGreaterThan(files, 30)
        // The search finds what it should find.
        let shim = try String(contentsOf: sources.appendingPathComponent("LuaShim/LuaShim.c"), encoding: .utf8)
        XCTAssertNotNil(shim.firstMatch(of: forbidden))
    }
}
