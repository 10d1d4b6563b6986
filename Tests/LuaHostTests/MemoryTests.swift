import Glibc
import LuaHost
import Support
import TestSupport
import XCTest

final class MemoryTests: LuaTestCase {
    func testCloseFreesAtOnce() throws {
        XCTAssertEqual(Vector.alive, 0)
        XCTAssertEqual(lua.externalBytes, 0)
        try expect(
            """
            do local v <close> = test.vector(1, 2, 3); kept = v end
            return tostring(kept)
            """, "Vector (closed)")
        XCTAssertEqual(Vector.alive, 0)
        XCTAssertEqual(lua.externalBytes, 0)
        for use in [
            "kept.sum", "kept:scale(2)", "kept + 1", "1 + kept", "#kept", "kept[1]", "test.resample(kept, 1, 2)"
        ] {
            let error = try failure("return \(use)")
            XCTAssertTrue(error.message.contains("used after it was closed"), "\(use): \(error)")
        }
    }

    func testCollectorCountsBytes() throws {
        try lua.run("keep = {} for i = 1, 10 do keep[i] = test.vector(1, 2, 3, 4) end")
        XCTAssertEqual(lua.externalBytes, 10 * 4 * 8)
        try lua.run("keep = nil")
        lua.collectGarbage()
        XCTAssertEqual(lua.externalBytes, 0)
        XCTAssertEqual(Vector.alive, 0)
        try lua.run("v = test.vector(1)")
        lua = nil
        XCTAssertEqual(Vector.alive, 0)
    }

    /// 4000 temporaries of 1 MB: 4 GB pass through, and less than 400 MB are ever in use.
    func testBigTemporariesDoNotPileUp() throws {
        let big = LuaModule("big", "Big.") { m in
            m.function("new", "() -> Vector", "1 MB.") { call in
                try call.push(Vector([Double](repeating: 1, count: 1 << 17)))
            }
        }
        let lua = try Interpreter(Catalog([big]))
        let before = try residentBytes()
        try lua.run("local big = require 'big'; for i = 1, 4000 do local v = big.new() end")
        XCTAssertLessThan(try residentBytes() - before, 400 << 20)
        XCTAssertLessThan(lua.externalBytes, 300 << 20)
    }

    /// Each takes more than 100 bytes.
    func testSmallTemporariesDoNotPileUp() throws {
        try lua.run("a = test.vector(1)")
        let before = try residentBytes()
        try lua.run("for i = 1, 3000000 do local b = a + a end")
        XCTAssertLessThan(try residentBytes() - before, 200 << 20)
    }

    func testHugeRequestsRaiseInsteadOfAborting() throws {
        try expect("local ok, e = pcall(io.read, 1 << 46); return e", "not enough memory")
        XCTAssertEqual(try failure("io.read(1 << 46)").kind, .memory)
    }

    func testClosuresAreCollected() throws {
        try lua.run("for i = 1, 100000 do local f = test.counter(i); f() end")
        lua.collectGarbage()
        XCTAssertLessThan(lua.luaBytes, 20 << 20)
    }

    /// What one operator costs besides the Swift work, in processor time: a few hundred nanoseconds, and a few thousand
    /// for an error. The limit is what no machine takes unless something is searched for, copied or kept.
    func testTheCostOfTheFastPath() throws {
        let loops = 50_000
        func time(
            _ body: String,
            _ setup: String = "local a, b, v, t = test.vector(1), test.vector(2), test.vector(1, 2, 3), test.token()"
        ) throws -> Double {
            let start = clock()
            try lua.run("\(setup); for i = 1, \(loops) do \(body) end")
            return Double(clock() - start) * 1e3 / Double(loops)   // clock() counts microseconds of processor time
        }
        let empty = try time("")
        let start = clock()
        for _ in 0 ..< 20 { _ = try Interpreter(Catalog([testModule])) }
        print("starting and closing an interpreter: \((clock() - start) / 20) us")
        print("ns per operation, loop of \(Int(empty)) ns taken off:")
        for body in [
            "local c = t + t", "local c = t - t", "local c = #a", "local c = a == b", "local c = a + b",
            "local c = a + 1", "local c = v[2]", "local c = a.sum", "local c = a.scale",
            "local c = test.answer", "local c = test.echo(1)", "local c = test.call(math.abs, 1)",
            "local c = v:scale(2)", "local c = v:scale(2, {offset = 1})", "local c = pcall(test.fail)",
            "local c = math.abs(1)"
        ] {
            let cost = try time(body) - empty
            print(String(format: "  %-32@ %6.0f", body as NSString, cost))
            XCTAssertLessThan(cost, body.contains("fail") ? 100_000 : 10_000, body)
        }
    }
}
