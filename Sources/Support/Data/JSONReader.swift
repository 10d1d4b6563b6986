/// A strict JSON reader that hands out values one after the other and builds nothing: a vocabulary of
/// 32000 words goes straight into its own table. `JSON.decode` builds a tree with it.
///
/// Nesting is limited, so a hostile file cannot exhaust the stack. The bytes must outlive the reader.
public struct JSONReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let name: String
    private var position = 0
    private var depth = 0
    private let maxDepth: Int

    public enum Kind { case null, bool, number, string, array, object }

    /// - Parameter name: what error messages call the document, usually its path.
    public init(_ bytes: UnsafeRawBufferPointer, name: String, maxDepth: Int = 256) throws {
        self.bytes = bytes.bindMemory(to: UInt8.self)
        self.name = name
        self.maxDepth = maxDepth
        guard String(validating: self.bytes, as: UTF8.self) != nil else {
            throw OpahError(.format, "\(name: name): not valid UTF-8")
        }
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
    }

    /// The kind of the next value.
    public mutating func peek() throws -> Kind {
        skipSpace()
        switch current {
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "{"): return .object
        case let byte? where byte == UInt8(ascii: "-") || (UInt8(ascii: "0") ... UInt8(ascii: "9")).contains(byte):
            return .number
        default: throw unexpected("a value")
        }
    }

    public mutating func null() throws { try literal("null") }

    public mutating func bool() throws -> Bool {
        skipSpace()
        let isTrue = current == UInt8(ascii: "t")
        try literal(isTrue ? "true" : "false")
        return isTrue
    }

    /// `.int`, or `.double` where there is a fraction, an exponent, or too many digits for 64 bits.
    public mutating func number() throws -> ConfigValue {
        skipSpace()
        let start = position
        if current == UInt8(ascii: "-") { position += 1 }
        if current == UInt8(ascii: "0") { position += 1 } else { try digits() }
        var isWhole = true
        if current == UInt8(ascii: ".") { position += 1; isWhole = false; try digits() }
        if let mark = current, mark | 0x20 == UInt8(ascii: "e") {
            position += 1
            isWhole = false
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        let text = String(decoding: bytes[start ..< position], as: UTF8.self)
        if isWhole, let value = Int(text) { return .int(value) }
        guard let value = Double(text), value.isFinite else {
            throw error("the number \(text.prefix(40)) is out of range")
        }
        return .double(value)
    }

    public mutating func string() throws -> String {
        var buffer: [UInt8] = []
        try string(into: &buffer)
        return String(decoding: buffer, as: UTF8.self)
    }

    /// Replaces `buffer` by the UTF-8 bytes of the next string: the way without an allocation each.
    public mutating func string(into buffer: inout [UInt8]) throws {
        buffer.removeAll(keepingCapacity: true)
        try expect("\"", "a string")
        while true {
            let start = position
            while position < bytes.count, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\"),
                bytes[position] >= 0x20
            { position += 1 }
            buffer.append(contentsOf: bytes[start ..< position])
            guard let byte = current else { throw error("the string never ends") }
            guard byte >= 0x20 else { throw error("a control character inside a string") }
            position += 1
            if byte == UInt8(ascii: "\"") { return }
            try escape(into: &buffer)
        }
    }

    /// Calls `entry` for each key; it must consume the value.
    public mutating func object(_ entry: (inout JSONReader, String) throws -> Void) throws {
        try enter("{", "a table")
        if try !leave("}") {
            repeat {
                let key = try string()
                try expect(":", "':'")
                try entry(&self, key)
            } while try another("}")
        }
    }

    /// The same with keys as bytes in a buffer that is used again for the next key.
    public mutating func object(bytes entry: (inout JSONReader, [UInt8]) throws -> Void) throws {
        var key: [UInt8] = []
        try enter("{", "a table")
        if try !leave("}") {
            repeat {
                try string(into: &key)
                try expect(":", "':'")
                try entry(&self, key)
            } while try another("}")
        }
    }

    /// Calls `item` for each element; it must consume it.
    public mutating func array(_ item: (inout JSONReader) throws -> Void) throws {
        try enter("[", "a list")
        if try !leave("]") {
            repeat { try item(&self) } while try another("]")
        }
    }

    /// The next value as a tree.
    public mutating func value() throws -> ConfigValue {
        switch try peek() {
        case .null: try null(); return .null
        case .bool: return .bool(try bool())
        case .number: return try number()
        case .string: return .string(try string())
        case .array:
            var items: [ConfigValue] = []
            try array { items.append(try $0.value()) }
            return .list(items)
        case .object:
            var map = ConfigMap()
            try object { reader, key in map[key] = try reader.value() }
            return .map(map)
        }
    }

    /// Passes over the next value.
    public mutating func skip() throws {
        switch try peek() {
        case .null: try null()
        case .bool: _ = try bool()
        case .number: _ = try number()
        case .string: _ = try string()
        case .array: try array { try $0.skip() }
        case .object: try object(bytes: { reader, _ in try reader.skip() })
        }
    }

    /// Nothing may follow the last value.
    public mutating func end() throws {
        skipSpace()
        if current != nil { throw unexpected("the end") }
    }

    /// An error at the reader's place: `name: line 3, column 14: message`.
    public func error(_ message: String) -> OpahError {
        let before = bytes[..<min(position, bytes.count)]
        let line = before.reduce(1) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
        let column = before.count - (before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0) + 1
        return OpahError(.format, "\(name: name): line \(line), column \(column): \(message)")
    }
}

