import Support

/// The stock options of a configuration's groups: `["lora": ["r_8_alpha_16": {...}]]`.
public typealias ConfigGroups = [String: [String: ConfigValue]]

/// Applies overrides as Hydra does: first the options of groups are laid over their tables, then the values
/// are set in the order given (so the last one wins). A table merges into a table, everything else replaces.
///
/// Either all of them are applied, or none: every problem found is in the one error (`.config`), with the
/// nearest names. Returns notes on what was probably not meant.
@discardableResult
public func applyOverrides(
    _ config: inout ConfigValue, _ overrides: [Override], groups: ConfigGroups = [:]
) throws -> [String] {
    var session = OverrideSession(config: config, groups: groups)
    session.apply(overrides)
    try session.throwProblems()
    config = session.config
    return session.notes
}

/// The same for overrides as they are written.
@discardableResult
public func applyOverrides(
    _ config: inout ConfigValue, _ overrides: [String], groups: ConfigGroups = [:]
) throws -> [String] {
    var session = OverrideSession(config: config, groups: groups)
    var parsed: [Override] = []
    for text in overrides { session.attempt { _ in parsed.append(try Override.parse(text)) } }
    session.apply(parsed)
    try session.throwProblems()
    config = session.config
    return session.notes
}

/// The same, with every problem instead of an error: what could be applied is.
public func applyingOverrides(
    _ config: inout ConfigValue, _ overrides: [Override], groups: ConfigGroups = [:]
) -> (notes: [String], problems: [OpahError]) {
    var session = OverrideSession(config: config, groups: groups)
    session.apply(overrides)
    config = session.config
    return (session.notes, session.problems)
}

private struct OverrideSession {
    var config: ConfigValue
    let groups: ConfigGroups
    var notes: [String] = []
    private(set) var problems: [OpahError] = []

    init(config: ConfigValue, groups: ConfigGroups) {
        self.config = config
        self.groups = groups
    }

    mutating func attempt(_ step: (inout OverrideSession) throws -> Void) {
        do { try step(&self) } catch let error as OpahError { problems.append(error) } catch {
            problems.append(OpahError(.config, "\(error)"))
        }
    }

    func throwProblems() throws {
        guard let first = problems.first else { return }
        if problems.count == 1 { throw first }
        throw OpahError(
            .config,
            "\(problems.count) overrides cannot be applied:\n"
                + problems.prefix(20).map { problem in
                    "  \(problem.message)" + (problem.hint.map { " (\($0))" } ?? "")
                }.joined(separator: "\n") + (problems.count > 20 ? "\n  and \(problems.count - 20) more" : ""))
    }

    mutating func apply(_ overrides: [Override]) {
        let (choices, values) = (overrides.filter(isChoice), overrides.filter { !isChoice($0) })
        applyChoices(choices)
        for override in values {
            attempt { session in
                do { try session.apply(override) } catch let error as OpahError { throw error.at(override.text) }
            }
        }
    }

    // MARK: Groups

    /// Whether it chooses an option of a group. Without `@`, the name of a group means the group unless the
    /// configuration has a key of that name.
    private func isChoice(_ override: Override) -> Bool {
        override.package != nil || groups[override.key] != nil && config[override.key] == nil
    }

    private mutating func applyChoices(_ overrides: [Override]) {
        var chosen: [(key: String, package: String, content: ConfigValue)] = []
        for override in overrides {
            let package = override.package ?? override.key
            let place = chosen.firstIndex { $0.key == override.key && $0.package == package }
            let name = override.key + "@" + package
            attempt { session in
                func fail(_ message: String, _ hint: String? = nil) -> OpahError {
                    OpahError(.config, "\(override.text): \(message)", hint: hint)
                }
                guard let options = session.groups[override.key] else {
                    throw fail(
                        "there is no group \(override.key)",
                        suggestion(for: override.key, in: session.groups.keys)
                            ?? (session.groups.isEmpty
                                ? nil : "groups are " + session.groups.keys.sorted().joined(separator: ", ")))
                }
                if override.action == .delete {
                    guard let place else { throw fail("\(name) has not been chosen, so it cannot be dropped") }
                    chosen.remove(at: place)
                    return
                }
                guard case .string(let option)? = override.value, let content = options[option] else {
                    throw fail(
                        "the group \(override.key) has no option \(override.value.map(ScalarText.spelled) ?? "")",
                        "its options are " + options.keys.sorted().joined(separator: ", "))
                }
                switch (override.action, place) {
                // What lies there is the choice of the configuration's own `defaults`.
                case (.change, nil) where session.config.value(at: package)?.map == nil:
                    throw fail("\(name) is not part of this configuration yet", "to add it write +\(override.text)")
                case (.add, .some): throw fail("\(name) has been chosen already", "to change it leave out the +")
                case (_, let place?): chosen[place].content = content
                default: chosen.append((override.key, package, content))
                }
            }
        }
        for choice in chosen {
            let path = choice.package == "_global_" ? "" : choice.package
            attempt { session in
                let merged = session.config.value(at: path)?.merging(choice.content) ?? choice.content
                try session.config.set(path, to: merged)
            }
        }
    }

