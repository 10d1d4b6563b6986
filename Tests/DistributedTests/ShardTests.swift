import XCTest
import Distributed

final class ShardTests: XCTestCase {
    func testText() {
        XCTAssertEqual(Shard("3/16"), Shard(index: 2, count: 16))
        XCTAssertEqual(Shard("3/16")?.text, "3/16")
        for text in ["", "3", "0/4", "5/4", "-1/4", "1/0", "1/4/2", "a/b", "1/ 4"] { XCTAssertNil(Shard(text), text) }
    }

    func testEachNameBelongsToOne() {
        let names = (0 ..< 2000).map { "speaker\($0 % 7)/\($0).wav" },
            shards = (0 ..< 5).map { Shard(index: $0, count: 5) }
        var sizes = [Int](repeating: 0, count: 5)
        for name in names {
            let owners = shards.indices.filter { shards[$0].owns(name) }
            XCTAssertEqual(owners.count, 1, name)
            sizes[owners[0]] += 1
        }
        // A fair hash: 400 expected, standard deviation 18.
        for size in sizes { XCTAssertTrue((310 ... 490).contains(size), "\(sizes)") }
    }

    /// The same names on all machines, however their file systems write accents; and the same in every version.
    func testTheHashIsOfTheText() {
        let shards = (0 ..< 64).map { Shard(index: $0, count: 64) }
        XCTAssertEqual(
            shards.firstIndex { $0.owns("Zoe\u{308}/1.wav") }, shards.firstIndex { $0.owns("Zo\u{eb}/1.wav") })
        XCTAssertTrue(Shard(index: 0, count: 1).owns("anything"))
    }
}
