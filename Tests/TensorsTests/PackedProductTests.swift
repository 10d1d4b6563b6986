import CRowProducts
import Support
import Tensors
import TestSupport
import XCTest

/// Products with stored weights by the kernels of AVX-512, which OpenBLAS's stand in for where there are none.
final class PackedProductTests: XCTestCase {
    override func tearDown() { _ = crow_use(1) }

    private typealias Shape = (rows: Int, input: Int, output: Int)
    /// Of every edge: rows that are no twelves, columns that are no panels, depths beyond a step and no multiple of a
    /// vector.
    private static let shapes: [Shape] = [
        (48, 16, 32), (49, 16, 33), (50, 31, 47), (59, 32, 64), (60, 100, 65), (71, 1024, 95),
        (72, 1040, 96), (97, 2049, 130)
    ]

    /// y = x W^T + b and the gradient of x; that of W is OpenBLAS's.
    private struct Results: Equatable { var y: [Float], dx: [Float] }

    private func factors(
        _ shape: Shape, _ dtype: DType
    ) throws -> (x: Tensor, bias: Tensor, weight: Tensor, seed: Tensor) {
        var noise = Noise(UInt64(shape.input))
        let x = try noise.tensor([shape.rows, shape.input]).setRequiresGrad(), bias = try noise.tensor([shape.output])
        let weight = try noise.tensor([shape.output, shape.input]).to(dtype)
        return (x, bias, weight, try noise.tensor([shape.rows, shape.output]))
    }

    private func results(_ shape: Shape, _ dtype: DType) throws -> Results {
        let (x, bias, weight, seed) = try factors(shape, dtype)
        let y = try NN.linear(x, weight, bias: bias)
        try Autograd.backward(y, seed: seed)
        return Results(y: try y.floats(), dx: try XCTUnwrap(x.grad).floats())
    }

    /// As near to the true sums as OpenBLAS's, whose chains are shorter, within a small factor.
    func testNumbers() throws {
        try XCTSkipIf(crow_is_used() == 0, "a processor without AVX-512")
        for dtype in [DType.float32, .bfloat16] {
            for shape in Self.shapes {
                let own = try results(shape, dtype)
                XCTAssertEqual(crow_use(0), 0)
                let other = try results(shape, dtype)
                XCTAssertEqual(crow_use(1), 0)
                let exact = try exactResults(shape, dtype)
                for (what, own, other, exact) in [
                    ("y", own.y, other.y, exact.y), ("dx", own.dx, other.dx, exact.dx)
                ] {
                    let error = worst(own, exact), bound = 2.5 * worst(other, exact) + 1e-6
                    XCTAssertLessThanOrEqual(error, bound, "\(what) \(shape) \(dtype)")
                }
            }
        }
    }

    private func worst(_ found: [Float], _ exact: [Double]) -> Double {
        XCTAssertEqual(found.count, exact.count)
        return zip(found, exact).map { abs(Double($0) - $1) }.max() ?? 0
    }

    /// In doubles, the same numbers.
    private func exactResults(_ shape: Shape, _ dtype: DType) throws -> (y: [Double], dx: [Double]) {
        let (x, bias, weight, seed) = try factors(shape, dtype)
        let a = try x.floats().map(Double.init), b = try bias.floats().map(Double.init)
        let w = try weight.to(.float32).floats().map(Double.init), g = try seed.floats().map(Double.init)
        var y = [Double](), dx = [Double](repeating: 0, count: a.count)
        for row in 0 ..< shape.rows {
            for out in 0 ..< shape.output {
                y.append(
                    (0 ..< shape.input).reduce(b[out]) { $0 + a[row * shape.input + $1] * w[out * shape.input + $1] })
                let factor = g[row * shape.output + out]
                for i in 0 ..< shape.input { dx[row * shape.input + i] += factor * w[out * shape.input + i] }
            }
        }
        return (y, dx)
    }

    /// Whatever the number of threads, and of rows beside them.
    func testNeitherThreadsNorOtherRowsChangeABit() throws {
        try XCTSkipIf(crow_is_used() == 0, "a processor without AVX-512")
        let before = Parallel.threadCount
        defer { Parallel.setThreadCount(before) }
        for shape in Self.shapes {
            Parallel.setThreadCount(1)
            let alone = try results(shape, .bfloat16)
            for threads in [2, 3] {
                Parallel.setThreadCount(threads)
                XCTAssertEqual(try results(shape, .bfloat16), alone, "\(threads) threads, \(shape)")
            }
        }
        var noise = Noise(3)
        let x = try noise.tensor([2100, 1100]), weight = try noise.tensor([70, 1100])
        let all = try NN.linear(x, weight).floats()
        let some = try NN.linear(x.narrow(dim: 0, start: 2000, length: 100), weight).floats()
        XCTAssertEqual(Array(all[(2000 * 70)...]), some)
    }
}
