import Configuration
import Installation
import LuaHost
import Support

/// A configuration as a recipe gets it: composed, overridden, resolved, checked.
package struct SettingsFile {
    package let value: ConfigValue
    /// For people: what was understood differently, and what means nothing here.
    package let notes: [String]
    /// Settings that are options of functions, and that no file mentions: they are what the functions have by themselves.
    package let unmentioned: [OptionSetting]

    /// What every training configuration may hold. Files of the original are laid over it, and their keys checked
    /// against it.
    static let schema = "text2semantic_finetune"

    /// - Parameters:
    ///   - name: a stock configuration, a Lua table file, or a YAML file of the original. Lua files return a table and,
    ///     second, `{ignored = {patterns}, options = {names of functions}}`.
    ///   - catalog: where those functions are declared, and with them the settings that are their options.
    package static func load(_ name: String, overrides: [String], _ catalog: Catalog) throws -> SettingsFile {
        var reader = SettingsReader(catalog)
        let stock = try Home.required() + "/stdlib-lua/opah/configs/"
        let path =
            name.hasSuffix(".lua") || name.hasSuffix(".yaml") || name.hasSuffix(".yml") ? name : stock + name + ".lua"
        guard FileKind.isFile(path) else {
            let names = try RecipeIndex.all().filter { $0.kind == .config }.map(\.name)
            throw OpahError(
                .usage, "there is no configuration \(name: name)",
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
            let settings = SettingProblems(types: reader.types, before: before, overrides: applied, name: path)
            // What is wrong as it was written is told as that, and not as what other settings would be made of it.
            let written = settings.written(config)
            for (key, problem) in written {
                problems.append(problem)
                try config.set(key, to: before.value(at: key) ?? .null)
            }
            let checked = settings.check(try config.resolved(), raw: config)
            problems += checked.problems
            if problems.isEmpty {
                return SettingsFile(value: checked.config, notes: notes, unmentioned: reader.unmentioned)
            }
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
        _ path: String, over schema: ConfigValue, _ groups: ConfigGroups, stock: String, _ reader: inout SettingsReader,
        _ notes: inout [String]
    ) throws -> (config: ConfigValue, groups: ConfigGroups) {
        let own = PathName.folder(path) + "/", tables = SettingsTables(reader.catalog)
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
                "\(name: path): unknown settings:\n  " + unknown.joined(separator: "\n  ")
                    + (more > 0 ? "\n  and \(more) more" : ""),
                hint:
                    "`opah show \(Self.schema)` lists the settings; what only a fork of the original reads, take out of the file"
            )
        }
        notes += reader.notes(ignored)
        return (schema.merging(config), file.groups)
    }

    /// The error for a name that a file's `defaults` hold, and that nothing has.
    static func missing(_ name: String, in path: String, stock: String) -> OpahError {
        let beside = ((try? FolderWalk(PathName.folder(path), recursive: false).files) ?? []).map { PathName.last($0) }
            .filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") || $0.hasSuffix(".lua") }
        let names = ((try? RecipeIndex.all()) ?? []).filter { $0.kind == .config }.map { PathName.last($0.name) }
        return OpahError(
            .usage,
            "\(name: path): its defaults name \(name: name), which is neither beside it nor a stock configuration",
            hint: suggestion(for: name, in: names + beside) ?? "`opah ls` lists the stock ones")
    }

    /// Whether the key lies in a table that the schema leaves open, such as `model.model.lora_config`.
    static func isBelowLeaf(_ key: String, _ schema: ConfigValue) -> Bool {
        var parts = key.split(separator: ".").map(String.init)
        while parts.count > 1 {
            parts.removeLast()
            if let value = schema.value(at: parts.joined(separator: ".")) { return value.isNull }
        }
        return false
    }
}

extension OpahError {
    /// What it says, with what to do about it behind.
    var oneLine: String { message + (hint.map { " (\($0))" } ?? "") }
}

extension String {
    func without(suffix: String) -> String { hasSuffix(suffix) ? String(dropLast(suffix.count)) : self }
}
