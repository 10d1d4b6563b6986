import XCTest
import Support

final class JSONTests: XCTestCase {
    func testValues() throws {
        XCTAssertEqual(
            try JSON.decode(#" {"b": [1, -2.5e-3, 1e3], "a": {"x": null, "y": true}, "s": "\u00e9\n\ud83d\ude00/"} "#),
            ["b": [1, -0.0025, .double(1000)], "a": ["x": .null, "y": true], "s": "é\n😀/"])
        XCTAssertEqual(try JSON.decode("1000000000000000019884624838656"), .double(1e30))
        XCTAssertEqual(try JSON.decode("-9223372036854775808"), .int(.min))
        XCTAssertEqual(try JSON.decode("\u{FEFF}[]"), [])
    }

    func testOrderAndRoundTrip() throws {
        let text = #"{"z": 1, "a": {"q": [], "p": {}}, "m": ["x", null, 0.1, 1e-05], "é": "\u0001\"\\"}"#
        XCTAssertEqual(JSON.encode(try JSON.decode(text)), text)
        XCTAssertEqual(
            JSON.encode(["a": [1, 2], "b": [:]], indent: 2), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}")
        XCTAssertEqual(JSON.encode(.double(.nan)), "null")
    }

    func testRefusals() throws {
        for bad in [
            "", "{", "[1,]", "{\"a\":1,}", "01", "1.", "+1", "nul", "[1] 2", "\"a", "\"\\x\"", "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\u12g4\"", "\"\n\"", "'a'", "{a:1}", "1e999", "NaN", "[1 2]", "{\"a\" 1}", "\u{00A0}1"
        ] {
            XCTAssertThrowsError(try JSON.decode(bad), bad) { XCTAssertEqual(($0 as? OpahError)?.kind, .format) }
        }
        XCTAssertThrowsError(try JSON.decode(String(repeating: "[", count: 1_000_000))) {
            XCTAssertTrue("\($0)".contains("deep"))
        }
        XCTAssertThrowsError(try [0x22, 0xFF, 0x22].withUnsafeBytes { try JSON.decode($0) })
        XCTAssertThrowsError(try JSON.decode("{\n  \"a\": ?}", name: "c.json")) {
            XCTAssertTrue("\($0)".hasPrefix("c.json: line 2, column 8:"), "\($0)")
        }
    }

    func testMapsKeepOrderThroughChanges() {
        var map: ConfigMap = ["a": 1, "b": 2, "c": 3]
        map["b"] = nil
        map["a"] = 5
        map["d"] = 4
        XCTAssertEqual(map.keys, ["a", "c", "d"])
        XCTAssertEqual(map["c"], 3)
        XCTAssertEqual(map["d"], 4)
        XCTAssertEqual(map, ["d": 4, "c": 3, "a": 5])
    }
}
