import ArgumentParser
import Bindings
import Documentation
import Foundation
import Installation
import LuaHost
import Recipes
import Support

/// What a shell asks for each time that the Tab key is pressed. Prints a word and what it does per line, a tab
/// between them; `:files`, `:scripts` (Lua files) and `:folders` ask the shell for those.
struct CompleteWords: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "complete-words", shouldDisplay: false)
    @Option(help: "The command line up to the cursor, for shells that do not give words.") var line: String?
    @Argument(parsing: .postTerminator, help: "The words behind the program's name; the last one is being typed.")
    var words: [String] = []

    mutating func run() throws {
        if let line { words = Self.split(line) }
        let typed = words.last ?? ""
        for candidate in Self.candidates(Array(words.dropLast()), typed) {
            switch candidate {
            case .files: print(":files")
            case .scripts: print(":scripts")
            case .folders: print(":folders")
            case .word(let text, let help) where text.hasPrefix(typed):
                print(ShownText.name(text) + "\t" + ShownText.name(help.split(separator: "\n").joined(separator: " ")))
            default: break
            }
        }
    }

    /// Words of an unfinished line, without the program; a quote may be open.
    private static func split(_ line: String) -> [String] {
        var words = [""], quote: Character?, escaped = false
        for character in line {
            if escaped {
                words[words.count - 1].append(character); escaped = false
            } else if character == "\\", quote != "'" {
                escaped = true
            } else if character == quote {
                quote = nil
            } else if quote == nil, character == "'" || character == "\"" {
                quote = character
            } else if quote == nil, character == " " {
                if words.last != "" { words.append("") }
            } else {
                words[words.count - 1].append(character)
            }
        }
        return Array(words.dropFirst())
    }

    private static func candidates(_ before: [String], _ word: String) -> [RecipeWords.Candidate] {
        guard let command = before.first else {
            var result: [RecipeWords.Candidate] = []
            for type in Opah.configuration.subcommands where type.configuration.shouldDisplay {
                result.append(.word(type._commandName, type.configuration.abstract))
            }
            return result + [
                .word("--help", "show the commands"), .word("--version", "show the version"),
                .word("-e", "run Lua code"), .scripts
            ]
        }
        let rest = Array(before.dropFirst())
        let own = flags(command, word)
        switch command {
        case "run", "check":
            guard let recipe = rest.first else { return names(.recipe) + names(.example) + [.scripts] }
            var result =
                RecipeWords(recipe, .opah)?.candidates(after: Array(rest.dropFirst()), typing: word) ?? [.files]
            if command == "run", word.hasPrefix("--") {
                result.append(.word("--quiet", "only errors and what was skipped"))
                result.append(.word("--json", "one JSON line per event"))
            }
            return result
        case "show": return rest.isEmpty ? names(.recipe) + names(.config) + names(.example) + [.scripts] : own
        case "cp": return rest.isEmpty ? names(.recipe) + names(.config) + names(.example) : own + [.files]
        case "batch":
            return word.hasPrefix("-") ? own : valueIsWanted(command, rest) ? [.files] : names(.recipe) + [.files]
        case "docs" where !word.hasPrefix("-") && !valueIsWanted(command, rest):
            return helpNames(word).map { .word($0, "") }
        case "completions": return Completions.Shell.allCases.map { RecipeWords.Candidate.word($0.rawValue, "") }
        default: return word.hasPrefix("-") ? own : [.files]
        }
    }

    private static func names(_ kind: RecipeIndex.Entry.Kind) -> [RecipeWords.Candidate] {
        ((try? RecipeIndex.all()) ?? []).filter { $0.kind == kind }.map { .word($0.name, $0.summary) }
    }

    /// What `opah docs` has a page for: modules, and once something is typed what is in them.
    private static func helpNames(_ word: String) -> [String] {
        let lua = LuaHelp.all(), modules = Catalog.opah.modules.map(\.shortName) + lua.map(\.name)
        if word.isEmpty { return modules }
        let native = Catalog.opah.declarations.map {
            $0.path.hasPrefix("opah.") ? String($0.path.dropFirst(5)) : $0.path
        }
        var seen: Set<String> = []
        return (modules + native + lua.flatMap { $0.functions.map(\.path) }).filter { seen.insert($0).inserted }
    }

    private static func valueIsWanted(_ command: String, _ words: [String]) -> Bool {
        words.last.map { last in options(of: command).contains { $0.takesValue && $0.names.contains(last) } } ?? false
    }

    private static func flags(_ command: String, _ word: String) -> [RecipeWords.Candidate] {
        guard word.hasPrefix("-") else { return [] }
        var result: [RecipeWords.Candidate] = []
        for option in options(of: command) {
            for name in option.names where name.hasPrefix("--") { result.append(.word(name, option.help)) }
        }
        return result
    }

    /// A command's own options, as its declaration has them.
    private static func options(of command: String) -> [(names: [String], takesValue: Bool, help: String)] {
        guard let dump = try? JSON.decode(Opah._dumpHelp()),
            let arguments = dump["command"]?["subcommands"]?.list?.first(where: { $0["commandName"]?.string == command }
            )?["arguments"]?.list
        else { return [] }
        return arguments.filter { $0["kind"]?.string != "positional" && $0["shouldDisplay"]?.bool != false }.map {
            argument in
            let names = (argument["names"]?.list ?? []).compactMap { name -> String? in
                guard let text = name["name"]?.string else { return nil }
                return (name["kind"]?.string == "long" ? "--" : "-") + text
            }
            return (names, argument["kind"]?.string == "option", argument["abstract"]?.string ?? "")
        }
    }
}
