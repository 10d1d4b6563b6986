import Support

/// One change to a configuration as it is written on a command line:
///
///     a.b=c   change      +a.b=c   add      ++a.b=c   add or change      ~a.b   delete
///     +group@path=option  lay a stock option of a group over the tables at path
///
/// The grammar is that of Hydra 1.3, and everything that it accepts means the same here. Accepted beyond
/// it, because only its lexer was in the way: any further `=` in the value, letters of any language, and
/// the characters `~ # ; & ! ^ < >` and the backtick in unquoted text.
public struct Override: Equatable, Sendable {
    public enum Action: String, Sendable {
        case change = "", add = "+", addOrChange = "++", delete = "~"
    }

    public var action: Action
    /// The dotted path, or the name of a group.
    public var key: String
    /// What stands after `@`: where the option of a group goes.
    public var package: String?
    /// nil for a deletion without a value.
    public var value: ConfigValue?
    /// As it was written.
    public var text: String

    /// Throws `.config`, with the reason and a way to write it.
    public static func parse(_ text: String) throws -> Override {
        do {
            return try parseParts(text)
        } catch let error as OpahError where error.kind == .config {
            throw error.at(text)
        }
    }

    private static func parseParts(_ text: String) throws -> Override {
        if text.hasPrefix("--") {
            throw OpahError(
                .config, "this looks like a flag",
                hint: "an override is written key=value; flags come before the overrides")
        }
        let action: Action =
            text.hasPrefix("++") ? .addOrChange : text.hasPrefix("+") ? .add : text.hasPrefix("~") ? .delete : .change
        let rest = text.dropFirst(action.rawValue.count)
        let sign = rest.firstIndex(of: "=")
        if sign == nil, action != .delete {
            throw OpahError(.config, "there is no '='", hint: "write \(text)=value, or ~\(rest) to delete it")
        }
        let name = rest[..<(sign ?? rest.endIndex)]
        if name.last == " " || name.last == "\t" {
            throw OpahError(.config, "there is a space before '='", hint: "write \(action.rawValue)\(name.trimmed)=...")
        }
        let parts = name.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        try checkKey(parts[0], isGroup: parts.count == 2)
        if parts.count == 2 { try checkPackage(parts[1]) }
        let value = try sign.map { try OverrideValue.parse(String(rest[rest.index(after: $0)...])) }
        return Override(
            action: action, key: String(parts[0]), package: parts.count == 2 ? String(parts[1]) : nil, value: value,
            text: text)
    }

    private static func checkKey(_ key: Substring, isGroup: Bool) throws {
        if key.isEmpty { throw OpahError(.config, "there is no key", hint: "write key=value") }
        for step in key.split(separator: key.contains("/") ? "/" : ".", omittingEmptySubsequences: false) {
            guard !step.isEmpty, step.unicodeScalars.allSatisfy(isKeyScalar) else {
                throw OpahError(
                    .config, "\(key) is no \(isGroup ? "name of a group" : "dotted path")",
                    hint: "a path is names or list positions with dots between: model.optimizer.lr")
            }
        }
    }

    private static func checkPackage(_ package: Substring) throws {
        guard
            package.isEmpty
                || package.split(separator: ".", omittingEmptySubsequences: false)
                    .allSatisfy({ !$0.isEmpty && $0.unicodeScalars.allSatisfy(isKeyScalar) })
        else {
            throw OpahError(.config, "\(package) after '@' is no dotted path")
        }
    }

    private static func isKeyScalar(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a" ... "z", "A" ... "Z", "0" ... "9", "_", "-", "$": true
        default: scalar.value >= 0x80 && !scalar.properties.isWhitespace
        }
    }
}

extension Override: CustomStringConvertible {
    /// How it was understood: `change project to "日本語" (a string)`.
    public var description: String {
        let shown = value.map { "\(JSON.encode($0)) (\($0.kindName))" } ?? ""
        if let package {
            return
                "\(action == .delete ? "drop" : "lay") \(key)\(value?.string.map { "/" + $0 } ?? "") \(action == .delete ? "from" : "over") \(package.isEmpty ? "the top" : package)"
        }
        return switch action {
        case .change: "change \(key) to \(shown)"
        case .add: "add \(key) as \(shown)"
        case .addOrChange: "set \(key) to \(shown)"
        case .delete: "delete \(key)\(value == nil ? "" : " if it is \(shown)")"
        }
    }
}

extension StringProtocol {
    /// Without blanks and tabs at both ends.
    var trimmed: SubSequence {
        let isInner: (Character) -> Bool = { $0 != " " && $0 != "\t" }
        guard let first = firstIndex(where: isInner), let last = lastIndex(where: isInner) else {
            return self[endIndex...]
        }
        return self[first ... last]
    }
}
