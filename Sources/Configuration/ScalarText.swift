import Support

/// What unquoted text in an override spells.
enum ScalarText {
    static func typed(_ text: String) -> ConfigValue {
        switch text.lowercased() {
        case "null": return .null
        case "true": return true
        case "false": return false
        default: return int(text) ?? float(text) ?? .string(text)
        }
    }

    /// `12`, `+1_000`, but no `012` and no `1__0`; beyond 64 bits a double.
    static func int(_ text: String) -> ConfigValue? {
        var scanner = NumberScanner(text)
        scanner.sign()
        guard scanner.whole(), scanner.isAtEnd else { return nil }
        return Int(scanner.plain).map(ConfigValue.int) ?? Double(scanner.plain).map(ConfigValue.double)
    }

    /// `1e-4`, `.5`, `5.`, `nan`, `-inf`.
    static func float(_ text: String) -> ConfigValue? {
        var scanner = NumberScanner(text)
        scanner.sign()
        switch scanner.rest.lowercased() {
        case "inf": return .double(text.hasPrefix("-") ? -.infinity : .infinity)
        case "nan": return .double(.nan)
        default: break
        }
        let hasWhole = scanner.whole()
        let hasPoint = scanner.take(".")
        let hasFraction = hasPoint && scanner.digits()
        guard hasWhole || hasFraction else { return nil }
        var hasExponent = false
        if scanner.take("e") || scanner.take("E") {
            scanner.sign()
            guard scanner.digits() else { return nil }
            hasExponent = true
        }
        guard scanner.isAtEnd, hasPoint || hasExponent else { return nil }
        return Double(scanner.plain).map(ConfigValue.double)
    }

    /// The text of a scalar inside other text, true and false in lower case.
    static func spelled(_ value: ConfigValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .int(let number): String(number)
        case .double(let number): number.description
        case .string(let text): text
        default: JSON.encode(value)
        }
    }
}

/// Takes a number apart from left to right.
struct NumberScanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    var isAtEnd: Bool { position == bytes.count }
    var rest: String { String(decoding: bytes[position...], as: UTF8.self) }
    /// The whole text without underscores.
    var plain: String { String(decoding: bytes.filter { $0 != UInt8(ascii: "_") }, as: UTF8.self) }

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: scalar) else { return false }
        position += 1
        return true
    }

    mutating func sign() { if !take("+") { _ = take("-") } }

    /// `0`, or digits that do not begin with 0.
    mutating func whole() -> Bool { take("0") || digits() }

    /// Digits with single underscores between.
    mutating func digits() -> Bool {
        let start = position
        while position < bytes.count {
            let isDigit = bytes[position] >= UInt8(ascii: "0") && bytes[position] <= UInt8(ascii: "9")
            let isInner =
                bytes[position] == UInt8(ascii: "_") && position > start && position + 1 < bytes.count
                && bytes[position - 1] != UInt8(ascii: "_") && bytes[position + 1] >= UInt8(ascii: "0")
                && bytes[position + 1] <= UInt8(ascii: "9")
            guard isDigit || isInner else { break }
            position += 1
        }
        return position > start
    }
}