extension JSONReader {
    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private func unexpected(_ wanted: String) -> OpahError {
        guard let byte = current else { return error("the document ends where \(wanted) was expected") }
        let found = byte < 0x80 && byte >= 0x20 ? "'\(Unicode.Scalar(byte))'" : "byte \(byte)"
        return error("\(wanted) was expected, found \(found)")
    }

    private mutating func expect(_ character: Unicode.Scalar, _ wanted: String) throws {
        skipSpace()
        guard current == UInt8(ascii: character) else { throw unexpected(wanted) }
        position += 1
    }

    private mutating func literal(_ word: StaticString) throws {
        skipSpace()
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count,
            bytes[position ..< end].elementsEqual(
                UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
        else { throw unexpected("\(word)") }
        position = end
    }

    private mutating func digits() throws {
        let start = position
        while let byte = current, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        if position == start { throw unexpected("a digit") }
    }

    private mutating func enter(_ open: Unicode.Scalar, _ wanted: String) throws {
        try expect(open, wanted)
        depth += 1
        if depth > maxDepth { throw error("nested more than \(maxDepth) deep") }
    }

    /// Consumes the closing bracket if it is next.
    private mutating func leave(_ close: Unicode.Scalar) throws -> Bool {
        skipSpace()
        guard current == UInt8(ascii: close) else { return false }
        position += 1
        depth -= 1
        return true
    }

    /// After an element: true for a comma, false for the closing bracket.
    private mutating func another(_ close: Unicode.Scalar) throws -> Bool {
        if try leave(close) { return false }
        try expect(",", "',' or '\(close)'")
        return true
    }

    private mutating func escape(into buffer: inout [UInt8]) throws {
        guard let byte = current else { throw error("the string never ends") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(byte)
        case UInt8(ascii: "b"): buffer.append(0x08)
        case UInt8(ascii: "f"): buffer.append(0x0C)
        case UInt8(ascii: "n"): buffer.append(0x0A)
        case UInt8(ascii: "r"): buffer.append(0x0D)
        case UInt8(ascii: "t"): buffer.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hex4()
            if code & 0xFC00 == 0xD800, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            {
                position += 2
                let low = try hex4()
                guard low & 0xFC00 == 0xDC00 else { throw error("half of a surrogate pair") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair") }
            buffer.append(contentsOf: UTF8.encode(scalar)!)
        default: throw error("an unknown escape in a string")
        }
    }

    private mutating func hex4() throws -> UInt32 {
        guard position + 4 <= bytes.count else { throw error("the string never ends") }
        var code: UInt32 = 0
        for byte in bytes[position ..< position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw error("\\u wants four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
        }
        position += 4
        return code
    }
}
