import Support
import Tensors
import TestSupport
import XCTest

/// What linear layers keep of their inputs: nothing, when a norm or a gated unit can make it again.
final class NNRemakeTests: XCTestCase {
    private func gradients(copied: Bool, dropout: Bool) throws -> [[Float]] {
        var noise = Noise(31)
        let x = try noise.tensor([33, 24]).setRequiresGrad(), norm = try noise.tensor([24]).setRequiresGrad()
        let gate = try noise.tensor([40, 24]), up = try noise.tensor([40, 24]), down = try noise.tensor([24, 40])
        let a = try noise.tensor([3, 40]).setRequiresGrad(), b = try noise.tensor([24, 3]).setRequiresGrad()
        let a1 = try noise.tensor([3, 24]).setRequiresGrad(), b1 = try noise.tensor([40, 3]).setRequiresGrad()
        let seed = try noise.tensor([33, 24]), mask = try dropout ? DropoutMask(0.3, seed: 4) : nil
        func kept(_ t: Tensor) throws -> Tensor { try copied ? t.mul(1.0) : t }
        let inner = try kept(NN.rmsNorm(x, norm, eps: 1e-6))
        let gated = try kept(
            NN.swiGLU(try NN.loraLinear(inner, gate, a: a1, b: b1, scale: 2, dropout: mask), try NN.linear(inner, up)))
        let y = try NN.loraLinear(gated, down, a: a, b: b, scale: 2, dropout: mask)
        try y.backward(seed: seed)
        return try [x, norm, a, b, a1, b1].map { try XCTUnwrap($0.grad).floats() }
    }

    func testGradientsAreTheSameToTheBit() throws {
        for dropout in [false, true] {
            XCTAssertEqual(
                try gradients(copied: false, dropout: dropout), try gradients(copied: true, dropout: dropout))
        }
    }

    func testNormedRowsAreNotKept() throws {
        func held(_ norm: (Tensor, Tensor) throws -> Tensor) throws -> Int {
            let x = try Tensor.ones([1024, 1024]).setRequiresGrad(), ones = try Tensor.ones([1024]),
                w = try Tensor.ones([8, 1024]).setRequiresGrad()
            let before = Memory.live
            let y = try NN.linear(norm(x, ones), w)
            defer { withExtendedLifetime(y) {} }
            return Memory.live - before
        }
        let rows = 4 << 20
        XCTAssertLessThan(try held { try NN.rmsNorm($0, $1, eps: 1e-6) }, rows / 2)
        XCTAssertGreaterThan(try held { try NN.rmsNorm($0, $1, eps: 1e-6).mul(2.0) }, rows)
    }

    /// Writes in place between the passes are noticed, or do no harm.
    func testWritesInPlace() throws {
        let x = try Tensor.ones([4, 8]).setRequiresGrad(), norm = try Tensor.ones([8]),
            w = try Tensor.ones([2, 8]).setRequiresGrad()
        // Changed after the norm and before the layer: the layer must keep what it has read.
        let normed = try NN.rmsNorm(x, norm, eps: 0)
        try Autograd.withoutGradients { _ = try normed.mul_(3.0) }
        try NN.linear(normed, w).backward(seed: Tensor.ones([4, 2]))
        assertClose(
            try XCTUnwrap(w.grad).floats(), [Float](repeating: 12, count: 16), abs: 1e-5, "gradient of what was read")
        // What the norm has read is changed before it is needed to make the rows again.
        let h = try x.mul(2.0), y = try NN.linear(NN.rmsNorm(h, norm, eps: 0), w)
        try Autograd.withoutGradients { _ = try h.mul_(3.0) }
        assertThrows(.gradient, containing: "changed in place") { try y.backward(seed: Tensor.ones([4, 2])) }
    }

    func testCheckpointNoticesChangedParameters() throws {
        let x = try Tensor.ones([4, 8]).setRequiresGrad(), w = try Tensor.ones([8, 8]).setRequiresGrad()
        let y = try NN.checkpoint([x]) { try NN.linear($0[0], w) }
        try Autograd.withoutGradients { _ = try w.mul_(2.0) }
        assertThrows(.gradient, containing: "parameter") { try y.backward(seed: Tensor.ones([4, 8])) }
        let again = try NN.checkpoint([x]) { try NN.linear($0[0], w) }
        try again.backward(seed: Tensor.ones([4, 8]))
        XCTAssertEqual(try XCTUnwrap(w.grad).floats(), [Float](repeating: 4, count: 64))
    }

    func testRopeNoticesAChangedTable() throws {
        let table = try RotaryTable.make(positions: 4, headDim: 4, base: 100).to(.float32),
            x = try Tensor.ones([4, 1, 4]).setRequiresGrad()
        let y = try NN.rope(x, table: table, positions: [0, 1, 2, 3])
        _ = try table.mul_(2.0)
        assertThrows(.gradient, containing: "changed in place") { try y.backward(seed: Tensor.ones([4, 1, 4])) }
    }

    /// A second run whose result nobody reads leaves out its last product.
    func testCheckpointTellsTheSecondRun() throws {
        var noise = Noise(5)
        let x = try noise.tensor([6, 8]).setRequiresGrad(), w = try noise.tensor([8, 8]).setRequiresGrad(),
            seed = try noise.tensor([6, 8])
        var runs: [Bool] = []
        let y = try NN.checkpoint([x]) { (inputs: [Tensor], again: Bool) in
            runs.append(again)
            return try NN.linear(inputs[0], w, valueWanted: !again)
        }
        try y.backward(seed: seed)
        XCTAssertEqual(runs, [false, true])
        let found = try [x, w].map { try XCTUnwrap($0.grad).floats() }
        (x.grad, w.grad) = (nil, nil)
        let plain = try NN.linear(x, w)
        XCTAssertEqual(try plain.floats(), try y.floats())
        try plain.backward(seed: seed)
        XCTAssertEqual(found, try [x, w].map { try XCTUnwrap($0.grad).floats() })
    }

    func testMaskOfLaterRows() throws {
        var noise = Noise(6)
        let x = try noise.tensor([10, 20]), mask = try XCTUnwrap(DropoutMask(0.4, seed: 2))
        let whole = try NN.dropout(x, mask).floats(),
            part = try NN.dropout(x.narrow(dim: 0, start: 6, length: 4), mask.from(row: 6)).floats()
        XCTAssertEqual(Array(whole[120...]), part)
    }
}
