import Support

/// What is wrong with the values of a configuration, each in the words of whoever wrote it.
public struct SettingProblems {
    /// Types by dotted path; of other settings, what they were before is their type.
    public let types: [String: SettingType]
    private let before: ConfigValue
    /// Overrides in their order; the last one that touches a setting is what is wrong with it.
    private let overrides: [Override]
    /// What holds the settings that no override touches: a file's name.
    private let name: String

    public init(types: [String: SettingType], before: ConfigValue, overrides: [Override], name: String) {
        self.types = types
        self.before = (try? before.resolved()) ?? before
        self.overrides = overrides
        self.name = name
    }

    /// The resolved configuration with every value as its setting holds it, and all problems.
    /// - Parameter raw: the same before it was resolved: what only refers to a wrong value is no mistake of its own.
    public func check(_ config: ConfigValue, raw: ConfigValue) -> (config: ConfigValue, problems: [String]) {
        var result = config, direct: [String] = [], referring: [String] = [], wrongTables: [String] = []
        for path in Self.unique(before.paths + types.keys.sorted()) {
            guard let value = config.value(at: path), !wrongTables.contains(where: { path.hasPrefix($0 + ".") }),
                let type = types[path] ?? before.value(at: path).flatMap(SettingType.init(like:))
            else { continue }
            // Tables are open where their type is told by what they held.
            if let accepted = type.accepting(value) {
                if accepted != value || accepted.int != nil, accepted.map == nil { try? result.set(path, to: accepted) }
                continue
            }
            if type.kinds == [.table] { wrongTables.append(path) }
            let override = overrides.last { $0.package == nil && (path == $0.key || path.hasPrefix($0.key + ".")) }
            let isReference = override?.key != path && raw.value(at: path)?.string?.contains("${") ?? false
            let problem = Self.problem(path, value, type, override, usual: before.value(at: path), name: name)
            if isReference { referring.append(problem) } else { direct.append(problem) }
        }
        return (result, direct.isEmpty ? referring : direct)
    }

    /// Settings that an override gave a list or a table where neither can stand, or took away although others are made
    /// of them: what would come of that says nothing about the mistake.
    public func written(_ raw: ConfigValue) -> [(key: String, problem: String)] {
        var found: [(key: String, problem: String)] = []
        for key in Self.unique(overrides.filter { $0.package == nil }.map(\.key)) {
            guard let override = overrides.last(where: { $0.package == nil && $0.key == key }),
                let type = types[key] ?? before.value(at: key).flatMap(SettingType.init(like:)), type.kinds != [.table]
            else { continue }
            let usual = before.value(at: key)
            if let value = raw.value(at: key) {
                guard value.list != nil || value.map != nil, !JSON.encode(value).contains("${"),
                    type.accepting(value) == nil
                else { continue }
                found.append((key, Self.problem(key, value, type, override, usual: usual, name: name)))
            } else if override.action == .delete, JSON.encode(raw).contains("${\(key)}") {
                let example = usual.flatMap { $0.isNull ? nil : ScalarText.spelled($0) } ?? "..."
                found.append(
                    (
                        key,
                        "\(override.text): other settings are made of \(key), which is \(type.words): give it another value, as in \(key)=\(example)"
                    ))
            }
        }
        return found
    }

    private static func unique(_ paths: [String]) -> [String] {
        var seen: Set<String> = []
        return paths.filter { seen.insert($0).inserted }
    }

    /// `data.batch_size=0: 0 does not fit, and data.batch_size is a whole number, 1 or more`
    private static func problem(
        _ path: String, _ value: ConfigValue, _ type: SettingType, _ override: Override?,
        usual: ConfigValue?, name: String
    ) -> String {
        let isOwn = override?.key == path
        let written = override.flatMap { isOwn ? $0.written : nil } ?? JSON.encode(value)
        let isQuoted = isOwn && (written.hasPrefix("'") || written.hasPrefix("\""))
        let place = override.map { short($0.text) } ?? name
        let what = "\(short(written)) is \(isQuoted ? "quoted, and so text" : kindWords(value))"
        return "\(place): \(what), and \(path) is \(type.words)"
            + advice(path, value, written: short(written), isQuoted: isQuoted, type, usual)
    }

    /// A value as a message has it: nobody reads four hundred digits twice.
    private static func short(_ text: String) -> String {
        text.count > 80 ? "\(text.prefix(40))... (\(text.count) characters)" : text
    }

    private static func kindWords(_ value: ConfigValue) -> String {
        switch value {
        case .null: "no value"
        case .string: "text"
        case .bool: "true or false"
        default: value.kindName
        }
    }

    private static func advice(
        _ path: String, _ value: ConfigValue, written: String, isQuoted: Bool, _ type: SettingType,
        _ usual: ConfigValue?
    ) -> String {
        let kind = type.kinds[0]
        if !type.choices.isEmpty {
            return value.string.flatMap { suggestion(for: $0, in: type.choices) }.map { ", \($0)" } ?? ""
        }
        if kind.isText {
            if case .string = value { return kind == .name ? ": it cannot be empty" : "" }
            if let one = value.list, one.count == 1, let text = one[0].string { return ": write \(path)=\(text)" }
            return value.list != nil || value.map != nil ? ": it is one text" : ": write \(path)='\"\(written)\"'"
        }
        if kind == .boolean { return ": write \(path)=true or \(path)=false" }
        if let text = value.string {
            // A number that somebody has quoted, perhaps twice.
            let typed = ScalarText.typed(text.filter { $0 != "'" && $0 != "\"" && $0 != " " })
            if isQuoted || typed != .string(text), let fitting = type.accepting(typed) {
                return ": write \(path)=\(ScalarText.spelled(fitting))"
            }
        }
        if kind == .table { return ": write \(path).NAME=..." }
        if let usual, !usual.isNull, type.accepting(usual) != nil, usual.map == nil {
            return ": write it as in \(path)=\(ScalarText.spelled(usual))"
        }
        return ""
    }
}

extension Override {
    /// What was written behind the `=`.
    public var written: String? { text.firstIndex(of: "=").map { String(text[text.index(after: $0)...].trimmed) } }
}
