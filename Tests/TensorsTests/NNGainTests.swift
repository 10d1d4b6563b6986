import Support
import Tensors
import TestSupport
import XCTest

/// Adapters that also change the length of the weight's rows: values and gradients against plain loops in Double.
final class NNGainTests: XCTestCase {
    private let (n, input, out, rank) = (7, 21, 18, 4)

    /// gain * (x W^T) + 2 (x A^T) B^T + bias; what the adapter adds sees x times `keep`.
    private func reference(_ t: [[Double]], _ keep: [Double]) -> [Double] {
        let masked = zip(t[0], keep).map { $0 * $1 }
        let plain = timesTransposed(t[0], t[1], n, out, input), inner = timesTransposed(masked, t[1], n, out, input)
        let low = timesTransposed(timesTransposed(masked, t[2], n, rank, input), t[3], n, out, rank)
        return plain.indices.map { plain[$0] + (t[4][$0 % out] - 1) * inner[$0] + 2 * low[$0] + t[5][$0 % out] }
    }

    private func keep(_ mask: DropoutMask?, _ rows: Int, _ width: Int) throws -> [Double] {
        try NN.dropout(try Tensor([Float](repeating: 1, count: rows * width), [rows, width]), mask).floats().map(
            Double.init)
    }

    func testLinear() throws {
        let shapes: [Dims] = [[n, input], [out, input], [rank, input], [out, rank], [out], [out]]
        for mask in [nil, try DropoutMask(0.3, seed: 7)] {
            let keep = try keep(mask, n, input)
            // A gain near 0, from which the product cannot be found again, and ordinary ones.
            for scale in [1, 1e-4] {
                try check("loraLinear with a gain", shapes, scales: [1, 1, 1, 1, scale]) {
                    try NN.loraLinear(
                        $0[0], $0[1], bias: $0[5], a: $0[2], b: $0[3], scale: 2, gain: $0[4], dropout: mask)
                } reference: {
                    self.reference($0, keep)
                }
            }
            try check("all but the adapter frozen", shapes, frozen: [0, 1, 5]) {
                try NN.loraLinear($0[0], $0[1], bias: $0[5], a: $0[2], b: $0[3], scale: 2, gain: $0[4], dropout: mask)
            } reference: {
                self.reference($0, keep)
            }
        }
    }

    /// A second run for the backward pass alone has the same gradients.
    func testWithoutTheValue() throws {
        func gradients(_ valueWanted: Bool) throws -> [[Float]] {
            var noise = Noise(5)
            let leaves = try [[n, input], [rank, input], [out, rank], [out]].map {
                try noise.tensor(Dims($0)).setRequiresGrad()
            }
            let weight = try noise.tensor([out, input])
            let y = try NN.loraLinear(
                leaves[0], weight, a: leaves[1], b: leaves[2], scale: 2, gain: leaves[3], valueWanted: valueWanted)
            try Autograd.backward(y, seed: try noise.tensor([n, out]))
            return try leaves.map { try XCTUnwrap($0.grad).floats() }
        }
        XCTAssertEqual(try gradients(true), try gradients(false))
    }

    func testGainOfOneIsLoRA() throws {
        var noise = Noise(6)
        let x = try noise.tensor([n, input]), w = try noise.tensor([out, input]), a = try noise.tensor([rank, input]),
            b = try noise.tensor([out, rank])
        let ones = try Tensor([Float](repeating: 1, count: out), [out])
        XCTAssertEqual(
            try NN.loraLinear(x, w, a: a, b: b, scale: 2, gain: ones).floats(),
            try NN.loraLinear(x, w, a: a, b: b, scale: 2).floats())
        assertThrows(.shape, containing: "[4]") {
            try NN.loraLinear(x, w, a: a, b: b, scale: 2, gain: try noise.tensor([4]))
        }
    }

    func testEmbedding() throws {
        let rows = [4, 0, 4, 2, 6, 4], ids = try Tensor(integers: rows, [2, 3], .int32)
        try check("loraEmbedding with a gain", [[7, 11], [3, 7], [11, 3], [11]]) {
            try NN.loraEmbedding($0[0], ids, a: $0[1], b: $0[2], scale: 2, gain: $0[3])
        } reference: { t in
            rows.flatMap { row in
                (0 ..< 11).map { c in
                    t[3][c] * t[0][row * 11 + c] + 2
                        * (0 ..< 3).reduce(0) { $0 + t[1][$1 * 7 + row] * t[2][c * 3 + $1] }
                }
            }
        }
    }

    /// Mean cross-entropy of the same logits; the third row is ignored.
    func testLoss() throws {
        let labels = [3, 17, -100, 0, 9, 3, 5]
        for mask in [nil, try DropoutMask(0.3, seed: 7)] {
            let keep = try keep(mask, n, input)
            try check("linearCrossEntropy with a gain", [[n, input], [out, input], [rank, input], [out, rank], [out]]) {
                let adapter = NN.Adapter(a: $0[2], b: $0[3], scale: 2, gain: $0[4], dropout: mask)
                return try NN.linearCrossEntropy(
                    $0[0], $0[1], adapter: adapter, targets: try Tensor(integers: labels, [self.n])
                ).loss
            } reference: { t in
                let logits = self.reference(t + [[Double](repeating: 0, count: self.out)], keep)
                let losses = labels.enumerated().filter { $0.element >= 0 }.map { row, label in
                    let row = logits[row * self.out ..< (row + 1) * self.out], top = row.max()!
                    return log(row.reduce(0) { $0 + exp($1 - top) }) + top - row[row.startIndex + label]
                }
                return [losses.reduce(0, +) / Double(losses.count)]
            }
        }
    }

    func testNorms() throws {
        var noise = Noise(8)
        let w = try noise.tensor([700, 37]).rounded(to: .bfloat16)
        func close(_ found: Tensor, _ change: (Int, Int) -> Double, rows isRows: Bool, line: UInt = #line) throws {
            let values = try w.widened().floats().map(Double.init), count = isRows ? 700 : 37
            let expected = (0 ..< count).map { k in
                (0 ..< (isRows ? 37 : 700)).reduce(0.0) { sum, j in
                    let (r, c) = isRows ? (k, j) : (j, k), v = values[r * 37 + c] + change(r, c)
                    return sum + v * v
                }.squareRoot()
            }
            assertClose(try found.floats(), expected.map { Float($0) }, abs: 1e-5 * Float(expected.max()!), line: line)
        }
        for isRows in [true, false] {
            let a = try noise.tensor(isRows ? [3, 37] : [3, 700]), b = try noise.tensor(isRows ? [700, 3] : [37, 3])
            let (av, bv) = (try a.floats().map(Double.init), try b.floats().map(Double.init))
            try close(
                try isRows ? NN.rowNorms(w, a: a, b: b, scale: 0.5) : NN.columnNorms(w, a: a, b: b, scale: 0.5),
                { r, c in
                    0.5
                        * (0 ..< 3).reduce(0) {
                            $0 + (isRows ? bv[r * 3 + $1] * av[$1 * 37 + c] : av[$1 * 700 + r] * bv[c * 3 + $1])
                        }
                }, rows: isRows)
        }
    }
}