    // MARK: Values

    private mutating func apply(_ override: Override) throws {
        let key = override.key
        let old = config.value(at: key)
        if override.action == .delete { return try delete(override, old) }
        let value = override.value ?? ""
        if key.contains("/") {
            throw OpahError(
                .config, "there is no group \(key)",
                hint: suggestion(for: key, in: groups.keys)
                    ?? "settings are written with dots: \(key.split(separator: "/").joined(separator: "."))")
        }
        switch override.action {
        case .change:
            guard let old else { throw unknown(override) }
            try checkKnown(value, in: old, path: key)
            note(override, value)
        case .add:
            // Null stands for "nothing yet", and tables and lists are open for more.
            if let old, !old.isNull, old.map == nil, old.list == nil {
                throw OpahError(
                    .config, "\(key) is there already, as \(JSON.encode(old))", hint: "to change it write \(key)=...")
            }
        case .addOrChange, .delete: break
        }
        try checkParents(key)
        try config.set(key, to: old?.merging(value) ?? value)
    }

    private mutating func delete(_ override: Override, _ old: ConfigValue?) throws {
        guard let old else {
            throw OpahError(.config, "there is nothing to delete at \(override.key)", hint: nearest(override.key))
        }
        if let wanted = override.value, !isSame(wanted, old) {
            throw OpahError(.config, "\(override.key) is \(JSON.encode(old)), not \(JSON.encode(wanted))")
        }
        guard config.remove(override.key) else {
            throw OpahError(.config, "an element of a list cannot be deleted", hint: "give the whole list instead")
        }
    }

    private func isSame(_ a: ConfigValue, _ b: ConfigValue) -> Bool {
        if let a = a.double, let b = b.double { return a == b }
        return a == b
    }

    private func unknown(_ override: Override) -> OpahError {
        let addition = "to add a new key write +\(override.text)"
        return OpahError(
            .config, "there is no key \(override.key)",
            hint: nearest(override.key).map { "\($0) (\(addition))" } ?? addition)
    }

    /// The keys of a table that is merged into another must be known there.
    private func checkKnown(_ value: ConfigValue, in old: ConfigValue, path: String) throws {
        guard case .map(let new) = value, case .map(let known) = old else { return }
        for (key, value) in new {
            guard let old = known[key] else {
                throw OpahError(
                    .config, "there is no key \(path).\(key)",
                    hint: suggestion(for: key, in: known.keys) ?? "to add new keys write +\(path)={...}")
            }
            try checkKnown(value, in: old, path: path + "." + key)
        }
    }

    /// What lies on the way must be tables or lists (or nothing yet).
    private func checkParents(_ key: String) throws {
        let steps = ConfigValue.steps(key)
        for count in 1 ..< max(steps.count, 1) {
            guard let parent = config.value(at: steps[..<count]) else { return }
            if case .string(let text) = parent, text.hasPrefix("${") {
                let name = steps[..<count].joined(separator: ".")
                throw OpahError(
                    .config, "\(name) is \(text), a reference",
                    hint: "change what it refers to, or replace \(name) as a whole")
            }
        }
    }

    /// Names near the whole path, and paths that end in the same or nearly the same last key.
    private func nearest(_ key: String) -> String? {
        let paths = config.paths
        if let near = suggestion(for: key, in: paths) { return near }
        func last(_ path: String) -> String { ConfigValue.steps(path).last ?? path }
        let ends = nearestNames(to: last(key), in: Set(paths.map(last)))
        guard let end = ends.first else { return nil }
        let matching = paths.filter { last($0) == end }.prefix(3)
        return "did you mean \(matching.joined(separator: " or "))?"
    }

    /// The option of a group given as a plain string is accepted, and fails much later; a shell takes quotes away.
    private mutating func note(_ override: Override, _ value: ConfigValue) {
        // `sentences=["Hello, there."]` arrives as [Hello, there.].
        if let items = value.list?.compactMap(\.string), items.count > 1, override.text.contains(", "),
            !override.text.contains(where: { "'\"".contains($0) })
        {
            let shown = items.map { "\u{201C}\($0)\u{201D}" }.joined(separator: " and ")
            notes.append(
                "\(override.key) is a list of \(items.count) now: \(shown); if a comma belongs to the text, the shell has taken its quotes: "
                    + "put all of it in single quotes, '\(override.key)=[\"...\"]'")
        }
        guard case .string(let text) = value else { return }
        for (group, options) in groups.sorted(by: { $0.key < $1.key }) where options[text] != nil {
            notes.append(
                "\(override.key) is now the text \"\(text)\"; to choose the option of that name write +\(group)@\(override.key)=\(text)"
            )
        }
    }
}
