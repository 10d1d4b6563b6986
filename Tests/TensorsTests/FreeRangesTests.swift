import Tensors
import XCTest

final class FreeRangesTests: XCTestCase {
    private func range(_ start: UInt, _ size: Int) -> FreeRanges.Range { FreeRanges.Range(start: start, size: size) }

    func testNeighboursBecomeOne() {
        var free = FreeRanges()
        free.give(range(100, 10))
        free.give(range(130, 20))
        free.give(range(90, 10))
        XCTAssertEqual(free.ranges, [range(90, 20), range(130, 20)])
        free.give(range(110, 20))
        XCTAssertEqual(free.ranges, [range(90, 60)])
        XCTAssertEqual(free.bytes, 60)
    }

    func testTheSmallestThatFitsIsTaken() {
        var free = FreeRanges()
        for one in [range(0, 50), range(100, 20), range(200, 30)] { free.give(one) }
        XCTAssertEqual(free.take(20), 100)
        XCTAssertEqual(free.take(10), 200)
        XCTAssertEqual(free.ranges, [range(0, 50), range(210, 20)])
        XCTAssertNil(free.take(51))
        XCTAssertEqual(free.bytes, 70)
    }

    func testWhatIsTooMuchGoesFromTheLargest() {
        var free = FreeRanges()
        for one in [range(0, 64), range(100, 20)] { free.give(one) }
        XCTAssertEqual(free.drop(downTo: 60, unit: 1), [range(40, 24)])
        XCTAssertEqual(free.drop(downTo: 55, unit: 16), [range(32, 8)], "down to a border")
        XCTAssertEqual(free.ranges, [range(0, 32), range(100, 20)])
        XCTAssertEqual(free.drop(downTo: -5, unit: 16), [range(0, 32), range(100, 20)])
        XCTAssertEqual(free.bytes, 0)
    }

    /// Whatever is taken and given: no two ranges share an address, and none is lost.
    func testNothingIsLostOrTwice() {
        var free = FreeRanges(), used: [FreeRanges.Range] = [], random = SystemRandomNumberGenerator(), mapped = 0
        for _ in 0 ..< 5000 {
            if Bool.random(using: &random), let i = used.indices.randomElement(using: &random) {
                free.give(used.remove(at: i))
            } else {
                let size = Int.random(in: 1 ... 40, using: &random)
                if let start = free.take(size) {
                    used.append(range(start, size))
                } else {
                    used.append(range(UInt(mapped), size))
                    mapped += size
                }
            }
        }
        for one in used { free.give(one) }
        XCTAssertEqual(free.ranges, [range(0, mapped)])
        XCTAssertEqual(free.bytes, mapped)
    }
}
