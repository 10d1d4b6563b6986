import Support

/// Reading the parts of a tokenizer file, with errors that name the part.
extension ConfigValue {
    func text(_ key: String, default fallback: String? = nil) throws -> String {
        switch self[key] {
        case .string(let value)?: return value
        case nil, .null?:
            if let fallback { return fallback }
            throw OpahError(.format, "\"\(key)\" is missing\(ofType)")
        case let other?: throw OpahError(.format, "\"\(key)\"\(ofType) must be a string, not \(other.kindName)")
        }
    }

    func flag(_ key: String, default fallback: Bool) throws -> Bool {
        switch self[key] {
        case .bool(let value)?: return value
        case nil, .null?: return fallback
        case let other?: throw OpahError(.format, "\"\(key)\"\(ofType) must be true or false, not \(other.kindName)")
        }
    }

    func number(_ key: String, default fallback: Int) throws -> Int {
        guard let value = self[key], !value.isNull else { return fallback }
        guard let number = value.int, number >= 0 else {
            throw OpahError(.format, "\"\(key)\"\(ofType) must be a whole number of 0 or more")
        }
        return number
    }

    func items(_ key: String) throws -> [ConfigValue] {
        guard let items = self[key]?.list else { throw OpahError(.format, "\"\(key)\"\(ofType) must be a list") }
        return items
    }

    /// The one character of a setting such as Metaspace's `replacement`.
    func character(_ key: String, default fallback: Unicode.Scalar) throws -> Unicode.Scalar {
        let text = try text(key, default: String(fallback))
        guard let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1 else {
            throw OpahError(.format, "\"\(key)\"\(ofType) must be one character")
        }
        return scalar
    }

    private var ofType: String { self["type"]?.string.map { " of \($0)" } ?? "" }

    /// Turns what this module knows nothing of into an error that lists what it knows.
    func unsupported(_ what: String, _ known: String) -> OpahError {
        OpahError(
            .format, "\(what) of type \(self["type"]?.string ?? kindName) is not supported",
            hint: "supported are \(known)")
    }
}

/// What a Split or Replace looks for: a fixed string or a pattern.
enum SearchPattern: Sendable {
    case literal([UInt8])
    case regex(Pattern)

    init(_ value: ConfigValue?) throws {
        if let text = value?["String"]?.string ?? value?.string {
            guard !text.isEmpty else { throw OpahError(.format, "a search pattern is empty") }
            self = .literal(Array(text.utf8))
        } else if let text = value?["Regex"]?.string {
            self = .regex(try Pattern(text))
        } else {
            throw OpahError(.format, "a search pattern must be {\"String\": ...} or {\"Regex\": ...}")
        }
    }

    /// Matches from left to right, without overlap, as byte ranges.
    func matches(in text: UnsafeBufferPointer<UInt8>) throws -> [Range<Int>] {
        switch self {
        case .regex(let pattern): return try pattern.matches(in: text)
        case .literal(let wanted):
            var found: [Range<Int>] = []
            var position = 0
            while position + wanted.count <= text.count {
                if text[position] == wanted[0], text[position ..< (position + wanted.count)].elementsEqual(wanted) {
                    found.append(position ..< (position + wanted.count))
                    position += wanted.count
                } else {
                    position += 1
                }
            }
            return found
        }
    }

    /// The text with every match replaced by `content`.
    func replace(in text: [UInt8], with content: [UInt8], _ budget: inout TextBudget) throws -> [UInt8] {
        let found = try text.withUnsafeBufferPointer { try matches(in: $0) }
        let size = text.count + found.count * content.count
        try budget.take(size)
        guard !found.isEmpty else { return text }
        var result: [UInt8] = []
        result.reserveCapacity(size)
        var position = 0
        for range in found {
            result += text[position ..< range.lowerBound]
            result += content
            position = range.upperBound
        }
        return result + text[position...]
    }
}
