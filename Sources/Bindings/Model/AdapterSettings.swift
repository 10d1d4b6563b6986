import Configuration
import LanguageModel
import Recipes
import Support

/// An adapter's settings in a table or a file.
enum AdapterSettings {
    private static let own = ["kind", "r", "lora_alpha", "lora_dropout", "targets"]
    /// Those of the original's files, too.
    private static let known = own + ["target_modules", "_target_"]
    /// As messages show such a table.
    static let form = "{\(own.map { $0 + "=" }.joined(separator: ", "))}"

    /// Whether a word means a file, and not a stock name.
    static func isPath(_ word: String) -> Bool {
        word.contains("/") || ([".yaml", ".yml", ".lua"].contains { word.hasSuffix($0) } && FileKind.isFile(word))
    }

    /// A Lua file that returns a table, or a YAML file: fish-speech's, or one that holds such a table.
    static func file(_ path: String) throws -> LoRAConfiguration {
        let tree = try path.hasSuffix(".lua") ? TableFile.load(path).first ?? .null : YAML.load(path)
        guard tree.map != nil else {
            throw OpahError(
                .config,
                "\(path): an adapter's settings are a table \(form), not \(tree.kindName)"
            )
        }
        do { return try read(tree) } catch let error as OpahError { throw error.at(path) }
    }

    static func read(_ tree: ConfigValue) throws -> LoRAConfiguration {
        let map = tree.map ?? [:]
        for key in map.keys where !known.contains(key) {
            throw OpahError(
                .config, "an adapter has no setting \(key)",
                hint: suggestion(for: key, in: known) ?? "it has \(own.dropLast().joined(separator: ", ")) and targets")
        }
        func wrong(_ key: String, _ wanted: String) -> OpahError {
            OpahError(.config, "an adapter's \(key) is \(wanted), not \(map[key]?.kindName ?? "nothing")")
        }
        func value<T>(_ key: String, _ value: KeyPath<ConfigValue, T?>, _ wanted: String, else usual: T) throws -> T {
            guard let given = map[key], !given.isNull else { return usual }
            guard let value = given[keyPath: value] else { throw wrong(key, wanted) }
            return value
        }
        func names(_ key: String) throws -> [String]? {
            switch map[key] {
            case nil, .null?: nil
            case .string(let name)?: [name]
            case let other?:
                try (other.list ?? [.null]).map { item in
                    guard let name = item.string else { throw wrong(key, "a name or a list of names") }
                    return name
                }
            }
        }
        let targets = try names("targets")
        let modules = try names("target_modules")
        if targets != nil, modules != nil {
            throw OpahError(.config, "an adapter has targets and target_modules, which say the same: give one of them")
        }
        return try LoRAConfiguration(
            kind: AdapterKind.named(value("kind", \.string, "a name", else: AdapterKind.lora.rawValue)),
            rank: value("r", \.int, "a whole number", else: 8),
            alpha: value("lora_alpha", \.double, "a number", else: 16),
            dropout: value("lora_dropout", \.double, "a number", else: 0),
            targets: targets ?? modules.map(LoRATargets.ofModules) ?? ["all"])
    }
}
