import Foundation
import Synchronization
import Tensors
import XCTest

/// The one thread pool: every piece once, from anywhere; idle threads help; results that do not depend on who ran what.
final class ParallelTests: XCTestCase {
    private func withThreads<R>(_ count: Int, _ body: () throws -> R) rethrows -> R {
        let before = Parallel.threadCount
        defer { Parallel.setThreadCount(before) }
        Parallel.setThreadCount(count)
        return try body()
    }

    /// How often each of `count` elements was visited.
    private final class Visits: @unchecked Sendable {
        /// ThreadSanitizer knows this lock; it does not see those of `Synchronization.Mutex`, and reports each use of
        /// them.
        private let lock = NSLock()
        private var counts: [Int]
        init(_ count: Int) { counts = [Int](repeating: 0, count: count) }
        func add(_ range: Range<Int>) { lock.withLock { for i in range { counts[i] += 1 } } }
        var areAllOne: Bool { lock.withLock { counts.allSatisfy { $0 == 1 } } }
    }

    func testEveryPieceRunsOnceAtAnyDepth() {
        for threads in [1, 2, 3, 7] {
            withThreads(threads) {
                for count in [0, 1, 2, 5, 64, 1000] {
                    let visits = Visits(count * 50)
                    Parallel.forEach(count) { outer in
                        Parallel.forRange(50, grain: 7) { range in
                            Parallel.forEach(range.count) { i in
                                let place = outer * 50 + range.lowerBound + i
                                visits.add(place ..< place + 1)
                            }
                        }
                    }
                    XCTAssertTrue(visits.areAllOne, "\(threads) threads, \(count) tasks")
                }
            }
        }
    }

    func testManyCallersAtOnce() {
        withThreads(3) {
            let visits = (0 ..< 6).map { _ in Visits(20_000) }
            DispatchQueue.concurrentPerform(iterations: 6) { caller in
                for step in 0 ..< 200 {
                    Parallel.forRange(100, grain: 1) { range in
                        visits[caller].add(step * 100 + range.lowerBound ..< step * 100 + range.upperBound)
                    }
                }
            }
            for caller in 0 ..< 6 { XCTAssertTrue(visits[caller].areAllOne, "caller \(caller)") }
        }
    }

    /// The last long task of a list is shared by the threads that have none, whichever thread has it.
    func testLastTaskIsShared() {
        withThreads(3) {
            for longTask in [0, 1, 2] {
                let seen = Mutex<Set<UInt>>([]), deadline = Date().addingTimeInterval(20)
                Parallel.forEach(3) { task in
                    guard task == longTask else { return }
                    while seen.withLock({ $0.count }) < 3, Date() < deadline {
                        Parallel.forEach(30) { _ in
                            _ = seen.withLock { $0.insert(UInt(pthread_self())) }
                            usleep(300)
                        }
                    }
                }
                XCTAssertEqual(seen.withLock { $0.count }, 3, "task \(longTask)")
            }
        }
    }

    func testNumberOfThreadsCanChangeAtAnyTime() {
        let before = Parallel.threadCount
        defer { Parallel.setThreadCount(before) }
        for threads in [4, 1, 6, 2, 3, 1, 5] {
            Parallel.setThreadCount(threads)
            XCTAssertEqual(Parallel.threadCount, threads)
            let visits = Visits(997)
            Parallel.forRange(997, grain: 3) { visits.add($0) }
            XCTAssertTrue(visits.areAllOne)
        }
    }

    private func results() throws -> [(name: String, values: [Float], isProduct: Bool)] {
        let g = Random(seed: 11)
        let a = try Tensor.randn([333, 517], generator: g), b = try Tensor.randn([517, 291], generator: g)
        let long = try Tensor.randn([300_007], generator: g), image = try Tensor.randn([2, 24, 1501], generator: g)
        let weight = try Tensor.randn([32, 24, 5], generator: g)
        return [
            ("product", try a.matmul(b).floats(), true), ("convolution", try NN.conv1d(image, weight).floats(), true),
            ("exp", try long.exp().floats(), false), ("sum", try long.sum().floats(), false),
            ("columns", try a.sum(dim: 0).floats(), false),
            ("softmax", try a.softmax(dim: 1).floats(), false), ("gelu", try long.gelu().floats(), false),
            ("sort", try long.sort().values.floats(), false)
        ]
    }

    /// What `tensor.set_threads` documents.
    func testSameBitsWithTheSameThreads() throws {
        let one = try withThreads(1) { try results() }
        for threads in [2, 3, 5] {
            try withThreads(threads) {
                let alone = try results()
                for (ours, single) in zip(alone, one) where !ours.isProduct {
                    XCTAssertEqual(ours.values, single.values, "\(ours.name), \(threads) threads")
                }
                // Inside tasks that keep the threads busy, where pieces run one after the other or are shared, as it
                // happens.
                let inside = Mutex<[[(name: String, values: [Float], isProduct: Bool)]]>([])
                Parallel.forEach(2 * threads) { _ in
                    if let got = try? self.results() { inside.withLock { $0.append(got) } }
                }
                XCTAssertEqual(inside.withLock { $0.count }, 2 * threads)
                for got in inside.withLock({ $0 }) {
                    for (ours, expected) in zip(got, alone) {
                        XCTAssertEqual(ours.values, expected.values, "\(ours.name) inside, \(threads) threads")
                    }
                }
            }
        }
    }
}
