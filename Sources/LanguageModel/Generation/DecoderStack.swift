import Support
import Tensors

/// One stack of transformer layers as generation runs it, the slow or the fast one.
///
/// Two ways lead through it. A prompt goes by matrix products (`runPrompt`). The next tokens of streams go row by row
/// (`step`), all threads together in one region, because reading the weights is what takes the time.
///
/// A stack is one parallel region: meetings of threads that are awake cost little beside a hand-over to sleeping ones.
/// Norms are computed by every thread for itself, which costs less than the meeting that sharing them would need.
/// Rows are read one at a time and in order, as memory gives most so. Ranges shrink towards the end of a phase
/// (`TeamMember.share`), so that nobody waits long for a core that was disturbed. Several streams are bound by arithmetic:
/// three vectors share each pass over a row, as four sums for each of them fill the registers.
///
/// `GenerationCost` has what a frame reads; docs/notes/decoding-a-frame.md what was measured and dropped.
struct DecoderStack {
    let shape: LayerShape
    private let layers: [DecoderLayer]
    private let epsilon: Float
    /// cos and sin per position and pair, [positions, headDim / 2, 2] float32 (values of bfloat16).
    private let rotary: Tensor

    private struct DecoderLayer {
        let attentionNorm, feedForwardNorm: Tensor
        let wqkv, wo, w1, w2, w3: DecoderLinear

        var linears: [DecoderLinear] { [wqkv, wo, w1, w3, w2] }
    }

    init(_ layers: [Layer], _ shape: LayerShape, rotary: Tensor, epsilon: Double, _ form: MatrixForms) throws {
        self.shape = shape
        self.rotary = try rotary.to(.float32)
        self.epsilon = Float(epsilon)
        self.layers = try layers.map {
            DecoderLayer(
                attentionNorm: try floatVector($0.attentionNorm), feedForwardNorm: try floatVector($0.feedForwardNorm),
                wqkv: try DecoderLinear($0.wqkv, form.others),
                wo: try DecoderLinear($0.wo, form.others),
                w1: try DecoderLinear($0.w1, form.feedForward), w2: try DecoderLinear($0.w2, form.feedForward),
                w3: try DecoderLinear($0.w3, form.feedForward))
        }
    }

    func makeCache(capacity: Int = 0) throws -> KeyValueCache {
        try KeyValueCache(layers: layers.count, shape, capacity: capacity)
    }

    var linears: [DecoderLinear] { layers.flatMap(\.linears) }

    // MARK: The next tokens

    /// Memory for steps of n tokens: one part that the threads share, one for each of them.
    struct Scratch {
        let count: Int
        private let storage: Storage
        private let shape: LayerShape
        private let sharedWidth, ownWidth: Int

        fileprivate init(_ stack: DecoderStack, count: Int, threads: Int) throws {
            (self.count, shape) = (count, stack.shape)
            sharedWidth = shape.projectedDim + shape.dim + 2 * shape.intermediateSize
            let widest = stack.linears.reduce(0) { max($0, $1.scratchWidth) }
            ownWidth = (shape.dim + 2 * widest + 15) / 16 * 16
            storage = try Storage(byteCount: count * (sharedWidth + threads * ownWidth) * 4)
        }

        fileprivate var qkv: UnsafeMutablePointer<Float> { storage.pointer.assumingMemoryBound(to: Float.self) }
        fileprivate var mixed: UnsafeMutablePointer<Float> { qkv + count * shape.projectedDim }
        fileprivate var gate: UnsafeMutablePointer<Float> { mixed + count * shape.dim }
        fileprivate var up: UnsafeMutablePointer<Float> { gate + count * shape.intermediateSize }
        fileprivate func normed(_ member: Int) -> UnsafeMutablePointer<Float> {
            qkv + count * (sharedWidth + member * ownWidth)
        }
        fileprivate func inputs(_ member: Int) -> (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) {
            let first = normed(member) + count * shape.dim
            return (first, first + count * ((ownWidth - shape.dim) / 2))
        }
    }

