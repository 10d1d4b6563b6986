import Synchronization
import Tensors
import XCTest

final class TeamTests: XCTestCase {
    private func withThreads(_ count: Int, _ body: () -> Void) {
        let before = Parallel.threadCount
        defer { Parallel.setThreadCount(before) }
        Parallel.setThreadCount(count)
        body()
    }

    func testPhasesFollowEachOther() {
        for threads in [1, 2, 3, 5] {
            withThreads(threads) {
                let count = 1000, phases = 200
                var values = [Int](repeating: 0, count: count)
                let members = Atomic<Int>(0), most = Atomic<Int>(0)
                values.withUnsafeMutableBufferPointer { buffer in
                    let v = buffer.baseAddress!
                    Parallel.team { member in
                        members.add(1 << (8 * member.index), ordering: .relaxed)
                        // Fewer where others have the processors (`TeamPace`).
                        XCTAssertLessThanOrEqual(member.count, threads)
                        most.store(member.count, ordering: .relaxed)
                        for _ in 0 ..< phases {
                            // Each element from its neighbour's value of the phase before: wrong if any member runs
                            // ahead.
                            member.share(count / 2, grain: 7) { for i in $0 { v[2 * i] = v[2 * i + 1] + 1 } }
                            member.wait()
                            member.share(count / 2, grain: 3) {
                                for i in $0 { v[2 * i + 1] = v[(2 * i + 2) % count] + 1 }
                            }
                            member.wait()
                        }
                    }
                }
                XCTAssertEqual(values, (0 ..< count).map { 2 * phases - 1 + $0 % 2 })
                XCTAssertEqual(
                    members.load(ordering: .relaxed),
                    (0 ..< most.load(ordering: .relaxed)).reduce(0) { $0 + 1 << (8 * $1) })   // each once
            }
        }
    }

    func testATeamInsideAKernelIsAlone() {
        withThreads(2) {
            let found = Atomic<Int>(0)
            Parallel.forEach(8) { _ in
                Parallel.team { member in
                    XCTAssertEqual(member.count, 1)
                    member.share(10, grain: 1) { found.add($0.count, ordering: .relaxed) }
                    member.wait()
                }
            }
            XCTAssertEqual(found.load(ordering: .relaxed), 80)
        }
    }

    func testSharingNothing() {
        Parallel.team { member in
            member.share(0, grain: 1) { _ in XCTFail("nothing to do") }
            member.wait()
        }
    }
}
