import Support
import Tensors

/// The quantizer's way down: features at the mel frame rate to latents at the token rate.
final class Downsampling: Sendable {
    /// Taps of the depthwise filters in the quantizer's ConvNeXt blocks, whatever the backbone's kernel size.
    static let blockKernel = 7

    private let layers: [(change: PackedMatrix, factor: Int, block: ConvNeXtBlock)]

    init(_ weights: CodecWeights, _ configuration: CodecConfiguration.Quantizer) throws {
        let dims = configuration.dims
        layers = try configuration.downsampleFactors.enumerated().map { i, factor in
            let prefix = "quantizer.downsample.\(i)", depth = dims[i], width = Rows.width(dims[i])
            let filters = try weights(prefix + ".0.conv.weight"), bias = try weights(prefix + ".0.conv.bias")
            // Kernel and stride are equal: `factor` rows, one after the other, are one row of the product.
            let change = PackedMatrix(depth: factor * width, columns: dims[i + 1]) { _, row, o in
                row % width < depth ? filters[(o * depth + row % width) * factor + row / width] : 0
            } bias: {
                bias[$0]
            }
            return (
                change, factor,
                try ConvNeXtBlock(weights, prefix + ".1", channels: dims[i + 1], kernel: Self.blockKernel, scaled: true)
            )
        }
    }

    /// One clip on its way down to latents.
    final class Pass {
        private let layers: [(change: PackedMatrix, factor: Int, block: ConvNeXtBlock)]
        private let histories: [History]
        private let buffers: [(Rows, Rows)]

        init(_ downsampling: Downsampling, capacity: Int) {
            layers = downsampling.layers
            histories = layers.map { $0.block.makeHistory() }
            var capacity = capacity
            buffers = layers.map { layer in
                capacity = (capacity + layer.factor - 1) / layer.factor
                return (
                    Rows(channels: layer.block.channels, lead: blockKernel - 1, capacity: capacity),
                    Rows(channels: layer.block.channels, capacity: capacity + 64)
                )
            }
        }

        /// The next `rows` rows of features, whose buffer has room for `factor - 1` more; all but the last
        /// stretch of a clip must be whole tokens. Returns the latents and their number, rounded up.
        func callAsFunction(_ features: Rows, rows: Int) throws -> (Rows, Int) {
            var x = features, n = rows
            for (i, layer) in layers.enumerated() {
                let tokens = (n + layer.factor - 1) / layer.factor, (here, there) = buffers[i]
                x.clear(n ..< tokens * layer.factor)   // the reference pads on the right
                parallelRowProduct(
                    0 ..< tokens, x.first, stride: layer.factor * x.width, tapStride: 0, layer.change,
                    StoreEpilogue(here.first, stride: here.width))
                try layer.block(here, there, rows: tokens, history: histories[i])
                (x, n) = (there, tokens)
            }
            return (x, n)
        }
    }
}
