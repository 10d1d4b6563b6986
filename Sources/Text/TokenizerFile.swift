import Support

/// What `tokenizer.json` holds, read but not yet put together.
struct TokenizerFile {
    var added: [AddedToken] = []
    var normalizer: Normalizer?
    var preTokenizer: PreTokenizer?
    var decoder: TokenDecoder?
    var vocabulary = Vocabulary()
    var merges = MergePairs()
    var options = BytePairs.Options()
    private var hasModel = false

    init(path: String) throws {
        let file = try MappedFile(path)
        try Self.refuseImpostors(file)
        var reader = try JSONReader(file.bytes, name: path)
        try reader.object { reader, key in
            do {
                switch key {
                case "added_tokens":
                    for value in try reader.value().list ?? [] {
                        added.append(try AddedToken(value, id: try value.identifier("id")))
                    }
                case "normalizer": normalizer = try reader.part(Normalizer.init)
                case "pre_tokenizer": preTokenizer = try reader.part(PreTokenizer.init)
                case "decoder": decoder = try reader.part(TokenDecoder.init)
                case "model": try readModel(&reader)
                default: try reader.skip()   // truncation, padding, post_processor: not for text alone
                }
            } catch let error as OpahError where error.kind == .format {
                throw error.at(path)
            }
        }
        try reader.end()
        if !hasModel {
            throw OpahError(
                .format, "\(name: path): no \"model\" inside", hint: "a tokenizer in Hugging Face form is wanted")
        }
        withExtendedLifetime(file) {}
    }

    static func refuseImpostors(_ file: MappedFile) throws {
        let start = String(decoding: file.bytes.prefix(64), as: UTF8.self)
        if file.bytes.isEmpty {
            throw OpahError(.format, "\(name: file.path): the file is empty", hint: "download it again")
        }
        if start.hasPrefix("version https://git-lfs") {
            throw OpahError(
                .format, "\(name: file.path): this is a Git LFS pointer, not the file itself",
                hint: "run `git lfs pull`, or download the file")
        }
        if start.lowercased().hasPrefix("<!doctype") || start.lowercased().hasPrefix("<html") {
            throw OpahError(
                .format, "\(name: file.path): this is an HTML page, not the file itself",
                hint: "download it again; a login may be needed")
        }
    }

    private mutating func readModel(_ reader: inout JSONReader) throws {
        hasModel = true
        try reader.object { reader, key in
            switch key {
            case "type":
                let type = try reader.string()
                if type != "BPE" {
                    throw reader.error("a tokenizer model of type \(type.prefix(40)) is not supported, only BPE")
                }
            case "vocab":
                guard try reader.peek() == .object else {
                    throw reader.error("the vocabulary must be a table; only BPE models are supported")
                }
                try reader.object(bytes: { reader, token in
                    guard let id = try reader.number().int, (0 ..< Vocabulary.idLimit).contains(id) else {
                        throw reader.error("a token id must be a whole number from 0 to \(Vocabulary.idLimit - 1)")
                    }
                    token.withUnsafeBufferPointer { vocabulary.insert($0, id: id) }
                })
            case "merges": try readMerges(&reader)
            case "unk_token": options.unknownToken = try reader.optionalString()
            case "fuse_unk": options.fuseUnknown = try reader.optionalBool()
            case "byte_fallback": options.byteFallback = try reader.optionalBool()
            case "ignore_merges": options.ignoreMerges = try reader.optionalBool()
            case "continuing_subword_prefix": options.prefix = Array((try reader.optionalString() ?? "").utf8)
            case "end_of_word_suffix": options.suffix = Array((try reader.optionalString() ?? "").utf8)
            default: try reader.skip()   // dropout belongs to training the tokenizer's users, not to reading text
            }
        }
    }

    /// Each merge is "a b" or ["a", "b"].
    private mutating func readMerges(_ reader: inout JSONReader) throws {
        var left: [UInt8] = [], right: [UInt8] = []
        try reader.array { reader in
            if try reader.peek() == .array {
                var count = 0
                try reader.array { reader in
                    if count == 0 { try reader.string(into: &left) } else { try reader.string(into: &right) }
                    count += 1
                }
                guard count == 2 else { throw reader.error("a merge must have two parts, not \(count)") }
                merges.append(left, right)
            } else {
                try reader.string(into: &left)
                if left.starts(with: "#version".utf8) { return }
                let parts = left.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
                guard parts.count == 2 else { throw reader.error("a merge must have two parts, not \(parts.count)") }
                merges.append(parts[0], parts[1])
            }
        }
    }
}

extension JSONReader {
    fileprivate mutating func part<Part>(_ make: (ConfigValue) throws -> Part) throws -> Part? {
        let value = try value()
        return value.isNull ? nil : try make(value)
    }

    fileprivate mutating func optionalString() throws -> String? {
        if try peek() == .null { try null(); return nil }
        return try string()
    }

    fileprivate mutating func optionalBool() throws -> Bool {
        if try peek() == .null { try null(); return false }
        return try bool()
    }
}

extension ConfigValue {
    /// A token id.
    func identifier(_ key: String) throws -> Int {
        guard let id = self[key]?.int, (0 ..< Vocabulary.idLimit).contains(id) else {
            throw OpahError(
                .format, "the \"\(key)\" of an added token must be a whole number from 0 to \(Vocabulary.idLimit - 1)")
        }
        return id
    }
}
