import Tensors
import XCTest

/// How many threads teams have while other programs take the processors.
final class TeamPaceTests: XCTestCase {
    private let millisecond = 1_000_000

    /// Teams of a millisecond, of which the caller waits for a share, until their number changes; nil when it does not.
    private func teams(_ pace: inout TeamPace, of all: Int, waiting share: Double) -> Int? {
        let count = pace.count(of: all)
        for team in 1 ... 1000 {
            pace.note(lasted: millisecond, waited: Int(share * Double(millisecond)), count: count)
            if pace.count(of: all) != count { return team }
        }
        return nil
    }

    func testQuietTeamsHaveAllThreads() {
        var pace = TeamPace()
        XCTAssertEqual(pace.count(of: 8), 8)
        XCTAssertNil(teams(&pace, of: 8, waiting: 0.05))
        XCTAssertNil(teams(&pace, of: 2, waiting: 0.3))
        XCTAssertEqual(pace.count(of: 8), 8)
    }

    func testWhoWaitsTooMuchGoesOnWithOneLess() {
        var pace = TeamPace()
        XCTAssertEqual(teams(&pace, of: 2, waiting: 0.5), TeamPace.window / millisecond)
        XCTAssertEqual(pace.count(of: 2), 1)
        // All are tried again after a while.
        XCTAssertEqual(teams(&pace, of: 2, waiting: 0), TeamPace.rest / millisecond)
        XCTAssertEqual(pace.count(of: 2), 2)
        // Alone for most of the time then.
        XCTAssertLessThan(TeamPace.window * 9, TeamPace.rest + 1)
    }

    func testOneByOneAndNeverBelowOne() {
        var pace = TeamPace()
        for count in [3, 2, 1] {
            XCTAssertEqual(teams(&pace, of: 4, waiting: 0.9), TeamPace.window / millisecond)
            XCTAssertEqual(pace.count(of: 4), count)
        }
        XCTAssertEqual(pace.count(of: 1), 1)
    }
}
