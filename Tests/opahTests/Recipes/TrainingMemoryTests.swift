import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// The predicted peak of a training step against what the process then took.
final class TrainingMemoryTests: XCTestCase {
    /// Runs two steps in a process of its own: predicted and measured bytes, parts, recomputed layers.
    private func steps(layers: Int, rows: String, budget: String, dropout: String) throws -> [Double] {
        let result = try OpahProcess.run(
            LuaScript.file("two_steps").command(["\(layers)", dropout, rows, budget]))
        XCTAssertEqual(result.code, 0, result.errors)
        return result.output.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    }

    func testPeakIsPredicted() throws {
        for (layers, rows, budget, dropout) in [
            (4, "300", "8GB", "0"), (4, "100, 300, 150", "8GB", "0.1"), (6, "200, 400, 270", "300e6", "0.1"),
            (6, "300", "190e6", "0")
        ] {
            let found = try steps(layers: layers, rows: rows, budget: budget, dropout: dropout)
            guard found.count == 4 else { return XCTFail("\(found)") }
            let what =
                "rows \(rows), budget \(budget): predicted \(Int(found[0] / 1e6)) MB, taken \(Int(found[1] / 1e6)) MB, \(found[2]) parts, \(found[3]) layers recomputed"
            XCTAssertLessThan(abs(found[0] / found[1] - 1), 0.15, what)
            print("  " + what)
        }
    }
}
