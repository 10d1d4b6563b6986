import Support

extension ConfigValue {
    /// The tree as Lua source that returns it: keys in their order, one line per entry, short lists on one
    /// line. Null is `null`, which the first line takes from opah.json (Lua's nil cannot stand in a table).
    public var luaSource: String {
        var text = containsNull ? "local null = require(\"opah.json\").null\n\n" : ""
        text += "return "
        write(level: 0, to: &text)
        return text + "\n"
    }

    private var containsNull: Bool {
        switch self {
        case .null: true
        case .list(let items): items.contains(where: \.containsNull)
        case .map(let map): map.values.contains(where: \.containsNull)
        default: false
        }
    }

    private var isScalar: Bool { list == nil && map == nil }

    private func write(level: Int, to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let flag): text += flag ? "true" : "false"
        case .int(let number): text += number == .min ? "math.mininteger" : String(number)
        case .double(let number):
            text +=
                number.isNaN
                ? "0/0" : number.isInfinite ? (number < 0 ? "-math.huge" : "math.huge") : number.description
        case .string(let string): text += quotedForLua(string)
        case .list(let items):
            let line = items.allSatisfy(\.isScalar) ? items.map(\.luaScalar).joined(separator: ", ") : nil
            if let line, line.utf8.count <= 100 {
                text += line.isEmpty ? "{}" : "{ \(line) }"
            } else {
                Self.block(items.map { ("", $0) }, level, &text)
            }
        case .map(let map):
            Self.block(
                map.map { (isLuaName($0.key) ? "\($0.key) = " : "[\(quotedForLua($0.key))] = ", $0.value) }, level,
                &text)
        }
    }

    private var luaScalar: String {
        var text = ""
        write(level: 0, to: &text)
        return text
    }

    private static func indent(_ level: Int) -> String { String(repeating: "  ", count: level) }

    private static func block(_ entries: [(String, ConfigValue)], _ level: Int, _ text: inout String) {
        if entries.isEmpty { text += "{}"; return }
        text += "{\n"
        for (name, value) in entries {
            text += indent(level + 1) + name
            value.write(level: level + 1, to: &text)
            text += ",\n"
        }
        text += indent(level) + "}"
    }
}

/// Whether a key may stand without brackets and quotes.
private func isLuaName(_ key: String) -> Bool {
    let reserved: Set = [
        "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local",
        "nil", "not", "or", "repeat", "return", "then", "true", "until", "while"
    ]
    guard let first = key.utf8.first, !(48 ... 57).contains(first), !reserved.contains(key) else { return false }
    return key.utf8.allSatisfy {
        $0 == 95 || (48 ... 57).contains($0) || (65 ... 90).contains($0) || (97 ... 122).contains($0)
    }
}

private func quotedForLua(_ string: String) -> String {
    var text = "\""
    for scalar in string.unicodeScalars {
        switch scalar {
        case "\"": text += "\\\""
        case "\\": text += "\\\\"
        case "\n": text += "\\n"
        case _ where scalar.value < 0x20 || scalar.value == 0x7F:
            let digits = String(scalar.value)
            text += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
        default: text.unicodeScalars.append(scalar)
        }
    }
    return text + "\""
}
