import Installation
import LuaHost
import Support

/// Help by what it says: everything that is declared, the modules in Lua and the recipes, of which the name or the text
/// holds all of some words.
public struct HelpSearch {
    public struct Entry { public let name: String, usage: String, summary: String, text: String }

    private let entries: [Entry]

    public init(_ catalog: Catalog) {
        var found: [Entry] = []
        for module in catalog.modules {
            found.append(Entry(name: module.name, usage: module.name, summary: module.doc, text: module.doc))
            for type in module.classes {
                found.append(Entry(name: type.name, usage: type.name, summary: type.doc, text: type.doc))
            }
            for item in module.declarations + module.classes.flatMap(\.declarations)
            where item.role != .hidden && item.role != .metamethod {
                let isValue = item.role == .property || item.role == .constant
                found.append(
                    Entry(
                        name: item.path,
                        usage: item.path + (isValue ? ": " + item.signatureText : (try? item.signature())?.usage ?? ""),
                        summary: item.summary, text: item.doc + " " + item.signatureText))
            }
        }
        for module in LuaHelp.all() {
            found.append(
                Entry(
                    name: "opah." + module.name, usage: "opah." + module.name, summary: module.summary,
                    text: module.header.joined(separator: " ")))
            for item in module.functions {
                found.append(
                    Entry(
                        name: item.path, usage: item.signature, summary: item.summary,
                        text: (item.doc + item.parameters.map { $0.name + " " + $0.text }).joined(separator: " ")))
            }
        }
        for recipe in (try? RecipeIndex.all()) ?? [] where recipe.kind != .config {
            let usage = recipe.kind == .recipe ? "opah run " + recipe.name : "examples/\(recipe.name).lua"
            found.append(
                Entry(
                    name: recipe.name, usage: usage, summary: recipe.summary,
                    text: ((try? RecipeIndex.header(of: recipe.path)) ?? []).joined(separator: " ")))
        }
        entries = found
    }

    /// Those that hold all of the words, in any case: names before texts.
    public func matches(_ words: String) -> [Entry] {
        let wanted = words.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
        guard !wanted.isEmpty else { return [] }
        func rank(_ entry: Entry) -> Int? {
            let name = entry.name.lowercased(), last = name.split { ".:".contains($0) }.last.map(String.init) ?? name,
                text = entry.text.lowercased()
            guard wanted.allSatisfy({ name.contains($0) || text.contains($0) }) else { return nil }
            if last == wanted.joined(separator: "_") { return 0 }
            if wanted.allSatisfy({ last.contains($0) }) { return 1 }
            return wanted.allSatisfy { name.contains($0) } ? 2 : 3
        }
        return entries.enumerated().compactMap { place, entry in rank(entry).map { ($0, place, entry) } }.sorted {
            ($0.0, $0.1) < ($1.0, $1.1)
        }.map(\.2)
    }

    /// A line and a sentence for each.
    public func page(_ words: String, limit: Int = 25) throws -> String {
        let found = matches(words)
        guard !found.isEmpty else {
            var known: Set<String> = []
            for entry in entries {
                for word in (entry.name + " " + entry.text).lowercased().split(whereSeparator: { !$0.isLetter })
                where word.count > 3 { known.insert(String(word)) }
            }
            throw OpahError(
                .argument, "no help speaks of \(name: words)",
                hint: suggestion(for: words.lowercased(), in: known) ?? "fewer or other words may find it")
        }
        let lines = found.prefix(limit).map { "\($0.usage)\n    \($0.summary)" }
        return (lines + (found.count > limit ? ["... \(found.count - limit) more: another word narrows it down"] : []))
            .joined(separator: "\n")
    }
}
