import XCTest
import Configuration
import Support

final class ConfigTreeTests: XCTestCase {
    func testPathsAndMerging() throws {
        var config: ConfigValue = ["a": ["b": [1, ["c": 2]], "n": .null], "x": 1]
        XCTAssertEqual(config.value(at: "a.b.1.c"), 2)
        XCTAssertEqual(config.value(at: ""), config)
        for missing in ["a.b.2", "a.b.-1", "x.y", "q", "a..b"] { XCTAssertNil(config.value(at: missing), missing) }
        try config.set("a.b.1.d", to: 3)
        try config.set("a.n.m.k", to: true)
        XCTAssertEqual(config, ["a": ["b": [1, ["c": 2, "d": 3]], "n": ["m": ["k": true]]], "x": 1])
        XCTAssertThrowsError(try config.set("a.b.2", to: 0))
        XCTAssertThrowsError(try config.set("x.y", to: 0))
        XCTAssertTrue(config.remove("a.n.m"))
        XCTAssertFalse(config.remove("a.n.m"))
        XCTAssertEqual(config.paths, ["a", "a.b", "a.n", "x"])
        XCTAssertEqual(config.merging(["a": ["b": [9], "z": 1]]), ["a": ["b": [9], "n": [:], "z": 1], "x": 1])
    }

    func testInterpolation() throws {
        let config: ConfigValue = [
            "n": 5, "whole": "${n}", "text": "n=${n}, ${flag} ${nothing} ${small}", "flag": true, "nothing": .null,
            "small": 1e-05,
            "table": ["x": "${.y}", "y": "${..n}", "list": ["${n}", "${table.list.0}"]], "copy": "${table}",
            "through": "${copy.list.1}",
            "home": "${oc.env:HOME}/x", "default": "${oc.env:NONE,12}", "nullable": "${oc.env:NONE,null}",
            "decoded": "${oc.decode:'${n}'}",
            "select": "${oc.select:no.such,[1]}", "escaped": #"\${n} \\${n} \x"#, "nested": "${table.${key}}",
            "key": "y"
        ]
        let resolved = try config.resolved(environment: { $0 == "HOME" ? "/h" : nil })
        XCTAssertEqual(resolved["whole"], 5)
        XCTAssertEqual(resolved["text"], "n=5, True None 1e-05")
        XCTAssertEqual(resolved["copy"], ["x": 5, "y": 5, "list": [5, 5]])
        XCTAssertEqual(resolved["through"], 5)
        XCTAssertEqual(resolved["home"], "/h/x")
        XCTAssertEqual(resolved["default"], "12")
        XCTAssertEqual(resolved["nullable"], ConfigValue.null)
        XCTAssertEqual(resolved["decoded"], "5")
        XCTAssertEqual(resolved["select"], [1])
        XCTAssertEqual(resolved["escaped"], #"${n} \5 \x"#)
        XCTAssertEqual(resolved["nested"], 5)
        XCTAssertEqual(try config.resolvedValue(at: "copy.y"), 5)
        XCTAssertNil(try config.resolvedValue(at: "nope"))
    }

    func testInterpolationsThatCannotBeResolved() {
        var doubling: ConfigMap = ["a0": "xxxxxxxx"]
        for i in 1 ... 50 { doubling["a\(i)"] = .string("${a\(i - 1)}${a\(i - 1)}") }
        for (config, reason) in [
            (["a": "${b}", "b": "${a}"], "circle"), (["a": "${nam}", "name": 1], "did you mean name"),
            (["a": "${b} x", "b": [1]], "inside text"),
            (["a": "${oc.env:NO_SUCH_VARIABLE}"], "not set"), (["a": "${now:x}"], "no resolver"),
            (["a": "${b"], "closes"), (["a": "${a.b}"], "circle"),
            (["a": ["b": "${a}"]], "circle"), (.map(doubling), "without end")
        ] as [(ConfigValue, String)] {
            XCTAssertThrowsError(try config.resolved(), reason) { XCTAssertTrue("\($0)".contains(reason), "\($0)") }
        }
    }

    func testLuaSource() {
        let config: ConfigValue = [
            "name": "日本\n\"x\"\\\u{01}", "end": 1, "a-b": [1, 2.5, true], "t": ["x": .double(1e-05), "e": [:]],
            "l": [["q": []]],
            "i": .double(.infinity), "min": .int(.min)
        ]
        XCTAssertEqual(
            config.luaSource,
            #"""
            return {
              name = "日本\n\"x\"\\\001",
              ["end"] = 1,
              ["a-b"] = { 1, 2.5, true },
              t = {
                x = 1e-05,
                e = {},
              },
              l = {
                {
                  q = {},
                },
              },
              i = math.huge,
              min = math.mininteger,
            }

            """#)
        XCTAssertEqual(
            (["a": .null] as ConfigValue).luaSource,
            "local null = require(\"opah.json\").null\n\nreturn {\n  a = null,\n}\n")
        XCTAssertEqual(
            ConfigValue.list(Array(repeating: "0123456789", count: 10)).luaSource.split(separator: "\n").count, 12)
    }
}
