import Configuration
import Console
import LuaHost
import Support

/// The positionals and flags of a recipe, declared once: parsing, checks, `--help`, `show` and completion come from
/// here.
///
///     positionals = { { "input_dir", "folder", "clips" } },
///     flags = { { "batch-size", "integer", 64, "how many at a time", short = "b" },
///               { "weights", "string", "stored", "how they are held", choices = { "stored", "int8" } },
///               { "top-p", "number", 0.7, "the share to sample from", above = 0, to = 1 } },
package struct RecipeOptions {
    enum Kind: String, CaseIterable {
        case boolean, integer, number, string
        /// Must exist; must be a folder; need not exist.
        case file, folder, path
        /// A folder that the run writes to: in a batch, the one that the batch gives, unless the option is given.
        case output
    }

    /// The last one may take several arguments, as a list.
    struct Positional { let name: String, kind: Kind, help: String, isOptional: Bool, isMultiple: Bool }
    struct Flag {
        let name: String, kind: Kind, defaultValue: ConfigValue, help: String, short: String?
        let isMultiple: Bool, isRequired: Bool
        /// For the recipe's own use: taken, but neither in its help nor in completion.
        let isHidden: Bool
        /// The only values that it takes; none where any will do.
        let choices: [String]
        /// The numbers that it takes; all of them unless declared.
        let range: NumberRange
        var key: String { String(name.map { $0 == "-" ? "_" : $0 }) }
    }

    var positionals: [Positional] = []
    var flags: [Flag] = []
    /// Whether `key=value` overrides are taken.
    var takesOverrides = false

    // MARK: reading the declaration

    package init(_ table: LuaTable) throws {
        for item in try table.get("positionals", as: LuaTable?.self)?.list() ?? [] {
            guard let item = item.table else { throw Self.malformed("positionals") }
            positionals.append(
                Positional(
                    name: try item.get(1), kind: try Self.kind(item.get(2)), help: try item.get(3),
                    isOptional: try item.get("optional", as: Bool?.self) ?? false,
                    isMultiple: try item.get("multiple", as: Bool?.self) ?? false))
        }
        if positionals.dropLast().contains(where: \.isMultiple) {
            throw OpahError(.argument, "parse_args: only the last of the positionals can take several arguments")
        }
        for item in try table.get("flags", as: LuaTable?.self)?.list() ?? [] {
            guard let item = item.table else { throw Self.malformed("flags") }
            flags.append(
                Flag(
                    name: try item.get(1), kind: try Self.kind(item.get(2)),
                    defaultValue: try ConfigValue(lua: item.get(3)),
                    help: try item.get(4), short: try item.get("short"),
                    isMultiple: try item.get("multiple", as: Bool?.self) ?? false,
                    isRequired: try item.get("required", as: Bool?.self) ?? false,
                    isHidden: try item.get("hidden", as: Bool?.self) ?? false,
                    choices: try item.get("choices", as: [String]?.self) ?? [], range: try NumberRange(lua: item)))
        }
        takesOverrides = try table.get("overrides", as: Bool?.self) ?? false
    }

    private static func kind(_ name: String) throws -> Kind {
        guard let kind = Kind(rawValue: name) else {
            throw OpahError(
                .argument, "parse_args: no option type \(name)",
                hint: "use \(Kind.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return kind
    }

    private static func malformed(_ what: String) -> OpahError {
        OpahError(.argument, "parse_args: \(what) is a list of tables: { \"name\", \"type\", ... }")
    }

    // MARK: parsing

    /// Values by key, every problem of the command line reported at once.
    package func parse(_ arguments: [String]) throws -> (values: ConfigMap, overrides: [String]) {
        var values = ConfigMap(), overrides: [String] = [], plain: [String] = [], wrong: [String] = []
        for flag in flags {
            values[flag.key] =
                flag.kind == .output
                ? RunRecord.batchFolder.map(ConfigValue.string) ?? flag.defaultValue : flag.defaultValue
        }
        var given: Set<String> = []
        var index = 0, onlyPlain = false
        /// Places among the plain arguments that come right after an unknown option.
        var afterUnknown: Set<Int> = []
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            if onlyPlain || !argument.hasPrefix("-") || argument == "-" || Double(argument) != nil {
                if !onlyPlain, takesOverrides, isOverride(argument, plain.count) {
                    overrides.append(argument)
                } else {
                    plain.append(argument)
                }
                continue
            }
            if argument == "--" { onlyPlain = true; continue }
            let cut = argument.firstIndex(of: "=")
            let name = String(argument[..<(cut ?? argument.endIndex)])
            guard let (flag, negated) = find(name) else {
                let shown = flags.filter { !$0.isHidden }
                let names =
                    shown.map { "--" + $0.name } + shown.compactMap { $0.kind == .boolean ? "--no-" + $0.name : nil }
                let near = suggestion(for: name, in: names)
                if takesOverrides, near == nil, name.hasPrefix("--"), name.count > 2 {
                    let setting = name.dropFirst(2),
                        next = index < arguments.count && !arguments[index].hasPrefix("-") ? arguments[index] : "..."
                    let value = cut.map { String(argument[argument.index(after: $0)...]) } ?? next
                    wrong.append(
                        "unknown option \(name: name): settings are written without dashes: \(name: setting)=\(name: value)"
                    )
                    if cut == nil, index < arguments.count, !arguments[index].contains("=") {
                        afterUnknown.insert(plain.count)
                    }
                    continue
                }
                wrong.append("unknown option \(name: name)" + (near.map { ", " + $0 } ?? ""))
                // What stands behind it may be its value, and is no second mistake.
                if cut == nil, index < arguments.count, !arguments[index].hasPrefix("-") {
                    afterUnknown.insert(plain.count)
                }
                continue
            }
            if flag.kind == .boolean {
                guard cut == nil else { wrong.append("\(name) takes no value"); continue }
                values[flag.key] = .bool(!negated)
                continue
            }
            let raw: String
            if let cut {
                raw = String(argument[argument.index(after: cut)...])
            } else {
                guard index < arguments.count else { wrong.append("\(name) needs a value"); continue }
                raw = arguments[index]
                index += 1
            }
            do {
                let value = try convert(raw, flag.kind, name)
                if let number = value.double, !flag.range.isOpen, !flag.range.contains(number) {
                    throw OpahError(
                        .usage,
                        "\(name): \(raw) does not fit: it is \(flag.kind == .integer ? "a whole number" : "a number"), \(flag.range.words)"
                    )
                }
                if !flag.choices.isEmpty, !flag.choices.contains(raw) {
                    throw OpahError(
                        .usage,
                        "\(name): \u{201C}\(name: raw)\u{201D} is none of \(flag.choices.joined(separator: ", "))"
                            + (suggestion(for: raw, in: flag.choices).map { ", " + $0 } ?? ""))
                }
                if flag.isMultiple {
                    let before = given.contains(flag.key) ? values[flag.key]?.list ?? [] : []
                    values[flag.key] = .list(before + [value])
                } else {
                    values[flag.key] = value
                }
                given.insert(flag.key)
            } catch let error as OpahError { wrong.append(error.message) }
        }
        if takesOverrides, let spaced = Self.spaced(arguments) {
            wrong.append("settings are written \(name: spaced), without spaces")
            // What was taken apart is no second mistake.
            let parts = Set(arguments.filter { spaced.contains($0) })
            overrides.removeAll { parts.contains($0) }
            plain.removeAll { parts.contains($0) }
            afterUnknown = []
        }
        for (i, positional) in positionals.enumerated() {
            if positional.isMultiple {
                var items: [ConfigValue] = []
                for raw in plain.dropFirst(i) {
                    do { items.append(try convert(raw, positional.kind, positional.name)) } catch let error as OpahError
                    { wrong.append(error.message) }
                }
                values[positional.name] = .list(items)
                if items.isEmpty, !positional.isOptional {
                    wrong.append("\(positional.name.uppercased()) is missing: \(positional.help)")
                }
            } else if i < plain.count {
                do { values[positional.name] = try convert(plain[i], positional.kind, positional.name) } catch let error
                    as OpahError
                { wrong.append(error.message) }
            } else if !positional.isOptional {
                wrong.append("\(positional.name.uppercased()) is missing: \(positional.help)")
            }
        }
        for (place, extra) in plain.enumerated().dropFirst(
            positionals.last?.isMultiple == true ? plain.count : positionals.count) where !afterUnknown.contains(place)
        {
            wrong.append(
                "what is \u{201C}\(name: extra)\u{201D} for? \(positionals.isEmpty ? "no" : "only \(positionals.count)") plain arguments are taken"
            )
        }
        for flag in flags where flag.isRequired && !given.contains(flag.key) {
            wrong.append("--\(flag.name) is needed: \(flag.help)")
        }
        guard wrong.isEmpty else {
            throw OpahError(.usage, wrong.joined(separator: "\n"), hint: "--help lists the options")
        }
        return (values, overrides)
    }

    /// What the recipe gets of `parse`.
    package func fields(_ values: ConfigMap, _ overrides: [String]) -> Fields {
        var fields = Fields(values.map { ($0.key, LuaTree(value: $0.value, nullIsNil: true)) })
        if takesOverrides { fields.add("overrides", overrides) }
        return fields
    }

    /// The setting that somebody has written in several words: `project = x`, `project =x`, `project= x`.
    private static func spaced(_ arguments: [String]) -> String? {
        func isName(_ word: String) -> Bool { word.firstMatch(of: /^[+~]*[\p{L}_][\p{L}\p{N}_.@\/-]*$/) != nil }
        for (place, word) in arguments.enumerated()
        where word == "=" || word.hasPrefix("=") || word.hasSuffix("=") && isName(String(word.dropLast())) {
            let after =
                place + 1 < arguments.count && !arguments[place + 1].contains("=")
                    && !arguments[place + 1].hasPrefix("-") ? arguments[place + 1] : nil
            if word.hasPrefix("=") {
                guard place > 0, isName(arguments[place - 1]) else { continue }
                return arguments[place - 1] + word + (word == "=" ? after ?? "..." : "")
            }
            // An empty value is one; what stands behind it is for nothing else.
            if let after { return word + after }
        }
        return nil
    }

    private func isOverride(_ argument: String, _ plainSoFar: Int) -> Bool {
        if argument.hasPrefix("~") || argument.hasPrefix("+") { return true }
        return argument.contains("=") && plainSoFar >= positionals.count
    }

    private func find(_ name: String) -> (flag: Flag, negated: Bool)? {
        for flag in flags {
            // One dash is enough for short names of several letters too (-sr), as in the original.
            if name == "--" + flag.name || flag.short.map({ name == "-" + $0 }) ?? false { return (flag, false) }
            if flag.kind == .boolean, name == "--no-" + flag.name { return (flag, true) }
            // Underscores count as dashes: --num_workers.
            if name.hasPrefix("--"), String(name.dropFirst(2).map { $0 == "_" ? "-" : $0 }) == flag.name {
                return (flag, false)
            }
        }
        return nil
    }

    private func convert(_ raw: String, _ kind: Kind, _ name: String) throws -> ConfigValue {
        func wrong(_ what: String) -> OpahError { OpahError(.usage, "\(name): \(what)") }
        switch kind {
        case .boolean: return .bool(true)
        case .integer:
            guard let value = Int(raw) else { throw wrong("\u{201C}\(name: raw)\u{201D} is not a whole number") }
            return .int(value)
        case .number:
            guard let value = Double(raw), !value.isNaN else {
                throw wrong("\u{201C}\(name: raw)\u{201D} is not a number")
            }
            return .double(value)
        case .file:
            guard FileKind.exists(raw) else { throw wrong("\(name: raw) does not exist") }
            guard FileKind.isFile(raw) else { throw wrong("\(name: raw) is not a file") }
            return .string(raw)
        case .folder:
            guard FileKind.exists(raw) else { throw wrong("the folder \(name: raw) does not exist") }
            guard FileKind.isFolder(raw) else { throw wrong("\(name: raw) is not a folder") }
            return .string(raw)
        case .string, .path, .output:
            return .string(raw)
        }
    }

    // MARK: help

    /// The text of `--help`, in lines of `width` columns where words allow.
    package func help(header: [String], script: String, width: Int) -> String {
        var lines: [String] = []
        if let summary = header.first { lines += PageText.broken(summary[...], width: width) + [""] }
        let usage =
            positionals.map {
                ($0.isOptional ? "[\($0.name.uppercased())]" : $0.name.uppercased()) + ($0.isMultiple ? "..." : "")
            } + (flags.allSatisfy(\.isHidden) ? [] : ["[OPTIONS]"]) + (takesOverrides ? ["[key=value ...]"] : [])
        lines.append("usage: opah run \(script) " + usage.joined(separator: " "))
        let more = header.dropFirst()
        if !more.isEmpty {
            lines +=
                [""]
                + Self.paragraphs(more).flatMap {
                    $0.hasPrefix("opah ")
                        ? ["example: " + $0] : $0.hasPrefix(" ") ? [$0] : PageText.broken($0[...], width: width)
                }
        }
        func columns(_ left: String, _ right: String) -> [String] {
            let rows =
                left.count > 32
                ? ["  " + left, String(repeating: " ", count: 36) + right]
                : ["  " + left + String(repeating: " ", count: 34 - left.count) + right]
            return rows.flatMap { PageText.broken($0[...], width: width) }
        }
        if !positionals.isEmpty { lines += [""] + positionals.flatMap { columns($0.name.uppercased(), $0.help) } }
        if !flags.isEmpty {
            lines.append("")
            for flag in flags where !flag.isHidden {
                let short = flag.short.map { "-\($0), " } ?? ""
                let left =
                    flag.kind == .boolean
                    ? "\(short)--\(flag.name)/--no-\(flag.name)"
                    : "\(short)--\(flag.name) \(flag.choices.isEmpty ? flag.kind.rawValue.uppercased() : flag.choices.joined(separator: "|"))"
                lines += columns(
                    left, [flag.help, rangeText(flag), defaultText(flag)].filter { !$0.isEmpty }.joined(separator: " "))
            }
            lines += columns("--help", "show this")
        }
        return lines.joined(separator: "\n")
    }

    /// Lines of a comment that go on in the next one, together: those are long, and what follows is no line of its own
    /// kind.
    private static func paragraphs(_ lines: some Sequence<String>) -> [String] {
        lines.reduce(into: [(text: String, last: Int)]()) { found, line in
            if let before = found.last, before.last > 70, !before.text.hasPrefix("opah "),
                line.firstMatch(of: /^(opah |\w+: | |$)/) == nil
            {
                found[found.count - 1] = (before.text + " " + line, line.columns)
            } else {
                found.append((line, line.columns))
            }
        }.map(\.text)
    }

    /// What numbers it takes, where its help does not end in that already.
    private func rangeText(_ flag: Flag) -> String {
        flag.range.isOpen || flag.help.contains(flag.range.words) ? "" : "(\(flag.range.words))"
    }

    private func defaultText(_ flag: Flag) -> String {
        if flag.isRequired { return "[needed]" }
        if flag.kind == .boolean { return "[\(flag.defaultValue.bool == true ? flag.name : "no-" + flag.name)]" }
        switch flag.defaultValue {
        case .null, .list([]): return ""
        case .list(let items): return "[\(items.map(\.plainText).joined(separator: " "))]"
        default: return "[\(flag.defaultValue.plainText)]"
        }
    }
}
