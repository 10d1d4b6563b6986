import Support

/// The dimensions of a dual-AR or naive text-to-semantic model, as `config.json` states them, with
/// every default filled in the way the 1.4 and 1.5 models were trained with.
public struct ModelConfiguration: Equatable, Sendable {
    /// How codebooks are predicted.
    public enum Architecture: String, Sendable {
        /// A fast transformer runs over the codebooks of each frame.
        case dualAR = "dual_ar"
        /// All codebooks come from one projection of the slow transformer's output.
        case naive
    }

    public var architecture: Architecture
    public var vocabularySize = 32000
    public var layerCount = 32
    public var headCount = 32
    public var dim = 4096
    public var intermediateSize: Int
    /// Heads of keys and values; each is shared by `headCount / keyValueHeadCount` query heads.
    public var keyValueHeadCount: Int
    public var ropeBase = 10000.0
    public var normEpsilon = 1e-5
    public var maxSequenceLength = 2048
    /// Probability of dropping an attention weight in training, in both stacks.
    public var dropout = 0.0
    public var tiesWordEmbeddings = true
    public var hasQKVBias = false
    /// Values per codebook, the padding value 0 included.
    public var codebookSize = 160
    public var codebookCount = 4
    public var usesGradientCheckpointing = true
    /// Standard deviation of freshly initialised weights.
    public var initializerRange = 0.02
    public var isRewardModel = false
    public var sharesCodebookEmbeddings = true
    /// The fast transformer; nil in naive models.
    public var fast: Fast?

    /// Dimensions of the transformer that runs over the codebooks of one frame.
    public struct Fast: Equatable, Sendable {
        public var layerCount = 4
        public var dim: Int
        public var headCount: Int
        /// As written in the file: -1 means as many as there are heads.
        public var keyValueHeadCount: Int
        /// As written in the file. What counts is `dim / headCount`.
        public var headDim: Int
        public var intermediateSize: Int
        public var hasQKVBias: Bool
    }

    /// Keys of the file that this program does not know, in the file's order.
    public private(set) var unknownKeys: [String] = []
    /// Values as the file wrote them, so that saving keeps `10000` and `10000.0` apart.
    private var written = ConfigMap()

    /// Width of one attention head: always `dim / headCount`, whatever the file says.
    public var headDim: Int { dim / headCount }

    /// What a layer of the slow transformer looks like.
    var slowShape: LayerShape {
        LayerShape(
            dim: dim, headCount: headCount, keyValueHeadCount: keyValueHeadCount,
            intermediateSize: intermediateSize, hasBias: hasQKVBias)
    }

    /// What a layer of the fast transformer looks like; nil in naive models.
    var fastShape: LayerShape? {
        fast.map {
            LayerShape(
                dim: $0.dim, headCount: $0.headCount,
                keyValueHeadCount: $0.keyValueHeadCount == -1 ? $0.headCount : $0.keyValueHeadCount,
                intermediateSize: $0.intermediateSize, hasBias: $0.hasQKVBias)
        }
    }

    /// Reads `config.json` of a model folder, or the file itself.
    public static func read(_ path: String) throws -> ModelConfiguration {
        let file = path.hasSuffix(".json") ? path : path + "/config.json"
        return try ModelConfiguration(try JSON.read(file), name: file)
    }

