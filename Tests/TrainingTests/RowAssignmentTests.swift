import Training
import XCTest

final class RowAssignmentTests: XCTestCase {
    func testTheLongestFirst() {
        let assignment = RowAssignment(costs: [1, 5, 2, 4, 3, 3], ranks: 2)
        XCTAssertEqual(assignment.owners, [0, 0, 1, 1, 1, 0])
        XCTAssertEqual(assignment.largestLoad, 9)
        XCTAssertEqual(assignment.rows(of: 1), [2, 3, 4])
    }

    func testMoreRanksThanRows() {
        let assignment = RowAssignment(costs: [2, 2], ranks: 4)
        XCTAssertEqual(assignment.owners, [0, 1])
        XCTAssertEqual(assignment.rows(of: 3), [])
        XCTAssertEqual(RowAssignment(costs: [3, 1, 2], ranks: 1).owners, [0, 0, 0])
    }

    func testEveryRowOnce() {
        let costs = (0 ..< 37).map { Double(60 + $0 * 97 % 450) }, assignment = RowAssignment(costs: costs, ranks: 5)
        XCTAssertEqual((0 ..< 5).flatMap { assignment.rows(of: $0) }.sorted(), Array(0 ..< 37))
        XCTAssertLessThan(assignment.largestLoad, costs.reduce(0, +) / 5 * 1.1)
    }
}
