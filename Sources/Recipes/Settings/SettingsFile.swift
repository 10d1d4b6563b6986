import Configuration
import Installation
import LuaHost
import Support

/// A configuration as a recipe gets it: composed, overridden, resolved, checked.
package struct SettingsFile {
    package let value: ConfigValue
    /// For people: what was understood differently, and what means nothing here.
    package let notes: [String]

    /// What every training configuration may hold. Files of the original are laid over it, and their keys checked
    /// against it.
    private static let schema = "text2semantic_finetune"

    /// - Parameters:
    ///   - name: a stock configuration, a Lua table file, or a YAML file of the original. Lua files return a table and,
    ///     second, `{ignored = {patterns}, options = {names of functions}}`.
    ///   - catalog: where those functions are declared, and with them the settings that are their options.
    package static func load(_ name: String, overrides: [String], _ catalog: Catalog) throws -> SettingsFile {
        var reader = Reader(catalog)
        let stock = try Home.required() + "/stdlib-lua/opah/configs/"
        let path =
            name.hasSuffix(".lua") || name.hasSuffix(".yaml") || name.hasSuffix(".yml") ? name : stock + name + ".lua"
        guard FileKind.isFile(path) else {
            let names = try RecipeIndex.all().filter { $0.kind == .config }.map(\.name)
            throw OpahError(
                .usage, "there is no configuration \(name)",
                hint: suggestion(for: name, in: names)
                    ?? "stock ones are \(names.joined(separator: ", ")); files end in .lua, .yaml or .yml")
        }
        var notes: [String] = [], config: ConfigValue, groups: ConfigGroups
        if path.hasSuffix(".lua") {
            (config, groups) = try reader.compose(path, stock: stock)
        } else {
            (config, groups) = try reader.compose(stock + schema + ".lua", stock: stock)
            let beside = try lay(path, over: config, groups, stock: stock, &reader, &notes)
            groups.merge(beside.groups) { stock, own in stock.merging(own) { _, own in own } }
            config = beside.config
        }
        var applied: [Override] = [], ignored: [String] = [], problems: [String] = []
        for text in overrides {
            do {
                let override = try Override.parse(text)
                if config.value(at: override.key) == nil, reader.isIgnored(override.key, in: config) {
                    ignored.append(override.key)
                } else {
                    applied.append(override)
                }
            } catch let error as OpahError { problems.append(error.oneLine) }
        }
        let before = config
        let outcome = applyingOverrides(&config, applied, groups: groups)
        problems += outcome.problems.map(\.oneLine)
        // What stands in the place of a table would take away what other settings refer to.
        let flattened = applied.filter {
            before.value(at: $0.key)?.map != nil && config.value(at: $0.key).map { $0.map == nil } ?? false
        }
        problems += flattened.map {
            "\($0.text): \($0.key) is a table of settings: change one of them, as in \($0.key).\(before.value(at: $0.key)?.map?.keys.first ?? "name")=..."
        }
        if !flattened.isEmpty { config = before }
        notes += outcome.notes + reader.unread(applied, before) + reader.notes(ignored)
        do {
            let checked = SettingProblems(types: reader.types, before: before, overrides: applied, name: path).check(
                try config.resolved(), raw: config)
            problems += checked.problems
            if problems.isEmpty { return SettingsFile(value: checked.config, notes: notes) }
        } catch let error as OpahError where error.kind == .config { problems.append(error.oneLine) }
        throw OpahError(
            .usage,
            problems.count == 1
                ? problems[0] : "\(problems.count) settings are wrong:\n  " + problems.joined(separator: "\n  "),
            hint:
                "`opah show \(PathName.last(path.hasSuffix(".lua") ? String(path.dropLast(4)) : schema))` lists the settings"
        )
    }

    /// Lays a YAML file of the original over the stock settings; unknown keys are errors, all at once.
    private static func lay(
        _ path: String, over schema: ConfigValue, _ groups: ConfigGroups, stock: String, _ reader: inout Reader,
        _ notes: inout [String]
    ) throws -> (config: ConfigValue, groups: ConfigGroups) {
        let own = PathName.folder(path) + "/", tables = Tables(reader.catalog)
        let file = try ConfigFile(path) { name in
            if FileKind.isFile(name) { return try YAML.load(name) }
            let last = PathName.last(name), plain = ["yaml", "yml", "lua"].reduce(last) { $0.without(suffix: "." + $1) }
            // `lora@model.model.lora_config: r_8_alpha_16` of a file that stands alone means the stock one.
            if let option = groups[PathName.last(PathName.folder(name))]?[plain] { return option }
            // The stock settings already are what its base file would give.
            if plain == "base" { return [:] }
            // `- text2semantic_finetune_cpu` means a stock one as well, when there is none beside the file.
            let folder = PathName.folder(name) + "/",
                inner = folder.hasPrefix(own) ? String(folder.dropFirst(own.count)) : ""
            let source = stock + inner + plain + ".lua"
            guard FileKind.isFile(source) else { throw missing(plain, in: path, stock: stock) }
            return try tables.read(source)
        }
        try reader.add(tables)
        var config = file.config, ignored: [String] = [], unknown: [String] = [], more = 0
        // What other settings refer to is a name of the file's own.
        let known = schema.paths,
            referred = Set(JSON.encode(config).split(separator: "${").dropFirst().map { $0.prefix { $0 != "}" } })
        for key in config.paths where schema.value(at: key) == nil && !tables.have(key) {
            if reader.isIgnored(key, in: schema) {
                ignored.append(key)
                config.remove(key)
            } else if !isBelowLeaf(key, schema), !referred.contains(key[...]) {
                // A file of another kind has many: their neighbours are sought for the first few only.
                guard unknown.count < 20 else {
                    more += 1
                    continue
                }
                unknown.append(
                    "\(key.utf8.count > 100 ? key.prefix(80) + "..." : key)"
                        + (suggestion(for: key, in: known).map { ", " + $0 } ?? ""))
            }
        }
        guard unknown.isEmpty else {
            throw OpahError(
                .usage,
                "\(path): unknown settings:\n  " + unknown.joined(separator: "\n  ")
                    + (more > 0 ? "\n  and \(more) more" : ""),
                hint:
                    "`opah show \(Self.schema)` lists the settings; what only a fork of the original reads, take out of the file"
            )
        }
        notes += reader.notes(ignored)
        return (schema.merging(config), file.groups)
    }

    /// The error for a name that a file's `defaults` hold, and that nothing has.
    private static func missing(_ name: String, in path: String, stock: String) -> OpahError {
        let beside = ((try? FolderWalk(PathName.folder(path), recursive: false).files) ?? []).map { PathName.last($0) }
            .filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") || $0.hasSuffix(".lua") }
        let names = ((try? RecipeIndex.all()) ?? []).filter { $0.kind == .config }.map { PathName.last($0.name) }
        return OpahError(
            .usage,
            "\(ShownText.name(path)): its defaults name \(ShownText.name(name)), which is neither beside it nor a stock configuration",
            hint: suggestion(for: name, in: names + beside) ?? "`opah ls` lists the stock ones")
    }

    /// Whether the key lies in a table that the schema leaves open, such as `model.model.lora_config`.
    fileprivate static func isBelowLeaf(_ key: String, _ schema: ConfigValue) -> Bool {
        var parts = key.split(separator: ".").map(String.init)
        while parts.count > 1 {
            parts.removeLast()
            if let value = schema.value(at: parts.joined(separator: ".")) { return value.isNull }
        }
        return false
    }

    /// The table files that one configuration stands on, and what they say about settings beside giving them.
    private final class Tables {
        private(set) var ignored: [(pattern: [Substring], advice: String?)] = []
        private(set) var types: [String: SettingType] = [:]
        /// What functions declare of their options as settings.
        private(set) var declared: [OptionSetting] = []
        private var trees: [ConfigValue] = []
        private let catalog: Catalog

        init(_ catalog: Catalog) { self.catalog = catalog }

        func read(_ source: String) throws -> ConfigValue {
            let results = try TableFile.load(source)
            guard let table = results.first, table.map != nil || table.list?.isEmpty == true else {
                throw OpahError(.config, "\(source): a configuration file returns a table")
            }
            trees.append(table)
            if results.count > 1 {
                ignored += (results[1]["ignored"]?.list ?? []).compactMap(\.string).map {
                    ($0.split(separator: "."), nil)
                }
                for (pattern, advice) in results[1]["advice"]?.map ?? [:] {
                    ignored.append((pattern.split(separator: "."), advice.string))
                }
                for (name, type) in results[1]["types"]?.map ?? [:] { types[name] = try SettingType(type, name) }
                for name in (results[1]["options"]?.list ?? []).map({ $0.string ?? $0.kindName }) {
                    guard let function = catalog.declaration(name) else {
                        throw OpahError(.config, "\(source): options: there is no function \(name)")
                    }
                    declared += function.settings
                }
            }
            return table
        }

        /// Whether one of them has this setting.
        func have(_ key: String) -> Bool { trees.contains { $0.value(at: key) != nil } }
    }

    /// Remembers what files say about settings beside giving them.
    private struct Reader {
        /// Settings that mean nothing here, with what a person should know of them, if anything.
        private var ignored: [(pattern: [Substring], advice: String?)] = []
        private(set) var types: [String: SettingType] = [:]
        let catalog: Catalog

        init(_ catalog: Catalog) { self.catalog = catalog }

        mutating func compose(_ path: String, stock: String) throws -> (ConfigValue, ConfigGroups) {
            let tables = Tables(catalog)
            let file = try ConfigFile(path, extensions: ["lua"]) { name in
                // A file of one's own may stand on a stock one.
                let own = stock + PathName.last(PathName.folder(name)) + "/" + PathName.last(name)
                guard let source = [name, own, stock + PathName.last(name)].first(where: FileKind.isFile) else {
                    throw SettingsFile.missing(PathName.last(name).without(suffix: ".lua"), in: path, stock: stock)
                }
                return try tables.read(source)
            }
            try add(tables)
            var config = file.config
            for setting in tables.declared where config.value(at: setting.key) == nil {
                try config.set(setting.key, to: setting.value)
            }
            var groups = file.groups
            if PathName.folder(path) + "/" != stock {
                let own = try ConfigFile(stock + SettingsFile.schema + ".lua", extensions: ["lua"]) { name in
                    try TableFile.load(name).first ?? [:]
                }
                groups.merge(own.groups) { mine, stock in mine.merging(stock) { mine, _ in mine } }
            }
            return (config, groups)
        }

        /// Takes what files say about settings.
        mutating func add(_ tables: Tables) throws {
            // Whole names and tables come before patterns, and those for any name at all last.
            let order = { (pattern: [Substring]) in
                pattern.first == "**" ? 3 : pattern.contains("*") ? 2 : pattern.contains("**") ? 1 : 0
            }
            ignored = (ignored + tables.ignored).sorted { order($0.pattern) < order($1.pattern) }
            for setting in tables.declared where tables.types[setting.key] == nil {
                types[setting.key] = try SettingType(setting.type, setting.key)
            }
            types.merge(tables.types) { $1 }
        }

        /// `*` stands for one part of a key, `**` for any number of them; neither for the misspelt name of a setting.
        func isIgnored(_ key: String, in config: ConfigValue) -> Bool {
            guard let found = rule(key) else { return false }
            guard let star = found.pattern.firstIndex(of: "*") else { return true }
            let parts = key.split(separator: ".")
            let siblings = config.value(at: parts[..<star].joined(separator: "."))?.map?.keys ?? []
            return nearestNames(to: String(parts[star]), in: siblings).isEmpty
        }

        private func rule(_ key: String) -> (pattern: [Substring], advice: String?)? {
            let parts = key.split(separator: ".")
            return ignored.first { Self.matches(parts[...], $0.pattern[...]) }
        }

        /// What is said of ignored keys: a line for each table or setting that has advice, and one for all others.
        func notes(_ keys: [String]) -> [String] {
            var lines: [String] = [], others: [String] = []
            for key in keys {
                guard let found = rule(key), let advice = found.advice else {
                    others.append(key)
                    continue
                }
                let shown = key.split(separator: ".").prefix(
                    found.pattern.last == "**" ? found.pattern.count - 1 : found.pattern.count)
                let line = "\(shown.joined(separator: ".")) is ignored: \(advice)"
                if !lines.contains(line) { lines.append(line) }
            }
            // A table of which every setting is ignored counts as one.
            let leaves = others.filter { key in !others.contains { $0.hasPrefix(key + ".") } }
            guard !leaves.isEmpty else { return lines }
            let shown =
                leaves.prefix(6).joined(separator: ", ") + (leaves.count > 6 ? " and \(leaves.count - 6) more" : "")
            return lines + ["without meaning here, and ignored: \(shown)"]
        }

        /// Settings that somebody adds, and that nothing of ours reads.
        func unread(_ overrides: [Override], _ before: ConfigValue) -> [String] {
            guard !types.isEmpty else { return [] }
            return overrides.compactMap { override in
                guard override.package == nil, override.action == .add || override.action == .addOrChange,
                    before.value(at: override.key) == nil,
                    types[override.key] == nil, !SettingsFile.isBelowLeaf(override.key, before)
                else { return nil }
                return "\(override.text): no stock recipe reads \(override.key)"
                    + (suggestion(for: override.key, in: before.paths).map { "; \($0)" } ?? "")
            }
        }

        private static func matches(_ key: ArraySlice<Substring>, _ pattern: ArraySlice<Substring>) -> Bool {
            guard let first = pattern.first else { return key.isEmpty }
            if first == "**" {
                return (key.startIndex ... key.endIndex).contains { matches(key[$0...], pattern.dropFirst()) }
            }
            guard let part = key.first else { return false }
            return (first == "*" || first == part) && matches(key.dropFirst(), pattern.dropFirst())
        }
    }
}

