import Support

/// Reads the one Python literal that a `.npy` header is: a dict of strings, bools and tuples of integers.
struct PythonLiteral {
    enum Value: Equatable {
        case string(String), bool(Bool), tuple([Int])
        /// A list, as in the descr of a structured array; its content is skipped.
        case list
    }

    private let text: [UInt8]
    private let place: String
    private var position = 0

    init(_ text: [UInt8], place: String) { (self.text, self.place) = (text, place) }

    mutating func dictionary() throws -> [String: Value] {
        var result: [String: Value] = [:]
        try expect("{")
        while peek() != UInt8(ascii: "}") {
            let key = try string()
            try expect(":")
            guard result.updateValue(try value(), forKey: key) == nil else { throw broken() }
            if peek() == UInt8(ascii: ",") { position += 1 } else { break }
        }
        try expect("}")
        guard peek() == nil else { throw broken() }
        return result
    }

    private mutating func value() throws -> Value {
        switch peek() {
        case UInt8(ascii: "'"), UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "("): return .tuple(try tuple())
        case UInt8(ascii: "["):
            try skipList()
            return .list
        default:
            if accept("True") { return .bool(true) }
            if accept("False") { return .bool(false) }
            throw broken()
        }
    }

    private mutating func tuple() throws -> [Int] {
        var result: [Int] = []
        try expect("(")
        while peek() != UInt8(ascii: ")") {
            result.append(try integer())
            // At most 32 axes exist in NumPy.
            guard result.count <= 64 else { throw broken() }
            if peek() == UInt8(ascii: ",") { position += 1 } else { break }
        }
        try expect(")")
        return result
    }

    private mutating func integer() throws -> Int {
        _ = peek()
        let start = position
        while position < text.count, text[position] == UInt8(ascii: "-") || isDigit(text[position]) { position += 1 }
        guard let number = Int(String(decoding: text[start ..< position], as: UTF8.self)) else { throw broken() }
        // Python 2 wrote long integers as 8L.
        if position < text.count, text[position] == UInt8(ascii: "L") { position += 1 }
        return number
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private mutating func string() throws -> String {
        guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else { throw broken() }
        position += 1
        guard let end = text[position...].firstIndex(of: quote) else { throw broken() }
        defer { position = end + 1 }
        return String(decoding: text[position ..< end], as: UTF8.self)
    }

    private mutating func skipList() throws {
        var depth = 0
        while position < text.count {
            if text[position] == UInt8(ascii: "[") { depth += 1 }
            if text[position] == UInt8(ascii: "]") { depth -= 1 }
            position += 1
            if depth == 0 { return }
        }
        throw broken()
    }

    private mutating func accept(_ word: String) -> Bool {
        guard text[position...].starts(with: word.utf8) else { return false }
        position += word.utf8.count
        return true
    }

    /// The next byte that is not white space.
    private mutating func peek() -> UInt8? {
        while position < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[position]) { position += 1 }
        return position < text.count ? text[position] : nil
    }

    private mutating func expect(_ character: Character) throws {
        guard peek() == character.asciiValue else { throw broken() }
        position += 1
    }

    private func broken() -> OpahError {
        let shown = String(decoding: text.prefix(80).map { $0 < 0x20 || $0 > 0x7E ? 0x2E : $0 }, as: UTF8.self)
        return OpahError(.format, "\(name: place): the .npy header is damaged near its byte \(position): \(shown)")
    }
}
