import Support
import Tensors
import TestSupport
import XCTest

/// Convolutions against sums written out in float64, forward and backward.
final class ConvolutionTests: XCTestCase {
    struct Case {
        var batch = 2, inChannels = 6, outChannels = 4, length = 23, kernel = 3
        var stride = 1, left = 0, right = 0, dilation = 1, groups = 1
    }

    static let cases: [Case] = [
        Case(),
        Case(kernel: 1),
        Case(length: 40, kernel: 7, left: 6),
        Case(kernel: 5, stride: 2, left: 3, right: 1, dilation: 3),
        Case(kernel: 4, stride: 4, right: 2),
        Case(outChannels: 8, kernel: 3, stride: 3, left: 2, dilation: 2, groups: 2),
        Case(outChannels: 6, length: 50, kernel: 7, left: 6, groups: 6),
        Case(outChannels: 6, kernel: 3, stride: 2, left: 1, right: 4, dilation: 2, groups: 6),
        Case(batch: 1, inChannels: 3, outChannels: 2, length: 70_000, kernel: 2, left: 9, right: 7),
        Case(length: 3, kernel: 5, left: 8, right: 8, dilation: 2),
        // Many channels, or a step or zeros that are too wide for rows by phase: matrix products.
        Case(inChannels: 40, outChannels: 36, length: 37, kernel: 5, stride: 2, left: 3, right: 1),
        Case(inChannels: 33, outChannels: 4, length: 30, kernel: 3, left: 2, dilation: 3),
        Case(length: 90, kernel: 3, stride: 17, left: 1),
        Case(length: 9, kernel: 2, stride: 2, left: 5000),
        // Whole tiles and what is left of them, in groups.
        Case(inChannels: 12, outChannels: 14, length: 131, kernel: 41, stride: 4, left: 20, right: 20, groups: 2),
        Case(inChannels: 16, outChannels: 16, length: 700, kernel: 11, stride: 2, left: 5, right: 5, groups: 4),
        Case(inChannels: 1, outChannels: 9, length: 1100, kernel: 15, left: 7, right: 7),
        Case(inChannels: 5, outChannels: 1, length: 48, kernel: 3, stride: 3, left: 1, right: 1)
    ]

    private var state: UInt64 = 1

    private func noise(_ count: Int) -> [Float] {
        (0 ..< count).map { _ in
            state = state &* 6364136223846793005 &+ 1442695040888963407
            return Float(Int64(bitPattern: state) >> 40) / Float(1 << 23)
        }
    }

    /// Calls body(short index, long index, weight index) for every product in the convolution.
    private func forEachProduct(_ c: Case, longLength: Int, shortLength: Int, _ body: (Int, Int, Int) -> Void) {
        let longPerGroup = c.inChannels / c.groups, shortPerGroup = c.outChannels / c.groups
        for b in 0 ..< c.batch {
            for o in 0 ..< c.outChannels {
                for t in 0 ..< shortLength {
                    for i in 0 ..< longPerGroup {
                        for k in 0 ..< c.kernel {
                            let at = t * c.stride + k * c.dilation - c.left
                            guard at >= 0, at < longLength else { continue }
                            let channel = o / shortPerGroup * longPerGroup + i
                            body(
                                (b * c.outChannels + o) * shortLength + t,
                                (b * c.inChannels + channel) * longLength + at,
                                (o * longPerGroup + i) * c.kernel + k)
                        }
                    }
                }
            }
        }
    }

    private func assertClose(_ tensor: Tensor?, _ expected: [Double], _ what: String, line: UInt = #line) throws {
        let values = try XCTUnwrap(tensor, line: line).floats()
        XCTAssertEqual(values.count, expected.count, what, line: line)
        let scale = expected.map(abs).max() ?? 0
        for (a, b) in zip(values, expected) where !(abs(Double(a) - b) <= 2e-6 * max(scale, 1)) {
            return XCTFail("\(what): \(a) instead of \(b)", line: line)
        }
    }

