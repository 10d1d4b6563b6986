import Foundation
import Tensors
import TestSupport
import XCTest

/// Times of the layers of a 1.4-size model (width 1024, 16 heads of 64, 2 key heads, feed-forward 4096), beside the
/// matrix product measured in the same run. `OPAH_BENCH=1 swift test -c release --filter NNSpeed`
final class NNSpeedTests: XCTestCase {
    override func setUpWithError() throws {
        try XCTSkipUnless(ProcessInfo.processInfo.environment["OPAH_BENCH"] != nil, "set OPAH_BENCH to measure")
    }

    /// A body of work, its best time so far in seconds, and the plain matrix product that is run before every run of
    /// it, so that a neighbour's load falls on both.
    private final class Timing {
        private(set) var best = Double.infinity, reference = Double.infinity
        let name: String, gigaflops: Double
        init(_ name: String, _ gigaflops: Double) { (self.name, self.gigaflops) = (name, gigaflops) }

        func run(_ times: Int, beside product: () -> Void, _ body: () throws -> Void) rethrows {
            for _ in 0 ..< times {
                reference = min(reference, NNSpeedTests.seconds(product))
                best = min(best, try NNSpeedTests.seconds(body))
            }
            var line =
                "  " + name.padding(toLength: 40, withPad: " ", startingAt: 0) + String(format: "%9.3f ms", best * 1e3)
            if gigaflops > 0 { line += String(format: " %7.1f GFLOP/s", gigaflops / best) }
            print(line + String(format: "   (product beside it %.2f ms)", reference * 1e3))
        }
    }

    private static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = DispatchTime.now().uptimeNanoseconds
        try body()
        return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    }

    func testLayers() throws {
        var noise = Noise(1)
        let n = 512, width = 1024, inner = 4096
        let x = try noise.tensor([n, width]), w = try noise.tensor([inner, width], scale: 0.03),
            y = try Tensor(empty: [n, inner])
        let half = try w.rounded(to: .bfloat16), f16 = try w.rounded(to: .float16), g = try noise.tensor([n, inner]),
            dx = try Tensor(empty: [n, width])
        let flops = 2e-9 * Double(n * width * inner)
        print("threads:", Parallel.threadCount)
        func product() {
            matrixProduct(
                n, inner, width, x.pointer(), lda: width, w.pointer(), ldb: width, transposeB: true, y.pointer(),
                ldc: inner)
        }
        func transposedProduct() {
            matrixProduct(n, width, inner, g.pointer(), lda: inner, w.pointer(), ldb: width, dx.pointer(), ldc: width)
        }
        Timing("g W", flops).run(9, beside: product, transposedProduct)
        let leaf = try Tensor(x.floats(), x.shape).setRequiresGrad()
        func both(_ name: String, gigaflops: Double = 0, seed: Tensor, _ body: () throws -> Tensor) throws {
            var kept: Tensor?
            try Timing(name + " fwd", gigaflops).run(9, beside: product) { kept = try body() }
            let result = kept!
            try Timing(name + " bwd", gigaflops).run(9, beside: transposedProduct) {
                try Autograd.backward(result, seed: seed, retainGraph: true)
            }
        }
        for (name, weight) in [("float32", w), ("bfloat16", half), ("float16", f16)] {
            try both("linear \(name)", gigaflops: flops, seed: g) { try NN.linear(leaf, weight) }
        }
        let a = try noise.tensor([8, width]).setRequiresGrad(), b = try noise.tensor([inner, 8]).setRequiresGrad()
        try both("loraLinear float32", gigaflops: flops, seed: g) { try NN.loraLinear(leaf, w, a: a, b: b, scale: 2) }
        let mask = try DropoutMask(0.01, seed: 1)
        try both("loraLinear float32 dropout", gigaflops: flops, seed: g) {
            try NN.loraLinear(leaf, w, a: a, b: b, scale: 2, dropout: mask)
        }
        let down = try noise.tensor([width, inner], scale: 0.03).rounded(to: .bfloat16),
            wide = try noise.tensor([n, inner]).setRequiresGrad()
        let a2 = try noise.tensor([8, inner]).setRequiresGrad(), b2 = try noise.tensor([width, 8]).setRequiresGrad()
        try both("loraLinear bfloat16 down", gigaflops: flops, seed: x) {
            try NN.loraLinear(wide, down, a: a2, b: b2, scale: 2, dropout: mask)
        }

        // The products of one layer, forward and for the inputs' gradients (wqkv 1280, wo 1024, three of 4096 columns),
        // take
        // 3.56 times as long as one x W^T and one g W together.
        let qkv = try noise.tensor([n, 1280], scale: 2).setRequiresGrad(),
            table = try RotaryTable.make(positions: 4096, headDim: 64, base: 1e6)
        let seed = try noise.tensor([n, 1024]), positions = Array(0 ..< n)
        for p in [Float(0), 0.1] {
            let mask = try DropoutMask(p, seed: 2)
            try both("selfAttention 1 x 512, dropout \(p)", seed: seed) {
                try NN.selfAttention(
                    qkv, heads: 16, keyHeads: 2, table: table, positions: positions, segments: [0, n], dropout: mask)
            }
        }
        try both("selfAttention 64 x 8", seed: seed) {
            try NN.selfAttention(
                qkv, heads: 16, keyHeads: 2, table: table, positions: positions.map { $0 % 8 },
                segments: Array(stride(from: 0, through: n, by: 8)), dropout: mask)
        }
        let weight = try Tensor.ones([width])
        try both("rmsNorm 512 x 1024", seed: seed) { try NN.rmsNorm(leaf, weight, eps: 1e-6) }
        let gate = try noise.tensor([n, inner]).setRequiresGrad()
        try both("swiGLU 512 x 4096", seed: g) { try NN.swiGLU(gate, wide) }
        try both("dropout 512 x 4096", seed: g) { try NN.dropout(gate, DropoutMask(0.1, seed: 1)) }
    }

    func testOutputLoss() throws {
        var noise = Noise(2)
        let n = 512, width = 1024, classes = 32000
        let x = try noise.tensor([n, width]).setRequiresGrad(), w = try noise.tensor([classes, width], scale: 0.03)
        let a = try noise.tensor([8, width]).setRequiresGrad(),
            b = try noise.tensor([classes, 8], scale: 0.01).setRequiresGrad()
        let targets = try Tensor(integers: (0 ..< n).map { $0 * 61 % classes }, [n]),
            y = try Tensor(empty: [n, classes])
        let flops = 2e-9 * Double(n * width * classes)
        func product() {
            matrixProduct(
                n, classes, width, x.pointer(), lda: width, w.pointer(), ldb: width, transposeB: true, y.pointer(),
                ldc: classes)
        }
        for (name, weight) in [("float32", w), ("bfloat16", try w.rounded(to: .bfloat16))] {
            try Timing("linearCrossEntropy \(name) with gradients", 2 * flops).run(4, beside: product) {
                _ = try NN.linearCrossEntropy(x, weight, adapter: .init(a: a, b: b, scale: 2), targets: targets)
            }
        }
    }
}
