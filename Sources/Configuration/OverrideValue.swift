import Support

/// The right side of an override: scalars, quoted strings, lists, tables and casts.
///
/// Unquoted text is typed by what the whole of it spells (a number, true, null), else it is a string. An
/// interpolation `${...}` stays in the string and is resolved later.
struct OverrideValue {
    private let text: [Unicode.Scalar]
    private var position = 0
    private var depth = 0

    static func parse(_ text: String) throws -> ConfigValue {
        var parser = OverrideValue(text: Array(text.unicodeScalars))
        parser.skipSpace()
        if parser.current == nil { return "" }
        let value = try parser.element(endingAt: [])
        parser.skipSpace()
        switch parser.current {
        case nil: return value.value
        case ",":
            throw OpahError(
                .config, "several values with commas between",
                hint: "write a list as [a,b], or quote text that holds a comma: 'a,b'")
        case let other?: throw OpahError(.config, "'\(other)' is not expected after \(parser.before)", hint: quoteHint)
        }
    }

    private static let quoteHint =
        "quote text that holds brackets, braces or quotes: key='...' (with a second pair of quotes for the shell)"

    private init(text: [Unicode.Scalar]) { self.text = text }

    private var current: Unicode.Scalar? { position < text.count ? text[position] : nil }
    private var before: String { String(String.UnicodeScalarView(text[..<position])) }

    private mutating func skipSpace() { while current == " " || current == "\t" { position += 1 } }

    /// A value, and whether it was quoted (which a cast must know).
    private struct Element {
        var value: ConfigValue
        var isQuoted = false
    }

    /// - Parameter ends: what closes the surroundings besides the end of the text
    private mutating func element(endingAt ends: Set<Unicode.Scalar>) throws -> Element {
        depth += 1
        defer { depth -= 1 }
        if depth > 100 { throw OpahError(.config, "nested more than 100 deep") }
        skipSpace()
        switch current {
        case "'", "\"": return Element(value: .string(try quoted()), isQuoted: true)
        case "[": return Element(value: try list())
        case "{": return Element(value: try table())
        default: return try primitive(endingAt: ends)
        }
    }

    /// Backslashes count only before a quote of the kind that surrounds the text.
    private mutating func quoted() throws -> String {
        let quote = current!
        let start = position
        position += 1
        var result = String.UnicodeScalarView()
        while let scalar = current {
            var slashes = 0
            while position < text.count, text[position] == "\\" { position += 1; slashes += 1 }
            guard current == quote else {
                for _ in 0 ..< slashes { result.append("\\") }
                if slashes == 0 { result.append(scalar); position += 1 }
                continue
            }
            for _ in 0 ..< (slashes / 2) { result.append("\\") }
            position += 1
            if slashes % 2 == 0 { try Interpolation.refuseCode(in: String(result)); return String(result) }
            result.append(quote)
        }
        throw OpahError(
            .config, "the quote that opens at character \(start + 1) of the value never closes",
            hint: "end it with \(quote)")
    }

    private mutating func list() throws -> ConfigValue {
        var items: [ConfigValue] = []
        try entries("]") { parser in items.append(try parser.element(endingAt: [",", "]"]).value) }
        return .list(items)
    }

    private mutating func table() throws -> ConfigValue {
        var map = ConfigMap()
        try entries("}") { parser in
            let key = try parser.dictionaryKey()
            map[key] = try parser.element(endingAt: [",", "}"]).value
        }
        return .map(map)
    }

    /// Entries with commas between, up to the closing bracket.
    private mutating func entries(_ close: Unicode.Scalar, _ entry: (inout OverrideValue) throws -> Void) throws {
        let start = position
        position += 1
        skipSpace()
        if current == close { position += 1; return }
        while true {
            try entry(&self)
            skipSpace()
            switch current {
            case ",": position += 1
            case close: position += 1; return
            case nil: throw OpahError(.config, "the '\(text[start])' never closes", hint: "end it with \(close)")
            case let other?:
                throw OpahError(.config, "'\(other)' is not expected after \(before)", hint: Self.quoteHint)
            }
        }
    }

    private mutating func dictionaryKey() throws -> String {
        skipSpace()
        let start = position
        var key = String.UnicodeScalarView()
        while let scalar = current, scalar != ":" {
            switch scalar {
            case "\\": key.append(escaped())
            case ",", "[", "]", "{", "}", "(", ")", "'", "\"": throw missingColon(start)
            default: key.append(scalar); position += 1
            }
        }
        guard current == ":", position > start else { throw missingColon(start) }
        position += 1
        return String(String(key).trimmed)
    }

    private func missingColon(_ start: Int) -> OpahError {
        OpahError(
            .config, "a table wants key: value after \(String(String.UnicodeScalarView(text[..<start])))",
            hint: "for example {lr: 1e-4, eps: 1e-5}")
    }