    func testConvolutionAndItsGradients() throws {
        for c in Self.cases {
            let shortLength = (c.length + c.left + c.right - c.dilation * (c.kernel - 1) - 1) / c.stride + 1
            let x = try Tensor(noise(c.batch * c.inChannels * c.length), [c.batch, c.inChannels, c.length])
            let w = try Tensor(
                noise(c.outChannels * c.inChannels / c.groups * c.kernel),
                [c.outChannels, c.inChannels / c.groups, c.kernel])
            let b = try Tensor(noise(c.outChannels), [c.outChannels])
            let seed = try Tensor(noise(c.batch * c.outChannels * shortLength), [c.batch, c.outChannels, shortLength])
            let (xs, ws, bs, gs) = try (x.floats(), w.floats(), b.floats(), seed.floats())
            var y = (0 ..< gs.count).map { Double(bs[$0 / shortLength % c.outChannels]) }
            var dx = [Double](repeating: 0, count: xs.count), dw = [Double](repeating: 0, count: ws.count)
            forEachProduct(c, longLength: c.length, shortLength: shortLength) { short, long, weight in
                y[short] += Double(ws[weight]) * Double(xs[long])
                dx[long] += Double(ws[weight]) * Double(gs[short])
                dw[weight] += Double(xs[long]) * Double(gs[short])
            }
            var db = [Double](repeating: 0, count: c.outChannels)
            for (i, g) in gs.enumerated() { db[i / shortLength % c.outChannels] += Double(g) }

            for tensor in [x, w, b] { tensor.requiresGrad = true }
            let result = try NN.conv1d(
                x, w, bias: b, stride: c.stride, padding: (c.left, c.right),
                dilation: c.dilation, groups: c.groups)
            XCTAssertEqual(result.shape, seed.shape)
            try assertClose(result, y, "\(c) output")
            try Autograd.backward(result, seed: seed)
            try assertClose(x.grad, dx, "\(c) input gradient")
            try assertClose(w.grad, dw, "\(c) weight gradient")
            try assertClose(b.grad, db, "\(c) bias gradient")
        }
    }

    /// The cases read backwards: the short side goes in, the long side comes out.
    func testTransposedConvolutionAndItsGradients() throws {
        for var c in Self.cases where c.length < 1000 {
            c.left = min(c.left, 3)
            c.right = min(c.right, 2)
            let longLength = (c.length - 1) * c.stride + c.dilation * (c.kernel - 1) + 1 - c.left - c.right
            let x = try Tensor(noise(c.batch * c.outChannels * c.length), [c.batch, c.outChannels, c.length])
            let w = try Tensor(
                noise(c.outChannels * c.inChannels / c.groups * c.kernel),
                [c.outChannels, c.inChannels / c.groups, c.kernel])
            let b = try Tensor(noise(c.inChannels), [c.inChannels])
            let seed = try Tensor(noise(c.batch * c.inChannels * longLength), [c.batch, c.inChannels, longLength])
            let (xs, ws, bs, gs) = try (x.floats(), w.floats(), b.floats(), seed.floats())
            var y = (0 ..< gs.count).map { Double(bs[$0 / longLength % c.inChannels]) }
            var dx = [Double](repeating: 0, count: xs.count), dw = [Double](repeating: 0, count: ws.count)
            forEachProduct(c, longLength: longLength, shortLength: c.length) { short, long, weight in
                y[long] += Double(ws[weight]) * Double(xs[short])
                dx[short] += Double(ws[weight]) * Double(gs[long])
                dw[weight] += Double(xs[short]) * Double(gs[long])
            }
            var db = [Double](repeating: 0, count: c.inChannels)
            for (i, g) in gs.enumerated() { db[i / longLength % c.inChannels] += Double(g) }

            for tensor in [x, w, b] { tensor.requiresGrad = true }
            let result = try NN.convTranspose1d(
                x, w, bias: b, stride: c.stride, padding: (c.left, c.right),
                dilation: c.dilation, groups: c.groups)
            XCTAssertEqual(result.shape, seed.shape)
            try assertClose(result, y, "\(c) output")
            try Autograd.backward(result, seed: seed)
            try assertClose(x.grad, dx, "\(c) input gradient")
            try assertClose(w.grad, dw, "\(c) weight gradient")
            try assertClose(b.grad, db, "\(c) bias gradient")
        }
    }

