import Installation
import LuaHost
import Support

/// Words that functions take in a string, besides those in their signatures: names of recipes and configurations.
enum ArgumentWords {
    /// - Parameters:
    ///   - function: as declared (`lora.apply`), or as typed (`run`, `opah.run`).
    ///   - place: of the argument, from 0.
    static func words(_ function: String, _ place: Int) -> [String]? {
        switch (function.hasPrefix("opah.") ? String(function.dropFirst(5)) : function, place) {
        case ("run", 0), ("config.recipe_path", 0): names(.recipe)
        case ("lora.apply", 1), ("lora.config", 0), ("lora.merge", 1): names(.config, below: "lora/")
        case ("config.load", 0): names(.config).filter { !$0.contains("/") }
        default: nil
        }
    }

    private static func names(_ kind: RecipeIndex.Entry.Kind, below folder: String = "") -> [String] {
        ((try? RecipeIndex.all()) ?? []).filter { $0.kind == kind && $0.name.hasPrefix(folder) }.map {
            String($0.name.dropFirst(folder.count))
        }
    }
}
