import Support
import Tensors
import TestSupport
import XCTest

/// Norms, rotary embedding, gated unit, recomputation.
final class NNNormTests: XCTestCase {
    func testRmsNorm() throws {
        for width in [1, 8, 21, 64] {
            try check("rmsNorm \(width)", [[2, 3, width], [width]]) {
                try NN.rmsNorm($0[0], $0[1], eps: 1e-3)
            } reference: { t in
                (0 ..< 6 * width).map { at in
                    let row = t[0][at / width * width ..< (at / width + 1) * width]
                    return t[0][at]
                        / (row.reduce(0) { $0 + $1 * $1 } / Double(width) + Double(Float(1e-3))).squareRoot()
                        * t[1][at % width]
                }
            }
        }
        var noise = Noise(20)
        let x = try noise.tensor([4, 16]), half = try noise.tensor([16]).rounded(to: .bfloat16)
        XCTAssertEqual(
            try NN.rmsNorm(x, half, eps: 1e-6).floats(), try NN.rmsNorm(x, try half.widened(), eps: 1e-6).floats())
        assertThrows(.shape, containing: "[4, 16]") { try NN.rmsNorm(x, try noise.tensor([15]), eps: 1e-6) }
    }

    func testLayerNorm() throws {
        func normal(_ x: [Double], _ width: Int) -> [Double] {
            x.indices.map { at in
                let row = x[at / width * width ..< (at / width + 1) * width], mean = row.reduce(0, +) / Double(width)
                let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
                return (x[at] - mean) / (variance + Double(Float(1e-5))).squareRoot()
            }
        }
        for width in [5, 16, 43] {
            try check("layerNorm \(width)", [[7, width], [width], [width]], scales: [3]) {
                try NN.layerNorm($0[0], weight: $0[1], bias: $0[2])
            } reference: { t in
                normal(t[0], width).enumerated().map { $1 * t[1][$0 % width] + t[2][$0 % width] }
            }
        }
        try check("layerNorm alone", [[3, 11]]) {
            try NN.layerNorm($0[0])
        } reference: {
            normal($0[0], 11)
        }
        try check("layerNorm with bias only", [[3, 11], [11]]) {
            try NN.layerNorm($0[0], bias: $0[1])
        } reference: { t in
            normal(t[0], 11).enumerated().map { $1 + t[1][$0 % 11] }
        }
    }

    func testSwiGLU() throws {
        try check("swiGLU", [[3, 37], [3, 37]], scales: [5, 1]) {
            try NN.swiGLU($0[0], $0[1])
        } reference: { t in
            zip(t[0], t[1]).map { $0 / (1 + exp(-$0)) * $1 }
        }
        let extreme = try Tensor([-200, -88, 88, 200, -.infinity, 0], [6])
        let y = try NN.swiGLU(extreme, try Tensor.ones([6])).floats()
        assertClose(Array(y[0 ..< 4]), [0, 0, 88, 200], abs: 1e-30)
        XCTAssertEqual(y[5], 0)
        assertThrows(.shape) { try NN.swiGLU(extreme, try Tensor.ones([5])) }
    }

    func testRope() throws {
        for headDim in [2, 10, 16] {
            let table = try RotaryTable.make(positions: 20, headDim: headDim, base: 10000), positions = [0, 1, 2, 19, 3]
            let t = try table.widened().floats().map(Double.init), heads = 3
            try check("rope \(headDim)", [[5, heads, headDim]]) {
                try NN.rope($0[0], table: table, positions: positions)
            } reference: { x in
                x[0].indices.map { at in
                    let row = at / (heads * headDim), pair = at % headDim / 2, even = at - at % 2
                    let c = t[positions[row] * headDim + pair * 2], s = t[positions[row] * headDim + pair * 2 + 1]
                    return at % 2 == 0 ? x[0][even] * c - x[0][even + 1] * s : x[0][even + 1] * c + x[0][even] * s
                }
            }
        }
        var noise = Noise(21)
        let x = try noise.tensor([2, 3, 8]), table = try RotaryTable.make(positions: 4, headDim: 8, base: 10000)
        assertThrows(.index, containing: "position 4") { try NN.rope(x, table: table, positions: [0, 4]) }
        assertThrows(.shape) { try NN.rope(x, table: table, positions: [0]) }
        assertThrows(.shape) { try NN.rope(try noise.tensor([2, 3, 6]), table: table, positions: [0, 1]) }
        assertThrows(.argument) { try RotaryTable.make(positions: 4, headDim: 7, base: 10000) }
    }