    /// - Parameter name: what error messages call the document.
    public init(_ value: ConfigValue, name: String = "config") throws {
        guard let map = value.map else {
            throw OpahError(.config, "\(name: name): \(value.kindName) instead of a table of settings")
        }
        let fields = Fields(map: map, name: name)
        let type = try fields.string("model_type")
        guard let architecture = Architecture(rawValue: type) else {
            throw OpahError(
                .config, "\(name: name): model_type \"\(type)\" is neither dual_ar nor naive",
                hint: "this program reads fish-speech \(ModelRelease.names) models")
        }
        self.architecture = architecture
        written = map

        vocabularySize = try fields.size("vocab_size", vocabularySize)
        layerCount = try fields.layers("n_layer", layerCount)
        headCount = try fields.size("n_head", headCount)
        dim = try fields.size("dim", dim)
        intermediateSize = try fields.optionalSize("intermediate_size") ?? (8 * dim / 3).roundedUp(to: 256)
        keyValueHeadCount = try fields.headGroups("n_local_heads") ?? -1
        if keyValueHeadCount == -1 { keyValueHeadCount = headCount }
        ropeBase = try fields.number("rope_base", ropeBase)
        normEpsilon = try fields.number("norm_eps", normEpsilon)
        maxSequenceLength = try fields.size("max_seq_len", maxSequenceLength)
        dropout = try fields.number("dropout", dropout)
        tiesWordEmbeddings = try fields.flag("tie_word_embeddings", tiesWordEmbeddings)
        hasQKVBias = try fields.flag("attention_qkv_bias", hasQKVBias)
        codebookSize = try fields.size("codebook_size", codebookSize)
        codebookCount = try fields.size("num_codebooks", codebookCount)
        usesGradientCheckpointing = try fields.flag("use_gradient_checkpointing", usesGradientCheckpointing)
        initializerRange = try fields.number("initializer_range", initializerRange)
        isRewardModel = try fields.flag("is_reward_model", isRewardModel)
        sharesCodebookEmbeddings = try fields.flag("share_codebook_embeddings", sharesCodebookEmbeddings)
        guard dropout >= 0, dropout < 1, ropeBase > 0, normEpsilon >= 0, initializerRange >= 0 else {
            throw OpahError(
                .config,
                "\(name: name): dropout must be in [0, 1), rope_base above 0, norm_eps and initializer_range not negative"
            )
        }
        try fields.check(dim: dim, heads: headCount, groups: keyValueHeadCount, prefix: "")
        if architecture == .dualAR {
            let fast = Fast(
                layerCount: try fields.layers("n_fast_layer", 4),
                dim: try fields.optionalSize("fast_dim") ?? dim,
                headCount: try fields.optionalSize("fast_n_head") ?? headCount,
                keyValueHeadCount: try fields.headGroups("fast_n_local_heads") ?? keyValueHeadCount,
                headDim: try fields.optionalSize("fast_head_dim") ?? dim / headCount,
                intermediateSize: try fields.optionalSize("fast_intermediate_size") ?? intermediateSize,
                hasQKVBias: try fields.optionalFlag("fast_attention_qkv_bias") ?? hasQKVBias)
            try fields.check(
                dim: fast.dim, heads: fast.headCount,
                groups: fast.keyValueHeadCount == -1 ? fast.headCount : fast.keyValueHeadCount, prefix: "fast_")
            self.fast = fast
        }
        let known = Set(json.map { $0.key })
        unknownKeys = map.keys.filter { !known.contains($0) }
    }

    /// Keys that other programs and releases write beside ours, without meaning here. Releases that cannot be run are
    /// told by them elsewhere.
    private static let foreignKeys: Set<String> = [
        "_name_or_path", "_commit_hash", "architectures", "auto_map", "torch_dtype", "dtype", "transformers_version",
        "bos_token_id", "eos_token_id",
        "pad_token_id", "unk_token_id", "use_cache", "is_encoder_decoder", "is_decoder", "id2label", "label2id",
        "tokenizer_class", "tokenizer_type",
        "_attn_implementation", "attn_implementation", "quantization_config", "license", "library_name", "pipeline_tag",
        "tags", "language",
        "scale_codebook_embeddings", "semantic_begin_id", "semantic_end_id", "attention_qk_norm", "attention_o_bias",
        "norm_fastlayer_input",
        "fast_attention_qk_norm", "fast_attention_o_bias", "audio_embed_dim", "audio_hidden_dim", "codebook_padding_idx"
    ]
    /// The settings of the fast transformer, which naive models may carry.
    private static let fastKeys: Set<String> = [
        "n_fast_layer", "fast_dim", "fast_n_head", "fast_n_local_heads", "fast_head_dim",
        "fast_intermediate_size", "fast_attention_qkv_bias"
    ]

    /// Whether the file sets a key, known here or not, to true.
    func isSet(_ key: String) -> Bool { written[key]?.bool ?? false }

    private var strangeKeys: [String] {
        unknownKeys.filter { !Self.foreignKeys.contains($0) && !Self.fastKeys.contains($0) }
    }

    /// "config.json has settings that ...", with what may have been meant; nil when every key is known or has no
    /// business here.
    var noteOnUnknownKeys: String? {
        let strange = strangeKeys
        guard !strange.isEmpty else { return nil }
        let names = json.map(\.key)
        let shown = strange.prefix(20).map { key in
            "\(name: key.prefix(64))" + (suggestion(for: key, in: names).map { " (\($0))" } ?? "")
        }
        return "config.json has settings that this program does not know: " + shown.joined(separator: ", ")
            + (strange.count > 20 ? " and \(strange.count - 20) more" : "")
    }

    /// A key that is one slip away from a setting (`n_lyer`) was meant to be that setting: the model would be another
    /// one than its author believes.
    func refuseMisspelt(_ name: String) throws {
        let names = json.map(\.key)
        let slips = strangeKeys.prefix(20).compactMap { key in
            nearestNames(to: key, in: names, within: 1).first.map { "\(name: key): did you mean \($0)?" }
        }
        guard !slips.isEmpty else { return }
        throw OpahError(
            .config, "\(name: name): unknown settings\n    " + slips.joined(separator: "\n    "),
            hint: "correct the name, or take the line out")
    }

