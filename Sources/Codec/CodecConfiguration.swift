import Support

/// The sizes of a firefly codec, section by section as in `firefly_gan_vq.yaml`. The default is the
/// codec of fish-speech 1.4: 44.1 kHz, 8 codebooks of 1000 codes, 21.5 tokens per second.
public struct CodecConfiguration: Equatable, Sendable {
    /// `spec_transform`: from samples to a log-mel spectrogram.
    public struct Spectrogram: Equatable, Sendable {
        public var sampleRate = 44100, melCount = 160, fftSize = 2048, hopLength = 512, windowLength = 2048
        public init() {}
    }

    /// `backbone`: ConvNeXt blocks that turn mel frames into features.
    public struct Backbone: Equatable, Sendable {
        public var inputChannels = 160, depths = [3, 3, 9, 3], dims = [128, 256, 384, 512]
        public var kernelSize = 7, hasLayerScale = true
        public init() {}
    }

    /// `head`: the HiFi-GAN vocoder, from features to samples.
    public struct Head: Equatable, Sendable {
        public var hopLength = 512, upsampleRates = [8, 8, 2, 2, 2], upsampleKernelSizes = [16, 16, 4, 4, 4]
        public var resblockKernelSizes = [3, 7, 11], resblockDilations = [[1, 3, 5], [1, 3, 5], [1, 3, 5]]
        public var inputChannels = 512, initialChannels = 512, preKernelSize = 13, postKernelSize = 13
        public init() {}
    }

    /// `quantizer`: grouped residual finite scalar quantization at a lower frame rate.
    public struct Quantizer: Equatable, Sendable {
        public var inputDim = 512, groups = 8, codebooksPerGroup = 1, levels = [8, 5, 5, 5]
        public var downsampleFactors = [2, 2]
        /// Widths after each downsampling; nil keeps `inputDim`.
        public var downsampleDims: [Int]?

        public init() {}
        var dims: [Int] { [inputDim] + (downsampleDims ?? downsampleFactors.map { _ in inputDim }) }
        public var codebookSize: Int { levels.reduce(1, *) }
    }

    public var spectrogram = Spectrogram(), backbone = Backbone(), head = Head(), quantizer = Quantizer()

    public init() {}

    /// Mel frames per token.
    public var downsampleFactor: Int { quantizer.downsampleFactors.reduce(1, *) }
    /// Samples per token.
    public var samplesPerToken: Int { spectrogram.hopLength * downsampleFactor }
    /// Rows of the codes.
    public var codebookCount: Int { quantizer.groups * quantizer.codebooksPerGroup }
    /// Tokens per second.
    public var frameRate: Double { Double(spectrogram.sampleRate) / Double(samplesPerToken) }

