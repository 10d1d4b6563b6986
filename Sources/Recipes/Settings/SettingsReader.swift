import Configuration
import Installation
import LuaHost
import Support

/// The table files that one configuration stands on, and what they say about settings beside giving them.
final class SettingsTables {
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
            throw OpahError(.config, "\(name: source): a configuration file returns a table")
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
                    throw OpahError(.config, "\(name: source): options: there is no function \(name)")
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
struct SettingsReader {
    /// Settings that mean nothing here, with what a person should know of them, if anything.
    private var ignored: [(pattern: [Substring], advice: String?)] = []
    private(set) var types: [String: SettingType] = [:]
    private(set) var unmentioned: [OptionSetting] = []
    let catalog: Catalog

    init(_ catalog: Catalog) { self.catalog = catalog }

    mutating func compose(_ path: String, stock: String) throws -> (ConfigValue, ConfigGroups) {
        let tables = SettingsTables(catalog)
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
        unmentioned = tables.declared.filter { config.value(at: $0.key) == nil }
        for setting in unmentioned { try config.set(setting.key, to: setting.value) }
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
    mutating func add(_ tables: SettingsTables) throws {
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
