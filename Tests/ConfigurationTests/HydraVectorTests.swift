import XCTest
import Foundation
import Configuration
import Support
import TestSupport

/// The results that the original's parser gave for 135 command lines.
final class HydraVectorTests: XCTestCase {
    /// What the original refuses for no better reason than its lexer, and what it means here.
    private let accepted = [
        "project=http://x/y?z=1": "http://x/y?z=1", "project=é": "é", "project=日本語": "日本語", "project=a;b": "a;b",
        "project=a&b": "a&b",
        "project=a!b": "a!b", "project=a`b": "a`b", "project=a^b": "a^b", "project=a<b": "a<b", "project=a=b": "a=b",
        "project=~/x": "~/x",
        "project=x#y": "x#y"
    ]

    func testEveryLine() throws {
        let text = try String(contentsOfFile: Vectors.path("hydra_vectors.tsv"), encoding: .utf8)
        let rows = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
        XCTAssertEqual(rows.count, 135)
        var seen: Set<String> = []
        for row in rows {
            let overrides = try XCTUnwrap(JSON.decode(row[1]).list).compactMap(\.string)
            let key = row[2]
            var config = try Fixture.config()
            switch row[0] {
            case "OK":
                XCTAssertNoThrow(try applyOverrides(&config, overrides, groups: Fixture.groups), row[1])
                check(try found(key, in: config), isType: row[3], value: row[4], row[1])
            case "RESOLVE_ERR":
                XCTAssertNoThrow(try applyOverrides(&config, overrides, groups: Fixture.groups), row[1])
                XCTAssertThrowsError(try config.resolved(), row[1]) {
                    XCTAssertEqual(($0 as? OpahError)?.kind, .config)
                }
            default:
                if let wanted = accepted[overrides[0]] {
                    seen.insert(overrides[0])
                    XCTAssertNoThrow(try applyOverrides(&config, overrides, groups: Fixture.groups), row[1])
                    XCTAssertEqual(config.value(at: key), .string(wanted), row[1])
                } else {
                    let before = config
                    XCTAssertThrowsError(try applyOverrides(&config, overrides, groups: Fixture.groups), row[1]) {
                        XCTAssertEqual(($0 as? OpahError)?.kind, .config)
                        XCTAssertTrue("\($0)".contains(overrides[0]), "\($0)")
                    }
                    XCTAssertEqual(config, before, "a refused line changes nothing")
                }
            }
        }
        XCTAssertEqual(seen, Set(accepted.keys))
    }

    /// Scalars resolved, tables and lists as they stand.
    private func found(_ key: String, in config: ConfigValue) throws -> ConfigValue {
        guard let value = config.value(at: key) else { return .null }
        guard case .string = value else { return value }
        return try config.resolvedValue(at: key, environment: { $0 == "HOME" ? "/root" : nil }) ?? .null
    }

    private func check(_ found: ConfigValue, isType type: String, value json: String, _ line: String) {
        let kind =
            switch found {
            case .null: "NoneType"
            case .bool: "bool"
            case .int: "int"
            case .double: "float"
            case .string: "str"
            case .list: "list"
            case .map: "dict"
            }
        XCTAssertEqual(kind, type, line)
        switch json {
        case "nan": XCTAssertTrue(found.double?.isNaN == true, line)
        case "-inf": XCTAssertEqual(found.double, -.infinity, line)
        default: XCTAssertEqual(found, try JSON.decode(json), line)
        }
    }
}
