import Support

/// The way back: rewrites the row of tokens until, joined, they are the text.
indirect enum TokenDecoder: Sendable {
    case byteLevel
    case byteFallback
    case fuse
    case replace(SearchPattern, [UInt8])
    case strip(Unicode.Scalar, start: Int, stop: Int)
    case metaspace(mark: Unicode.Scalar, dropsFirst: Bool)
    case sequence([TokenDecoder])

    init(_ value: ConfigValue) throws {
        switch value["type"]?.string ?? "" {
        case "ByteLevel": self = .byteLevel
        case "ByteFallback": self = .byteFallback
        case "Fuse": self = .fuse
        case "Replace": self = .replace(try SearchPattern(value["pattern"]), Array(try value.text("content").utf8))
        case "Strip":
            self = .strip(
                try value.character("content", default: " "), start: try value.number("start", default: 0),
                stop: try value.number("stop", default: 0))
        case "Metaspace":
            let scheme = try value.text(
                "prepend_scheme", default: value.flag("add_prefix_space", default: true) ? "always" : "never")
            self = .metaspace(mark: try value.character("replacement", default: "▁"), dropsFirst: scheme != "never")
        case "Sequence": self = .sequence(try value.items("decoders").map { try TokenDecoder($0) })
        default: throw value.unsupported("a decoder", "ByteLevel ByteFallback Fuse Replace Strip Metaspace Sequence")
        }
    }

    func apply(_ tokens: [[UInt8]], _ budget: inout TextBudget) throws -> [[UInt8]] {
        switch self {
        case .sequence, .replace: break
        default: try budget.take(tokens.reduce(0) { $0 + $1.count + 4 })
        }
        switch self {
        case .byteLevel: return [repaired(tokens.flatMap { ByteAlphabet.decode($0) })]
        case .byteFallback: return Self.joinBytes(tokens)
        case .fuse: return [tokens.flatMap { $0 }]
        case .replace(let pattern, let content):
            return try tokens.map { try pattern.replace(in: $0, with: content, &budget) }
        case .strip(let wanted, let start, let stop):
            return tokens.map { token in
                let scalars = String(decoding: token, as: UTF8.self).unicodeScalars
                let left = scalars.prefix(start).prefix { $0 == wanted }.count
                let right = scalars.suffix(stop).reversed().prefix { $0 == wanted }.count
                return Array(String(scalars.dropFirst(left).dropLast(right)).utf8)
            }
        case .metaspace(let mark, let dropsFirst):
            return tokens.enumerated().map { number, token in
                let scalars = String(decoding: token, as: UTF8.self).unicodeScalars
                return Array(
                    String(
                        scalars: scalars.compactMap {
                            $0 != mark ? $0 : number == 0 && dropsFirst ? nil : " "
                        }
                    ).utf8)
            }
        case .sequence(let parts): return try parts.reduce(tokens) { try $1.apply($0, &budget) }
        }
    }

    /// Each run of tokens like `<0xE3>` becomes the text of these bytes or, where they are no UTF-8, one
    /// replacement character per byte.
    private static func joinBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var joined: [[UInt8]] = []
        var run: [UInt8] = []
        func finish() {
            if run.isEmpty { return }
            if String(validating: run, as: UTF8.self) != nil {
                joined.append(run)
            } else {
                joined += run.map { _ in Array("\u{FFFD}".utf8) }
            }
            run = []
        }
        for token in tokens {
            if let byte = byte(of: token) {
                run.append(byte)
            } else {
                finish()
                joined.append(token)
            }
        }
        finish()
        return joined
    }

    private static func byte(of token: [UInt8]) -> UInt8? {
        guard token.count == 6, token.starts(with: Array("<0x".utf8)), token[5] == UInt8(ascii: ">"),
            token[3] != UInt8(ascii: "+")
        else { return nil }
        return UInt8(String(decoding: token[3 ... 4], as: UTF8.self), radix: 16)
    }
}

/// The bytes with each broken sequence replaced by U+FFFD.
private func repaired(_ bytes: [UInt8]) -> [UInt8] { Array(String(decoding: bytes, as: UTF8.self).utf8) }
