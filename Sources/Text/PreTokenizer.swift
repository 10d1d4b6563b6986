import Support

/// The second stage of a tokenizer: cuts the text into the words within which the model may merge.
indirect enum PreTokenizer: Sendable {
    case byteLevel(addPrefixSpace: Bool, words: Pattern?)
    case split(SearchPattern, Pieces.Behavior, invert: Bool)
    case metaspace(mark: Unicode.Scalar, prepend: Prepend, split: Bool)
    case digits(individually: Bool)
    case punctuation(Pieces.Behavior)
    case whitespace(Pattern)
    case whitespaceSplit
    case sequence([PreTokenizer])

    enum Prepend: String, Sendable { case first, always, never }

    /// How GPT-2 cuts text into words.
    private static let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    init(_ value: ConfigValue) throws {
        switch value["type"]?.string ?? "" {
        case "ByteLevel":
            self = .byteLevel(
                addPrefixSpace: try value.flag("add_prefix_space", default: true),
                words: try value.flag("use_regex", default: true) ? try Pattern(Self.gpt2) : nil)
        case "Split":
            self = .split(
                try SearchPattern(value["pattern"]), try Pieces.Behavior(value.text("behavior")),
                invert: try value.flag("invert", default: false))
        case "Metaspace":
            let name = try value.text(
                "prepend_scheme", default: value.flag("add_prefix_space", default: true) ? "always" : "never")
            guard let prepend = Prepend(rawValue: name) else {
                throw OpahError(.format, "unknown prepend_scheme \(name.prefix(40))")
            }
            self = .metaspace(
                mark: try value.character("replacement", default: "▁"), prepend: prepend,
                split: try value.flag("split", default: true))
        case "Digits": self = .digits(individually: try value.flag("individual_digits", default: false))
        case "Punctuation": self = .punctuation(try Pieces.Behavior(value.text("behavior", default: "Isolated")))
        case "Whitespace": self = .whitespace(try Pattern(#"\w+|[^\w\s]+"#))
        case "WhitespaceSplit": self = .whitespaceSplit
        case "Sequence": self = .sequence(try value.items("pretokenizers").map { try PreTokenizer($0) })
        default:
            throw value.unsupported(
                "a pre-tokenizer", "ByteLevel Split Metaspace Digits Punctuation Whitespace WhitespaceSplit Sequence")
        }
    }

    func apply(_ pieces: inout Pieces, _ budget: inout TextBudget) throws {
        // No stage writes more than four times what it reads.
        if case .sequence = self {} else { try budget.take(2 * pieces.bytes.count) }
        switch self {
        case .byteLevel(let addPrefixSpace, let words):
            if addPrefixSpace {
                pieces.rewrite { text, _, out in
                    if text.first != UInt8(ascii: " ") { out.append(UInt8(ascii: " ")) }
                    out += text
                }
            }
            if let words { try pieces.split(.isolated) { try words.matches(in: $0) } }
            pieces.rewrite { text, _, out in out += ByteAlphabet.encode(text) }
        case .split(let pattern, let behavior, let invert):
            try pieces.split(behavior, invert: invert) { try pattern.matches(in: $0) }
        case .metaspace(let mark, let prepend, let split):
            let mark = Array(String(mark).utf8)
            pieces.rewrite { text, startsDocument, out in
                let isMarked = text.first == UInt8(ascii: " ") || text.starts(with: mark)
                if !isMarked, prepend == .always || prepend == .first && startsDocument { out += mark }
                for byte in text { if byte == UInt8(ascii: " ") { out += mark } else { out.append(byte) } }
            }
            if split { try pieces.split(.mergedWithNext) { try SearchPattern.literal(mark).matches(in: $0) } }
        case .digits(let individually):
            try pieces.split(individually ? .isolated : .contiguous) { $0.isNumeric }
        case .punctuation(let behavior):
            try pieces.split(behavior) { $0.isASCIIPunctuation || $0.isPunctuation }
        case .whitespace(let words):
            try pieces.split(.removed, invert: true) { try words.matches(in: $0) }
        case .whitespaceSplit:
            try pieces.split(.removed) { $0.properties.isWhitespace }
        case .sequence(let parts):
            for part in parts { try part.apply(&pieces, &budget) }
        }
    }
}

extension Unicode.Scalar {
    /// Categories Nd, Nl and No.
    fileprivate var isNumeric: Bool {
        switch properties.generalCategory {
        case .decimalNumber, .letterNumber, .otherNumber: true
        default: false
        }
    }

    /// Categories P*.
    fileprivate var isPunctuation: Bool {
        switch properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            true
        default: false
        }
    }
}
