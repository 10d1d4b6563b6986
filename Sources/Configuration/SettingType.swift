import Support

/// What a setting may be: declared beside the configuration, or told from the value that it has there.
public struct SettingType: Equatable, Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case boolean, integer, number, list, table
        /// Free text; text that names something, and so is never empty; a file or folder.
        case text, name, path
        /// Bytes, as in `4GB`; a time, as in `8h` or `1:00:00:00`.
        case size, duration
        /// A part of a whole, told from a whole number by its point: `0.5`, `1.0`.
        case share

        var isText: Bool { self == .text || self == .name || self == .path }

        var words: String {
            switch self {
            case .boolean: "true or false"
            case .integer: "a whole number"
            case .number: "a number"
            case .list: "a list"
            case .table: "a table of settings"
            case .text: "text"
            case .name: "a name"
            case .path: "a path"
            case .size: "a size such as 4GB"
            case .duration: "a time such as 8h or 1:00:00:00 (days, hours, minutes, seconds)"
            case .share: "a part such as 0.5, up to 1.0"
            }
        }
    }

    /// Any of these.
    public var kinds: [Kind]
    public var range: NumberRange
    /// The only texts that it takes; none where any will do.
    public var choices: [String]
    /// Whether null, "not set", is taken.
    public var isOptional: Bool
    /// What a list holds, and how many of them; any where nil.
    public var items: Kind?
    public var count: Int?

    public init(
        _ kinds: [Kind], range: NumberRange = NumberRange(), choices: [String] = [], isOptional: Bool = false,
        items: Kind? = nil, count: Int? = nil
    ) {
        (self.kinds, self.range, self.choices) = (kinds, range, choices)
        (self.isOptional, self.items, self.count) = (isOptional, items, count)
    }

    /// Of the same kind as a value that the setting has; nil for null, which says nothing.
    public init?(like value: ConfigValue) {
        switch value {
        case .null: return nil
        case .bool: self.init([.boolean])
        case .int, .double: self.init([.number])
        case .string: self.init([.text])
        case .list: self.init([.list])
        case .map: self.init([.table])
        }
    }

    /// `a whole number, 1 or more`
    public var words: String {
        let what =
            choices.isEmpty
            ? kinds.map(\.words).joined(separator: " or ")
            : "one of " + choices.joined(separator: ", ")
        let inside = items.map { " of " + (count.map { "\($0) " } ?? "") + $0.plural } ?? ""
        return what + inside + (range.isOpen ? "" : (items == nil ? ", " : ", each ") + range.words)
    }

    /// The value as the setting holds it (a whole number as one, a single item as a list of it); nil where it does not
    /// fit.
    public func accepting(_ value: ConfigValue) -> ConfigValue? {
        if value.isNull { return isOptional ? .null : nil }
        for kind in kinds {
            // Where both may stand, 1 is a whole number and 1.0 a part.
            if kind == .integer, kinds.contains(.share), case .double = value { continue }
            if let accepted = Self.accepting(value, as: kind), isInside(accepted, kind) { return accepted }
        }
        return nil
    }

    private func isInside(_ value: ConfigValue, _ kind: Kind) -> Bool {
        if kind == .list {
            guard let list = value.list, count.map({ $0 == list.count }) ?? true else { return false }
            guard let items else { return true }
            return list.allSatisfy { item in
                Self.accepting(item, as: items) != nil && (item.double.map(range.contains) ?? true)
            }
        }
        if kind == .share { return value.double.map { $0 > 0 && $0 <= 1 } ?? false }
        if kind.isText { return choices.isEmpty || choices.contains(value.string ?? "") }
        return value.double.map(range.contains) ?? true
    }

    private static func accepting(_ value: ConfigValue, as kind: Kind) -> ConfigValue? {
        switch kind {
        case .boolean: return value.bool.map(ConfigValue.bool)
        case .integer: return value.int.map(ConfigValue.int)
        case .number: return value.double.map { _ in value }
        case .list: return value.list != nil ? value : value.map == nil ? .list([value]) : nil
        case .table: return value.map != nil || value == .list([]) ? value : nil
        case .text: return value.string.map(ConfigValue.string)
        case .name, .path: return value.string.flatMap { $0.isEmpty ? nil : value }
        case .size:
            return value.int.map(ConfigValue.int) ?? value.string.flatMap { ByteCount.parse($0) == nil ? nil : value }
        case .duration: return DurationSetting.seconds(value) == nil ? nil : value
        case .share: if case .double = value { return value } else { return nil }
        }
    }
}

extension SettingType.Kind {
    fileprivate var plural: String {
        switch self {
        case .text: "texts"
        case .number: "numbers"
        case .integer: "whole numbers"
        case .path: "paths"
        case .name: "names"
        default: rawValue + "s"
        }
    }
}
