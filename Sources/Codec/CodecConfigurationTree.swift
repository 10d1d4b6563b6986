import Support

/// Reading a configuration from the tree of a YAML file, a JSON file or a Lua table.
extension CodecConfiguration {
    /// Keys are those of `firefly_gan_vq.yaml`; a key that is left out has the default of the class
    /// that the section names. `_target_` may name the class with or without its module path.
    /// - Throws: `config` for unknown keys, wrong types, another architecture, or sizes that contradict each other.
    public init(_ tree: ConfigValue) throws {
        self.init()
        let root = try Section(tree, "codec", class: "FireflyArchitecture")

        let spectrogram = try root.section("spec_transform", class: "LogMelSpectrogram")
        self.spectrogram.sampleRate = try spectrogram.int("sample_rate", 44100)
        self.spectrogram.melCount = try spectrogram.int("n_mels", 128)
        self.spectrogram.fftSize = try spectrogram.int("n_fft", 2048)
        self.spectrogram.hopLength = try spectrogram.int("hop_length", 512)
        self.spectrogram.windowLength = try spectrogram.int("win_length", 2048)
        try spectrogram.refuseUnknown()

        let backbone = try root.section("backbone", class: "ConvNeXtEncoder")
        self.backbone.inputChannels = try backbone.int("input_channels", 3)
        self.backbone.depths = try backbone.ints("depths", [3, 3, 9, 3])
        self.backbone.dims = try backbone.ints("dims", [96, 192, 384, 768])
        self.backbone.kernelSize = try backbone.int("kernel_size", 7)
        self.backbone.hasLayerScale = try backbone.double("layer_scale_init_value", 1e-6) > 0
        _ = try backbone.double("drop_path_rate", 0)   // a training setting
        try backbone.refuseUnknown()

        let head = try root.section("head", class: "HiFiGANGenerator")
        self.head.hopLength = try head.int("hop_length", 512)
        self.head.upsampleRates = try head.ints("upsample_rates", [8, 8, 2, 2, 2])
        self.head.upsampleKernelSizes = try head.ints("upsample_kernel_sizes", [16, 16, 8, 2, 2])
        self.head.resblockKernelSizes = try head.ints("resblock_kernel_sizes", [3, 7, 11])
        self.head.resblockDilations = try head.lists("resblock_dilation_sizes", [[1, 3, 5], [1, 3, 5], [1, 3, 5]])
        self.head.inputChannels = try head.int("num_mels", 128)
        self.head.initialChannels = try head.int("upsample_initial_channel", 512)
        self.head.preKernelSize = try head.int("pre_conv_kernel_size", 7)
        self.head.postKernelSize = try head.int("post_conv_kernel_size", 7)
        try head.refuseUnknown()

        let quantizer = try root.section("quantizer", class: "DownsampleFiniteScalarQuantize")
        self.quantizer.inputDim = try quantizer.int("input_dim", 512)
        self.quantizer.codebooksPerGroup = try quantizer.int("n_codebooks", 9)
        self.quantizer.groups = try quantizer.int("n_groups", 1)
        self.quantizer.levels = try quantizer.ints("levels", [8, 5, 5, 5])
        self.quantizer.downsampleFactors = try quantizer.ints("downsample_factor", [2, 2])
        if quantizer.has("downsample_dims") {
            self.quantizer.downsampleDims = try quantizer.ints("downsample_dims", [])
        }
        try quantizer.refuseUnknown()
        try root.refuseUnknown()
        try validate()
    }

