/// Names and messages as a terminal may show them. Whoever names a file could otherwise clear the screen, change the
/// window's title, turn the direction of writing or begin lines of his own.
public enum ShownText {
    /// A name inside a message: everything that is no visible character is written out, `\x1b`, `\n`, `\u{202e}`.
    public static func name(_ text: String) -> String { shown(text, keepingLines: false) }

    /// At most three of the names, inside a message.
    public static func few(_ names: [String]) -> String {
        names.prefix(3).map(name).joined(separator: ", ") + (names.count > 3 ? ", ..." : "")
    }

    /// A message of our own, which has lines and tabs.
    public static func message(_ text: String) -> String { shown(text, keepingLines: true) }

    private static func shown(_ text: String, keepingLines: Bool) -> String {
        func isKept(_ scalar: Unicode.Scalar) -> Bool {
            !isControl(scalar) || keepingLines && (scalar == "\n" || scalar == "\t")
        }
        if text.unicodeScalars.allSatisfy(isKept) { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if isKept(scalar) { result.append(scalar) } else { result += escape(scalar).unicodeScalars }
        }
        return String(result)
    }

    /// Control characters (C0, DEL, C1), separators of lines, and what turns the direction of writing.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0 ..< 0x20, 0x7F ..< 0xA0, 0x061C, 0x200E, 0x200F, 0x2028 ... 0x202E, 0x2066 ... 0x2069, 0xFFF9 ... 0xFFFB:
            true
        default: false
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        default:
            let digits = String(scalar.value, radix: 16)
            return scalar.value < 0x80 ? "\\x" + (digits.count < 2 ? "0" : "") + digits : "\\u{\(digits)}"
        }
    }
}

extension DefaultStringInterpolation {
    /// `"\(name: path): cannot be read"`: somebody else's name in a message, as `ShownText.name` shows it.
    public mutating func appendInterpolation(name: some StringProtocol) {
        appendInterpolation(ShownText.name(String(name)))
    }
}
