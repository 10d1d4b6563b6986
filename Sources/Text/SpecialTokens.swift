import Support

/// What `tokenizer_config.json` and `special_tokens_map.json` say about special tokens. Both files may be
/// missing; where both speak, the first one counts.
struct SpecialTokens {
    var begin: String?, end: String?, padding: String?, unknown: String?
    /// Every special token by its content, in the order of the files; some twice.
    var all: [String] = []
    /// Added tokens of tokenizer_config.json, which older tokenizer.json files may lack.
    var added: [AddedToken] = []

    init(directory: String) throws {
        let sources = try ["tokenizer_config.json", "special_tokens_map.json"].map {
            try Self.read(directory + "/" + $0)
        }
        func content(_ value: ConfigValue?) -> String? { value?.string ?? value?["content"]?.string }
        func first(_ key: String) -> String? { sources.lazy.compactMap { content($0[key]) }.first { !$0.isEmpty } }
        begin = first("bos_token")
        end = first("eos_token")
        padding = first("pad_token")
        unknown = first("unk_token")
        let others = ["sep_token", "cls_token", "mask_token"].map(first)
        let extra =
            sources.lazy.compactMap { $0["additional_special_tokens"]?.list ?? $0["extra_special_tokens"]?.list }.first
            ?? []
        for token in [begin, end, unknown, others[0], padding, others[1], others[2]] + extra.map(content) {
            if let token, !token.isEmpty { all.append(token) }
        }
        if let entries = sources[0]["added_tokens_decoder"]?.map {
            for (key, value) in entries {
                guard let id = Int(key), (0 ..< Vocabulary.idLimit).contains(id) else {
                    throw OpahError(
                        .format, "\(directory)/tokenizer_config.json: added token with the id \(key.prefix(40))")
                }
                added.append(try AddedToken(value, id: id))
            }
        }
    }

    /// The tree of a file, an empty one where there is no such file.
    private static func read(_ path: String) throws -> ConfigValue {
        do {
            return try JSON.read(path)
        } catch let error as OpahError where error.kind == .file && error.message.contains("No such file") {
            return [:]
        }
    }
}