extension OpahError {
    /// What it says, with what to do about it behind.
    fileprivate var oneLine: String { message + (hint.map { " (\($0))" } ?? "") }
}

extension String {
    fileprivate func without(suffix: String) -> String { hasSuffix(suffix) ? String(dropLast(suffix.count)) : self }
}

extension SettingType {
    /// `{ is = "integer|share", from = 1, optional = true }`, as a configuration file declares it.
    fileprivate init(_ declared: ConfigValue, _ name: String) throws {
        func wrong(_ what: String) -> OpahError { OpahError(.config, "types: \(name): \(what)") }
        func kind(_ text: some StringProtocol) throws -> Kind {
            guard let kind = Kind(rawValue: String(text)) else {
                throw wrong(
                    "there is no type \(text); types are " + Kind.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return kind
        }
        guard let kinds = declared["is"]?.string else {
            throw wrong("a type is a table such as { is = \"integer\", from = 1 }")
        }
        let range = NumberRange(
            from: declared["from"]?.double, to: declared["to"]?.double,
            above: declared["above"]?.double, below: declared["below"]?.double)
        self.init(
            try kinds.split(separator: "|").map(kind), range: range,
            choices: (declared["choices"]?.list ?? []).compactMap(\.string),
            isOptional: declared["optional"]?.bool ?? false,
            items: try (declared["items"]?.string).map(kind), count: declared["count"]?.int)
    }
}

extension NumberRange {
    /// The fields `from`, `to`, `above` and `below` of a declaration.
    init(lua table: LuaTable) throws {
        self.init(
            from: try table.get("from", as: Double?.self), to: try table.get("to", as: Double?.self),
            above: try table.get("above", as: Double?.self), below: try table.get("below", as: Double?.self))
    }
}
