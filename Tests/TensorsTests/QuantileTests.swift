import Support
import Tensors
import TestSupport
import XCTest

/// Medians, quantiles and counts, against NumPy's and PyTorch's results.
final class QuantileTests: XCTestCase {
    private let x = try! Tensor([3, 1, 4, 1, 5, 9, 2, 6, 5, 3], [2, 5])

    func testQuantiles() throws {
        assertClose(try x.quantile([0.1, 0.5, 0.9]).floats(), [1, 3.5, 6.3], abs: 1e-6)
        let along = try x.quantile([0.25, 0.6], dim: 1)
        XCTAssertEqual(along.shape, [2, 2])
        assertClose(try along.floats(), [1, 3, 3.4, 5.4], abs: 1e-6)
        assertClose(try x.quantile([0.3], isSingle: true, dim: 0).floats(), [4.8, 1.3, 4.6, 2.2, 3.6], abs: 1e-6)
        XCTAssertEqual(try x.quantile([0.3], isSingle: true, dim: 0, keepDim: true).shape, [1, 5])
        XCTAssertEqual(try x.quantile([0, 0.5, 1], dim: -1, keepDim: true).shape, [3, 2, 1])
        XCTAssertEqual(try x.quantile([0, 1], keepDim: true).shape, [2, 1, 1])
        XCTAssertEqual(try x.quantile([0.5], isSingle: true).shape, [])
        XCTAssertEqual(try x.quantile([0, 1]).floats(), [1, 9])
        XCTAssertEqual(
            try x.transpose(0, 1).quantile([0.25, 0.6], dim: 0).floats(), try along.floats(), "not contiguous")
        XCTAssertEqual(try Tensor([7], []).quantile([0.3], isSingle: true, dim: 0).floats(), [7])
        XCTAssertEqual(
            try Tensor([1, .infinity, .infinity], [3]).quantile([0.25, 0.5, 0.75]).floats(),
            [.infinity, .infinity, .infinity])
        XCTAssertEqual(try Tensor([1, 2, .infinity], [3]).quantile([0, 0.5]).floats(), [1, 2])
    }

    func testMediansTakeTheLowerOfTwo() throws {
        XCTAssertEqual(try x.median().item(), 3)
        let (values, indices) = try x.median(dim: 1)
        XCTAssertEqual(try values.floats(), [3, 5])
        XCTAssertEqual(try indices.ints(), [0, 3])
        XCTAssertEqual(try x.median(dim: 0).values.floats(), [3, 1, 4, 1, 3])
        XCTAssertEqual(try x.median(dim: 0, keepDim: true).indices.shape, [1, 5])
        XCTAssertEqual(try x.to(.int64).median().item(), 3)
        XCTAssertEqual(try x.to(.int64).median().dtype, .int64)
        XCTAssertTrue(try Tensor([Float](), [0]).median().item().isNaN)
    }

    func testNaNWinsInItsRow() throws {
        let holes = try Tensor([1, .nan, 3, 4, 5, 6], [2, 3])
        let (values, indices) = try holes.median(dim: 1)
        XCTAssertTrue(try values.floats()[0].isNaN)
        XCTAssertEqual(try values.floats()[1], 5)
        XCTAssertEqual(try indices.ints(), [1, 1])
        let quantiles = try holes.quantile([0, 0.5], dim: 1).floats()
        XCTAssertTrue(quantiles[0].isNaN && quantiles[2].isNaN)
        XCTAssertEqual([quantiles[1], quantiles[3]], [4, 5])
        XCTAssertTrue(try holes.median().item().isNaN)
    }

    func testGradients() throws {
        let x = try Tensor.randn([3, 4, 5], .float64, generator: Random(seed: 5))
        try checkGradients([x], "quantile") { try $0[0].quantile([0.1, 0.37, 0.9], dim: 1) }
        try checkGradients([x], "quantile of all") { try $0[0].quantile([0.62], isSingle: true) }
        try checkGradients([x], "median") { try $0[0].median(dim: -1).values }
        try checkGradients([x], "median of all") { try $0[0].median() }
    }

    func testRefusals() throws {
        assertThrows(.argument, containing: "from 0 to 1") { try self.x.quantile([1.5]) }
        assertThrows(.argument, containing: "from 0 to 1") { try self.x.quantile([.nan]) }
        assertThrows(.dtype, containing: "not floating") { try self.x.to(.int64).quantile([0.5]) }
        assertThrows(.argument, containing: "no elements") { try Tensor(zeros: [2, 0]).quantile([0.5], dim: 1) }
        assertThrows(.argument, containing: "no elements") { try Tensor(zeros: [2, 0]).median(dim: 1) }
        XCTAssertEqual(try Tensor(zeros: [0, 3]).median(dim: 1).values.shape, [0])
    }

    func testCounts() throws {
        XCTAssertEqual(try x.histogram(bins: 4, low: 1, high: 9).counts, [3, 3, 3, 1])
        XCTAssertEqual(try x.histogram(bins: 2).counts, [6, 4])
        XCTAssertEqual(
            try x.histogram(bins: 2, low: 2, high: 4).counts, [1, 3], "others are not counted, both ends are")
        XCTAssertEqual(try Tensor([1, .nan, .infinity, 1], [4]).histogram(bins: 2).counts, [0, 2])
        let same = try Tensor([5, 5], [2]).histogram(bins: 2)
        XCTAssertEqual([same.low, same.high], [4, 6])
        assertThrows(.argument, containing: "bins") { try self.x.histogram(bins: 0) }
        assertThrows(.argument, containing: "empty") { try self.x.histogram(bins: 3, low: 2, high: 1) }
    }
}
