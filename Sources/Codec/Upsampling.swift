import Support
import Tensors

/// The quantizer's way up: codes at the token rate to the vocoder's input at the mel frame rate.
final class Upsampling: Sendable {
    private let quantization: ScalarQuantization
    private let layers: [(change: CausalUpsampling, block: ConvNeXtBlock)]
    private let latentWidth: Int

    init(
        _ weights: CodecWeights, _ configuration: CodecConfiguration.Quantizer, _ quantization: ScalarQuantization
    ) throws {
        let dims = configuration.dims, factors = configuration.downsampleFactors
        self.quantization = quantization
        latentWidth = dims.last!
        layers = try factors.indices.reversed().enumerated().map { place, i in
            let prefix = "quantizer.upsample.\(place)"
            return (
                try CausalUpsampling(
                    weights, prefix + ".0.conv", in: dims[i + 1], out: dims[i], kernel: factors[i], rate: factors[i]),
                try ConvNeXtBlock(
                    weights, prefix + ".1", channels: dims[i], kernel: Downsampling.blockKernel, scaled: true)
            )
        }
    }

    /// One sequence of codes on its way up to the vocoder's input.
    final class Pass {
        private let upsampling: Upsampling
        private let latents: Rows
        private let histories: [History]
        private let buffers: [(Rows, Rows)]

        /// - Parameters:
        ///   - capacity: tokens per call at most.
        ///   - lead: rows of the past for which the result needs room.
        init(_ upsampling: Upsampling, capacity: Int, lead: Int) {
            self.upsampling = upsampling
            latents = Rows(channels: upsampling.latentWidth, lead: lead, capacity: capacity)
            histories = upsampling.layers.map { $0.block.makeHistory() }
            var capacity = capacity
            buffers = upsampling.layers.map { layer in
                capacity *= layer.change.rate
                return (
                    Rows(channels: layer.block.channels, lead: Downsampling.blockKernel - 1, capacity: capacity),
                    Rows(channels: layer.block.channels, lead: lead, capacity: capacity)
                )
            }
        }

        /// The next `tokens` columns of codes; `code(book, token)` must be in range.
        func callAsFunction(tokens: Int, _ code: (_ book: Int, _ token: Int) -> Int) throws -> (Rows, Int) {
            for t in 0 ..< tokens { upsampling.quantization.decode({ code($0, t) }, into: latents.row(t)) }
            var x = latents, n = tokens
            for (i, layer) in upsampling.layers.enumerated() {
                let (here, there) = buffers[i]
                layer.change(x, 0 ..< n, StoreEpilogue(here.first, stride: layer.change.rate * here.width))
                n *= layer.change.rate
                try layer.block(here, there, rows: n, history: histories[i])
                x = there
            }
            return (x, n)
        }
    }
}
