import Support

extension Signature {
    /// Reads `(samples: Tensor, rate: integer, opts?: {width?: integer = 6}) -> Tensor, table`.
    ///
    /// A text after a parameter says what it is for: `(rate: integer "samples a second")`.
    /// After `...: type` one more parameter may follow, an option table: `(...: integer, opts?: {dtype?: string})`.
    public init(parsing text: String) throws {
        var parser = SignatureParser(text)
        self = try parser.signature(arrow: true)
        try parser.end()
    }
}

extension LuaType {
    /// Reads one type: `Tensor|number`, `integer[]`.
    public init(parsing text: String) throws {
        var parser = SignatureParser(text)
        self = try parser.type()
        try parser.end()
    }
}

/// Recursive descent over the bytes of a signature.
private struct SignatureParser {
    private let text: [UInt8]
    private var position = 0

    init(_ text: String) { self.text = Array(text.utf8) }

    private func failure(_ expected: String) -> OpahError {
        let rest = String(decoding: text[min(position, text.count)...].prefix(20), as: UTF8.self)
        return OpahError(
            .config, "signature \(String(decoding: text, as: UTF8.self)): \(expected) expected at '\(rest)'")
    }

    private mutating func skipSpace() {
        while position < text.count, text[position] == 0x20 || text[position] == 0x0A { position += 1 }
    }

    private mutating func take(_ token: StaticString) -> Bool {
        skipSpace()
        let count = token.utf8CodeUnitCount
        guard position + count <= text.count else { return false }
        for i in 0 ..< count where text[position + i] != token.utf8Start[i] { return false }
        position += count
        return true
    }

    private mutating func expect(_ token: StaticString) throws {
        guard take(token) else { throw failure("'\(token)'") }
    }

    mutating func end() throws {
        skipSpace()
        guard position == text.count else { throw failure("end") }
    }

    private mutating func word() -> String? {
        skipSpace()
        let start = position
        while position < text.count {
            switch text[position] {
            case UInt8(ascii: "a") ... UInt8(ascii: "z"), UInt8(ascii: "A") ... UInt8(ascii: "Z"), UInt8(ascii: "_"):
                break
            case UInt8(ascii: "0") ... UInt8(ascii: "9") where position > start: break
            case UInt8(ascii: ".")
            where position > start && position + 1 < text.count && text[position + 1] != UInt8(ascii: "."): break
            default: return start == position ? nil : String(decoding: text[start ..< position], as: UTF8.self)
            }
            position += 1
        }
        return start == position ? nil : String(decoding: text[start ..< position], as: UTF8.self)
    }

    mutating func signature(arrow: Bool) throws -> Signature {
        try expect("(")
        var parameters: [Parameter] = []
        if !take(")") {
            repeat { parameters.append(try parameter()) } while take(",")
            try expect(")")
        }
        var results: [Parameter] = []
        if arrow ? take("->") : take(":") {
            let parenthesised = take("(")
            if !(parenthesised && take(")")) {
                repeat { results.append(try result()) } while (arrow || parenthesised) && take(",")
                if parenthesised { try expect(")") }
            }
            if results.count == 1, results[0].type == .null { results = [] }
        }
        return Signature(parameters: parameters, results: results)
    }

    private mutating func parameter() throws -> Parameter {
        if take("...") {
            let type = take(":") ? try self.type() : .any
            return Parameter(name: "...", type: type, isOptional: true, defaultValue: nil)
        }
        guard let name = word() else { throw failure("a name") }
        let marked = take("?")
        let type = take(":") ? try self.type() : .any
        let value = take("=") ? try literal() : nil
        var acceptsNil = type == .any || type == .null
        if case .union(let types) = type { acceptsNil = types.contains(.null) || types.contains(.any) }
        skipSpace()
        let doc = position < text.count && text[position] == UInt8(ascii: "\"") ? try quoted() : nil
        return Parameter(
            name: name, type: type, isOptional: marked || value != nil || acceptsNil, defaultValue: value, doc: doc)
    }