    /// Sizes that contradict each other, or that no codec has, are errors before anything is allocated.
    public func validate() throws {
        func require(_ holds: Bool, _ message: @autoclosure () -> String) throws {
            guard holds else { throw OpahError(.config, "codec configuration: " + message()) }
        }
        func sizes(_ name: String, _ values: [Int], count: ClosedRange<Int>, _ range: ClosedRange<Int>) throws {
            try require(
                count.contains(values.count),
                "\(name) has \(values.count) entries; \(count.lowerBound) to \(count.upperBound) are possible")
            for value in values {
                try require(
                    range.contains(value),
                    "\(name) has \(value); it must be from \(range.lowerBound) to \(range.upperBound)")
            }
        }
        let s = spectrogram, b = backbone, h = head, q = quantizer
        try sizes(
            "spec_transform", [s.sampleRate, s.melCount, s.fftSize, s.hopLength, s.windowLength], count: 5 ... 5,
            1 ... 1_000_000)
        try sizes("backbone.depths", b.depths, count: 1 ... 32, 0 ... 256)
        try sizes("backbone.dims", b.dims, count: 1 ... 32, 1 ... 16384)
        try sizes("backbone.kernel_size", [b.kernelSize], count: 1 ... 1, 1 ... 1024)
        try sizes("head.upsample_rates", h.upsampleRates, count: 1 ... 16, 1 ... 1024)
        try sizes("head.upsample_kernel_sizes", h.upsampleKernelSizes, count: 1 ... 16, 1 ... 4096)
        try sizes("head.resblock_kernel_sizes", h.resblockKernelSizes, count: 1 ... 16, 1 ... 1024)
        for d in h.resblockDilations { try sizes("head.resblock_dilation_sizes", d, count: 3 ... 64, 1 ... 4096) }
        try sizes("head.upsample_initial_channel", [h.initialChannels], count: 1 ... 1, 1 ... 16384)
        try sizes(
            "head.pre_conv_kernel_size and post_conv_kernel_size", [h.preKernelSize, h.postKernelSize], count: 2 ... 2,
            1 ... 1024)
        try sizes("quantizer.n_groups and n_codebooks", [q.groups, q.codebooksPerGroup], count: 2 ... 2, 1 ... 1024)
        try sizes("quantizer.levels", q.levels, count: 1 ... 16, 2 ... 4096)
        try sizes("quantizer.downsample_factor", q.downsampleFactors, count: 0 ... 8, 1 ... 64)
        try sizes("quantizer.downsample_dims", q.dims, count: 1 ... 9, 1 ... 16384)
        try require(
            b.inputChannels == s.melCount,
            "backbone.input_channels is \(b.inputChannels), but spec_transform.n_mels is \(s.melCount)")
        try require(b.depths.count == b.dims.count, "backbone.depths and backbone.dims have different lengths")
        try require(
            b.dims.last == q.inputDim,
            "quantizer.input_dim is \(q.inputDim), but the backbone ends with \(b.dims.last ?? 0) channels")
        try require(
            h.inputChannels == q.inputDim,
            "head.num_mels is \(h.inputChannels), but quantizer.input_dim is \(q.inputDim)")
        try require(
            h.upsampleRates.count == h.upsampleKernelSizes.count,
            "head.upsample_rates and upsample_kernel_sizes have different lengths")
        try require(
            h.resblockKernelSizes.count == h.resblockDilations.count,
            "head.resblock_kernel_sizes and resblock_dilation_sizes have different lengths")
        try require(
            zip(h.upsampleRates, h.upsampleKernelSizes).allSatisfy { $0 <= $1 },
            "an upsampling kernel is shorter than its rate")
        try require(
            h.initialChannels >> h.upsampleRates.count >= 1,
            "head.upsample_initial_channel cannot be halved \(h.upsampleRates.count) times")
        var rate = 1
        for factor in h.upsampleRates { rate = min(rate * factor, 1 << 30) }
        try require(
            rate == h.hopLength, "head.upsample_rates multiply to \(rate), but head.hop_length is \(h.hopLength)")
        try require(
            h.hopLength == s.hopLength,
            "head.hop_length is \(h.hopLength), but spec_transform.hop_length is \(s.hopLength)")
        try require(
            q.dims.count == q.downsampleFactors.count + 1,
            "quantizer.downsample_dims and downsample_factor have different lengths")
        var factor = 1
        for f in q.downsampleFactors { factor = min(factor * f, 1 << 30) }
        try require(factor <= 4096, "quantizer.downsample_factor multiplies to \(factor) mel frames per token")
        try require(
            q.dims.last! % q.groups == 0,
            "the quantizer's \(q.dims.last!) channels cannot be divided into \(q.groups) groups")
        var codes = 1
        for level in q.levels { codes = min(codes * level, 1 << 40) }
        try require(codes <= 1 << 30, "quantizer.levels make more codes than an int32 holds")
        let parameters = WeightLayout(self).entries.reduce(0) { $0 + $1.count }
        try require(parameters <= 1 << 31, "\(parameters) parameters are more than any such codec has")
    }
}
