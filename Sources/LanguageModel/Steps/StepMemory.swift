import Tensors

/// Predicts the peak of the process's resident memory in a training step.
///
/// What stays: the weights (mapped pages count, as a step reads them all), adapters, gradients, AdamW's two moments,
/// and the process itself. What comes and goes is the largest of three moments, all after the slow stack has run: the
/// token loss, a block of frames (the fast stack forward and backward), and the first layer's backward pass. Per row, a
/// slow layer keeps its input x, rotated q k v, the attended values, h = x + attention, gate and up: 3 D + P + 2 I
/// floats (12.5 thousand at 1.4's sizes). The norms and the gated product are made again instead.
struct StepMemory {
    let shape: StepShape

    /// The program, its libraries and Lua.
    static let process = 36_000_000

    /// - Parameters:
    ///   - rows: what runs together.
    ///   - recomputed: slow layers that keep their input only.
    ///   - frames: that the fast stack runs at once.
    ///   - isWhole: whether the rows are the whole batch, and not one of several parts.
    func peak(_ rows: RowSize, recomputed: Int, frames: Int, isWhole: Bool) -> Int {
        let n = rows.tokens, slow = shape.slow, dim = slow.shape.dim, state = block(n, dim)
        let kept = slow.layers.map { layer($0, slow.shape, n) }
        let forward = kept[recomputed...].reduce(0, +) + recomputed * state
        // hidden, its norm, and the gradients that the two losses leave for it
        let atEnd =
            forward + 4 * state
            + max(tokenLoss(rows.labels), frameBlock(largestBlock(rows.frames, frames)), backward(slow.shape, n))
        // The recomputed layers are the first: when they run again, the others have been freed.
        let again = recomputed == 0 ? 0 : recomputed * state + kept[0] + 2 * state + backward(slow.shape, n)
        return fixed(isWhole: isWhole) + max(atEnd, again)
    }

    /// What is there throughout.
    private func fixed(isWhole: Bool) -> Int {
        let gradients = 3 * shape.trainedCount + (isWhole ? shape.trainedFrameCount : shape.trainedCount)
        return Self.process + shape.weightBytes + 4 * (shape.adapterCount + gradients)
    }

    private func layer(_ matrices: [StepShape.Matrix], _ s: LayerShape, _ n: Int) -> Int {
        3 * block(n, s.dim) + block(n, s.projectedDim) + 2 * block(n, s.intermediateSize) + block(n, s.headCount + 2)
            + matrices.reduce(0) { $0 + block(n, $1.rank) } + gains(matrices, n)
    }

    /// For a gain's gradient: each product's result, of which w1's and w3's (gate and up) are kept anyway; behind
    /// dropout the second product of each. Order: wqkv, wo, w1, w3, w2.
    private func gains(_ matrices: [StepShape.Matrix], _ n: Int) -> Int {
        matrices.enumerated().reduce(0) { sum, entry in
            let (i, matrix) = entry
            return matrix.hasGain && (matrix.splitsInput || !(2 ... 3).contains(i))
                ? sum + block(n, matrix.output) : sum
        }
    }

    /// In a layer's backward pass: the gated product's gradient, those of gate and up, or the product itself and its
    /// masked copy; the residual's gradient, and a panel of expanded weights.
    private func backward(_ s: LayerShape, _ n: Int) -> Int {
        3 * block(n, s.intermediateSize) + 2 * block(n, s.dim) + Self.panel + rounded(n, s.intermediateSize)
            + (hasGains ? block(n, s.intermediateSize) : 0)
    }

    /// Whether some gain's product needs a buffer of its own in the backward pass.
    private var hasGains: Bool { (shape.slow.layers + (shape.fast?.layers ?? [])).joined().contains(where: \.hasGain) }

    /// Logits of a block, the rows that they come from and their gradients.
    private func tokenLoss(_ labels: Int) -> Int { loss(labels, shape.tokens) }

    private func loss(_ rows: Int, _ matrix: StepShape.Matrix) -> Int {
        guard rows > 0 else { return 0 }
        let most = NN.lossBlock(rows: rows, classes: matrix.output)
        return (matrix.hasGain ? 2 : 1) * block(most, matrix.output) + (shape.hasDropout ? 3 : 2)
            * block(most, matrix.input) + Self.panel
            + rounded(most, max(matrix.input, matrix.output))
    }

    /// Blocks are about equally large.
    private func largestBlock(_ frames: Int, _ most: Int) -> Int {
        guard frames > 0, shape.fast != nil else { return frames }
        let blocks = (frames + most - 1) / most
        return (frames + blocks - 1) / blocks
    }

    /// A block of frames, forward and backward.
    private func frameBlock(_ frames: Int) -> Int {
        guard frames > 0 else { return 0 }
        guard let fast = shape.fast else { return loss(frames, shape.codes) }
        let n = frames * shape.codebookCount, state = block(n, fast.shape.dim)
        let kept = fast.layers.reduce(0) { $0 + layer($1, fast.shape, n) }
        // its embedded codes, its result, the norm of that, and the gradient that comes back
        return kept + 4 * state + max(loss(n, shape.codes), backward(fast.shape, n))
    }

    /// Weights expanded to float32 at a time.
    private static let panel = 8 << 20

    /// The copy of a factor that is rounded to bfloat16: its bits, or where nothing multiplies those, float32.
    private func rounded(_ n: Int, _ width: Int) -> Int {
        shape.products == .float32 ? 0 : BFloat16Engine.isAvailable ? Memory.blockSize(2 * n * width) : block(n, width)
    }

    /// Bytes of a float32 tensor [n, width].
    private func block(_ n: Int, _ width: Int) -> Int { Memory.blockSize(4 * n * width) }
}
