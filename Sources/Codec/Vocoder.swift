import Support
import Tensors

/// The HiFi-GAN generator: features [T, D] to samples, by upsampling stages that each end in the mean
/// of a few residual blocks with different kernels.
///
/// Everything in it is causal, so a sequence goes through in stretches: a stage works on as many rows
/// as stay in the cache, hands them on to the next stage, and keeps only the past that its filters need.
/// Memory does not grow with the length of the sequence, and no result depends on the stretches.
final class Vocoder: Sendable {
    /// Pairs of convolutions in a residual block.
    static let unitsPerBlock = 3

    struct Stage: Sendable {
        let channels: Int
        let up: CausalUpsampling
        /// Residual blocks, each of pairs of convolutions.
        let blocks: [[(first: CausalConvolution, second: CausalConvolution)]]
        /// Input rows per stretch.
        let stretch: Int
    }

    let pre: CausalConvolution
    let stages: [Stage]
    let post: CausalConvolution
    let hopLength: Int

    /// Floats in one buffer of a stretch: 480 KiB, so that a layer's input and output share a cache.
    private static let bufferSize = 122_880

    /// Input rows per stretch: whole blocks of every convolution that goes by blocks (up to eight rows per dilation).
    private static func stretch(_ channels: Int, _ rate: Int, _ dilations: [[Int]]) -> Int {
        var block = 8
        for d in dilations.joined() where block < 1 << 16 { block = block / divisor(block, 8 * d) * 8 * d }
        let step = block / divisor(block, rate), rows = bufferSize / (Rows.width(channels) * rate)
        return rows >= step ? rows / step * step : max(rows, 1)
    }

    private static func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }

    init(_ weights: CodecWeights, _ configuration: CodecConfiguration) throws {
        let head = configuration.head
        hopLength = head.hopLength
        pre = try CausalConvolution(
            weights, "head.conv_pre.conv", in: head.inputChannels, out: head.initialChannels, kernel: head.preKernelSize
        )
        stages = try head.upsampleRates.indices.map { i in
            let channels = head.initialChannels >> (i + 1), rate = head.upsampleRates[i]
            let up = try CausalUpsampling(
                weights, "head.ups.\(i).conv", in: head.initialChannels >> i, out: channels,
                kernel: head.upsampleKernelSizes[i], rate: rate)
            let blocks = try zip(head.resblockKernelSizes, head.resblockDilations).enumerated().map { j, shape in
                try (0 ..< Self.unitsPerBlock).map { k in
                    func convolution(_ part: String) throws -> CausalConvolution {
                        try CausalConvolution(
                            weights, "head.resblocks.\(i).blocks.\(j).\(part).\(k).conv", in: channels, out: channels,
                            kernel: shape.0, dilation: shape.1[k], isLong: true)
                    }
                    return (first: try convolution("convs1"), second: try convolution("convs2"))
                }
            }
            return Stage(
                channels: channels, up: up, blocks: blocks,
                stretch: Self.stretch(channels, rate, head.resblockDilations))
        }
        post = try CausalConvolution(
            weights, "head.conv_post.conv", in: head.initialChannels >> head.upsampleRates.count, out: 1,
            kernel: head.postKernelSize)
    }
}
