import ArgumentParser
import Installation
import Support

/// The first word of the command line, when it is no command.
enum CommandName {
    /// - Throws: kind `usage`, with the nearest command, or the way to run the recipe of that name.
    static func check(_ words: [String]) throws {
        guard let word = words.first, !word.hasPrefix("-"), word != "help" else { return }
        let commands = Opah.configuration.subcommands
            .filter { $0.configuration.shouldDisplay || $0._commandName == word }.map { $0._commandName }
        if commands.contains(word) { return }
        let recipes = ((try? RecipeIndex.all()) ?? []).filter { $0.kind != .config }.map(\.name)
        let rest = words.dropFirst().map { " " + $0 }.joined()
        if recipes.contains(word) {
            throw OpahError(.usage, "\(name: word) is a recipe, no command", hint: "opah run \(name: word + rest)")
        }
        let file = FileKind.exists(word) ? "a Lua file is run by opah run FILE.lua" : nil
        // A command rather than a recipe: those are what stands here.
        let near =
            suggestion(for: word, in: commands)
            ?? suggestion(for: word, in: recipes).map { "\($0) Recipes are run by opah run NAME" }
        let all = "commands are \(commands.joined(separator: ", ")); opah --help says what they do"
        throw OpahError(.usage, "there is no command \(name: word)", hint: near ?? file ?? all)
    }
}
