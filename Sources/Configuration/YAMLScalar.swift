import Support

/// What an unquoted YAML scalar means to OmegaConf: PyYAML's YAML 1.1, where `yes` is true, `010` is 8 and
/// `1:30` is 90, with floats that need no point (`1e-4`) and without dates.
enum YAMLScalar {
    static func typed(_ text: String) -> ConfigValue {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        default: break
        }
        if let flag = bool(text) { return .bool(flag) }
        guard let first = text.utf8.first, first < 0x3A else { return .string(text) }
        return int(text) ?? float(text) ?? .string(text)
    }

    static func bool(_ text: String) -> Bool? {
        switch text {
        case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": true
        case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": false
        default: nil
        }
    }

    /// Decimal, 0b, 0x, octal with a leading 0, and base 60 with colons; underscores anywhere after the first digit.
    static func int(_ text: String) -> ConfigValue? {
        let (isNegative, body) = signAndBody(text)
        func value(_ digits: Substring, _ radix: Int, _ allowed: String) -> ConfigValue? {
            guard !digits.isEmpty, digits.allSatisfy({ allowed.contains($0) || $0 == "_" }) else { return nil }
            let plain = digits.filter { $0 != "_" }
            guard !plain.isEmpty else { return nil }
            if let number = Int((isNegative ? "-" : "") + plain, radix: radix) { return .int(number) }
            return radix == 10 ? Double((isNegative ? "-" : "") + plain).map(ConfigValue.double) : nil
        }
        if body == "0" { return 0 }
        if body.hasPrefix("0b") { return value(body.dropFirst(2), 2, "01") }
        if body.hasPrefix("0x") { return value(body.dropFirst(2), 16, "0123456789abcdefABCDEF") }
        if body.hasPrefix("0") { return value(body.dropFirst(), 8, "01234567") }
        guard let first = body.first, ("1" ... "9").contains(first) else { return nil }
        if let number = value(body, 10, "0123456789") { return number }
        return base60(body).flatMap { Int(exactly: $0) }.map { .int(isNegative ? -$0 : $0) }
    }

    static func float(_ text: String) -> ConfigValue? {
        let (isNegative, body) = signAndBody(text)
        let sign: Double = isNegative ? -1 : 1
        switch body {
        case ".inf", ".Inf", ".INF": return .double(sign * .infinity)
        case ".nan", ".NaN", ".NAN": return text.first == "." ? .double(.nan) : nil
        default: break
        }
        let mantissa = body.prefix { $0.isASCIIDigit || $0 == "_" || $0 == "." }
        let exponent = body[mantissa.endIndex...]
        let point = mantissa.firstIndex(of: ".")
        let hasSignedExponent = exponent.dropFirst().first == "+" || exponent.dropFirst().first == "-"
        if exponent.first == ":", !body.hasSuffix("_") { return base60Float(body).map { .double(sign * $0) } }
        guard mantissa.filter({ $0 == "." }).count <= 1, isExponent(exponent), mantissa.contains(where: \.isASCIIDigit)
        else { return nil }
        if mantissa.first?.isASCIIDigit == true {
            guard point != nil || !exponent.isEmpty else { return nil }
        } else {
            // `.5e3` without a sign in the exponent, and `+.5`, are text.
            guard mantissa.first == ".", text.first == ".", exponent.isEmpty || hasSignedExponent else { return nil }
        }
        return Double(mantissa.filter { $0 != "_" } + exponent).map { .double(sign * $0) }
    }

    private static func isExponent(_ text: Substring) -> Bool {
        if text.isEmpty { return true }
        guard text.first == "e" || text.first == "E" else { return false }
        var digits = text.dropFirst()
        if digits.first == "+" || digits.first == "-" { digits = digits.dropFirst() }
        return !digits.isEmpty && digits.allSatisfy(\.isASCIIDigit)
    }

    /// `1:30` is 90; each part after the first is 0 to 59.
    private static func base60(_ body: Substring) -> Double? {
        let parts = body.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count > 1, parts[0].allSatisfy({ $0.isASCIIDigit || $0 == "_" }),
            var total = Double(parts[0].filter { $0 != "_" })
        else { return nil }
        for part in parts.dropFirst() {
            guard (1 ... 2).contains(part.count), part.allSatisfy(\.isASCIIDigit), let value = Double(part), value < 60
            else { return nil }
            total = total * 60 + value
        }
        return total
    }

    /// `1:30.5` is 90.5.
    private static func base60Float(_ body: Substring) -> Double? {
        guard let point = body.firstIndex(of: "."), let whole = base60(body[..<point]) else { return nil }
        let fraction = body[body.index(after: point)...]
        guard fraction.allSatisfy({ $0.isASCIIDigit || $0 == "_" }) else { return nil }
        return Double("0." + fraction.filter { $0 != "_" } + "0").map { whole + $0 }
    }

    private static func signAndBody(_ text: String) -> (isNegative: Bool, body: Substring) {
        text.hasPrefix("-") ? (true, text.dropFirst()) : (false, text.hasPrefix("+") ? text.dropFirst() : text[...])
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { ("0" ... "9").contains(self) && isASCII }
}
