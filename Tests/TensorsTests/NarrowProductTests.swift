import Support
import Tensors
import TestSupport
import XCTest

/// The narrow products of an adapter, behind a weight of zeros, against sums in double precision.
final class NarrowProductTests: XCTestCase {
    private struct Results: Equatable { var y: [Float], dA: [Float], dB: [Float] }

    private func results(
        _ x: Tensor, _ a: Tensor, _ b: Tensor, _ seed: Tensor, _ mask: DropoutMask?
    ) throws -> Results {
        let a = try a.clone().setRequiresGrad(), b = try b.clone().setRequiresGrad()
        let weight = try Tensor(zeros: [b.shape[0], a.shape[1]])
        let y = try NN.loraLinear(x, weight, a: a, b: b, scale: 0.5, dropout: mask)
        try Autograd.backward(y, seed: seed)
        return Results(y: try y.floats(), dA: try XCTUnwrap(a.grad).floats(), dB: try XCTUnwrap(b.grad).floats())
    }

    /// Rows that are no pairs and no sixteens, widths that are no vectors, ranks that are no fours and too many.
    func testNumbersAndThreads() throws {
        let before = Parallel.threadCount
        defer { Parallel.setThreadCount(before) }
        for (rows, width, out, rank) in [
            (1, 7, 9, 1), (2, 300, 130, 4), (15, 513, 128, 5), (33, 257, 40, 8), (48, 1024, 260, 8), (19, 64, 50, 33)
        ] {
            for mask in [nil, try DropoutMask(0.25, seed: 3)] {
                var noise = Noise(UInt64(rows))
                let x = try noise.tensor([rows, width]), a = try noise.tensor([rank, width])
                let b = try noise.tensor([out, rank]), seed = try noise.tensor([rows, out])
                Parallel.setThreadCount(1)
                let found = try results(x, a, b, seed, mask)
                for threads in [2, 3] where rank <= 32 {
                    Parallel.setThreadCount(threads)
                    XCTAssertEqual(try results(x, a, b, seed, mask), found, "\(threads) threads")
                }
                let kept = try NN.dropout(x, mask).floats().map(Double.init), g = try seed.floats().map(Double.init)
                let (aValues, bValues) = (try a.floats().map(Double.init), try b.floats().map(Double.init))
                var (y, dA, dB) = (zeros(rows * out), zeros(rank * width), zeros(out * rank))
                for n in 0 ..< rows {
                    for k in 0 ..< rank {
                        let product = (0 ..< width).reduce(0) { $0 + kept[n * width + $1] * aValues[k * width + $1] }
                        let v = (0 ..< out).reduce(0) { $0 + g[n * out + $1] * bValues[$1 * rank + k] } / 2
                        for o in 0 ..< out {
                            y[n * out + o] += product * bValues[o * rank + k] / 2
                            dB[o * rank + k] += g[n * out + o] * product / 2
                        }
                        for i in 0 ..< width { dA[k * width + i] += v * kept[n * width + i] }
                    }
                }
                let what = "\(rows) rows, \(width) to \(out), rank \(rank), \(mask == nil ? "no " : "")dropout"
                for (found, exact) in [(found.y, y), (found.dA, dA), (found.dB, dB)] {
                    let largest = exact.map(abs).max() ?? 0
                    let error = zip(found, exact).map { abs(Double($0) - $1) }.max() ?? 0
                    XCTAssertLessThan(error, 3e-6 * largest, what)
                }
            }
        }
    }

    private func zeros(_ count: Int) -> [Double] { [Double](repeating: 0, count: count) }
}