    func testInputWithoutBatchAndWithStrides() throws {
        let values = noise(5 * 12)
        let plain = try Tensor(values, [5, 12])
        var transposed = [Float](repeating: 0, count: 60)
        for i in 0 ..< 5 { for t in 0 ..< 12 { transposed[t * 5 + i] = values[i * 12 + t] } }
        let view = Tensor(
            storage: try Tensor(transposed, [12, 5]).storage, offset: 0, shape: [5, 12], strides: [1, 5],
            dtype: .float32)
        let w = try Tensor(noise(3 * 5 * 4), [3, 5, 4])
        let a = try NN.conv1d(plain, w), b = try NN.conv1d(view, w)
        XCTAssertEqual(a.shape, [3, 9])
        XCTAssertEqual(try a.floats(), try b.floats())
    }

    func testWrongShapesAreErrors() throws {
        let x = try Tensor(zeros: [1, 4, 10]), w = try Tensor(zeros: [2, 4, 3])
        assertThrows(.shape) { try NN.conv1d(x, Tensor(zeros: [2, 3, 3])) }
        assertThrows(.shape) { try NN.conv1d(x, Tensor(zeros: [2, 4, 11])) }
        assertThrows(.shape) { try NN.conv1d(x, w, bias: Tensor(zeros: [3])) }
        assertThrows(.shape) { try NN.conv1d(x, w, groups: 3) }
        assertThrows(.shape) { try NN.conv1d(Tensor(zeros: [4]), w) }
        assertThrows(.argument) { try NN.conv1d(x, w, stride: 0) }
        assertThrows(.argument) { try NN.conv1d(x, w, padding: (-1, 0)) }
        assertThrows(.argument) { try NN.conv1d(x, w, dilation: .max) }
        assertThrows(.shape) { try NN.convTranspose1d(x, w) }
        assertThrows(.shape) { try NN.convTranspose1d(x, Tensor(zeros: [4, 2, 3]), padding: (6, 6)) }
        assertThrows(.dtype) { try NN.conv1d(Tensor(zeros: [1, 4, 10], .int64), w) }
    }

    /// Halves and float64 are read into float32, and get gradients of their own kind.
    func testOtherFloatingTypes() throws {
        let values = noise(24), filter = noise(12)
        let plain = try NN.conv1d(Tensor(values, [3, 8]), Tensor(filter, [2, 3, 2])).floats()
        for dtype in [DType.float64, .bfloat16] {
            let x = try Tensor(values, [3, 8]).to(dtype), w = try Tensor(filter, [2, 3, 2]).to(dtype)
            try x.setRequiresGrad()
            let y = try NN.conv1d(x, w)
            XCTAssertEqual(y.dtype, .float32)
            TestSupport.assertClose(try y.floats(), plain, abs: dtype == .float64 ? 0 : 0.02)
            try Autograd.backward(y, seed: Tensor(ones: y.shape))
            XCTAssertEqual(x.grad?.dtype, x.gradientDType)
        }
    }

    /// A backward pass never works with a value that has been overwritten.
    func testOverwrittenInputIsNoticed() throws {
        let x = try Tensor(noise(8), [1, 8]), w = try Tensor(noise(3), [1, 1, 3])
        try w.setRequiresGrad()
        let y = try NN.conv1d(x, w)
        try x.zero_()
        assertThrows(.gradient, containing: "conv1d") { try Autograd.backward(y, seed: Tensor(ones: y.shape)) }
    }
}
