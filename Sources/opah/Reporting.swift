import Console
import Recipes

/// How `opah run` and `opah batch` report. It must be known before their command lines are parsed: what is wrong with
/// one of those is an event too, and a run ends with its result however early that is.
enum Reporting {
    /// Sets the style, and begins the record of a run.
    /// - Returns: the words of `run` without `--quiet` and `--json`, which belong to the program wherever they stand
    ///   before a plain `--`; all others as they are.
    static func begin(_ words: [String]) -> [String] {
        guard let command = words.first, ["run", "batch"].contains(command) else { return words }
        // A first `--` stands before the recipe's name, and ends nothing yet.
        let head = words.prefix(words.dropFirst().first == "--" ? 2 : 1)
        let own = words[head.count...].prefix { $0 != "--" }
        if own.contains("--json") { Terminal.style = .json }
        guard command == "run" else { return words }
        if own.contains("--quiet"), Terminal.style != .json { Terminal.style = .quiet }
        let rest = own.filter { $0 != "--quiet" && $0 != "--json" } + words[(head.count + own.count)...]
        // `opah run --help` is about the command.
        if let first = rest.first, ["--help", "-h", "--version"].contains(first) { return head + rest }
        RunRecord.begin(rest.first ?? "", Array(rest.dropFirst()))
        return head + rest
    }
}
