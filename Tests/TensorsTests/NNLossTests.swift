import Support
import Tensors
import TestSupport
import XCTest

final class NNLossTests: XCTestCase {
    private func logSumExp(_ x: ArraySlice<Double>) -> Double {
        let top = x.max()!
        return top + log(x.reduce(0) { $0 + exp($1 - top) })
    }

    func testCrossEntropy() throws {
        for (classes, smoothing) in [(5, Float(0)), (37, 0), (37, 0.1), (8, 1)] {
            let ids = [1, -100, 4, 0, 3, 4, -100], targets = try Tensor(integers: ids, [7])
            try check("crossEntropy \(classes) \(smoothing)", [[7, classes]], scales: [4]) {
                try NN.crossEntropy($0[0], targets, labelSmoothing: smoothing)
            } reference: { t in
                let rows = ids.indices.filter { ids[$0] >= 0 }
                return [
                    rows.reduce(0) { sum, n in
                        let row = t[0][n * classes ..< (n + 1) * classes], log = self.logSumExp(row),
                            s = Double(smoothing)
                        return sum + (1 - s) * (log - row[n * classes + ids[n]]) + s / Double(classes)
                            * row.reduce(0) { $0 + log - $1 }
                    } / Double(rows.count)
                ]
            }
        }
    }

    func testCrossEntropyEdges() throws {
        var noise = Noise(41)
        let x = try noise.tensor([2, 5])
        XCTAssertTrue(try NN.crossEntropy(x, try Tensor(integers: [-100, -100], [2])).floats()[0].isNaN)
        XCTAssertEqual(
            try NN.crossEntropy(x, try Tensor(integers: [0, 7], [2]), ignoreIndex: 7).floats(),
            try NN.crossEntropy(x, try Tensor(integers: [0, -100], [2])).floats())
        assertThrows(.index, containing: "5") { try NN.crossEntropy(x, try Tensor(integers: [0, 5], [2])) }
        assertThrows(.shape, containing: "[2, 5]") { try NN.crossEntropy(x, try Tensor(integers: [0], [1])) }
        assertThrows(.dtype) { try NN.crossEntropy(x, try noise.tensor([2])) }
        assertThrows(.argument) { try NN.crossEntropy(x, try Tensor(integers: [0, 1], [2]), labelSmoothing: 2) }
        // Logits beyond the range of e^x.
        let large = try Tensor([1000, 0, -1000, 1000], [1, 4])
        assertClose(try NN.crossEntropy(large, try Tensor(integers: [0], [1])).floats(), [Float(log(2.0))], rel: 1e-6)
    }

    /// NaN is never hidden, whatever its payload and wherever it stands.
    func testNaN() throws {
        var noise = Noise(45)
        for bits in [UInt32(0x7FC0_0000), 0xFFC0_0001, 0x7FFF_FFFF] {
            let x = try noise.tensor([2, 21])
            x.pointer(Float.self)[30] = Float(bitPattern: bits)
            XCTAssertTrue(try NN.crossEntropy(x, try Tensor(integers: [3, 4], [2])).floats()[0].isNaN)
            XCTAssertEqual(
                try NN.swiGLU(x, try Tensor.ones([2, 21])).floats().map(\.isNaN), (0 ..< 42).map { $0 == 30 })
            for keys in [9, 40] {
                let q = try noise.tensor([keys, 1, 8]), k = try noise.tensor([keys, 1, 8]),
                    v = try noise.tensor([keys, 1, 8])
                k.pointer(Float.self)[5 * 8] = Float(bitPattern: bits)
                let y = try NN.attention(q, k, v, segments: [0, keys]).floats()
                XCTAssertEqual(y.map(\.isNaN), (0 ..< keys * 8).map { $0 >= 40 }, "\(keys) keys")
            }
        }
    }

