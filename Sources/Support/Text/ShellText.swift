/// Words as a POSIX shell takes them, for commands that messages tell.
public enum ShellText {
    /// The word, in quotes where a shell would see more in it than letters.
    public static func quoted(_ word: String) -> String {
        let word = word.hasPrefix("-") ? "./" + word : word
        let isPlain =
            !word.isEmpty
            && word.unicodeScalars.allSatisfy {
                $0.value >= 0x80 || "-_./=+,:@%".unicodeScalars.contains($0) || ("0" ... "9").contains($0)
                    || ("A" ... "Z").contains($0) || ("a" ... "z").contains($0)
            }
        // What a terminal would obey, or shows as something else, is written out.
        if ShownText.name(word) != word { return "$'" + escaped(word) + "'" }
        return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }

    /// Inside `$'...'` of bash, zsh and newer POSIX shells: such characters as `\x1b`, byte by byte.
    private static func escaped(_ word: String) -> String {
        word.unicodeScalars.map { scalar in
            if scalar == "\\" || scalar == "'" { return "\\" + String(scalar) }
            let text = String(scalar)
            if ShownText.name(text) == text { return text }
            return text.utf8.map { ($0 < 16 ? "\\x0" : "\\x") + String($0, radix: 16) }.joined()
        }.joined()
    }
}
