import Support
import Tensors
import TestSupport
import XCTest

/// Reductions against loops in float64.
final class ReductionTests: XCTestCase {
    /// Groups of elements that make up one result, by brute force over all index tuples.
    private func groups(_ x: Tensor, _ dims: [Int]) throws -> [[Double]] {
        let values = try x.doubles(), kept = x.shape.indices.filter { !dims.contains($0) }
        var result = Array(repeating: [Double](), count: kept.reduce(1) { $0 * x.shape[$1] })
        let strides = x.shape.contiguousStrides
        for i in values.indices {
            var at = 0
            for d in kept { at = at * x.shape[d] + i / strides[d] % x.shape[d] }
            result[at].append(values[i])
        }
        return result
    }

    private let dimLists: [[Int]] = [
        [0], [1], [2], [3], [0, 1], [1, 2], [2, 3], [0, 2], [1, 3], [0, 3], [0, 1, 2], [1, 2, 3], [0, 2, 3],
        [0, 1, 2, 3], []
    ]

    func testSumsOverAllDimensionLists() throws {
        let g = Random(seed: 1)
        for shape in [[3, 4, 5, 6], [2, 1, 40, 3], [1, 2, 3, 70], [2, 3, 0, 2]] as [Dims] {
            let plain = try Tensor.randn(shape, generator: g)
            let turned = try Tensor.randn(Dims(shape.reversed()), generator: g).permute([3, 2, 1, 0])
            for x in [plain, turned] {
                for dims in dimLists {
                    let expected = try groups(x, dims)
                    let sum = try x.sum(dims: Dims(dims)), kept = try x.sum(dims: Dims(dims), keepDim: true)
                    XCTAssertEqual(sum.shape, Dims(shape.indices.filter { !dims.contains($0) }.map { shape[$0] }))
                    XCTAssertEqual(kept.shape, Dims(shape.indices.map { dims.contains($0) ? 1 : shape[$0] }))
                    assertClose(
                        try sum.floats(), expected.map { Float($0.reduce(0, +)) }, abs: 1e-5, "\(shape) \(dims)")
                    XCTAssertEqual(try kept.floats(), try sum.floats())
                    assertClose(
                        try x.to(.float64).sum(dims: Dims(dims)).floats(), expected.map { Float($0.reduce(0, +)) },
                        abs: 1e-6)
                    if x.count > 0 {
                        assertClose(
                            try x.mean(dims: Dims(dims)).floats(),
                            expected.map { Float($0.reduce(0, +) / Double($0.count)) }, abs: 1e-6)
                        assertClose(
                            try x.logsumexp(dims: Dims(dims)).floats(),
                            expected.map { v in Float(log(v.reduce(0) { $0 + exp($1) })) }, abs: 1e-6, rel: 1e-6)
                        assertClose(
                            try x.norm(dims: Dims(dims)).floats(),
                            expected.map { v in Float(v.reduce(0) { $0 + $1 * $1 }.squareRoot()) }, abs: 1e-5)
                        assertClose(
                            try x.norm(1, dims: Dims(dims)).floats(),
                            expected.map { v in Float(v.reduce(0) { $0 + abs($1) }) }, abs: 1e-4)
                        assertClose(
                            try x.norm(3, dims: Dims(dims)).floats(),
                            expected.map { v in Float(pow(v.reduce(0) { $0 + pow(abs($1), 3) }, 1 / 3)) }, abs: 1e-5,
                            rel: 1e-5)
                        XCTAssertEqual(
                            try x.norm(.infinity, dims: Dims(dims)).floats(),
                            expected.map { v in Float(v.map(abs).max()!) })
                        assertClose(
                            try x.var(dims: Dims(dims), correction: 0).floats(),
                            expected.map { v in
                                let mean = v.reduce(0, +) / Double(v.count)
                                return Float(v.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(v.count))
                            }, abs: 1e-6, rel: 1e-5)
                    }
                }
            }
        }
    }

