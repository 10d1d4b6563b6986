import Support
import Tensors
import TestSupport
import XCTest

/// Products with weights whose factors are rounded to bfloat16.
final class BFloat16ProductTests: XCTestCase {
    func testRoundingIsThatOfASingleNumber() throws {
        var values: [Float] = [
            0, -0, 1, -1, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, -.leastNormalMagnitude,
            .greatestFiniteMagnitude,
            1 + 0x1p-8, 1 + 0x1p-7 + 0x1p-8, 1 + 0x1p-8 + 0x1p-23, Float(bitPattern: 0x7F80_0001),
            Float(bitPattern: 0xFFFF_FFFF)
        ]
        var noise = Noise(3)
        values += try noise.tensor([4099]).floats().map { $0 * 1e3 }
        let copy = try Rounding.Floats(of: values, values.count, .bfloat16),
            bits = try Rounding.Bits(of: values, values.count)
        withExtendedLifetime((copy, bits)) {
            for (i, value) in values.enumerated() {
                let expected = BFloat16(value)
                XCTAssertEqual(bits.start[i], expected.bits, "\(value) at \(i)")
                XCTAssertEqual(copy.start[i].bitPattern, UInt32(expected.bits) << 16, "\(value) at \(i)")
            }
        }
    }

    /// Forward and backward are those of float32 products of rounded factors, whoever computes them.
    func testFactorsAreRounded() throws {
        var noise = Noise(5)
        // the last in three panels
        let shapes: [(rows: Int, out: Int, input: Int)] = [(1, 1, 1), (3, 50, 17), (70, 900, 1030), (3, 900, 5000)]
        for (rows, out, input) in shapes {
            for dtype in [DType.float32, .bfloat16] {
                let full = try noise.tensor([out, input]), w = dtype == .float32 ? full : try full.rounded(to: dtype)
                let x = try noise.tensor([rows, input]).setRequiresGrad(), seed = try noise.tensor([rows, out])
                let (rx, rw, rg) = try (round(x), round(full), round(seed))
                let weight = dtype == .float32 ? try w.clone().setRequiresGrad() : w
                let y = try NN.linear(x, weight, precision: .bfloat16), bound = 3e-6 * Float(input).squareRoot()
                assertClose(
                    try y.floats(), timesTransposed(rx, rw, rows, out, input), abs: bound, rel: 1e-5,
                    "forward \(rows) \(dtype)")
                try Autograd.backward(y, seed: seed)
                assertClose(
                    try x.grad!.floats(), times(rg, rw, rows, input, out), abs: 3e-6 * Float(out).squareRoot(),
                    rel: 1e-5, "dx \(rows) \(dtype)")
                if dtype == .float32 {
                    assertClose(
                        try weight.grad!.floats(), times(transposed(rg, rows, out), rx, out, input, rows), abs: 3e-5,
                        rel: 1e-5, "dW \(rows)")
                }
            }
        }
    }

    /// An adapter's own products stay in float32.
    func testAdaptersAreNotRounded() throws {
        var noise = Noise(7)
        let (rows, out, input, rank) = (9, 40, 33, 4)
        let w = try noise.tensor([out, input]).rounded(to: .bfloat16), x = try noise.tensor([rows, input])
        let a = try noise.tensor([rank, input]).setRequiresGrad(), b = try noise.tensor([out, rank]).setRequiresGrad(),
            seed = try noise.tensor([rows, out])
        let y = try NN.loraLinear(x, w, a: a, b: b, scale: 0.5, precision: .bfloat16),
            base = try NN.linear(x, w, precision: .bfloat16).floats()
        let (px, pa, pb) = (try x.floats(), try a.floats(), try b.floats()),
            low = timesTransposed(timesTransposed(px, pa, rows, rank, input), pb, rows, out, rank)
        assertClose(try y.floats(), base.indices.map { base[$0] + 0.5 * low[$0] }, abs: 1e-5, rel: 1e-5, "y")
        try Autograd.backward(y, seed: seed)
        let g = try seed.floats(), v = times(g, pb, rows, rank, out).map { $0 * 0.5 }
        assertClose(
            try a.grad!.floats(), times(transposed(v, rows, rank), px, rank, input, rows), abs: 1e-4, rel: 1e-5, "dA")
    }

