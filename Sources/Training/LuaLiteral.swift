import Support

extension ConfigValue {
    /// The value as Lua source, one key per line: what `config.lua` of a project holds. Null is nil.
    public var luaLiteral: String { literal(indent: "") }

    private func literal(indent: String) -> String {
        let inner = indent + "  "
        switch self {
        case .null: return "nil"
        case .bool(let value): return value ? "true" : "false"
        case .int(let value): return value == .min ? "math.mininteger" : String(value)
        case .double(let value):
            if value.isNaN { return "0/0" }
            return value.isInfinite ? (value > 0 ? "math.huge" : "-math.huge") : value.description
        case .string(let value): return Self.quoted(value)
        case .list(let items):
            let plain = items.allSatisfy { $0.list == nil && $0.map == nil }
            if plain { return "{" + items.map { $0.literal(indent: inner) }.joined(separator: ", ") + "}" }
            return "{\n" + items.map { inner + $0.literal(indent: inner) + ",\n" }.joined() + indent + "}"
        case .map(let map):
            let lines = map.filter { !$0.value.isNull }.map { "\(inner)\(Self.key($0.key)) = \($0.value.literal(indent: inner)),\n" }
            return lines.isEmpty ? "{}" : "{\n" + lines.joined() + indent + "}"
        }
    }

    private static func key(_ name: String) -> String {
        let reserved: Set<String> = ["and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local",
                                     "nil", "not", "or", "repeat", "return", "then", "true", "until", "while"]
        let letters = name.utf8.allSatisfy { (97...122).contains($0 | 0x20) || (48...57).contains($0) || $0 == UInt8(ascii: "_") }
        let isName = letters && !name.isEmpty && !(48...57).contains(name.utf8.first!) && !reserved.contains(name)
        return isName ? name : "[" + quoted(name) + "]"
    }

    /// In double quotes; control characters as decimal escapes of three digits.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case _ where scalar.value < 32 || scalar.value == 127:
                let digits = String(scalar.value)
                result += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