    /// Every setting under its name in `config.json`, sorted: what saving writes.
    public var json: ConfigMap {
        var values: [String: ConfigValue] = [
            "model_type": .string(architecture.rawValue), "vocab_size": .int(vocabularySize),
            "n_layer": .int(layerCount),
            "n_head": .int(headCount), "dim": .int(dim), "intermediate_size": .int(intermediateSize),
            "n_local_heads": .int(keyValueHeadCount), "head_dim": .int(headDim), "rope_base": .double(ropeBase),
            "norm_eps": .double(normEpsilon), "max_seq_len": .int(maxSequenceLength), "dropout": .double(dropout),
            "tie_word_embeddings": .bool(tiesWordEmbeddings), "attention_qkv_bias": .bool(hasQKVBias),
            "codebook_size": .int(codebookSize), "num_codebooks": .int(codebookCount),
            "use_gradient_checkpointing": .bool(usesGradientCheckpointing),
            "initializer_range": .double(initializerRange), "is_reward_model": .bool(isRewardModel),
            "share_codebook_embeddings": .bool(sharesCodebookEmbeddings)
        ]
        if let fast {
            values.merge([
                "n_fast_layer": .int(fast.layerCount), "fast_dim": .int(fast.dim), "fast_n_head": .int(fast.headCount),
                "fast_n_local_heads": .int(fast.keyValueHeadCount), "fast_head_dim": .int(fast.headDim),
                "fast_intermediate_size": .int(fast.intermediateSize), "fast_attention_qkv_bias": .bool(fast.hasQKVBias)
            ]) { $1 }
        }
        var map = ConfigMap()
        for key in values.keys.sorted() {
            let value = values[key]!
            let original = written[key]
            map[key] = original?.double != nil && original?.double == value.double ? original : value
        }
        return map
    }

    /// Two configurations are equal when they describe the same model.
    public static func == (a: ModelConfiguration, b: ModelConfiguration) -> Bool {
        a.json.allSatisfy { key, value in value.double.map { $0 == b.json[key]?.double } ?? (value == b.json[key]) }
            && a.json.count == b.json.count
    }
}

/// What one transformer layer looks like, slow or fast.
struct LayerShape: Equatable, Sendable {
    var dim, headCount, keyValueHeadCount, intermediateSize: Int
    var hasBias: Bool
    var headDim: Int { dim / headCount }
    /// Width of keys, and of values.
    var keyValueDim: Int { keyValueHeadCount * headDim }
    /// Rows of the joint projection: queries, keys, values.
    var projectedDim: Int { dim + 2 * keyValueDim }
}

/// Typed, bounded access to the fields of a `config.json`.
private struct Fields {
    let map: ConfigMap
    let name: String
    /// No dimension of a model that fits a machine is larger; it keeps products far from overflow.
    static let largest = 1 << 24

    func string(_ key: String) throws -> String {
        guard let value = map[key]?.string else { throw wrong(key, "a string") }
        return value
    }

    /// A whole number, or the default when the key is missing.
    func size(_ key: String, _ fallback: Int, in range: ClosedRange<Int> = 1 ... Fields.largest) throws -> Int {
        guard let value = map[key] else { return fallback }
        guard let number = value.int, range.contains(number) else {
            throw wrong(key, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func layers(_ key: String, _ fallback: Int) throws -> Int { try size(key, fallback, in: 0 ... 1024) }

    /// Missing, null and 0 all mean "take the default".
    func optionalSize(_ key: String) throws -> Int? {
        guard let value = map[key], value != .null, value.int != 0 else { return nil }
        return try size(key, 0)
    }

    /// As `optionalSize`, but -1 (as many as there are heads) is allowed.
    func headGroups(_ key: String) throws -> Int? {
        map[key]?.int == -1 ? -1 : try optionalSize(key)
    }

    func number(_ key: String, _ fallback: Double) throws -> Double {
        guard let value = map[key] else { return fallback }
        guard let number = value.double, number.isFinite else { throw wrong(key, "a number") }
        return number
    }

    func flag(_ key: String, _ fallback: Bool) throws -> Bool {
        guard let value = map[key] else { return fallback }
        guard let flag = value.bool else { throw wrong(key, "true or false") }
        return flag
    }

    func optionalFlag(_ key: String) throws -> Bool? {
        guard let value = map[key], value != .null else { return nil }
        return try flag(key, false)
    }

    func check(dim: Int, heads: Int, groups: Int, prefix: String) throws {
        guard dim % heads == 0, (dim / heads) % 2 == 0 else {
            throw OpahError(
                .config, "\(name: name): \(prefix)dim \(dim) does not split into \(heads) heads of even width")
        }
        guard groups >= 1, heads % groups == 0 else {
            throw OpahError(
                .config, "\(name: name): \(heads) heads cannot share \(groups) key-value heads (\(prefix)n_local_heads)"
            )
        }
    }

    private func wrong(_ key: String, _ wanted: String) -> OpahError {
        guard let value = map[key] else { return OpahError(.config, "\(name: name): there is no \(key)") }
        return OpahError(.config, "\(name: name): \(key) is \(JSON.encode(value)), and must be \(wanted)")
    }
}

extension Int {
    func roundedUp(to multiple: Int) -> Int { (self + multiple - 1) / multiple * multiple }
}