    /// The same tree that `init` reads, for `config.load` and for saved projects.
    public var tree: ConfigValue {
        func list(_ values: [Int]) -> ConfigValue { .list(values.map(ConfigValue.int)) }
        var quantizer: ConfigMap = [
            "_target_": "DownsampleFiniteScalarQuantize", "input_dim": .int(self.quantizer.inputDim),
            "n_groups": .int(self.quantizer.groups), "n_codebooks": .int(self.quantizer.codebooksPerGroup),
            "levels": list(self.quantizer.levels), "downsample_factor": list(self.quantizer.downsampleFactors)
        ]
        if let dims = self.quantizer.downsampleDims { quantizer["downsample_dims"] = list(dims) }
        return [
            "_target_": "FireflyArchitecture",
            "spec_transform": [
                "_target_": "LogMelSpectrogram", "sample_rate": .int(spectrogram.sampleRate),
                "n_mels": .int(spectrogram.melCount),
                "n_fft": .int(spectrogram.fftSize), "hop_length": .int(spectrogram.hopLength),
                "win_length": .int(spectrogram.windowLength)
            ],
            "backbone": [
                "_target_": "ConvNeXtEncoder", "input_channels": .int(backbone.inputChannels),
                "depths": list(backbone.depths),
                "dims": list(backbone.dims), "kernel_size": .int(backbone.kernelSize),
                "layer_scale_init_value": .double(backbone.hasLayerScale ? 1e-6 : 0)
            ],
            "head": [
                "_target_": "HiFiGANGenerator", "hop_length": .int(head.hopLength),
                "upsample_rates": list(head.upsampleRates),
                "upsample_kernel_sizes": list(head.upsampleKernelSizes),
                "resblock_kernel_sizes": list(head.resblockKernelSizes),
                "resblock_dilation_sizes": .list(head.resblockDilations.map(list)),
                "num_mels": .int(head.inputChannels),
                "upsample_initial_channel": .int(head.initialChannels),
                "pre_conv_kernel_size": .int(head.preKernelSize),
                "post_conv_kernel_size": .int(head.postKernelSize)
            ],
            "quantizer": .map(quantizer)
        ]
    }
}

/// One table of the tree, and which of its keys have been read.
private final class Section {
    private let name: String, map: ConfigMap
    private var known: Set<String> = ["_target_"]

    init(_ value: ConfigValue, _ name: String, class expected: String) throws {
        self.name = name
        guard let map = value.map else {
            throw OpahError(.config, "codec configuration: \(name) is \(value.kindName), not a table")
        }
        self.map = map
        guard let target = map["_target_"] else { return }
        guard let path = target.string, path.split(separator: ".").last.map(String.init) == expected else {
            throw OpahError(
                .config,
                "codec configuration: \(name) wants the class \(target.string ?? target.kindName); only \(expected) is supported",
                hint: "the codec of fish-speech 1.4 is firefly_gan_vq")
        }
    }

    func section(_ key: String, class expected: String) throws -> Section {
        guard let value = read(key) else {
            throw OpahError(
                .config, "codec configuration: the section \(key) is missing",
                hint: "firefly_gan_vq.yaml has spec_transform, backbone, head and quantizer")
        }
        return try Section(value, key, class: expected)
    }

    func has(_ key: String) -> Bool { map[key].map { !$0.isNull } ?? false }

    private func read(_ key: String) -> ConfigValue? {
        known.insert(key)
        return map[key]
    }

    private func wrong(_ key: String, _ wanted: String, _ value: ConfigValue) -> OpahError {
        OpahError(.config, "codec configuration: \(name).\(key) must be \(wanted), not \(value.kindName)")
    }

    func int(_ key: String, _ normal: Int) throws -> Int {
        guard let value = read(key) else { return normal }
        guard let number = value.int else { throw wrong(key, "a whole number", value) }
        return number
    }

    func double(_ key: String, _ normal: Double) throws -> Double {
        guard let value = read(key) else { return normal }
        guard let number = value.double else { throw wrong(key, "a number", value) }
        return number
    }

    private func numbers(_ key: String, _ value: ConfigValue) throws -> [Int] {
        guard let list = value.list else { throw wrong(key, "a list of whole numbers", value) }
        return try list.map {
            guard let number = $0.int else { throw wrong(key, "a list of whole numbers", value) }
            return number
        }
    }

    func ints(_ key: String, _ normal: [Int]) throws -> [Int] {
        try read(key).map { try numbers(key, $0) } ?? normal
    }

    func lists(_ key: String, _ normal: [[Int]]) throws -> [[Int]] {
        guard let value = read(key) else { return normal }
        guard let list = value.list else { throw wrong(key, "a list of lists", value) }
        return try list.map { try numbers(key, $0) }
    }

    func refuseUnknown() throws {
        guard let unknown = map.keys.first(where: { !known.contains($0) }) else { return }
        throw OpahError(
            .config, "codec configuration: \(name) has no key \(name: unknown)",
            hint: suggestion(for: unknown, in: known))
    }
}
