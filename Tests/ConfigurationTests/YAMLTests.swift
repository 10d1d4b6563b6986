import XCTest
import Foundation
import Configuration
import Support
import TestSupport

final class YAMLTests: XCTestCase {
    func testScalars() throws {
        let cases: [(String, ConfigValue)] = [
            ("1e-4", 1e-4), ("1.5", 1.5), ("1.", .double(1)), (".5", 0.5), (".5e+3", .double(500)), (".5e3", ".5e3"), ("+.5", "+.5"), ("1_0.5", 10.5), ("1e", "1e"), ("-1E3", .double(-1000)),
            ("100_000", 100_000), ("010", 8), ("-010", -8), ("0o10", "0o10"), ("08", "08"), ("0x1F", 31), ("0b101", 5), ("1:30", 90), ("1:61", "1:61"), ("1:30.5", 90.5), ("0", 0), ("+12", 12),
            ("yes", true), ("on", true), ("Off", false), ("y", "y"), ("TRUE", true), ("tRUE", "tRUE"), ("~", .null), ("null", .null), ("", .null), ("NULL", .null),
            ("2024-01-01", "2024-01-01"), ("1.2.3", "1.2.3"), ("'1'", "1"), ("\"yes\"", "yes"), ("=", "="), ("${max_length}", "${max_length}"), ("bf16-true", "bf16-true"),
            ("!!str 1", "1"), ("!!int '7'", 7), ("!!float 3", .double(3)), ("!!bool 'no'", false), ("99999999999999999999", .double(1e20)), ("-.inf", .double(-.infinity)), ("+-1", "+-1"),
        ]
        for (text, wanted) in cases { XCTAssertEqual(try YAML.parse("a: \(text)")["a"], wanted, text) }
        XCTAssertTrue(try YAML.parse("a: .nan")["a"]?.double?.isNaN == true)
    }

    func testDocuments() throws {
        XCTAssertEqual(try YAML.parse(""), [:])
        XCTAssertEqual(try YAML.parse("# only a comment\n"), [:])
        XCTAssertEqual(try YAML.parse("b: 1\na: [x, {y: 2}]\n1: |\n  two\n  lines\n").map?.keys, ["b", "a", "1"])
        XCTAssertEqual(try YAML.parse("base: &b {x: 1, y: 2}\nover:\n  <<: *b\n  y: 3\nlist: [*b]"),
                       ["base": ["x": 1, "y": 2], "over": ["x": 1, "y": 3], "list": [["x": 1, "y": 2]]])
        XCTAssertEqual(try YAML.load(Vectors.path("firefly/a/config.yaml")).map?.isEmpty, false)
        for bad in ["a: [", "a: 1\na: 2", "a: 1\n b: 2", "a: *x", "? [1]\n: 2", "a: 1\n---\nb: 2", "a: !!int x", "\t- a", "<<: 1"] {
            XCTAssertThrowsError(try YAML.parse(bad), bad) { XCTAssertEqual(($0 as? OpahError)?.kind, .format, "\($0)") }
        }
        XCTAssertThrowsError(try YAML.parse("a: !!python/object/apply:os.system [ls]")) { XCTAssertEqual(($0 as? OpahError)?.kind, .unsafe) }
        XCTAssertThrowsError(try YAML.parse("x:\n  - a: [", name: "c.yaml")) { XCTAssertTrue("\($0)".hasPrefix("c.yaml: line "), "\($0)") }
    }

    func testBombs() {
        let start = Date()
        var doubling = "a0: &a0 [x, x]\n", keyed = "a0: &a0 [x, x]\n"
        for i in 1...40 {
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
