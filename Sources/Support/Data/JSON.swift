/// JSON documents as trees: strict, limited in depth, keys in the order of the file, null kept.
public enum JSON {
    /// - Parameter name: what error messages call the document, usually its path.
    public static func decode(_ bytes: UnsafeRawBufferPointer, name: String = "JSON") throws -> ConfigValue {
        var reader = try JSONReader(bytes, name: name)
        let value = try reader.value()
        try reader.end()
        return value
    }

    public static func decode(_ text: String, name: String = "JSON") throws -> ConfigValue {
        var text = text
        return try text.withUTF8 { try decode(UnsafeRawBufferPointer($0), name: name) }
    }

    public static func read(_ path: String) throws -> ConfigValue {
        let file = try MappedFile(path)
        return try withExtendedLifetime(file) { try decode(file.bytes, name: path) }
    }

    /// - Parameter indent: spaces per level; 0 writes one line. NaN and infinities, which JSON does not
    ///   have, become null.
    public static func encode(_ value: ConfigValue, indent: Int = 0) -> String {
        var text = ""
        write(value, indent: indent, level: 0, to: &text)
        return text
    }

    private static func write(_ value: ConfigValue, indent: Int, level: Int, to text: inout String) {
        func newLine(_ level: Int) {
            if indent > 0 { text += "\n" + String(repeating: " ", count: indent * level) }
        }
        func body(_ count: Int, _ open: String, _ close: String, _ element: (Int) -> Void) {
            text += open
            for i in 0 ..< count {
                if i > 0 { text += indent > 0 ? "," : ", " }
                newLine(level + 1)
                element(i)
            }
            if count > 0 { newLine(level) }
            text += close
        }
        switch value {
        case .null: text += "null"
        case .bool(let flag): text += flag ? "true" : "false"
        case .int(let number): text += String(number)
        case .double(let number): text += number.isFinite ? number.description : "null"
        case .string(let string): quote(string, to: &text)
        case .list(let items):
            body(items.count, "[", "]") { write(items[$0], indent: indent, level: level + 1, to: &text) }
        case .map(let map):
            body(map.count, "{", "}") {
                quote(map.keys[$0], to: &text)
                text += ": "
                write(map.values[$0], indent: indent, level: level + 1, to: &text)
            }
        }
    }

    private static func quote(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            // DEL and the line separators are legal, but other readers stumble over them.
            case _
            where scalar.value < 0x20 || scalar.value == 0x7F || scalar.value == 0x2028 || scalar.value == 0x2029:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

extension ConfigValue {
    /// As a person would type it.
    package var plainText: String { string ?? JSON.encode(self) }
}
