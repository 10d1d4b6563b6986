import Support
import Tensors
import TestSupport
import XCTest

final class RandomTests: XCTestCase {
    /// The known answers that come with the generator's reference implementation (Random123).
    func testPhiloxKnownAnswers() {
        let cases: [(Philox.Words, (UInt32, UInt32), Philox.Words)] = [
            ((0, 0, 0, 0), (0, 0), (0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)),
            ((.max, .max, .max, .max), (.max, .max), (0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)),
            (
                (0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), (0xa409_3822, 0x299f_31d0),
                (0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)
            )
        ]
        for (counter, key, expected) in cases { XCTAssertTrue(Philox.words(counter: counter, key: key) == expected) }
    }

    /// Tensors use the same blocks as the scalar function, in the documented order.
    func testTensorsUseTheBlocksInTheDocumentedOrder() throws {
        let seed: UInt64 = 0x1234_5678_9ABC_DEF0, offset: UInt64 = 0xFFFF_FFF8
        let values = try Tensor.rand([77], generator: Random(seed: seed, offset: offset)).floats()
        for i in 0 ..< 77 {
            let counter = offset + UInt64(i / 32 * 8 + i % 8)
            let words = Philox.words(
                counter: (UInt32(truncatingIfNeeded: counter), UInt32(counter >> 32), 0, 0),
                key: (UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32)))
            let word = [words.0, words.1, words.2, words.3][i % 32 / 8]
            XCTAssertEqual(values[i], Float(word >> 8) * 0x1p-24)
        }
    }

    func testStateContinuesAStream() throws {
        let a = Random(seed: 7)
        _ = try Tensor.randn([100], generator: a)
        let b = Random(seed: a.seed, offset: a.offset)
        XCTAssertEqual(try Tensor.randn([50], generator: a).floats(), try Tensor.randn([50], generator: b).floats())
        XCTAssertEqual(a.uniform(), b.uniform())
        XCTAssertEqual(a.integer(below: 1000), b.integer(below: 1000))
        XCTAssertNotEqual(try Tensor.rand([50], generator: a).floats(), try Tensor.rand([50], generator: a).floats())
        Random.manualSeed(3)
        let first = try Tensor.randn([5]).floats()
        Random.manualSeed(3)
        XCTAssertEqual(try Tensor.randn([5]).floats(), first)
        XCTAssertNotEqual(
            try Tensor.rand([4], generator: Random(seed: 1)).floats(),
            try Tensor.rand([4], generator: Random(seed: 2)).floats())
    }

    func testDistributions() throws {
        let g = Random(seed: 11), n = 1_000_000
        let u = try Tensor.rand([n], generator: g), z = try Tensor.randn([n], generator: g)
        XCTAssertEqual(try u.mean().item(), 0.5, accuracy: 0.0015)
        XCTAssertEqual(try u.var().item(), 1 / 12, accuracy: 0.0005)
        XCTAssertTrue(try u.min().item() >= 0 && u.max().item() < 1)
        XCTAssertEqual(try z.mean().item(), 0, accuracy: 0.005)
        XCTAssertEqual(try z.std().item(), 1, accuracy: 0.004)
        XCTAssertEqual(try z.pow(3).mean().item(), 0, accuracy: 0.02)
        XCTAssertEqual(try z.pow(4).mean().item(), 3, accuracy: 0.05)
        XCTAssertEqual(try z.abs().le(1).to(.float32).mean().item(), 0.682689, accuracy: 0.002)
        // Neighbours are independent.
        let left = try z.narrow(dim: 0, start: 0, length: n - 1)
        for lag in [1, 8, 16] {
            let right = try z.narrow(dim: 0, start: lag, length: n - lag)
            XCTAssertEqual(
                try left.narrow(dim: 0, start: 0, length: n - lag).mul(right).mean().item(), 0, accuracy: 0.005)
        }
        let shifted = try Tensor.randn([n], mean: 3, std: 0.5, generator: g)
        XCTAssertEqual(try shifted.mean().item(), 3, accuracy: 0.003)
        XCTAssertEqual(try shifted.std().item(), 0.5, accuracy: 0.002)
        let range = try Tensor.rand([n], low: -2, high: 3, generator: g)
        XCTAssertTrue(try range.min().item() >= -2 && range.max().item() < 3)
        XCTAssertEqual(try range.mean().item(), 0.5, accuracy: 0.01)
        let counts = try Tensor(zeros: [6]).indexAdd_(
            dim: 0, Tensor.randint(0, 6, [60_000], generator: g), Tensor(ones: [60_000])
        ).floats()
        for count in counts { XCTAssertEqual(count, 10_000, accuracy: 400) }
        XCTAssertEqual(try Tensor.randint(-3, -2, [5], generator: g).ints(), [-3, -3, -3, -3, -3])
        let wide = try Tensor.randint(.min / 2, .max / 2, [1000], generator: g).to(.float64)
        XCTAssertTrue(try wide.min().item() < -4e18 && wide.max().item() > 4e18)
        XCTAssertEqual(try Tensor.rand([3], .bfloat16, generator: g).dtype, .bfloat16)
        XCTAssertEqual(try Tensor.randn([0, 3], generator: g).shape, [0, 3])
    }

    func testPermutations() throws {
        let g = Random(seed: 5)
        XCTAssertEqual(try Tensor.randperm(1000, generator: g).ints().sorted(), Array(0 ..< 1000))
        XCTAssertEqual(try Tensor.randperm(0, generator: g).count, 0)
        var first = [0, 0, 0, 0]
        for _ in 0 ..< 4000 { first[try Tensor.randperm(4, generator: g).ints()[0]] += 1 }
        for count in first { XCTAssertEqual(Double(count), 1000, accuracy: 150) }
    }

    func testErrors() {
        assertThrows(.argument, containing: "randint: no integers from 3") { try Tensor.randint(3, 3, [1]) }
        assertThrows(.argument) { try Tensor.randint(.min, .max, [1]) }
        assertThrows(.dtype, containing: "rand: int32") { try Tensor.rand([1], .int32) }
        assertThrows(.argument) { try Tensor.randperm(-1) }
        assertThrows(.shape, containing: "negative size") { try Tensor.randn([-1]) }
        assertThrows(.memory) { try Tensor.randn([1 << 40, 1 << 40]) }
    }
}
