import Support
import Tensors

/// x + gamma * W2 gelu(W1 norm(depthwise(x))): a causal ConvNeXt block on rows [T, C].
///
/// One task takes a block of rows through the whole of it, so that the four times wider middle never
/// leaves the cache.
final class ConvNeXtBlock: @unchecked Sendable {
    let channels: Int, kernel: Int
    /// Taps in order of time, then the bias: [kernel + 1, width].
    private let depthwise: Rows
    private let norm: RowNorm
    private let expand: PackedMatrix, contract: PackedMatrix

    init(_ weights: CodecWeights, _ prefix: String, channels: Int, kernel: Int, scaled: Bool) throws {
        self.channels = channels
        self.kernel = kernel
        depthwise = Rows(channels: channels, capacity: kernel + 1)
        let filters = try weights(prefix + ".dwconv.conv.weight"),
            filterBias = try weights(prefix + ".dwconv.conv.bias")
        for c in 0 ..< channels {
            for k in 0 ..< kernel { depthwise.row(k)[c] = filters[c * kernel + k] }
            depthwise.row(kernel)[c] = filterBias[c]
        }
        norm = try RowNorm(weights, prefix + ".norm", channels: channels)
        let w1 = try weights(prefix + ".pwconv1.weight"), b1 = try weights(prefix + ".pwconv1.bias")
        expand = PackedMatrix(depth: channels, columns: 4 * channels) { _, i, o in
            w1[o * channels + i]
        } bias: {
            b1[$0]
        }
        let w2 = try weights(prefix + ".pwconv2.weight"), b2 = try weights(prefix + ".pwconv2.bias")
        let gamma = scaled ? try weights(prefix + ".gamma") : [Float](repeating: 1, count: channels)
        contract = PackedMatrix(depth: 4 * channels, columns: channels) { _, i, o in
            gamma[o] * w2[o * 4 * channels + i]
        } bias: {
            gamma[$0] * b2[$0]
        }
    }

    /// Rows of the past that the block reads.
    var lead: Int { kernel - 1 }

    func makeHistory() -> History { History(channels: channels, rows: lead) }

    /// `output` must not be `input`. Both have the block's channels; `input` has room for the past.
    func callAsFunction(_ input: Rows, _ output: Rows, rows: Int, history: History) throws {
        try Interrupt.check()
        history.restore(into: input)
        let width = input.width, middle = Rows.width(4 * channels), blocks = RowBlocks(rows, longest: 96)
        Parallel.forEach(blocks.count) { index in
            let range = blocks[index], n = range.count
            Scratch.with(n * (width + middle)) { normed in
                let hidden = normed + n * width
                for t in range {
                    let row = normed + (t - range.lowerBound) * width
                    filter(input.row(t - lead), row)
                    norm(row, row)
                }
                rowProduct(
                    0 ..< n, normed, stride: width, tapStride: 0, expand, panels: 0 ..< expand.panelCount,
                    GELUEpilogue(hidden, stride: middle))
                let residual = UnsafePointer(input.row(range.lowerBound))
                rowProduct(
                    0 ..< n, hidden, stride: middle, tapStride: 0, contract, panels: 0 ..< contract.panelCount,
                    ResidualEpilogue(residual, output.row(range.lowerBound), stride: width))
            }
        }
        history.keep(from: input, length: rows)
    }

    /// One row of the depthwise convolution; `oldest` is the first row that its taps read.
    @inline(__always)
    private func filter(_ oldest: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>) {
        let width = depthwise.width
        for c in stride(from: 0, to: width, by: 8) {
            var sum = load(depthwise.row(kernel) + c)
            for k in 0 ..< kernel { sum.addProduct(load(depthwise.row(k) + c), load(oldest + k * width + c)) }
            write(sum, output + c)
        }
    }
}
