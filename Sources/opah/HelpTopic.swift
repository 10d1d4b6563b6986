import Bindings
import Documentation
import Installation
import LuaHost
import Support

/// `opah help NAME`: of a command, a recipe, a configuration, a Lua file, or whatever `opah docs` explains.
enum HelpTopic {
    /// The command line that answers it.
    /// - Throws: kind `usage` for a name that nothing has, and for words behind it that mean nothing.
    static func answering(_ words: [String]) throws -> [String] {
        guard words.first == "help", words.count > 1, !words[1].hasPrefix("-") else { return words }
        let topic = words[1], rest = words.dropFirst(2)
        let commands = Opah.configuration.subcommands.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
        // `opah help run train` asks for the recipe, `opah help docs audio.load` for that function.
        if rest.count == 1, let name = rest.first, !name.hasPrefix("-") {
            if ["run", "check", "show"].contains(topic) { return ["show", name] }
            if topic == "docs" { return ["docs", name] }
        }
        if let extra = rest.first {
            throw OpahError(
                .usage, "what is “\(name: extra)” for? opah help takes one name", hint: "opah help \(topic)")
        }
        if commands.contains(topic) { return words }
        let entries = try RecipeIndex.all()
        if topic.hasSuffix(".lua") || entries.contains(where: { $0.names.contains(topic) }) { return ["show", topic] }
        if (try? Catalog.opah.helpPage(topic)) != nil { return ["docs", topic] }
        let near =
            suggestion(for: topic, in: commands + entries.filter { $0.kind != .config }.map(\.name))
            ?? suggestion(for: topic, in: entries.flatMap(\.names)) ?? Catalog.opah.suggestion(for: topic)
        throw OpahError(
            .usage, "there is no help for \(name: topic)",
            hint: (near.map { $0 + " " } ?? "")
                + "opah --help lists the commands, opah ls the recipes, opah docs the modules")
    }
}