    private mutating func result() throws -> Parameter {
        if take("...") {
            try expect(":")
            return Parameter(name: "...", type: try type(), isOptional: true, defaultValue: nil)
        }
        let start = position
        if let name = word(), take(":") {
            return Parameter(name: name, type: try type(), isOptional: false, defaultValue: nil)
        }
        position = start
        return Parameter(name: "", type: try type(), isOptional: false, defaultValue: nil)
    }

    mutating func type() throws -> LuaType {
        var types = [try suffixed()]
        while take("|") { types.append(try suffixed()) }
        if types.count == 1 { return types[0] }
        let flat = types.flatMap { if case .union(let inner) = $0 { inner } else { [$0] } }
        return .union(flat)
    }

    private mutating func suffixed() throws -> LuaType {
        var type = try primary()
        while true {
            if take("[]") {
                type = .array(type)
            } else if take("?") {
                type = .union([type, .null])
            } else {
                return type
            }
        }
    }

    private mutating func primary() throws -> LuaType {
        if take("(") {
            let inner = try type()
            try expect(")")
            return inner
        }
        if take("{") { return try record() }
        skipSpace()
        if position < text.count, text[position] == UInt8(ascii: "\"") { return .literal(try quoted()) }
        guard let name = word() else { throw failure("a type") }
        switch name {
        case "any": return .any
        case "nil": return .null
        case "boolean": return .boolean
        case "integer": return .integer
        case "number": return .number
        case "string": return .string
        case "function": return .function
        case "fun": return .callback(try signature(arrow: false))
        case "table":
            guard take("<") else { return .table }
            let key = try type()
            try expect(",")
            let value = try type()
            try expect(">")
            return .map(key, value)
        default:
            guard take("<") else { return .instance(name) }
            let type = try type()
            try expect(">")
            return .named(name, type)
        }
    }

    private mutating func record() throws -> LuaType {
        var fields: [Parameter] = [], open = false
        if take("}") { return .table }
        repeat {
            if take("...") {
                open = true
            } else if take("[") {
                let key = try type()
                try expect("]")
                try expect(":")
                let value = try type()
                if fields.isEmpty, take("}") { return .map(key, value) }
                open = true
            } else {
                fields.append(try parameter())
            }
        } while take(",")
        try expect("}")
        return .record(fields, open: open)
    }

    private mutating func quoted() throws -> String {
        try expect("\"")
        let start = position
        while position < text.count, text[position] != UInt8(ascii: "\"") { position += 1 }
        guard position < text.count else { throw failure("'\"'") }
        position += 1
        return String(decoding: text[start ..< position - 1], as: UTF8.self)
    }

    private mutating func literal() throws -> Literal {
        skipSpace()
        if position < text.count, text[position] == UInt8(ascii: "\"") { return .string(try quoted()) }
        if take("{") {
            var items: [Literal] = []
            if take("}") { return .list([]) }
            repeat { items.append(try literal()) } while take(",")
            try expect("}")
            return .list(items)
        }
        let negative = take("-")
        if let word = word() {
            switch word {
            case "nil" where !negative: return .null
            case "true" where !negative: return .boolean(true)
            case "false" where !negative: return .boolean(false)
            case "math.huge": return .number(negative ? -.infinity : .infinity)
            default: throw failure("a default value")
            }
        }
        let start = position
        while position < text.count, "0123456789.eE+-".utf8.contains(text[position]) {
            // A sign belongs to the number only after an exponent.
            if "+-".utf8.contains(text[position]), position == start || !"eE".utf8.contains(text[position - 1]) {
                break
            }
            position += 1
        }
        let digits = String(decoding: text[start ..< position], as: UTF8.self)
        if let value = Int(digits) { return .integer(negative ? -value : value) }
        if let value = Double(digits) { return .number(negative ? -value : value) }
        throw failure("a default value")
    }
}
