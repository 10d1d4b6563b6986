import Foundation
import Support

/// The first stage of a tokenizer: rewrites the text between added tokens. Text is UTF-8 bytes.
indirect enum Normalizer: Sendable {
    case form(UnicodeForm)
    case prepend([UInt8])
    case replace(SearchPattern, [UInt8])
    case lowercase
    case strip(left: Bool, right: Bool)
    case stripAccents
    case byteLevel
    case sequence([Normalizer])

    enum UnicodeForm: String, Sendable { case NFC, NFD, NFKC, NFKD }

    init(_ value: ConfigValue) throws {
        let type = value["type"]?.string ?? ""
        if let form = UnicodeForm(rawValue: type) { self = .form(form); return }
        switch type {
        case "Prepend": self = .prepend(Array(try value.text("prepend").utf8))
        case "Replace": self = .replace(try SearchPattern(value["pattern"]), Array(try value.text("content").utf8))
        case "Lowercase": self = .lowercase
        case "Strip":
            self = .strip(
                left: try value.flag("strip_left", default: true), right: try value.flag("strip_right", default: true))
        case "StripAccents": self = .stripAccents
        case "ByteLevel": self = .byteLevel
        case "Sequence": self = .sequence(try value.items("normalizers").map { try Normalizer($0) })
        default:
            throw value.unsupported(
                "a normalizer", "NFC NFD NFKC NFKD Prepend Replace Lowercase Strip StripAccents ByteLevel Sequence")
        }
    }

    func apply(_ text: [UInt8], _ budget: inout TextBudget) throws -> [UInt8] {
        switch self {
        case .sequence, .replace: break
        case .prepend(let prefix): try budget.take(prefix.count + text.count)
        // Of one character, compatibility forms make up to 33 bytes; of a text, about as many as it has.
        default: try budget.take(2 * text.count)
        }
        switch self {
        case .form(let form): return form.apply(text)
        case .prepend(let prefix): return text.isEmpty ? text : prefix + text
        case .replace(let pattern, let content): return try pattern.replace(in: text, with: content, &budget)
        case .lowercase: return Array(string(text).unicodeScalars.map(\.properties.lowercaseMapping).joined().utf8)
        case .strip(let left, let right):
            let scalars = string(text).unicodeScalars
            let isInner: (Unicode.Scalar) -> Bool = { !$0.properties.isWhitespace }
            let start = left ? scalars.firstIndex(where: isInner) ?? scalars.endIndex : scalars.startIndex
            let end = right ? scalars.lastIndex(where: isInner).map(scalars.index(after:)) ?? start : scalars.endIndex
            return Array(String(scalars[start ..< max(start, end)]).utf8)
        case .stripAccents:
            return Array(
                String(
                    scalars: string(text).unicodeScalars.filter {
                        switch $0.properties.generalCategory {
                        case .nonspacingMark, .spacingMark, .enclosingMark: false
                        default: true
                        }
                    }
                ).utf8)
        case .byteLevel: return ByteAlphabet.encode(text)
        case .sequence(let parts): return try parts.reduce(text) { try $1.apply($0, &budget) }
        }
    }

    private func string(_ text: [UInt8]) -> String { String(decoding: text, as: UTF8.self) }
}

extension Normalizer.UnicodeForm {
    func apply(_ text: [UInt8]) -> [UInt8] {
        if text.allSatisfy({ $0 < 0x80 }) { return text }
        let string = String(decoding: text, as: UTF8.self)
        let normal =
            switch self {
            case .NFC: string.precomposedStringWithCanonicalMapping
            case .NFD: string.decomposedStringWithCanonicalMapping
            case .NFKC: string.precomposedStringWithCompatibilityMapping
            case .NFKD: string.decomposedStringWithCompatibilityMapping
            }
        return Array(normal.utf8)
    }
}

/// GPT-2's printable stand-ins for bytes: each of the 256 bytes has a character of its own, so that a
/// vocabulary of strings can hold any bytes. Printable Latin-1 stands for itself, the rest for U+0100 on.
enum ByteAlphabet {
    private static let scalars: [Unicode.Scalar] = {
        var next: UInt32 = 0x100
        return (0 ..< 256 as Range<UInt32>).map { byte in
            switch byte {
            case 0x21 ... 0x7E, 0xA1 ... 0xAC, 0xAE ... 0xFF: return Unicode.Scalar(UInt8(byte))
            default:
                defer { next += 1 }
                return Unicode.Scalar(next)!
            }
        }
    }()

    private static let codes: [[UInt8]] = scalars.map { Array(String($0).utf8) }
    private static let bytes = Dictionary(uniqueKeysWithValues: scalars.enumerated().map { ($1.value, UInt8($0)) })

    static func encode(_ text: some Sequence<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        for byte in text { result += codes[Int(byte)] }
        return result
    }

    /// The bytes that a token stands for; a token with any character outside the alphabet stands for itself.
    static func decode(_ token: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(token.count)
        for scalar in String(decoding: token, as: UTF8.self).unicodeScalars {
            guard let byte = bytes[scalar.value] else { return token }
            result.append(byte)
        }
        return result
    }
}
