import Support
import Tensors

/// One stack of transformer layers as generation runs it, the slow or the fast one.
struct DecoderStack {
    let shape: LayerShape
    private let layers: [DecoderLayer]
    private let epsilon: Float
    /// cos and sin per position and pair, [positions, headDim / 2, 2] float32 (values of bfloat16).
    private let rotary: Tensor

    private struct DecoderLayer {
        let attentionNorm, feedForwardNorm: Tensor
        let wqkv, wo, w1, w2, w3: DecoderLinear
    }

    init(_ layers: [Layer], _ shape: LayerShape, rotary: Tensor, epsilon: Double, quantized: Bool) throws {
        self.shape = shape
        self.rotary = try rotary.to(.float32)
        self.epsilon = Float(epsilon)
        self.layers = try layers.map {
            DecoderLayer(attentionNorm: try floatVector($0.attentionNorm), feedForwardNorm: try floatVector($0.feedForwardNorm),
                         wqkv: try DecoderLinear($0.wqkv, quantized: quantized), wo: try DecoderLinear($0.wo, quantized: quantized),
                         w1: try DecoderLinear($0.w1, quantized: quantized), w2: try DecoderLinear($0.w2, quantized: quantized),
                         w3: try DecoderLinear($0.w3, quantized: quantized))
        }
    }

    func makeCache(capacity: Int) throws -> KeyValueCache { try KeyValueCache(layers: layers.count, shape, capacity: capacity) }

    /// Runs x [n, dim] through all layers in place; the caches of the runs get the new keys and values.
    func run(_ x: UnsafeMutablePointer<Float>, count n: Int, _ runs: [TokenRun]) throws {
        let dim = shape.dim, wide = shape.projectedDim, inner = shape.intermediateSize
        let scratch = try Storage(byteCount: n * (2 * dim + wide + 2 * inner) * 4)
        let normed = scratch.pointer.assumingMemoryBound(to: Float.self)
        let mixed = normed + n * dim, qkv = mixed + n * dim, gate = qkv + n * wide, up = gate + n * inner
        for (index, layer) in layers.enumerated() {
            try Interrupt.check()
            rmsNorm(x, layer.attentionNorm, epsilon, n, into: normed)
            layer.wqkv.apply(normed, count: n, into: qkv)
            for run in runs {
                for i in 0..<run.count {
                    let row = qkv + (run.row + i) * wide
                    rotate(row, heads: shape.headCount + shape.keyValueHeadCount, position: run.position + i)
                    run.cache.store(index, position: run.position + i, k: row + dim, v: row + dim + shape.keyValueDim)
                }
            }
            CachedAttention.run(index, runs, q: qkv, stride: wide, out: mixed)
            layer.wo.apply(mixed, count: n, into: normed)
            accumulate(1, normed, to: x, n * dim)

            rmsNorm(x, layer.feedForwardNorm, epsilon, n, into: normed)
            layer.w1.apply(normed, count: n, into: gate)
            layer.w3.apply(normed, count: n, into: up)
            swiGLU(gate, up, n * inner)
            layer.w2.apply(gate, count: n, into: normed)
            accumulate(1, normed, to: x, n * dim)
        }
        withExtendedLifetime(scratch) {}
    }

    /// Rotates pairs of neighbours: (x0, x1) -> (x0 cos - x1 sin, x1 cos + x0 sin).
    private func rotate(_ x: UnsafeMutablePointer<Float>, heads: Int, position: Int) {
        let width = shape.headDim, table = rotary.pointer(Float.self) + position * width
        for head in 0..<heads {
            let x = x + head * width
            for i in stride(from: 0, to: width, by: 2) {
                let (x0, x1, c, s) = (x[i], x[i + 1], table[i], table[i + 1])
                x[i] = x0 * c - x1 * s
                x[i + 1] = x1 * c + x0 * s
            }
        }
    }

    /// gate = silu(gate) * up
    private func swiGLU(_ gate: UnsafeMutablePointer<Float>, _ up: UnsafePointer<Float>, _ count: Int) {
        nonisolated(unsafe) let gate = gate, up = up
        Parallel.forRange(count, grain: 1 << 15) { range in
            let g = gate + range.lowerBound, u = up + range.lowerBound
            mapLanes(range.count, from: g, to: g) { $0 / (1 + exponential(-$0)) }
            for i in 0..<range.count { g[i] *= u[i] }
        }
    }
}

/// out = x / sqrt(mean(x^2) + epsilon) * weight, for each of n rows.
func rmsNorm(_ x: UnsafePointer<Float>, _ weight: Tensor, _ epsilon: Float, _ n: Int, into out: UnsafeMutablePointer<Float>) {
    let width = weight.count, w = weight.pointer(Float.self)
    for row in 0..<n {
        let x = x + row * width, y = out + row * width
        let inverse = 1 / (dotProduct(x, x, width) / Float(width) + epsilon).squareRoot()
        for i in 0..<width { y[i] = x[i] * inverse * w[i] }
    }
}

/// A norm's weight in float32.
func floatVector(_ weight: Weight) throws -> Tensor { try weight.tensor.detach().to(.float32).contiguous() }
