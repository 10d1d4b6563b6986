import Glibc
import Support

/// A configuration file in the original's form: a table whose `defaults` list names the files it is
/// composed of, and folders beside it whose files are the options of groups (`lora/r_8_alpha_16.yaml`).
public struct ConfigFile {
    public private(set) var config: ConfigValue = [:]
    /// The options of every folder beside the file, for overrides like `+lora@path=r_8_alpha_16`.
    public let groups: ConfigGroups
    private let folder: String
    private let extensions: [String]
    private let read: (String) throws -> ConfigValue

    /// Reads a file and everything in its `defaults` list, in the order of the list; the file itself comes
    /// where the list has `_self_`, else last. Later files win, key by key.
    ///
    /// The `hydra` table (where the original keeps its own logs) is left out. Interpolations stay as they are.
    /// - Parameters:
    ///   - extensions: what files may be called, the first one that exists counts
    ///   - read: gives the tree of a file; another one lets files in another language take part
    public init(
        _ path: String, extensions: [String] = ["yaml", "yml"],
        read: @escaping (String) throws -> ConfigValue = { try YAML.load($0) }
    ) throws {
        folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        self.extensions = extensions
        self.read = read
        groups = Self.readGroups(folder, extensions, read)
        try lay(path, package: "", group: "", depth: 0)
        config.remove("hydra")
    }

    private mutating func lay(_ path: String, package: String, group: String, depth: Int) throws {
        if depth > 20 { throw OpahError(.config, "\(name: path): defaults more than 20 deep, perhaps in a circle") }
        var own = try read(path)
        guard own.map != nil else {
            throw OpahError(.format, "\(name: path): a configuration must be a table, not \(own.kindName)")
        }
        var entries = try own["defaults"].map { try Self.entries($0, path) } ?? []
        own.remove("defaults")
        if !entries.contains(.own) { entries.append(.own) }
        for entry in entries {
            switch entry {
            case .own:
                try config.set(package, to: config.value(at: package)?.merging(own) ?? own)
            case .file(let name):
                let next = [folder, group, name].filter { !$0.isEmpty }.joined(separator: "/")
                try lay(withEnding(next), package: package, group: group, depth: depth + 1)
            case .option(let name, let option, let target):
                let next = withEnding([folder, name, option].joined(separator: "/"))
                let place = target ?? name.split(separator: "/").joined(separator: ".")
                try lay(
                    next, package: [package, place].filter { !$0.isEmpty }.joined(separator: "."), group: name,
                    depth: depth + 1)
            }
        }
    }

    private enum Entry: Equatable {
        case own
        case file(String)
        case option(group: String, name: String, package: String?)
    }

    private static func entries(_ defaults: ConfigValue, _ path: String) throws -> [Entry] {
        guard let items = defaults.list else { throw OpahError(.format, "\(name: path): \"defaults\" must be a list") }
        var entries: [Entry] = []
        for item in items {
            if case .string(let name) = item {
                try checkName(name, path)
                entries.append(name == "_self_" ? .own : .file(name))
            } else if let map = item.map, map.count == 1, let key = map.keys.first {
                // Hydra's own settings, and options that were switched off, bring nothing.
                guard !key.contains("hydra/"), case .string(let option)? = map[key] else { continue }
                let words = key.split(separator: " ")
                let parts = (words.last ?? "").split(separator: "@", maxSplits: 1).map(String.init)
                guard let group = parts.first else {
                    throw OpahError(.format, "\(name: path): \"defaults\" has an entry without a name")
                }
                try checkName(group, path)
                try checkName(option, path)
                entries.append(
                    .option(
                        group: group, name: option,
                        package: parts.count == 2 ? (parts[1] == "_global_" ? "" : parts[1]) : nil))
            } else {
                throw OpahError(
                    .format, "\(name: path): \"defaults\" may hold names and group: option pairs, not \(item.kindName)")
            }
        }
        return entries
    }

    /// Names lead to files beside the configuration, and nowhere else.
    private static func checkName(_ name: String, _ path: String) throws {
        guard !name.isEmpty, !name.hasPrefix("/"), !name.split(separator: "/").contains("..") else {
            throw OpahError(.unsafe, "\(name: path): \"defaults\" names \(name.prefix(60)), which lies elsewhere")
        }
    }

    /// The file of a name that may have its extension or not.
    private func withEnding(_ path: String) -> String {
        if extensions.contains(where: { path.hasSuffix("." + $0) }) { return path }
        let candidates = extensions.map { path + "." + $0 }
        return candidates.first { access($0, R_OK) == 0 } ?? candidates.first ?? path
    }

    private static func readGroups(
        _ folder: String, _ extensions: [String], _ read: (String) throws -> ConfigValue
    ) -> ConfigGroups {
        var groups: ConfigGroups = [:]
        for group in names(in: folder) where group.first != "." {
            for file in names(in: folder + "/" + group) {
                guard let ending = extensions.first(where: { file.hasSuffix("." + $0) }) else { continue }
                // A broken file of a group that nobody asks for is no reason to fail.
                guard let option = try? read(folder + "/" + group + "/" + file) else { continue }
                groups[group, default: [:]][String(file.dropLast(ending.count + 1))] = option
            }
        }
        return groups
    }

    private static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) {
                        String(cString: $0)
                    }
                })
        }
        return names.sorted()
    }
}
