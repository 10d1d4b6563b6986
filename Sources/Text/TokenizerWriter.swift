import Support

/// A learned vocabulary as the three files of a model's folder, in Hugging Face's form: `tokenizer.json`,
/// `tokenizer_config.json` and `special_tokens_map.json`.
public struct TokenizerWriter {
    /// What fish-speech 1.4 asks of a tokenizer, in the order of its own ids.
    public static let special = [
        "<|begin_of_sequence|>", "<|end_of_sequence|>", "<|im_start|>", "<|im_end|>", "<|semantic|>", "<|pad|>",
        "<|unk|>", "<|skip_text|>"
    ]

    private let vocabulary: BytePairTrainer.Result

    public init(_ vocabulary: BytePairTrainer.Result) { self.vocabulary = vocabulary }

    /// Writes the files; each appears when it is complete.
    public func write(to folder: String) throws {
        try FileKind.makeFolder(folder)
        for (name, content) in files {
            try AtomicFile.write(PathName.join(folder, name), JSON.encode(content, indent: 1))
        }
    }

    private var files: [(String, ConfigValue)] {
        [
            ("tokenizer.json", tokenizer), ("tokenizer_config.json", configuration),
            ("special_tokens_map.json", .map(roles))
        ]
    }

    private static func added(_ token: String) -> ConfigMap {
        [
            "content": .string(token), "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            "special": true
        ]
    }

    private var tokenizer: ConfigValue {
        let byteLevel: ConfigValue = [
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true
        ]
        var ids = ConfigMap()
        for (id, token) in vocabulary.tokens.enumerated() { ids[token] = .int(id) }
        return [
            "version": "1.0", "truncation": .null, "padding": .null,
            "added_tokens": .list(
                vocabulary.special.enumerated().map { id, token in
                    var fields: ConfigMap = ["id": .int(id)]
                    for (name, value) in Self.added(token) { fields[name] = value }
                    return .map(fields)
                }),
            "normalizer": .null, "pre_tokenizer": byteLevel, "post_processor": .null, "decoder": byteLevel,
            "model": [
                "type": "BPE", "dropout": .null, "unk_token": .null, "continuing_subword_prefix": .null,
                "end_of_word_suffix": .null,
                "fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": .map(ids),
                // Neither half has a blank: the byte alphabet has none.
                "merges": .list(vocabulary.merges.map { .string($0.0 + " " + $0.1) })
            ]
        ]
    }

    /// Who plays which part, among the special tokens that there are.
    private var roles: ConfigMap {
        var roles = ConfigMap()
        for (role, token) in [
            ("bos_token", "<|begin_of_sequence|>"), ("eos_token", "<|end_of_sequence|>"), ("pad_token", "<|pad|>"),
            ("unk_token", "<|unk|>")
        ] where vocabulary.special.contains(token) {
            roles[role] = .string(token)
        }
        return roles
    }

    private var configuration: ConfigValue {
        var fields: ConfigMap = ["tokenizer_class": "PreTrainedTokenizerFast"], added = ConfigMap()
        for (role, token) in roles { fields[role] = token }
        fields["model_max_length"] = 4096
        for (id, token) in vocabulary.special.enumerated() { added[String(id)] = .map(Self.added(token)) }
        fields["added_tokens_decoder"] = .map(added)
        fields["clean_up_tokenization_spaces"] = true
        return .map(fields)
    }
}