    /// oneDNN's products, on processors that it has them for.
    func testOneDNN() throws {
        let state = OneDNN.open()
        guard state.isOpen else { throw XCTSkip(state.description) }
        var noise = Noise(11)
        for threads in [1, 2, 3] {
            let before = Parallel.threadCount
            Parallel.setThreadCount(threads)
            defer { Parallel.setThreadCount(before) }
            for (m, n, k) in [(1, 300, 70), (65, 130, 200), (130, 1, 999), (5, 6, 1)] {
                let a = try noise.tensor([m, k]), b = try noise.tensor([n, k]), ra = try round(a), rb = try round(b)
                let halfA = try Rounding.Bits(of: ra, ra.count), halfB = try Rounding.Bits(of: rb, rb.count)
                var c = [Float](repeating: 2, count: m * n)
                try OneDNN.product(m, n, k, halfA, lda: k, halfB, ldb: k, transposeB: true, beta: 0.5, &c, ldc: n)
                assertClose(
                    c, timesTransposed(ra, rb, m, n, k).map { $0 + 1 }, abs: 3e-6 * Float(k).squareRoot(), rel: 1e-5,
                    "\(m) \(n) \(k) on \(threads)")
            }
        }
        // What a row gives does not depend on the others, nor on how many there are; so for columns.
        let (m, n, k) = (50, 97, 130), a = try noise.tensor([m, k]).floats(), b = try noise.tensor([n, k]).floats()
        func product(_ rows: Range<Int>, _ columns: Range<Int>) throws -> [Float] {
            let part = try (
                Rounding.Bits(of: Array(a[rows.lowerBound * k ..< rows.upperBound * k]), rows.count * k),
                Rounding.Bits(of: Array(b[columns.lowerBound * k ..< columns.upperBound * k]), columns.count * k)
            )
            var c = [Float](repeating: 0, count: rows.count * columns.count)
            try OneDNN.product(
                rows.count, columns.count, k, part.0, lda: k, part.1, ldb: k, transposeB: true, &c, ldc: columns.count)
            return c
        }
        let whole = try product(0 ..< m, 0 ..< n)
        for (rows, columns) in [
            (0 ..< 1, 0 ..< n), (49 ..< 50, 0 ..< n), (3 ..< 20, 0 ..< n), (0 ..< m, 96 ..< 97), (7 ..< 8, 40 ..< 41),
            (0 ..< m, 5 ..< 60)
        ] {
            let wanted = rows.flatMap { whole[$0 * n + columns.lowerBound ..< $0 * n + columns.upperBound] }
            XCTAssertEqual(try product(rows, columns), wanted, "\(rows) \(columns)")
        }
    }

    private func round(_ t: Tensor) throws -> [Float] { try t.floats().map { BFloat16($0).float } }

    private func transposed(_ x: [Float], _ rows: Int, _ width: Int) -> [Float] {
        (0 ..< width).flatMap { j in (0 ..< rows).map { x[$0 * width + j] } }
    }

    /// a [m, k] b[n, k]^T, summed in float64.
    private func timesTransposed(_ a: [Float], _ b: [Float], _ m: Int, _ n: Int, _ k: Int) -> [Float] {
        TensorsTests.timesTransposed(a.map(Double.init), b.map(Double.init), m, n, k).map { Float($0) }
    }

    /// a [m, k] b [k, n]
    private func times(_ a: [Float], _ b: [Float], _ m: Int, _ n: Int, _ k: Int) -> [Float] {
        timesTransposed(a, transposed(b, k, n), m, n, k)
    }
}
