import Support
import Tensors
import TestSupport
import XCTest

final class NNLinearTests: XCTestCase {
    func testLinear() throws {
        try check("linear", [[2, 3, 13], [9, 13], [9]]) {
            try NN.linear($0[0], $0[1], bias: $0[2])
        } reference: { t in
            let y = timesTransposed(t[0], t[1], 6, 9, 13)
            return y.indices.map { y[$0] + t[2][$0 % 9] }
        }
        try check("linear without bias, frozen weight", [[5, 8], [3, 8]], frozen: [1]) {
            try NN.linear($0[0], $0[1])
        } reference: {
            timesTransposed($0[0], $0[1], 5, 3, 8)
        }
        try check("linear of a vector", [[8], [3, 8]]) {
            try NN.linear($0[0], $0[1])
        } reference: {
            timesTransposed($0[0], $0[1], 1, 3, 8)
        }
    }

    /// Half weights are what their float32 values are, in every panel, forward and backward.
    func testHalfWeights() throws {
        var noise = Noise(2)
        for dtype in [DType.bfloat16, .float16] {
            // 5000 columns: panels of 419 rows.
            let half = try noise.tensor([900, 5000]).rounded(to: dtype), full = try half.widened()
            let x = try noise.tensor([3, 5000]).setRequiresGrad(),
                x2 = try Tensor(x.floats(), x.shape).setRequiresGrad()
            let seed = try noise.tensor([3, 900])
            let y = try NN.linear(x, half), y2 = try NN.linear(x2, full)
            assertClose(try y.floats(), try y2.floats(), abs: 2e-3, "forward \(dtype)")
            try Autograd.backward(y, seed: seed)
            try Autograd.backward(y2, seed: seed)
            assertClose(try x.grad!.floats(), try x2.grad!.floats(), abs: 2e-4, "backward \(dtype)")
        }
    }

    func testLoraLinear() throws {
        for mask in [nil, try DropoutMask(0.3, seed: 7)] {
            let (n, input, out, rank) = (7, 21, 18, 4), keep = try factors(mask, n, input)
            try check("loraLinear", [[n, input], [out, input], [rank, input], [out, rank], [out]]) {
                try NN.loraLinear($0[0], $0[1], bias: $0[4], a: $0[2], b: $0[3], scale: 2, dropout: mask)
            } reference: { t in
                let y = timesTransposed(t[0], t[1], n, out, input)
                let u = timesTransposed(zip(t[0], keep).map { $0 * $1 }, t[2], n, rank, input)
                let low = timesTransposed(u, t[3], n, out, rank)
                return y.indices.map { y[$0] + 2 * low[$0] + t[4][$0 % out] }
            }
        }
        try check("loraLinear with everything but the adapter frozen", [[5, 8], [3, 8], [2, 8], [3, 2]], frozen: [0, 1])
        {
            try NN.loraLinear($0[0], $0[1], a: $0[2], b: $0[3], scale: 0.5)
        } reference: { t in
            let y = timesTransposed(t[0], t[1], 5, 3, 8),
                low = timesTransposed(timesTransposed(t[0], t[2], 5, 2, 8), t[3], 5, 3, 2)
            return y.indices.map { y[$0] + 0.5 * low[$0] }
        }
    }

    func testEmbedding() throws {
        let ids = try Tensor(integers: [4, 0, 4, 2, 6, 4], [2, 3], .int32)
        let rows = [4, 0, 4, 2, 6, 4]
        try check("embedding", [[7, 11]]) {
            try NN.embedding($0[0], ids)
        } reference: { t in
            rows.flatMap { row in (0 ..< 11).map { t[0][row * 11 + $0] } }
        }
        try check("loraEmbedding", [[7, 11], [3, 7], [11, 3]]) {
            try NN.loraEmbedding($0[0], ids, a: $0[1], b: $0[2], scale: 2)
        } reference: { t in
            rows.flatMap { row in
                (0 ..< 11).map { c in
                    t[0][row * 11 + c] + 2 * (0 ..< 3).reduce(0) { $0 + t[1][$1 * 7 + row] * t[2][c * 3 + $1] }
                }
            }
        }
        var noise = Noise(3)
        let half = try noise.tensor([7, 11]).rounded(to: .bfloat16)
        XCTAssertEqual(try NN.embedding(half, ids).floats(), try NN.embedding(try half.widened(), ids).floats())
    }

    func testDropout() throws {
        let mask = try DropoutMask(0.25, seed: 99)
        let keep = try factors(mask, 300, 200)
        XCTAssertEqual(Set(keep), [0, Double(Float(1) / 0.75)])
        // 60000 draws: the standard error of the share is 0.0018.
        XCTAssertEqual(Double(keep.count { $0 == 0 }) / 60000, 0.25, accuracy: 0.008)
        // Neighbours, along rows and along columns, are dropped independently: 0.0625 of all pairs.
        let along = (0 ..< 300).reduce(0) { sum, r in
            sum + (0 ..< 199).count { keep[r * 200 + $0] == 0 && keep[r * 200 + $0 + 1] == 0 }
        }
        let across = (0 ..< 299 * 200).count { keep[$0] == 0 && keep[$0 + 200] == 0 }
        XCTAssertEqual(Double(along) / (300 * 199), 0.0625, accuracy: 0.005)
        XCTAssertEqual(Double(across) / (299 * 200), 0.0625, accuracy: 0.005)
        XCTAssertNotEqual(keep, try factors(try DropoutMask(0.25, seed: 100), 300, 200))
        XCTAssertNil(try DropoutMask(0, seed: 1))
        assertThrows(.argument) { try DropoutMask(1, seed: 1) }
        assertThrows(.argument) { try DropoutMask(.nan, seed: 1) }
        let small = try factors(mask, 5, 13)
        try check("dropout", [[5, 13]]) {
            try NN.dropout($0[0], mask)
        } reference: { t in
            zip(t[0], small).map { $0 * $1 }
        }
    }