    func testLongSumsAreAccurate() throws {
        let x = try Tensor.rand([3_000_001], generator: Random(seed: 2)),
            exact = try x.floats().reduce(0.0) { $0 + Double($1) }
        XCTAssertEqual(try x.sum().item(), exact, accuracy: exact * 1.2e-7)
        let columns = try x.narrow(dim: 0, start: 0, length: 3_000_000).reshape([100_000, 30])
        let sums = try columns.sum(dim: 0).floats(), values = try columns.floats()
        for c in 0 ..< 30 {
            let exact = stride(from: c, to: values.count, by: 30).reduce(0.0) { $0 + Double(values[$1]) }
            XCTAssertEqual(Double(sums[c]), exact, accuracy: exact * 1.2e-7)
        }
        // The naive float32 sum stops at 2^24.
        XCTAssertEqual(try Tensor(ones: [20_000_001]).sum().item(), 20_000_001, accuracy: 1)
    }

    func testDTypesOfSums() throws {
        XCTAssertEqual(try Tensor(ones: [300], .uint8).sum().item(), 300)
        XCTAssertEqual(try Tensor(ones: [3], .bool).sum().dtype, .int64)
        XCTAssertEqual(try Tensor(ones: [3], .int32).prod().dtype, .int64)
        XCTAssertEqual(try Tensor(integers: [1, 2], [2]).mean().item(), 1.5)
        XCTAssertEqual(try Tensor(ones: [4096], .bfloat16).sum().item(), 4096)
        XCTAssertEqual(try Tensor(ones: [3], .float16).sum().dtype, .float16)
        XCTAssertEqual(try Tensor(zeros: [0]).sum().item(), 0)
        XCTAssertEqual(try Tensor(zeros: [0]).prod().item(), 1)
        XCTAssertTrue(try Tensor(zeros: [0]).mean().item().isNaN)
        XCTAssertEqual(try Tensor(zeros: [0]).logsumexp().item(), -.infinity)
        XCTAssertEqual(try Tensor([2], []).sum().item(), 2)
        XCTAssertEqual(try Tensor([2], []).sum(dim: 0).item(), 2)
    }

    func testStatistics() throws {
        let x = try Tensor([1, 2, 3, 4, 5, 9], [2, 3])
        XCTAssertEqual(try x.var().item(), 8, accuracy: 1e-6)
        XCTAssertEqual(try x.std(dims: [1]).floats(), [1, Float(7).squareRoot()])
        XCTAssertEqual(try x.var(dims: [1], correction: 0).floats()[0], 2 / 3, accuracy: 1e-6)
        XCTAssertEqual(try x.prod().item(), 1080)
        XCTAssertEqual(try x.prod(dim: 0).floats(), [4, 10, 27])
        XCTAssertEqual(try x.cumsum(dim: 1).floats(), [1, 3, 6, 4, 9, 18])
        XCTAssertEqual(try x.cumsum(dim: 0).floats(), [1, 2, 3, 5, 7, 12])
        XCTAssertEqual(try x.gt(2).cumsum(dim: 1).ints(), [0, 0, 1, 1, 2, 3])
        XCTAssertEqual(try Tensor(zeros: [2, 0]).cumsum(dim: 1).shape, [2, 0])
        XCTAssertEqual(try x.norm(0).item(), 6)
        // Far from zero the mean is subtracted first: no cancellation.
        XCTAssertEqual(try Tensor([100_000, 100_001, 100_002], [3]).var().item(), 1)
    }

