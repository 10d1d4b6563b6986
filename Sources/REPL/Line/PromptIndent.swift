/// How far the next line of a block goes in. Only for looks: what the words mean is Lua's business.
enum PromptIndent {
    private static let openers: Set<String> = ["function", "then", "do", "repeat", "else", "{", "("]
    private static let closers: Set<String> = ["end", "until", "elseif", "else", "}", ")"]

    /// Blanks for the line after `text`.
    static func next(after text: String) -> String {
        let line = text.lastLine
        var depth = 0
        for (i, word) in words(line).enumerated() {
            if openers.contains(word) { depth += 1 }
            // A closing word at the start of a line has moved that line out already.
            if closers.contains(word), i > 0 { depth -= 1 }
        }
        let indent = line.prefix { $0 == " " }.count + 2 * max(-1, min(1, depth))
        return String(repeating: " ", count: max(0, indent))
    }

    /// A line that begins with a closing word and was indented like the lines before it: the same further out.
    static func dedented(_ line: String) -> String? {
        guard let first = words(line).first, closers.contains(first), line.hasPrefix("    ") else { return nil }
        return String(line.dropFirst(2))
    }

    /// Names and brackets; strings and comments are left out.
    private static func words(_ line: String) -> [String] {
        var found: [String] = [], word = "", quote: Character?
        var previous: Character = " "
        for character in line {
            if let open = quote {
                if character == open, previous != "\\" { quote = nil }
            } else if character.isLetter || character.isNumber || character == "_" {
                word.append(character)
            } else {
                if !word.isEmpty { found.append(word); word = "" }
                if character == "-", previous == "-" { return found }
                if character == "\"" || character == "'" { quote = character }
                if "{}()".contains(character) { found.append(String(character)) }
            }
            previous = character
        }
        return word.isEmpty ? found : found + [word]
    }
}