    func testErrorsNameBothShapes() throws {
        var noise = Noise(4)
        let x = try noise.tensor([5, 8]), w = try noise.tensor([3, 9])
        assertThrows(.shape, containing: "[5, 8]") { try NN.linear(x, w) }
        assertThrows(.shape, containing: "[3, 9]") { try NN.linear(x, w) }
        assertThrows(.shape) { try NN.linear(x, try noise.tensor([3, 8]), bias: try noise.tensor([4])) }
        assertThrows(.shape) {
            try NN.loraLinear(
                x, try noise.tensor([3, 8]), a: try noise.tensor([2, 8]), b: try noise.tensor([3, 1]), scale: 1)
        }
        assertThrows(.index, containing: "-1") { try NN.embedding(w, try Tensor(integers: [0, -1], [2])) }
        assertThrows(.index, containing: "3") { try NN.embedding(w, try Tensor(integers: [3], [1])) }
        assertThrows(.dtype) { try NN.embedding(w, x) }
        assertThrows(.dtype) { try NN.linear(try Tensor(integers: [Int](repeating: 1, count: 9), [1, 9]), w) }
    }

    func testValuesChangedInPlaceAreNoticed() throws {
        var noise = Noise(5)
        let x = try noise.tensor([2, 3]), w = try noise.tensor([4, 3]).setRequiresGrad()
        let y = try NN.linear(x, w)
        _ = try x.fill_(0)
        assertThrows(.gradient, containing: "linear") { try Autograd.backward(y, seed: try noise.tensor([2, 4])) }
    }

    /// Double inputs are computed in float32 and get Double gradients; views work like copies.
    func testOtherLayouts() throws {
        var noise = Noise(7)
        let x = try noise.tensor([5, 8]), w = try noise.tensor([3, 8]), seed = try noise.tensor([5, 3])
        let x1 = try x.clone().setRequiresGrad(), w1 = try w.clone().setRequiresGrad()
        try Autograd.backward(NN.linear(x1, w1), seed: seed)
        let x2 = try x.to(.float64).setRequiresGrad(), w2 = try w.transpose(0, 1).contiguous().setRequiresGrad()
        let y = try NN.linear(x2, try w2.transpose(0, 1))
        XCTAssertEqual(y.dtype, .float32)
        assertClose(try y.floats(), try NN.linear(x, w).floats(), abs: 1e-6)
        try Autograd.backward(y, seed: seed)
        XCTAssertEqual(x2.grad!.dtype, .float64)
        assertClose(try x2.grad!.floats(), try x1.grad!.floats(), abs: 1e-6)
        assertClose(try w2.grad!.transpose(0, 1).floats(), try w1.grad!.floats(), abs: 1e-6)
    }

    func testNoRows() throws {
        var noise = Noise(6)
        let x = try Tensor(zeros: [0, 8]).setRequiresGrad(), w = try noise.tensor([3, 8]).setRequiresGrad()
        let a = try noise.tensor([2, 8]).setRequiresGrad(), b = try noise.tensor([3, 2]).setRequiresGrad()
        let y = try NN.loraLinear(x, w, a: a, b: b, scale: 1)
        XCTAssertEqual(y.shape, [0, 3])
        try Autograd.backward(y, seed: try Tensor(zeros: [0, 3]))
        XCTAssertEqual(try w.grad!.floats(), [Float](repeating: 0, count: 24))
        XCTAssertEqual(x.grad!.shape, [0, 8])
    }

    func testThreads() throws {
        let mask = try DropoutMask(0.1, seed: 3)
        try assertSameBits("loraLinear", threads: [2, 2, 2]) {
            var noise = Noise(8)
            let x = try noise.tensor([150, 200]).setRequiresGrad(), w = try noise.tensor([330, 200]).setRequiresGrad()
            let a = try noise.tensor([8, 200]).setRequiresGrad(), b = try noise.tensor([330, 8]).setRequiresGrad()
            let y = try NN.loraLinear(x, w, a: a, b: b, scale: 2, dropout: mask)
            try Autograd.backward(y, seed: try noise.tensor([150, 330]))
            return [y, x.grad!, w.grad!, a.grad!, b.grad!]
        }
        try assertSameBits("loraEmbedding") {
            var noise = Noise(9)
            let ids = try Tensor(integers: (0 ..< 400).map { $0 * 7 % 31 }, [400])
            let w = try noise.tensor([31, 130]).setRequiresGrad(), a = try noise.tensor([8, 31]).setRequiresGrad()
            let b = try noise.tensor([130, 8]).setRequiresGrad()
            let y = try NN.loraEmbedding(w, ids, a: a, b: b, scale: 2)
            try Autograd.backward(y, seed: try noise.tensor([400, 130]))
            return [y, w.grad!, a.grad!, b.grad!]
        }
    }
}