    func makeScratch(count: Int) throws -> Scratch { try Scratch(self, count: count, threads: Parallel.threadCount) }

    /// Runs x [n, dim] through all layers in place; row i is the token at `position` of a stream, whose cache has room
    /// for it. Called by every member of a team; x is complete after the last one's return, and after a `wait`.
    func step(_ member: TeamMember, _ x: UnsafeMutablePointer<Float>, _ rows: [TokenRow], _ scratch: Scratch) {
        let n = rows.count, dim = shape.dim, wide = shape.projectedDim, inner = shape.intermediateSize
        let heads = shape.headCount, rotated = heads + shape.keyValueHeadCount, width = shape.headDim
        let qkv = scratch.qkv, mixed = scratch.mixed, gate = scratch.gate, up = scratch.up
        let normed = scratch.normed(member.index), (first, second) = scratch.inputs(member.index)
        for (index, layer) in layers.enumerated() {
            rmsNorm(x, layer.attentionNorm, epsilon, n, into: normed)
            let input = layer.wqkv.prepare(normed, count: n, in: first)
            member.share(layer.wqkv.rows, grain: layer.wqkv.grain) { layer.wqkv.apply($0, input, into: qkv) }
            member.wait()
            member.share(n * rotated, grain: rotated / 2) { range in
                for task in range {
                    let (i, head) = task.quotientAndRemainder(dividingBy: rotated), row = qkv + i * wide
                    rotate(row + head * width, position: rows[i].position)
                    guard head >= heads else { continue }
                    let at = row + head * width
                    rows[i].cache.store(
                        index, head: head - heads, position: rows[i].position, k: at, v: at + shape.keyValueDim)
                }
            }
            member.wait()
            member.share(n * heads, grain: 1) { range in
                for task in range {
                    let (i, head) = task.quotientAndRemainder(dividingBy: heads)
                    CachedAttention.single(
                        index, rows[i].cache, position: rows[i].position, head: head,
                        qkv + i * wide + head * width, mixed + i * dim + head * width)
                }
            }
            member.wait()
            let attended = layer.wo.prepare(mixed, count: n, in: first)
            // qkv has been read; its place holds the products before they are added.
            add(layer.wo, attended, by: member, through: qkv, to: x)
            member.wait()

            rmsNorm(x, layer.feedForwardNorm, epsilon, n, into: normed)
            let gateInput = layer.w1.prepare(normed, count: n, in: first),
                upInput = layer.w3.prepare(normed, count: n, in: second)
            member.share(inner, grain: layer.w1.grain) { range in
                layer.w1.apply(range, gateInput, into: gate)
                layer.w3.apply(range, upInput, into: up)
                for i in 0 ..< n {
                    swiGLU(gate + i * inner + range.lowerBound, up + i * inner + range.lowerBound, range.count)
                }
            }
            member.wait()
            let activated = layer.w2.prepare(gate, count: n, in: first)
            add(layer.w2, activated, by: member, through: qkv, to: x)
            member.wait()
        }
    }

    /// x += the layer's product, each thread for its rows of it.
    private func add(
        _ linear: DecoderLinear, _ input: DecoderLinear.Input, by member: TeamMember,
        through buffer: UnsafeMutablePointer<Float>, to x: UnsafeMutablePointer<Float>
    ) {
        let dim = linear.rows
        member.share(dim, grain: linear.grain) { range in
            linear.apply(range, input, into: buffer)
            for i in 0 ..< input.count {
                accumulate(1, buffer + i * dim + range.lowerBound, to: x + i * dim + range.lowerBound, range.count)
            }
        }
    }

    // MARK: Prompts

