import Support

/// One run of a batch: a recipe and what it is given.
public struct BatchItem: Sendable, Equatable {
    /// Names its folder and its line in the report: `quickstart`, `rank4-lr1e-4`.
    public internal(set) var name: String
    /// A stock recipe's name, or a file's path.
    public let recipe: String
    /// `{out}` in them stands for the folder that the run writes to.
    public internal(set) var arguments: [String]

    /// As typed after `opah run`.
    public var command: String { ([recipe] + arguments).map(ShellWords.quoted).joined(separator: " ") }
}

/// Words as a shell sees them: quotes and backslashes, nothing that is expanded.
enum ShellWords {
    /// Throws when a quote is not closed. `#` at the start of a word begins a comment.
    static func split(_ line: String) throws -> [String] {
        var words: [String] = [], word = "", inWord = false, quote: Character?
        var rest = Substring(line)
        while let character = rest.popFirst() {
            if let open = quote {
                if character == open {
                    quote = nil
                } else if character == "\\", open == "\"", let next = rest.first, next == "\"" || next == "\\" {
                    word.append(rest.removeFirst())
                } else {
                    word.append(character)
                }
            } else if character == "'" || character == "\"" {
                quote = character
                inWord = true
            } else if character == "\\", let next = rest.popFirst() {
                word.append(next)
                inWord = true
            } else if character.isWhitespace {
                if inWord { words.append(word) }
                (word, inWord) = ("", false)
            } else if character == "#", !inWord {
                break
            } else {
                word.append(character)
                inWord = true
            }
        }
        if let quote { throw OpahError(.usage, "a \(quote) is not closed") }
        return inWord ? words + [word] : words
    }

    static func quoted(_ word: String) -> String {
        let plain = !word.isEmpty && word.allSatisfy { $0.isLetter || $0.isNumber || "-_./=+,:@~%{}[]$".contains($0) }
        return plain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
}
