import Support

/// The names and shapes that a configuration's checkpoint holds, in the order of the reference's state_dict.
struct WeightLayout {
    /// `isNormed`: a direction and a magnitude per entry of dimension 0 instead of the weight itself.
    struct Entry {
        let name: String, shape: [Int], isNormed: Bool
        var count: Int { shape.reduce(1, *) }
    }

    private(set) var entries: [Entry] = []

    init(_ configuration: CodecConfiguration) {
        let backbone = configuration.backbone, head = configuration.head, quantizer = configuration.quantizer
        let dims = backbone.dims
        add("backbone.downsample_layers.0.0.conv", [dims[0], backbone.inputChannels, Encoder.stemKernel])
        addNorm("backbone.downsample_layers.0.1", dims[0])
        for i in 1 ..< max(dims.count, 1) {
            addNorm("backbone.downsample_layers.\(i).0", dims[i - 1])
            add("backbone.downsample_layers.\(i).1", [dims[i], dims[i - 1], 1])
        }
        for (i, depth) in backbone.depths.enumerated() {
            for j in 0 ..< depth {
                addBlock("backbone.stages.\(i).\(j)", dims[i], backbone.kernelSize, scaled: backbone.hasLayerScale)
            }
        }
        addNorm("backbone.norm", dims.last!)

        addNormed("head.conv_pre.conv", [head.initialChannels, head.inputChannels, head.preKernelSize])
        for (i, kernel) in head.upsampleKernelSizes.enumerated() {
            addNormed(
                "head.ups.\(i).conv", [head.initialChannels >> i, head.initialChannels >> (i + 1), kernel],
                bias: head.initialChannels >> (i + 1))
        }
        for i in head.upsampleRates.indices {
            let channels = head.initialChannels >> (i + 1)
            for (j, kernel) in head.resblockKernelSizes.enumerated() {
                for part in ["convs1", "convs2"] {
                    for k in 0 ..< Vocoder.unitsPerBlock {
                        addNormed("head.resblocks.\(i).blocks.\(j).\(part).\(k).conv", [channels, channels, kernel])
                    }
                }
            }
        }
        addNormed("head.conv_post.conv", [1, head.initialChannels >> head.upsampleRates.count, head.postKernelSize])

        let widths = quantizer.dims, codeDims = quantizer.levels.count
        let perGroup = widths.last! / quantizer.groups
        if perGroup != codeDims {
            for g in 0 ..< quantizer.groups {
                add("quantizer.residual_fsq.rvqs.\(g).project_in", [codeDims, perGroup])
                add("quantizer.residual_fsq.rvqs.\(g).project_out", [perGroup, codeDims])
            }
        }
        for (i, factor) in quantizer.downsampleFactors.enumerated() {
            add("quantizer.downsample.\(i).0.conv", [widths[i + 1], widths[i], factor])
            addBlock("quantizer.downsample.\(i).1", widths[i + 1], Downsampling.blockKernel, scaled: true)
        }
        for (place, i) in quantizer.downsampleFactors.indices.reversed().enumerated() {
            add(
                "quantizer.upsample.\(place).0.conv", [widths[i + 1], widths[i], quantizer.downsampleFactors[i]],
                bias: widths[i])
            addBlock("quantizer.upsample.\(place).1", widths[i], Downsampling.blockKernel, scaled: true)
        }
    }

    /// The names as they stand in a file, with their shapes.
    var names: [(name: String, shape: [Int])] {
        entries.flatMap { entry -> [(name: String, shape: [Int])] in
            guard entry.isNormed else { return [(entry.name, entry.shape)] }
            let (magnitude, direction) = Self.normedNames(entry.name)
            return [(magnitude, [entry.shape[0]] + entry.shape.dropFirst().map { _ in 1 }), (direction, entry.shape)]
        }
    }

    /// `….weight` -> the names of its magnitude and its direction.
    static func normedNames(_ name: String) -> (magnitude: String, direction: String) {
        let prefix = name.dropLast("weight".count) + "parametrizations.weight."
        return (prefix + "original0", prefix + "original1")
    }

    private mutating func add(_ prefix: String, _ shape: [Int], bias: Int? = nil) {
        entries.append(Entry(name: prefix + ".weight", shape: shape, isNormed: false))
        entries.append(Entry(name: prefix + ".bias", shape: [bias ?? shape[0]], isNormed: false))
    }

    private mutating func addNormed(_ prefix: String, _ shape: [Int], bias: Int? = nil) {
        entries.append(Entry(name: prefix + ".bias", shape: [bias ?? shape[0]], isNormed: false))
        entries.append(Entry(name: prefix + ".weight", shape: shape, isNormed: true))
    }

    private mutating func addNorm(_ prefix: String, _ channels: Int) { add(prefix, [channels]) }

    private mutating func addBlock(_ prefix: String, _ channels: Int, _ kernel: Int, scaled: Bool) {
        if scaled { entries.append(Entry(name: prefix + ".gamma", shape: [channels], isNormed: false)) }
        add(prefix + ".dwconv.conv", [channels, 1, kernel])
        addNorm(prefix + ".norm", channels)
        add(prefix + ".pwconv1", [4 * channels, channels])
        add(prefix + ".pwconv2", [channels, 4 * channels])
    }
}