    /// Loss, rank counts and every gradient are those of projecting first; whatever the number of blocks.
    private func checkLinear(
        rows: Int, width: Int, classes: Int, adapted: Bool, dropout: Float = 0, dtype: DType = .float32,
        factor: Float = 1, line: UInt = #line
    ) throws {
        var noise = Noise(42)
        let ids = (0 ..< rows).map { $0 % 5 == 2 ? -100 : ($0 * 7919) % classes },
            targets = try Tensor(integers: ids, [rows])
        let mask = try DropoutMask(dropout, seed: 8), x0 = try noise.tensor([rows, width]),
            a0 = try noise.tensor([3, width])
        var w0 = try noise.tensor([classes, width])
        let b0 = try noise.tensor([classes, 3])
        if dtype != .float32 { w0 = try w0.rounded(to: dtype) }
        func run(_ fused: Bool) throws -> (loss: Float, correct: Int, gradients: [Tensor?]) {
            let leaves = try [x0, a0, b0].map { try Tensor($0.floats(), $0.shape).setRequiresGrad() }
            let w = try dtype == .float32 ? Tensor(w0.floats(), w0.shape).setRequiresGrad() : w0
            let loss: Tensor, correct: Int
            if fused {
                let result = try NN.linearCrossEntropy(
                    leaves[0], w, adapter: adapted ? .init(a: leaves[1], b: leaves[2], scale: 2, dropout: mask) : nil,
                    targets: targets, topK: 5)
                (loss, correct) = (result.loss, result.correct)
                XCTAssertEqual(result.count, ids.count { $0 >= 0 }, line: line)
            } else {
                let logits =
                    try adapted
                    ? NN.loraLinear(leaves[0], w, a: leaves[1], b: leaves[2], scale: 2, dropout: mask)
                    : NN.linear(leaves[0], w)
                loss = try NN.crossEntropy(logits, targets)
                let values = try logits.floats()
                correct = ids.indices.count { n in
                    ids[n] >= 0
                        && values[n * classes ..< (n + 1) * classes].count { $0 > values[n * classes + ids[n]] } < 5
                }
            }
            try Autograd.backward(loss, seed: try Tensor([factor], []))
            return (try loss.floats()[0], correct, (leaves + [w]).map(\.grad))
        }
        let fused = try run(true), plain = try run(false)
        XCTAssertEqual(fused.loss, plain.loss, accuracy: 1e-5 * plain.loss, line: line)
        XCTAssertEqual(fused.correct, plain.correct, line: line)
        for (i, (f, p)) in zip(fused.gradients, plain.gradients).enumerated() {
            XCTAssertEqual(f == nil, p == nil, "gradient \(i)", line: line)
            guard let f = try f?.floats(), let p = try p?.floats() else { continue }
            assertClose(f, p, abs: 1e-5 * (p.map(abs).max() ?? 0) + 1e-9, "gradient \(i)", line: line)
        }
    }

    func testLinearCrossEntropy() throws {
        try checkLinear(rows: 11, width: 9, classes: 23, adapted: false)
        try checkLinear(rows: 11, width: 9, classes: 23, adapted: true, factor: 3)
        try checkLinear(rows: 40, width: 24, classes: 300, adapted: true, dropout: 0.3)
        try checkLinear(rows: 10, width: 33, classes: 700, adapted: true, dropout: 0.1, dtype: .bfloat16)
        // 280000 classes: blocks of 64 rows.
        try checkLinear(rows: 170, width: 4, classes: 280_000, adapted: true)
    }

    func testLinearCrossEntropyEdges() throws {
        var noise = Noise(43)
        let x = try noise.tensor([3, 4]).setRequiresGrad(), w = try noise.tensor([6, 4])
        let none = try NN.linearCrossEntropy(x, w, targets: try Tensor(integers: [-100, -100, -100], [3]))
        XCTAssertEqual(try none.loss.floats(), [0])
        XCTAssertEqual(none.count, 0)
        try Autograd.backward(none.loss)
        XCTAssertEqual(try x.grad!.floats(), [Float](repeating: 0, count: 12))
        // All logits equal: the lower ids rank first.
        let zero = try NN.linearCrossEntropy(
            try Tensor(zeros: [3, 4]), w, targets: try Tensor(integers: [0, 1, 2], [3]), topK: 2)
        XCTAssertEqual(zero.correct, 2)
        assertClose(try zero.loss.floats(), [Float(log(6.0))], rel: 1e-6)
        assertThrows(.shape, containing: "[3, 4]") {
            try NN.linearCrossEntropy(x, try noise.tensor([6, 5]), targets: try Tensor(integers: [0, 0, 0], [3]))
        }
        assertThrows(.index) { try NN.linearCrossEntropy(x, w, targets: try Tensor(integers: [0, 6, 0], [3])) }
    }

    func testThreads() throws {
        try assertSameBits("losses", threads: [2, 2, 2]) {
            var noise = Noise(44)
            let x = try noise.tensor([150, 64]).setRequiresGrad(), w = try noise.tensor([500, 64])
            let a = try noise.tensor([8, 64]).setRequiresGrad(), b = try noise.tensor([500, 8]).setRequiresGrad()
            let targets = try Tensor(integers: (0 ..< 150).map { $0 * 3 }, [150])
            let loss = try NN.linearCrossEntropy(x, w, adapter: .init(a: a, b: b, scale: 2), targets: targets).loss
            try Autograd.backward(loss)
            let direct = try NN.crossEntropy(try NN.linear(x, w), targets)
            try Autograd.backward(direct)
            return [loss, direct, x.grad!, a.grad!, b.grad!]
        }
    }
}
