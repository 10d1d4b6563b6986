import Support
import Tensors

/// The backbone: mel frames [T, melCount] to features [T, D], by a stem, ConvNeXt stages and a norm.
final class Encoder: Sendable {
    /// Taps of the first convolution, whatever the configuration's kernel size.
    static let stemKernel = 7

    private struct Stage: Sendable {
        let channels: Int
        let norm: RowNorm   // after the stem; before the pointwise convolution of later stages
        let change: CausalConvolution
        let blocks: [ConvNeXtBlock]
    }

    private let stages: [Stage]
    private let norm: RowNorm
    let kernel: Int

    init(_ weights: CodecWeights, _ configuration: CodecConfiguration) throws {
        let backbone = configuration.backbone, dims = backbone.dims
        kernel = backbone.kernelSize
        stages = try dims.indices.map { i in
            let prefix = "backbone.downsample_layers.\(i)"
            return Stage(
                channels: dims[i],
                norm: i == 0
                    ? try RowNorm(weights, prefix + ".1", channels: dims[0])
                    : try RowNorm(weights, prefix + ".0", channels: dims[i - 1]),
                change: i == 0
                    ? try CausalConvolution(
                        weights, prefix + ".0.conv", in: backbone.inputChannels, out: dims[0], kernel: Self.stemKernel)
                    : try CausalConvolution(weights, prefix + ".1", in: dims[i - 1], out: dims[i], kernel: 1),
                blocks: try (0 ..< backbone.depths[i]).map {
                    try ConvNeXtBlock(
                        weights, "backbone.stages.\(i).\($0)", channels: dims[i], kernel: backbone.kernelSize,
                        scaled: backbone.hasLayerScale)
                })
        }
        norm = try RowNorm(weights, "backbone.norm", channels: dims.last!)
    }

    /// One clip on its way through the backbone.
    final class Pass {
        private let encoder: Encoder
        private let stem: History
        private let histories: [[History]]
        /// Two buffers per stage, read and written in turn.
        private let buffers: [(Rows, Rows)]

        init(_ encoder: Encoder, capacity: Int) {
            self.encoder = encoder
            stem = encoder.stages[0].change.makeHistory()
            histories = encoder.stages.map { $0.blocks.map { $0.makeHistory() } }
            buffers = encoder.stages.map {
                (
                    Rows(channels: $0.channels, lead: encoder.kernel - 1, capacity: capacity),
                    Rows(channels: $0.channels, lead: encoder.kernel - 1, capacity: capacity)
                )
            }
        }

        /// The next `rows` mel frames (`mel` has room for the stem's past); returns as many rows of features,
        /// valid until the next call.
        func callAsFunction(_ mel: Rows, rows: Int) throws -> Rows {
            var x = mel
            for (i, stage) in encoder.stages.enumerated() {
                var (here, there) = buffers[i]
                if i == 0 {
                    stem.restore(into: mel)
                    stage.change(mel, 0 ..< rows, StoreEpilogue(here.first, stride: here.width))
                    stem.keep(from: mel, length: rows)
                    normalise(here, rows, stage.norm)
                } else {
                    normalise(x, rows, stage.norm)
                    stage.change(x, 0 ..< rows, StoreEpilogue(here.first, stride: here.width))
                }
                for (block, history) in zip(stage.blocks, histories[i]) {
                    try block(here, there, rows: rows, history: history)
                    swap(&here, &there)
                }
                x = here
            }
            normalise(x, rows, encoder.norm)
            return x
        }

        private func normalise(_ x: Rows, _ rows: Int, _ norm: RowNorm) {
            Parallel.forRange(rows, grain: 16) { for t in $0 { norm(x.row(t), x.row(t)) } }
        }
    }
}
