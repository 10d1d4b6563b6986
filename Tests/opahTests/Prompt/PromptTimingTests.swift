import Foundation
import TestSupport
import XCTest

/// How long measuring takes.
final class PromptTimingTests: XCTestCase {
    func testTimeitTakesASecond() throws {
        for code in [
            "timeit(function() return 1 end)",
            "timeit(function() local till = os.clock() + 0.03 repeat until os.clock() > till end)"
        ] {
            let began = Date()
            let result = try OpahProcess.run(["-e", "local timeit = require 'opah'.prompt.timeit  " + code])
            XCTAssertEqual(result.code, 0, result.errors)
            let seconds = Date().timeIntervalSince(began)
            XCTAssertTrue((0.7 ... 2.5).contains(seconds), "\(code): \(seconds) s")
        }
    }
}
