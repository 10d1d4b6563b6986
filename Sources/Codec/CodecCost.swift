/// What encoding and decoding cost with a configuration: operations and memory, in closed form.
///
/// Operations are those of the convolutions and linear layers written out directly, a multiply-add counting as
/// two: the figure that times are held against. The Fourier transform, norms and activations are left out (below 2 % of
/// it), and so is what minimal filtering saves. With the codec of fish-speech 1.4, 10 s of sound take 36.8 GFLOP
/// to encode (33.4 of them in the backbone) and 570 to decode.
public struct CodecCost: Sendable {
    private let configuration: CodecConfiguration

    public init(_ configuration: CodecConfiguration) { self.configuration = configuration }

    /// Operations of encoding a clip of so many samples.
    public func encodeOperations(samples: Int) -> Double {
        let backbone = configuration.backbone, quantizer = configuration.quantizer, dims = backbone.dims
        var frames = Double(max(samples, 0) / configuration.spectrogram.hopLength)
        var perFrame = Self.product(Encoder.stemKernel * backbone.inputChannels, dims[0])
        for i in 1 ..< max(dims.count, 1) { perFrame += Self.product(dims[i - 1], dims[i]) }
        for (depth, width) in zip(backbone.depths, dims) {
            perFrame += Double(depth) * Self.block(width, backbone.kernelSize)
        }
        var operations = frames * perFrame
        for (i, factor) in quantizer.downsampleFactors.enumerated() {
            frames = (frames / Double(factor)).rounded(.up)
            operations +=
                frames
                * (Self.product(factor * quantizer.dims[i], quantizer.dims[i + 1])
                    + Self.block(quantizer.dims[i + 1], Downsampling.blockKernel))
        }
        return operations
    }

    /// Operations of decoding so many tokens (columns of codes).
    public func decodeOperations(tokens: Int) -> Double {
        let head = configuration.head, quantizer = configuration.quantizer
        var rows = Double(max(tokens, 0)), operations = 0.0
        for i in quantizer.downsampleFactors.indices.reversed() {
            rows *= Double(quantizer.downsampleFactors[i])
            operations +=
                rows
                * (Self.product(quantizer.dims[i + 1], quantizer.dims[i])
                    + Self.block(quantizer.dims[i], Downsampling.blockKernel))
        }
        operations += rows * Self.product(head.preKernelSize * head.inputChannels, head.initialChannels)
        for (i, (rate, kernel)) in zip(head.upsampleRates, head.upsampleKernelSizes).enumerated() {
            let channels = head.initialChannels >> (i + 1)
            operations += rows * Self.product(head.initialChannels >> i, kernel * channels)
            rows *= Double(rate)
            let taps = head.resblockKernelSizes.reduce(0, +) * 2 * Vocoder.unitsPerBlock
            operations += rows * Self.product(taps * channels, channels)
        }
        return operations + rows
            * Self.product(head.postKernelSize * (head.initialChannels >> head.upsampleRates.count), 1)
    }

    /// Bytes in use at once while a clip is encoded, beyond the codec itself: the samples, and the buffers of a
    /// stretch.
    public func encodeBytes(samples: Int) -> Int {
        let frames = min(max(samples, 0) / configuration.spectrogram.hopLength, Codec.stretch)
        let widths =
            configuration.backbone.dims.reduce(0, +) * 2 + configuration.spectrogram.melCount
            + configuration.quantizer.dims.reduce(0, +)
        return 4 * (max(samples, 0) + frames * widths)
    }

    /// Bytes of the samples that so many tokens become; the buffers of the decoder add about 20 MB whatever the length.
    public func decodeBytes(tokens: Int) -> Int { 4 * max(tokens, 0) * configuration.samplesPerToken }

    /// A row of `depth` values times a matrix.
    private static func product(_ depth: Int, _ columns: Int) -> Double { 2 * Double(depth) * Double(columns) }

    /// A ConvNeXt block on one row: the depthwise filter, and twice a matrix of four times the width.
    private static func block(_ width: Int, _ kernel: Int) -> Double {
        product(kernel, width) + 2 * product(width, 4 * width)
    }
}

extension Codec {
    /// What encoding and decoding cost.
    public var cost: CodecCost { CodecCost(configuration) }
}