    func testExtremes() throws {
        let g = Random(seed: 3)
        for shape in [[3, 4, 5], [2, 100, 3], [1, 1, 70_001], [70_001, 1, 2]] as [Dims] {
            let x = try Tensor.randint(-50, 50, shape, generator: g).to(.float32)
            for y in [x, try x.to(.int32), try x.to(.float64), try x.permute([2, 0, 1])] {
                for dim in 0 ..< 3 {
                    let lists = try groups(y, [dim])
                    XCTAssertEqual(try y.max(dim: dim).values.doubles(), lists.map { $0.max()! })
                    XCTAssertEqual(try y.min(dim: dim).values.doubles(), lists.map { $0.min()! })
                    XCTAssertEqual(try y.max(dim: dim).indices.ints(), lists.map { $0.firstIndex(of: $0.max()!)! })
                    XCTAssertEqual(try y.argmin(dim: dim).ints(), lists.map { $0.firstIndex(of: $0.min()!)! })
                    XCTAssertEqual(try y.argmax(dim: dim, keepDim: true).rank, 3)
                }
            }
            XCTAssertEqual(try x.max().item(), try x.doubles().max()!)
            XCTAssertEqual(try x.argmax().ints()[0], try x.doubles().firstIndex(of: x.doubles().max()!)!)
        }
        let y = try Tensor([1, .nan, 3, .nan, 5, 6, 7, 8, 9], [9])
        XCTAssertTrue(try y.max().item().isNaN && y.min().item().isNaN)
        XCTAssertEqual(try y.argmax().item(), 1)
        XCTAssertEqual(try y.to(.float64).argmin().item(), 1)
        XCTAssertEqual(try Tensor([-.infinity, -.infinity], [2]).max().item(), -.infinity)
        assertThrows(.shape, containing: "max: a tensor of shape [0]") { try Tensor(zeros: [0]).max() }
        XCTAssertEqual(try Tensor(zeros: [0, 3]).max(dim: 1).values.shape, [0])
        assertThrows(.shape) { try Tensor(zeros: [0, 3]).max(dim: 0) }
    }

    func testSortAndTopK() throws {
        let g = Random(seed: 4)
        let x = try Tensor.randint(-20, 20, [4, 50, 3], generator: g).to(.float32)
        for y in [x, try x.to(.float64), try x.to(.int16), try x.to(.bfloat16), try x.permute([1, 2, 0])] {
            for dim in 0 ..< 3 {
                for descending in [false, true] {
                    let (values, indices) = try y.sort(dim: dim, descending: descending)
                    XCTAssertEqual(values.dtype, y.dtype)
                    let lists = try groups(y, [dim]), sorted = try groups(values, [dim]),
                        places = try groups(indices, [dim])
                    for i in lists.indices {
                        let order = lists[i].indices.sorted { a, b in
                            lists[i][a] != lists[i][b] ? (lists[i][a] < lists[i][b]) != descending : a < b
                        }
                        XCTAssertEqual(sorted[i], order.map { lists[i][$0] })
                        XCTAssertEqual(places[i], order.map(Double.init))
                    }
                    for k in [0, 1, 2, y.shape[dim]] {
                        let best = try y.topk(k, dim: dim, largest: descending)
                        XCTAssertEqual(
                            try best.values.doubles(), try values.narrow(dim: dim, start: 0, length: k).doubles())
                        XCTAssertEqual(
                            try best.indices.ints(), try indices.narrow(dim: dim, start: 0, length: k).ints())
                    }
                }
            }
        }
        let special = try Tensor([.nan, -.infinity, 0, -0.0, .infinity, -1, .nan], [7])
        XCTAssertEqual(try special.sort().indices.ints(), [1, 5, 2, 3, 4, 0, 6])
        XCTAssertEqual(try special.argsort(descending: true).ints(), [0, 6, 4, 2, 3, 5, 1])
        XCTAssertEqual(try special.to(.float64).argsort().ints(), [1, 5, 2, 3, 4, 0, 6])
        let large = try Tensor.rand([5000], generator: g)
        XCTAssertEqual(try large.topk(9).values.floats(), Array(try large.floats().sorted(by: >).prefix(9)))
        XCTAssertEqual(try Tensor([3], []).sort().values.item(), 3)
        assertThrows(.argument, containing: "topk: 5 of 3 elements") { try Tensor(zeros: [3]).topk(5) }
    }

