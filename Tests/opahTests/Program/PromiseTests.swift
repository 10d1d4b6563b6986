import Foundation
import TestSupport
import XCTest

/// docs/promises.md names tests that are there.
final class PromiseTests: XCTestCase {
    func testEveryPromiseIsHeldByATestThatIsThere() throws {
        let tests = OpahProcess.checkout + "/Tests"
        var classes: [String: String] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: tests) where path.hasSuffix(".swift") {
            let source = try String(contentsOfFile: tests + "/" + path, encoding: .utf8)
            for name in source.matches(of: /final class ([A-Za-z]+Tests):/) { classes[String(name.1)] = source }
        }
        let page = try String(contentsOfFile: OpahProcess.checkout + "/docs/promises.md", encoding: .utf8)
        let named = page.matches(of: /`([A-Za-z]+Tests)(?:\.(test[A-Za-z0-9]+))?`/)
        XCTAssertGreaterThan(named.count, 50)
        for name in named {
            guard let source = classes[String(name.1)] else {
                XCTFail("no class of tests is called \(name.1)")
                continue
            }
            if let test = name.2 { XCTAssertTrue(source.contains("func \(test)("), "\(name.1) has no \(test)") }
        }
    }
}
