import XCTest
import Foundation
import Configuration
import Support
import TestSupport

final class YAMLTests: XCTestCase {
    func testScalars() throws {
        let cases: [(String, ConfigValue)] = [
            ("1e-4", 1e-4), ("1.5", 1.5), ("1.", .double(1)), (".5", 0.5), (".5e+3", .double(500)), (".5e3", ".5e3"),
            ("+.5", "+.5"), ("1_0.5", 10.5), ("1e", "1e"), ("-1E3", .double(-1000)),
            ("100_000", 100_000), ("010", 8), ("-010", -8), ("0o10", "0o10"), ("08", "08"), ("0x1F", 31), ("0b101", 5),
            ("1:30", 90), ("1:61", "1:61"), ("1:30.5", 90.5), ("0", 0), ("+12", 12),
            ("yes", true), ("on", true), ("Off", false), ("y", "y"), ("TRUE", true), ("tRUE", "tRUE"), ("~", .null),
            ("null", .null), ("", .null), ("NULL", .null),
            ("2024-01-01", "2024-01-01"), ("1.2.3", "1.2.3"), ("'1'", "1"), ("\"yes\"", "yes"), ("=", "="),
            ("${max_length}", "${max_length}"), ("bf16-true", "bf16-true"),
            ("!!str 1", "1"), ("!!int '7'", 7), ("!!float 3", .double(3)), ("!!bool 'no'", false),
            ("99999999999999999999", .double(1e20)), ("-.inf", .double(-.infinity)), ("+-1", "+-1")
        ]
        for (text, wanted) in cases { XCTAssertEqual(try YAML.parse("a: \(text)")["a"], wanted, text) }
        XCTAssertTrue(try YAML.parse("a: .nan")["a"]?.double?.isNaN == true)
    }

    func testDocuments() throws {
        XCTAssertEqual(try YAML.parse(""), [:])
        XCTAssertEqual(try YAML.parse("# only a comment\n"), [:])
        XCTAssertEqual(try YAML.parse("b: 1\na: [x, {y: 2}]\n1: |\n  two\n  lines\n").map?.keys, ["b", "a", "1"])
        XCTAssertEqual(
            try YAML.parse("base: &b {x: 1, y: 2}\nover:\n  <<: *b\n  y: 3\nlist: [*b]"),
            ["base": ["x": 1, "y": 2], "over": ["x": 1, "y": 3], "list": [["x": 1, "y": 2]]])
        XCTAssertEqual(try YAML.load(Vectors.path("firefly/a/config.yaml")).map?.isEmpty, false)
        for bad in [
            "a: [", "a: 1\na: 2", "a: 1\n b: 2", "a: *x", "? [1]\n: 2", "a: 1\n---\nb: 2", "a: !!int x", "\t- a",
            "<<: 1"
        ] {
            XCTAssertThrowsError(try YAML.parse(bad), bad) {
                XCTAssertEqual(($0 as? OpahError)?.kind, .format, "\($0)")
            }
        }
        XCTAssertThrowsError(try YAML.parse("a: !!python/object/apply:os.system [ls]")) {
            XCTAssertEqual(($0 as? OpahError)?.kind, .unsafe)
        }
        XCTAssertThrowsError(try YAML.parse("x:\n  - a: [", name: "c.yaml")) {
            XCTAssertTrue("\($0)".hasPrefix("c.yaml: line "), "\($0)")
        }
    }

    func testTextsThatAliasesMultiplyAreRefused() throws {
        let text = "a: &a \"" + String(repeating: "x", count: 100_000) + "\"\nb: ["
        XCTAssertEqual(try YAML.parse(text + "*a, *a]")["b"]?.list?.count, 2)
        XCTAssertThrowsError(
            try YAML.parse(text + [String](repeating: "*a", count: 9000).joined(separator: ", ") + "]")
        ) {
            XCTAssertEqual(($0 as? OpahError)?.kind, .format, "\($0)")
        }
        XCTAssertThrowsError(try YAML.parse("a: " + String(repeating: "x", count: 2 << 20))) {
            XCTAssertTrue("\($0)".contains("too long"), "\($0)")
        }
    }

    /// A configuration with its bytes and lines exchanged: refused or read, never a crash.
    func testAlteredDocumentsNeverCrash() throws {
        let seed = Array(
            "defaults:\n  - base\n  - _self_\nproject: ${a.b}\nbase: &b {x: 1, y: [2, 0x3, 1e-4]}\nover:\n  <<: *b\n  y: !!str 3\ntext: |\n  two\n  lines\n? k\n: 'v'\n"
                .utf8)
        var state: UInt64 = 9, read = 0
        func random(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        for _ in 0 ..< 5000 {
            var changed = seed
            for _ in 0 ... random(4) {
                let place = random(changed.count), end = min(changed.count, place + 1 + random(12))
                switch random(4) {
                case 0: changed[place] = UInt8(random(128))
                case 1: changed.removeSubrange(place ..< end)
                case 2: changed.insert(contentsOf: changed[place ..< end], at: random(changed.count))
                default: changed[place] = Array("&*!?:-[]{}|>%@`#,\"'\n\t~".utf8)[random(22)]
                }
            }
            do {
                _ = try YAML.parse(String(decoding: changed, as: UTF8.self))
                read += 1
            } catch is OpahError {}
        }
        XCTAssertGreaterThan(read, 100)
    }

    func testBombs() {
        let start = Date()
        var doubling = "a0: &a0 [x, x]\n", keyed = "a0: &a0 [x, x]\n"
        for i in 1 ... 40 {
            doubling += "a\(i): &a\(i) [*a\(i - 1), *a\(i - 1)]\n"
            keyed += "a\(i): &a\(i) [*a\(i - 1), *a\(i - 1)]\n"
        }
        keyed += "? *a40\n: 1\n*a40 : 2\n"
        let deep = String(repeating: "[", count: 100_000), steps = String(repeating: "- ", count: 100_000) + "x"
        for bomb in [doubling, keyed, deep, steps, String(repeating: "a", count: 5 << 20)] {
            XCTAssertThrowsError(try YAML.parse(bomb)) { XCTAssertEqual(($0 as? OpahError)?.kind, .format) }
        }
        XCTAssertLessThan(Date().timeIntervalSince(start), 10)
    }
}
