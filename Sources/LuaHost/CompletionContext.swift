/// What is open at the end of a piece of Lua: brackets, a string.
struct Brackets {
    /// Positions of the brackets that are not closed, outermost first.
    var open: [Int] = []
    /// Where the content of a quoted string begins that is not closed.
    var openString: Int?

    /// Reads the first `end` bytes. Strings and comments are skipped; long strings are not looked for.
    init(_ bytes: [UInt8], upTo end: Int? = nil) {
        var quote: UInt8 = 0, position = 0
        let end = end ?? bytes.count
        while position < end {
            let byte = bytes[position]
            defer { position += 1 }
            if quote != 0 {
                if byte == UInt8(ascii: "\\") { position += 1 } else if byte == quote || byte == UInt8(ascii: "\n") { (quote, openString) = (0, nil) }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "'"): (quote, openString) = (byte, position + 1)
            case UInt8(ascii: "-") where position + 1 < end && bytes[position + 1] == byte:
                while position + 1 < end, bytes[position + 1] != UInt8(ascii: "\n") { position += 1 }
            case UInt8(ascii: "("), UInt8(ascii: "{"), UInt8(ascii: "["): open.append(position)
            case UInt8(ascii: ")"), UInt8(ascii: "}"), UInt8(ascii: "]"): _ = open.popLast()
            default: break
            }
        }
    }
}

/// `a.b:c` at the end of a text: owners `a`, `b`, and the last, perhaps empty, name.
struct Chain {
    var owners: [String] = []
    var last = ""
    var endsWithColon = false
    /// Where its first name begins.
    var start = 0

    init(endingAt end: Int, in bytes: [UInt8]) {
        var names: [String] = [], position = end
        while true {
            let stop = position
            while position > 0, Self.isNameByte(bytes[position - 1]) { position -= 1 }
            names.append(String(decoding: bytes[position..<stop], as: UTF8.self))
            guard position > 0, bytes[position - 1] == UInt8(ascii: ".") || bytes[position - 1] == UInt8(ascii: ":") else { break }
            if names.count == 1 { endsWithColon = bytes[position - 1] == UInt8(ascii: ":") }
            position -= 1
        }
        start = position
        last = names.removeFirst()
        owners = names.reversed()
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
    }

    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(isNameByte) && !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text.utf8.first!)
    }
}
