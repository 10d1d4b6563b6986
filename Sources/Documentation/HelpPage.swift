import Installation
import LuaHost
import Support

extension Catalog {
    /// Help for a name, or the list of modules.
    public func helpPage(_ name: String?) throws -> String {
        guard let name, name != "opah" else {
            let lines = modules.map { ($0.name, $0.doc) } + LuaHelp.all().map { ("opah." + $0.name, $0.summary) }
            return lines.map { $0 + String(repeating: " ", count: max(1, 18 - $0.count)) + $1 }.joined(separator: "\n")
        }
        if let text = LuaHelp.page(name) ?? help(name) { return text }
        let inLua = LuaHelp.all().flatMap { [$0.name] + $0.functions.map(\.path) }
        let entries = (try? RecipeIndex.all()) ?? []
        // What opah show explains.
        let other = entries.first { $0.names.contains(name) }.map { "it is a \($0.kind.rawValue): opah show \(name)" }
        let recipe = nearestNames(to: name, in: entries.map(\.name), limit: 1, within: 2).first
        throw OpahError(
            .argument, "there is no help for \(name: name)",
            hint: other ?? recipe.map { "did you mean opah show \($0)?" } ?? suggestion(for: name)
                ?? Support.suggestion(for: name, in: inLua)
                ?? "opah docs --search \(name: name), or ??\(name: name) at the prompt, goes through all of it")
    }
}
