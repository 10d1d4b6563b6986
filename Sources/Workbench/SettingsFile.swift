import Configuration
import Support

/// A configuration as a recipe gets it: composed, overridden, resolved, checked.
struct SettingsFile {
    let value: ConfigValue
    /// For people: what was understood differently, and what means nothing here.
    let notes: [String]

    /// What every training configuration may hold. Files of the original are laid over it, and their keys checked against it.
    private static let schema = "text2semantic_finetune"

    /// - Parameters:
    ///   - name: a stock configuration, a Lua table file, or a YAML file of the original. Lua files return a table and,
    ///     second, `{ignored = {patterns}}`.
    static func load(_ name: String, overrides: [String]) throws -> SettingsFile {
        var reader = Reader()
        let stock = try Home.required() + "/stdlib-lua/opah/configs/"
        let path = name.hasSuffix(".lua") || name.hasSuffix(".yaml") || name.hasSuffix(".yml") ? name : stock + name + ".lua"
        guard FileKind.isFile(path) else {
            let names = try Recipes.all().filter { $0.kind == .config }.map(\.name)
            throw OpahError(.config, "there is no configuration \(name)", hint: suggestion(for: name, in: names) ?? "stock ones are \(names.joined(separator: ", ")); files end in .lua, .yaml or .yml")
        }
        var notes: [String] = [], config: ConfigValue, groups: ConfigGroups
        if path.hasSuffix(".lua") {
            (config, groups) = try reader.compose(path, stock: stock)
        } else {
            (config, groups) = try reader.compose(stock + schema + ".lua", stock: stock)
            config = try lay(path, over: config, &reader, &notes)
        }
        var applied: [Override] = [], dropped: [String] = [], problems: [String] = []
        for text in overrides {
            do {
                let override = try Override.parse(text)
                if reader.isIgnored(override.key), config.value(at: override.key) == nil { dropped.append(override.key) } else { applied.append(override) }
            } catch let error as OpahError { problems.append(error.description) }
        }
        guard problems.isEmpty else { throw OpahError(.config, problems.joined(separator: "\n")) }
        notes += try applyOverrides(&config, applied, groups: groups)
        if let note = ignoredNote(dropped) { notes.append(note) }
        return SettingsFile(value: try config.resolved(), notes: notes)
    }

    /// Lays a YAML file of the original over the stock settings; unknown keys are errors, all at once.
    private static func lay(_ path: String, over schema: ConfigValue, _ reader: inout Reader, _ notes: inout [String]) throws -> ConfigValue {
        let file = try ConfigFile(path) { name in
            // The stock settings already are what its base file would give.
            PathName.last(name).hasPrefix("base.") && !FileKind.isFile(name) ? [:] : try YAML.load(name)
        }
        var config = file.config, ignored: [String] = [], unknown: [String] = []
        let known = schema.paths
        for key in config.paths where schema.value(at: key) == nil {
            if reader.isIgnored(key) {
                ignored.append(key)
                config.remove(key)
            } else if !isBelowLeaf(key, schema) {
                unknown.append("\(key)" + (suggestion(for: key, in: known).map { ", " + $0 } ?? ""))
            }
        }
        guard unknown.isEmpty else {
            throw OpahError(.config, "\(path): unknown settings:\n  " + unknown.joined(separator: "\n  "))
        }
        if let note = ignoredNote(ignored) { notes.append(note) }
        return schema.merging(config)
    }

    /// Whether the key lies in a table that the schema leaves open, such as `model.model.lora_config`.
    private static func isBelowLeaf(_ key: String, _ schema: ConfigValue) -> Bool {
        var parts = key.split(separator: ".").map(String.init)
        while parts.count > 1 {
            parts.removeLast()
            if let value = schema.value(at: parts.joined(separator: ".")) { return value.isNull }
        }
        return false
    }

    private static func ignoredNote(_ keys: [String]) -> String? {
        guard !keys.isEmpty else { return nil }
        let shown = keys.prefix(6).joined(separator: ", ") + (keys.count > 6 ? " and \(keys.count - 6) more" : "")
        return "without meaning here, and ignored: \(shown)"
    }

    /// Reads Lua files and remembers the patterns that they ignore.
    private struct Reader {
        private var ignored: [[Substring]] = []

        mutating func compose(_ path: String, stock: String) throws -> (ConfigValue, ConfigGroups) {
            var patterns: [String] = []
            let file = try ConfigFile(path, extensions: ["lua"]) { name in
                // A file of one's own may stand on a stock one.
                let source = FileKind.isFile(name) ? name : stock + PathName.last(name)
                let results = try TableFile.load(source)
                guard let table = results.first, table.map != nil || table.list?.isEmpty == true else { throw OpahError(.config, "\(source): a configuration file returns a table") }
                if results.count > 1 { patterns += (results[1]["ignored"]?.list ?? []).compactMap(\.string) }
                return table
            }
            ignored += patterns.map { $0.split(separator: ".") }
            var groups = file.groups
            if PathName.folder(path) + "/" != stock {
                let own = try ConfigFile(stock + SettingsFile.schema + ".lua", extensions: ["lua"]) { name in
                    try TableFile.load(name).first ?? [:]
                }
                groups.merge(own.groups) { mine, stock in mine.merging(stock) { mine, _ in mine } }
            }
            return (file.config, groups)
        }

        /// `*` stands for one part of a key, `**` for any number of them.
        func isIgnored(_ key: String) -> Bool {
            let parts = key.split(separator: ".")
            return ignored.contains { Self.matches(parts[...], $0[...]) }
        }

        private static func matches(_ key: ArraySlice<Substring>, _ pattern: ArraySlice<Substring>) -> Bool {
            guard let first = pattern.first else { return key.isEmpty }
            if first == "**" {
                return (key.startIndex...key.endIndex).contains { matches(key[$0...], pattern.dropFirst()) }
            }
            guard let part = key.first else { return false }
            return (first == "*" || first == part) && matches(key.dropFirst(), pattern.dropFirst())
        }
    }
}