    func testSoftmax() throws {
        let x = try Tensor.randn([3, 50, 4], generator: Random(seed: 5)).mul(5)
        for y in [x, try x.permute([2, 0, 1])] {
            for dim in 0 ..< 3 {
                let soft = try groups(y.softmax(dim: dim), [dim]), logs = try groups(y.logSoftmax(dim: dim), [dim])
                let wide = try groups(y.to(.float64).softmax(dim: dim), [dim])
                for (i, v) in try groups(y, [dim]).enumerated() {
                    let top = v.max()!, sum = v.reduce(0) { $0 + exp($1 - top) }
                    for k in v.indices {
                        XCTAssertEqual(soft[i][k], exp(v[k] - top) / sum, accuracy: 2e-7)
                        XCTAssertEqual(wide[i][k], exp(v[k] - top) / sum, accuracy: 1e-15)
                        XCTAssertEqual(logs[i][k], v[k] - top - log(sum), accuracy: 4e-6)
                    }
                }
            }
        }
        XCTAssertEqual(try Tensor([1000, 1000, -.infinity], [3]).softmax(dim: 0).floats(), [0.5, 0.5, 0])
        XCTAssertEqual(try Tensor([-.infinity, -.infinity], [2]).logsumexp().item(), -.infinity)
        XCTAssertEqual(try Tensor([.infinity, 1], [2]).logsumexp().item(), .infinity)
        XCTAssertTrue(try Tensor([.nan, 1], [2]).logsumexp().item().isNaN)
        XCTAssertEqual(try Tensor([1e4, 1e4], [2]).logsumexp().item(), 1e4 + log(2), accuracy: 1e-3)
        XCTAssertEqual(try Tensor([3], []).softmax(dim: 0).item(), 1)
        XCTAssertEqual(try Tensor(zeros: [2, 0]).softmax(dim: 1).shape, [2, 0])
        XCTAssertEqual(try Tensor(integers: [0, 0], [2]).softmax(dim: 0).floats(), [0.5, 0.5])
    }

    func testAnyAll() throws {
        let x = try Tensor([0, 0, 1, 1, 0, .nan], [3, 2])
        XCTAssertEqual(try x.any(dim: 1).ints(), [0, 1, 1])
        XCTAssertEqual(try x.all(dim: 1).ints(), [0, 1, 0])
        XCTAssertEqual(try x.any(dim: 0, keepDim: true).shape, [1, 2])
        XCTAssertEqual(try x.any().item(), 1)
        XCTAssertEqual(try x.all().item(), 0)
        XCTAssertEqual(try Tensor(zeros: [0]).all().item(), 1)
        XCTAssertEqual(try Tensor(zeros: [0]).any().item(), 0)
    }

    func testDimensionErrors() throws {
        let x = try Tensor(zeros: [2, 3])
        assertThrows(.index, containing: "sum: dimension 2 of a tensor of shape [2, 3]") { try x.sum(dim: 2) }
        assertThrows(.argument, containing: "sum: dimension -2 twice in [0, -2]") { try x.sum(dims: [0, -2]) }
        assertThrows(.index, containing: "softmax") { try x.softmax(dim: -3) }
        assertThrows(.shape, containing: "item: a tensor of shape [2, 3]") { try x.item() }
    }

    func testResultsDoNotDependOnTheNumberOfThreads() throws {
        let x = try Tensor.randn([1000, 777], generator: Random(seed: 6)), before = Parallel.threadCount
        defer { Parallel.setThreadCount(before) }
        func results() throws -> [[Float]] {
            [
                try x.sum().floats(), try x.sum(dim: 0).floats(), try x.sum(dim: 1).floats(), try x.exp().floats(),
                try x.softmax(dim: 0).floats(),
                try x.softmax(dim: 1).floats(), try x.transpose(0, 1).add(1).sin().floats(),
                try x.cumsum(dim: 0).floats(),
                try x.reshape([-1]).max().floats(), try x.norm().floats(), try x.mul(1e5).sin().floats(),
                try Tensor(zeros: [10, 777]).indexAdd_(
                    dim: 0, Tensor.randint(0, 10, [1000], generator: Random(seed: 1)), x
                ).floats(),
                try Tensor.randn([100_001], generator: Random(seed: 9)).floats()
            ]
        }
        Parallel.setThreadCount(1)
        let one = try results()
        for threads in [2, 3, 7] {
            Parallel.setThreadCount(threads)
            for (i, result) in try results().enumerated() {
                XCTAssertEqual(result, one[i], "result \(i), \(threads) threads")
            }
        }
    }
}
