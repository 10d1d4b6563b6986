/// Words as a POSIX shell takes them, for commands that messages tell.
public enum ShellText {
    /// The word, in quotes where a shell would see more in it than letters.
    public static func quoted(_ word: String) -> String {
        let word = word.hasPrefix("-") ? "./" + word : word
        let isPlain = !word.isEmpty && word.unicodeScalars.allSatisfy {
            $0.value >= 0x80 || "-_./=+,:@%".unicodeScalars.contains($0) || ("0"..."9").contains($0) || ("A"..."Z").contains($0) || ("a"..."z").contains($0)
        }
        return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
}