    /// A backslash and one of `\ ( ) [ ] { } : = ,` or a blank stand for the latter; any other backslash for itself.
    private mutating func escaped() -> Unicode.Scalar {
        position += 1
        switch current {
        case let next? where "\\()[]{}:=, \t".unicodeScalars.contains(next):
            position += 1
            return next
        default: return "\\"
        }
    }

    private mutating func primitive(endingAt ends: Set<Unicode.Scalar>) throws -> Element {
        let start = position
        var result = String.UnicodeScalarView()
        var hasEscape = false
        var trailing = 0   // unescaped blanks at the end so far
        scan: while let scalar = current {
            if ends.contains(scalar) { break }
            switch scalar {
            case "\\":
                hasEscape = true
                trailing = 0
                result.append(escaped())
                continue
            case "$" where position + 1 < text.count && text[position + 1] == "{":
                trailing = 0
                result.append(contentsOf: try interpolation())
                continue
            case "(" where !hasEscape && isIdentifier(result): return try function(String(result))
            case ",": break scan
            case "(", ")", "[", "]", "{", "}", "'", "\"":
                throw OpahError(
                    .config, "'\(scalar)' is not expected after \(before.isEmpty ? "the '='" : before)",
                    hint: Self.quoteHint)
            default:
                trailing = scalar == " " || scalar == "\t" ? trailing + 1 : 0
                result.append(scalar)
                position += 1
            }
        }
        if position == start || result.count == trailing {
            throw OpahError(.config, "a value is missing after \(before)", hint: "an empty string is written ''")
        }
        let string = String(result.dropLast(trailing))
        return Element(value: hasEscape ? .string(string) : ScalarText.typed(string))
    }

    private func isIdentifier(_ scalars: String.UnicodeScalarView) -> Bool {
        guard let first = scalars.first, !("0" ... "9").contains(first) else { return false }
        return scalars.allSatisfy {
            $0 == "_" || ("a" ... "z").contains($0) || ("A" ... "Z").contains($0) || ("0" ... "9").contains($0)
        }
    }

    /// `${...}` up to the brace that closes it.
    private mutating func interpolation() throws -> ArraySlice<Unicode.Scalar> {
        let start = position
        var braces = 0
        while let scalar = current {
            position += 1
            if scalar == "{" { braces += 1 }
            if scalar == "}" { braces -= 1 }
            if scalar == "}", braces == 0 {
                try Interpolation.refuseCode(in: String(String.UnicodeScalarView(text[start ..< position])))
                return text[start ..< position]
            }
        }
        throw OpahError(.config, "the ${ never closes", hint: "end it with }")
    }

    private mutating func function(_ name: String) throws -> Element {
        if ["choice", "range", "interval", "glob", "sort", "shuffle", "tag"].contains(name) {
            throw OpahError(
                .config, "\(name)() means several runs with one value each",
                hint: "give one value, and start the runs with `opah batch`")
        }
        guard let cast = Cast(rawValue: name) else {
            throw OpahError(
                .config, "there is no function \(name)()",
                hint: "known are int, float, str, bool, json_str; " + Self.quoteHint)
        }
        var arguments: [Element] = []
        try entries(")") { parser in arguments.append(try parser.element(endingAt: [",", ")"])) }
        guard arguments.count == 1 else {
            throw OpahError(.config, "\(name)() takes one value, not \(arguments.count)")
        }
        return Element(value: try cast.apply(to: arguments[0].value), isQuoted: cast == .str)
    }
}

/// Functions of the override grammar that change the type; lists and tables are cast element by element.
private enum Cast: String {
    case int, float, str, bool, json_str

    func apply(to value: ConfigValue) throws -> ConfigValue {
        if self == .json_str { return .string(JSON.encode(value)) }
        switch value {
        case .list(let items): return .list(try items.map(apply))
        case .map(let map):
            var result = ConfigMap()
            for (key, value) in map { result[key] = try apply(to: value) }
            return .map(result)
        default: break
        }
        let result: ConfigValue? =
            switch self {
            case .str: .string(ScalarText.spelled(value))
            case .int:
                switch value {
                case .string(let text): ScalarText.int(String(text.trimmed)).flatMap { $0.int.map(ConfigValue.int) }
                case .bool(let flag): .int(flag ? 1 : 0)
                default: value.double.flatMap { Int(exactly: $0.rounded(.towardZero)).map(ConfigValue.int) }
                }
            case .float:
                switch value {
                case .string(let text): (ScalarText.int(text) ?? ScalarText.float(text))?.double.map(ConfigValue.double)
                case .bool(let flag): .double(flag ? 1 : 0)
                default: value.double.map(ConfigValue.double)
                }
            case .bool:
                switch value {
                case .string(let text): ["true": true, "false": false][text.lowercased()].map(ConfigValue.bool)
                case .bool: value
                default: value.double.map { .bool($0 != 0) }
                }
            case .json_str: nil
            }
        guard let result else { throw OpahError(.config, "\(JSON.encode(value)) cannot be cast to \(rawValue)") }
        return result
    }
}
