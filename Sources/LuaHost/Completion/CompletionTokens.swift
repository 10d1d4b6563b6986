/// The words of a piece of Lua that may break off anywhere, as far as completion needs them. Comments are left out.
struct Tokens {
    enum Kind: Equatable {
        case name, keyword, number
        /// Closed; quoted or long.
        case string
        /// One byte of anything else; `=` and `.` also with their kind of twice, as `==` and `..`.
        case symbol(UInt8), double(UInt8)
    }

    struct Token {
        var kind: Kind
        /// Bytes, the end excluded.
        var start: Int, end: Int
        /// The token that opens what this one closes, or the other way round.
        var partner: Int?
    }

    let bytes: [UInt8]
    private(set) var all: [Token] = []
    /// The brackets that are not closed, outermost first: places in `all`.
    private(set) var open: [Int] = []
    /// Where the content of a quoted string begins that is not closed.
    private(set) var openString: Int?
    /// It breaks off inside a comment or a long string, where there is nothing to complete.
    private(set) var endsInText = false

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var position = 0
        while position < bytes.count { position = take(position) }
    }

    static let keywords = [
        "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
        "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while"
    ]

    func text(_ index: Int) -> String { String(decoding: bytes[all[index].start ..< all[index].end], as: UTF8.self) }

    func isSymbol(_ index: Int, _ characters: String) -> Bool {
        guard all.indices.contains(index), case .symbol(let byte) = all[index].kind else { return false }
        return characters.utf8.contains(byte)
    }

    func isKind(_ index: Int, _ kind: Kind) -> Bool { all.indices.contains(index) && all[index].kind == kind }

    /// What a quoted string holds, when nothing in it is escaped.
    func content(_ index: Int) -> String? {
        guard isKind(index, .string), bytes[all[index].start] != UInt8(ascii: "[") else { return nil }
        let text = text(index).dropFirst().dropLast()
        return text.contains("\\") ? nil : String(text)
    }

    // MARK: reading

    /// Takes what begins at `start` and gives where the next begins.
    private mutating func take(_ start: Int) -> Int {
        let byte = bytes[start]
        func next(_ offset: Int) -> UInt8 { start + offset < bytes.count ? bytes[start + offset] : 0 }
        switch byte {
        case 0x20, 0x09, 0x0A, 0x0D: return start + 1
        case UInt8(ascii: "-") where next(1) == byte:
            if next(2) == UInt8(ascii: "["), let end = longEnd(start + 2) { return end }
            let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
            endsInText = end == bytes.count
            return end
        case UInt8(ascii: "["):
            if let end = longEnd(start) {
                all.append(Token(kind: .string, start: start, end: end))
                return end
            }
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return quoted(start)
        case _ where Self.isNameByte(byte) && !Self.isDigit(byte):
            let end = bytes[start...].firstIndex { !Self.isNameByte($0) } ?? bytes.count
            let isKeyword = Self.keywords.contains(String(decoding: bytes[start ..< end], as: UTF8.self))
            all.append(Token(kind: isKeyword ? .keyword : .name, start: start, end: end))
            return end
        case _ where Self.isDigit(byte) || byte == UInt8(ascii: ".") && Self.isDigit(next(1)):
            // `1.` is a number; so is 3 in `3..x`, which Lua would refuse.
            let end = bytes[start...].firstIndex { !Self.isNameByte($0) && $0 != UInt8(ascii: ".") } ?? bytes.count
            all.append(Token(kind: .number, start: start, end: end))
            return end
        case UInt8(ascii: "."), UInt8(ascii: "="), UInt8(ascii: ":"):
            if next(1) == byte {
                let length = byte == UInt8(ascii: ".") && next(2) == byte ? 3 : 2
                all.append(Token(kind: .double(byte), start: start, end: start + length))
                return start + length
            }
        case UInt8(ascii: "~"), UInt8(ascii: "<"), UInt8(ascii: ">"):
            if next(1) == UInt8(ascii: "=") {
                all.append(Token(kind: .double(byte), start: start, end: start + 2))
                return start + 2
            }
        default: break
        }
        all.append(Token(kind: .symbol(byte), start: start, end: start + 1))
        let index = all.count - 1
        if "([{".utf8.contains(byte) { open.append(index) }
        if ")]}".utf8.contains(byte), let partner = open.popLast() {
            all[index].partner = partner
            all[partner].partner = index
        }
        return start + 1
    }

    /// A string ends at its quote, and is given up at the end of its line.
    private mutating func quoted(_ start: Int) -> Int {
        var position = start + 1
        while position < bytes.count {
            switch bytes[position] {
            case bytes[start]:
                all.append(Token(kind: .string, start: start, end: position + 1))
                return position + 1
            case 0x0A: return position
            case UInt8(ascii: "\\"): position += 2
            default: position += 1
            }
        }
        openString = start + 1
        return bytes.count
    }

    /// Where a long bracket that begins here ends, `[[...]]` or `[==[...]==]`; nil when none begins.
    private mutating func longEnd(_ start: Int) -> Int? {
        var level = start + 1
        while level < bytes.count, bytes[level] == UInt8(ascii: "=") { level += 1 }
        guard level < bytes.count, bytes[level] == UInt8(ascii: "[") else { return nil }
        let closing =
            [UInt8(ascii: "]")] + Array(repeating: UInt8(ascii: "="), count: level - start - 1) + [UInt8(ascii: "]")]
        var position = level + 1
        while position + closing.count <= bytes.count {
            if bytes[position...].starts(with: closing) { return position + closing.count }
            position += 1
        }
        endsInText = true
        return bytes.count
    }

    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a") ... UInt8(ascii: "z"), UInt8(ascii: "A") ... UInt8(ascii: "Z"), UInt8(ascii: "_"): true
        default: isDigit(byte)
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0") ... UInt8(ascii: "9")).contains(byte) }

    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(isNameByte) && !isDigit(text.utf8.first!)
    }
}
