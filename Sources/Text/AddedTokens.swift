import Support

/// A token that is found in the text before anything else happens to it.
struct AddedToken: Sendable {
    var content: String
    var id: Int
    var isSpecial = false
    var isSingleWord = false
    var stripsLeft = false
    var stripsRight = false
    var isNormalized = false
    /// Whether it is no text: marked as special, or spelt as the model's own `<|im_end|>`, whatever the file says of
    /// it.
    var isControl: Bool { isSpecial || content.hasPrefix("<|") && content.hasSuffix("|>") }

    /// From an entry of tokenizer.json or of tokenizer_config.json.
    init(_ value: ConfigValue, id: Int) throws {
        content = try value.text("content")
        guard content.utf8.count <= 1 << 12 else {
            throw OpahError(.format, "an added token of \(content.utf8.count) bytes is too long")
        }
        self.id = id
        isSpecial = try value.flag("special", default: false)
        isSingleWord = try value.flag("single_word", default: false)
        stripsLeft = try value.flag("lstrip", default: false)
        stripsRight = try value.flag("rstrip", default: false)
        isNormalized = try value.flag("normalized", default: !isSpecial)
    }

    init(special content: String, id: Int) {
        self.content = content
        self.id = id
        isSpecial = true
    }
}

/// Finds added tokens in a text: the leftmost first, of those that start together the longest.
struct AddedTokenFinder: Sendable {
    private struct Node {
        var byte: UInt8 = 0
        var child: Int32 = -1
        var sibling: Int32 = -1
        var token: Int32 = -1
    }

    private var nodes = [Node()]
    private var tokens: [AddedToken] = []
    private var starts = [Bool](repeating: false, count: 256)

    /// Whether there is nothing to find.
    var isEmpty: Bool { tokens.isEmpty }

    /// - Parameter spelling: how the token reads in the text that will be searched
    mutating func insert(_ token: AddedToken, spelling: [UInt8]) {
        guard let first = spelling.first else { return }
        starts[Int(first)] = true
        var node = 0
        for byte in spelling {
            if let next = child(of: node, byte) { node = next; continue }
            nodes.append(Node(byte: byte, sibling: nodes[node].child))
            nodes[node].child = Int32(nodes.count - 1)
            node = nodes.count - 1
        }
        nodes[node].token = Int32(tokens.count)
        tokens.append(token)
    }

    private func child(of node: Int, _ byte: UInt8) -> Int? {
        var child = nodes[node].child
        while child >= 0, nodes[Int(child)].byte != byte { child = nodes[Int(child)].sibling }
        return child < 0 ? nil : Int(child)
    }

    enum Part: Equatable { case text(Range<Int>), token(Int) }

    /// The text as a row of plain parts and token ids.
    /// - Parameter literal: ranges of bytes, in order, in which control tokens are plain text.
    func split(_ text: UnsafeBufferPointer<UInt8>, literal: [Range<Int>]) -> [Part] {
        guard !tokens.isEmpty else { return text.isEmpty ? [] : [.text(0 ..< text.count)] }
        var parts: [Part] = []
        var done = 0
        var position = 0
        var literal = literal[...]
        while position < text.count {
            guard starts[Int(text[position])], let (token, length) = longest(text, at: position) else {
                position += 1; continue
            }
            var start = position, end = position + length
            while let range = literal.first, range.upperBound <= start { literal.removeFirst() }
            if token.isControl, let range = literal.first, range.lowerBound < end {
                // One that only begins in such a range may hide one that is meant.
                position = end <= range.upperBound ? end : start + 1
                continue
            }
            position = end
            if token.isSingleWord, scalarBefore(text, start)?.isWord == true || scalarAfter(text, end)?.isWord == true {
                continue
            }
            if token.stripsLeft {
                while let scalar = scalarBefore(text, start), scalar.properties.isWhitespace, start > done {
                    start -= scalar.utf8Count
                }
            }
            if token.stripsRight {
                while let scalar = scalarAfter(text, end), scalar.properties.isWhitespace { end += scalar.utf8Count }
                position = end
            }
            if done < start { parts.append(.text(done ..< start)) }
            parts.append(.token(token.id))
            done = end
        }
        if done < text.count { parts.append(.text(done ..< text.count)) }
        return parts
    }

    private func longest(_ text: UnsafeBufferPointer<UInt8>, at start: Int) -> (AddedToken, Int)? {
        var best: (AddedToken, Int)?
        var node = 0
        for position in start ..< text.count {
            guard let next = child(of: node, text[position]) else { break }
            node = next
            if nodes[node].token >= 0 { best = (tokens[Int(nodes[node].token)], position + 1 - start) }
        }
        return best
    }

    private func scalarBefore(_ text: UnsafeBufferPointer<UInt8>, _ end: Int) -> Unicode.Scalar? {
        guard end > 0 else { return nil }
        var start = end - 1
        while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
        return String(decoding: text[start ..< end], as: UTF8.self).unicodeScalars.first
    }

    private func scalarAfter(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Unicode.Scalar? {
        String(decoding: text[start ..< min(start + 4, text.count)], as: UTF8.self).unicodeScalars.first
    }
}

extension Unicode.Scalar {
    /// `\w` as regular expressions of Unicode mean it.
    fileprivate var isWord: Bool {
        if properties.isAlphabetic || properties.isJoinControl { return true }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
        default: return false
        }
    }
}
