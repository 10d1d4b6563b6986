import Support
import Tensors

/// Features at the mel frame rate to latents at the token rate and back, with the quantization between.
final class Quantizer: Sendable {
    /// Taps of the depthwise filters in its ConvNeXt blocks, whatever the backbone's kernel size.
    static let blockKernel = 7

    let quantization: ScalarQuantization
    private let down: [(change: PackedMatrix, factor: Int, block: ConvNeXtBlock)]
    private let up: [(change: CausalUpsampling, block: ConvNeXtBlock)]
    private let dims: [Int]

    init(_ weights: CodecWeights, _ configuration: CodecConfiguration) throws {
        let dims = configuration.quantizer.dims, factors = configuration.quantizer.downsampleFactors
        self.dims = dims
        quantization = try ScalarQuantization(weights, configuration.quantizer)
        down = try factors.enumerated().map { i, factor in
            let prefix = "quantizer.downsample.\(i)", depth = dims[i], width = Rows.width(dims[i])
            let filters = try weights(prefix + ".0.conv.weight"), bias = try weights(prefix + ".0.conv.bias")
            // Kernel and stride are equal: `factor` rows, one after the other, are one row of the product.
            let change = PackedMatrix(depth: factor * width, columns: dims[i + 1]) { _, row, o in
                row % width < depth ? filters[(o * depth + row % width) * factor + row / width] : 0
            } bias: { bias[$0] }
            return (change, factor, try ConvNeXtBlock(weights, prefix + ".1", channels: dims[i + 1], kernel: Self.blockKernel, scaled: true))
        }
        up = try factors.indices.reversed().enumerated().map { place, i in
            let prefix = "quantizer.upsample.\(place)"
            return (try CausalUpsampling(weights, prefix + ".0.conv", in: dims[i + 1], out: dims[i], kernel: factors[i], rate: factors[i]),
                    try ConvNeXtBlock(weights, prefix + ".1", channels: dims[i], kernel: Self.blockKernel, scaled: true))
        }
    }

    /// One clip on its way down to latents.
    final class DownPass {
        private let quantizer: Quantizer
        private let histories: [History]
        private let buffers: [(Rows, Rows)]

        init(_ quantizer: Quantizer, capacity: Int) {
            self.quantizer = quantizer
            histories = quantizer.down.map { $0.block.makeHistory() }
            var capacity = capacity
            buffers = quantizer.down.map { layer in
                capacity = (capacity + layer.factor - 1) / layer.factor
                return (Rows(channels: layer.block.channels, lead: blockKernel - 1, capacity: capacity),
                        Rows(channels: layer.block.channels, capacity: capacity + 64))
            }
        }

        /// The next `rows` rows of features, whose buffer has room for `factor - 1` more; all but the last
        /// stretch of a clip must be whole tokens. Returns the latents and their number, rounded up.
        func callAsFunction(_ features: Rows, rows: Int) throws -> (Rows, Int) {
            var x = features, n = rows
            for (i, layer) in quantizer.down.enumerated() {
                let tokens = (n + layer.factor - 1) / layer.factor, (here, there) = buffers[i]
                x.clear(n ..< tokens * layer.factor)   // the reference pads on the right
                parallelRowProduct(0..<tokens, x.first, stride: layer.factor * x.width, tapStride: 0, layer.change,
                                   StoreEpilogue(here.first, stride: here.width))
                try layer.block(here, there, rows: tokens, history: histories[i])
                (x, n) = (there, tokens)
            }
            return (x, n)
        }
    }

    /// One sequence of codes on its way up to the vocoder's input.
    final class UpPass {
        private let quantizer: Quantizer
        private let latents: Rows
        private let histories: [(change: History, block: History)]
        private let buffers: [(Rows, Rows)]

        /// - Parameters:
        ///   - capacity: tokens per call at most.
        ///   - lead: rows of the past for which the result needs room.
        init(_ quantizer: Quantizer, capacity: Int, lead: Int) {
            self.quantizer = quantizer
            latents = Rows(channels: quantizer.dims.last!, lead: lead, capacity: capacity)
            histories = quantizer.up.map { ($0.change.makeHistory(), $0.block.makeHistory()) }
            var capacity = capacity
            buffers = quantizer.up.map { layer in
                capacity *= layer.change.rate
                return (Rows(channels: layer.block.channels, lead: blockKernel - 1, capacity: capacity),
                        Rows(channels: layer.block.channels, lead: lead, capacity: capacity))
            }
        }

        /// The next `tokens` columns of codes; `code(book, token)` must be in range.
        func callAsFunction(tokens: Int, _ code: (_ book: Int, _ token: Int) -> Int) throws -> (Rows, Int) {
            for t in 0..<tokens { quantizer.quantization.decode({ code($0, t) }, into: latents.row(t)) }
            var x = latents, n = tokens
            for (i, layer) in quantizer.up.enumerated() {
                let (here, there) = buffers[i]
                layer.change(x, 0..<n, StoreEpilogue(here.first, stride: layer.change.rate * here.width))
                n *= layer.change.rate
                try layer.block(here, there, rows: n, history: histories[i].block)
                x = there
            }
            return (x, n)
        }
    }
}