    /// Runs the rows x [n, dim] of one stream, or of several, one's behind the other's, through all layers in place; the
    /// caches get the new keys and values.
    func runPrompt(_ x: UnsafeMutablePointer<Float>, _ runs: [TokenRun]) throws {
        let rows = runs.flatMap { run in
            (0 ..< run.count).map { TokenRow(cache: run.cache, position: run.position + $0) }
        }
        let n = rows.count, dim = shape.dim, wide = shape.projectedDim, inner = shape.intermediateSize
        let rotated = shape.headCount + shape.keyValueHeadCount
        let scratch = try Storage(byteCount: n * (2 * dim + wide + 2 * inner) * 4)
        nonisolated(unsafe) let x = x, normed = scratch.pointer.assumingMemoryBound(to: Float.self)
        nonisolated(unsafe) let mixed = normed + n * dim, qkv = mixed + n * dim, gate = qkv + n * wide,
            up = gate + n * inner
        func norm(_ weight: Tensor) {
            Parallel.forRange(n, grain: 32) { part in
                let start = part.lowerBound * dim
                rmsNorm(x + start, weight, epsilon, part.count, into: normed + start)
            }
        }
        func addNormed() {
            Parallel.forRange(n * dim, grain: 1 << 15) { part in
                accumulate(1, normed + part.lowerBound, to: x + part.lowerBound, part.count)
            }
        }
        for (index, layer) in layers.enumerated() {
            try Interrupt.check()
            norm(layer.attentionNorm)
            layer.wqkv.multiply(normed, count: n, into: qkv)
            Parallel.forRange(n, grain: 32) { part in
                for i in part {
                    let row = qkv + i * wide, (cache, position) = (rows[i].cache, rows[i].position)
                    for head in 0 ..< rotated { rotate(row + head * shape.headDim, position: position) }
                    for head in 0 ..< shape.keyValueHeadCount {
                        let at = row + dim + head * shape.headDim
                        cache.store(index, head: head, position: position, k: at, v: at + shape.keyValueDim)
                    }
                }
            }
            try CachedAttention.run(index, runs, shape, q: qkv, stride: wide, out: mixed)
            layer.wo.multiply(mixed, count: n, into: normed)
            addNormed()

            norm(layer.feedForwardNorm)
            layer.w1.multiply(normed, count: n, into: gate)
            layer.w3.multiply(normed, count: n, into: up)
            Parallel.forRange(n * inner, grain: 1 << 15) { part in
                swiGLU(gate + part.lowerBound, up + part.lowerBound, part.count)
            }
            layer.w2.multiply(gate, count: n, into: normed)
            addNormed()
        }
        withExtendedLifetime(scratch) {}
    }

    /// Rotates pairs of neighbours of one head: (x0, x1) -> (x0 cos - x1 sin, x1 cos + x0 sin).
    private func rotate(_ x: UnsafeMutablePointer<Float>, position: Int) {
        let width = shape.headDim, table = rotary.pointer(Float.self) + position * width
        for i in stride(from: 0, to: width, by: 2) {
            let (x0, x1, c, s) = (x[i], x[i + 1], table[i], table[i + 1])
            x[i] = x0 * c - x1 * s
            x[i + 1] = x1 * c + x0 * s
        }
    }
}

/// gate = silu(gate) * up
private func swiGLU(_ gate: UnsafeMutablePointer<Float>, _ up: UnsafePointer<Float>, _ count: Int) {
    mapLanes(count, from: gate, to: gate) { $0 / (1 + exponential(-$0)) }
    for i in 0 ..< count { gate[i] *= up[i] }
}

/// out = x / sqrt(mean(x^2) + epsilon) * weight, for each of n rows.
func rmsNorm(
    _ x: UnsafePointer<Float>, _ weight: Tensor, _ epsilon: Float, _ n: Int, into out: UnsafeMutablePointer<Float>
) {
    let width = weight.count, w = weight.pointer(Float.self)
    for row in 0 ..< n {
        let x = x + row * width, y = out + row * width
        let inverse = 1 / (dotProduct(x, x, width) / Float(width) + epsilon).squareRoot()
        for i in 0 ..< width { y[i] = x[i] * inverse * w[i] }
    }
}

/// A norm's weight in float32.
func floatVector(_ weight: Weight) throws -> Tensor { try weight.tensor.detach().to(.float32).contiguous() }