    /// The reference's own tables: at most a few entries one bfloat16 step away.
    func testRotaryTables() throws {
        func compare(_ found: Tensor, _ wanted: Tensor, rows: [Int], allowed: Int, _ name: String) {
            let width = wanted.shape[1] * 2, a = found.pointer(UInt16.self), b = wanted.pointer(UInt16.self)
            XCTAssertEqual(found.shape[1], wanted.shape[1], name)
            var away = 0
            for (n, row) in rows.enumerated() {
                for i in 0 ..< width where a[row * width + i] != b[n * width + i] {
                    away += 1
                    XCTAssertLessThanOrEqual(
                        abs(Int(a[row * width + i]) - Int(b[n * width + i])), 1, "\(name) [\(row), \(i)]")
                }
            }
            XCTAssertLessThanOrEqual(away, allowed, name)
        }
        let real = try Vectors.npz("dualar/rope_real_size.npz"), rows = try real["positions"]!.ints()
        compare(
            try RotaryTable.make(positions: 4096, headDim: 64, base: 1_000_000), real["freqs_cis"]!, rows: rows,
            allowed: 1, "real size")
        compare(
            try RotaryTable.make(positions: 8, headDim: 64, base: 1_000_000), real["fast_freqs_cis"]!,
            rows: Array(0 ..< 8), allowed: 0, "fast")
        for name in ["dual_bf16", "dual_tied", "dual_fastdim", "naive_bf16"] {
            let config = try Vectors.json("dualar/\(name)/resolved_config.json") as! [String: Any]
            let tables = try Vectors.npz("dualar/\(name)/forward.npz"),
                base = (config["rope_base"] as! NSNumber).floatValue
            for key in ["freqs_cis", "fast_freqs_cis"] {
                guard let wanted = tables[key] else { continue }
                let made = try RotaryTable.make(positions: wanted.shape[0], headDim: wanted.shape[1] * 2, base: base)
                compare(made, wanted, rows: Array(0 ..< wanted.shape[0]), allowed: 1, "\(name) \(key)")
            }
        }
    }

    /// Recomputation changes neither the result nor any gradient, those of parameters inside included.
    func testCheckpoint() throws {
        func run(_ recompute: Bool) throws -> [[Float]] {
            var noise = Noise(22)
            let x = try noise.tensor([6, 10]).setRequiresGrad(), frozen = try noise.tensor([6, 10])
            let w = try noise.tensor([10, 10]).setRequiresGrad(), seed = try noise.tensor([6, 10])
            let generator = Random(seed: 3)
            var runs = 0
            func layer(_ t: [Tensor]) throws -> Tensor {
                runs += 1
                let mask = try DropoutMask(0.5, generator: generator)
                return try NN.swiGLU(try NN.dropout(try NN.linear(t[0], w), mask), t[1])
            }
            let middle = try recompute ? NN.checkpoint([x, frozen], generator: generator, layer) : layer([x, frozen])
            let y = try NN.linear(middle, w), drawn = generator.offset
            try Autograd.backward(y, seed: seed)
            XCTAssertEqual(generator.offset, drawn)
            XCTAssertEqual(runs, recompute ? 2 : 1)
            XCTAssertNil(frozen.grad)
            return try [y, x.grad!, w.grad!].map { try $0.floats() }
        }
        let plain = try run(false), recomputed = try run(true)
        XCTAssertEqual(plain[0], recomputed[0])
        XCTAssertEqual(plain[1], recomputed[1])
        assertClose(plain[2], recomputed[2], abs: 1e-5, "parameter")
    }

    func testThreads() throws {
        try assertSameBits("norms, rope, swiGLU") {
            var noise = Noise(23)
            let x = try noise.tensor([301, 6, 10]).setRequiresGrad(), w = try noise.tensor([10]).setRequiresGrad()
            let b = try noise.tensor([10]).setRequiresGrad(), seed = try noise.tensor([301, 6, 10])
            let table = try RotaryTable.make(positions: 301, headDim: 10, base: 10000)
            var y = try NN.rmsNorm(x, w, eps: 1e-6)
            y = try NN.layerNorm(y, weight: w, bias: b)
            y = try NN.swiGLU(try NN.rope(y, table: table, positions: Array(0 ..< 301)), x)
            try Autograd.backward(y, seed: seed)
            return [y, x.grad!, w.grad!, b.grad!]
        }
    }
}
