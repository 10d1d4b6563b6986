import Support

/// An option that a configuration may set: its declaration is that of the setting, too.
public struct OptionSetting: Sendable {
    public let option: String
    /// Its dotted name in configurations: `data.batch_size`.
    public let key: String
    /// What it is unless a configuration says otherwise.
    public let value: ConfigValue
    /// What it may be, in the words of configuration files: `{ is = "integer", from = 1 }`.
    public let type: ConfigValue

    /// - Parameters:
    ///   - luaType: that of the option, which says what the setting may be as far as `details` do not.
    ///   - details: such as `["from": 1]` and `["is": "integer|share"]`.
    init(option: String, key: String, literal: Literal?, luaType: String, details: ConfigMap) {
        (self.option, self.key) = (option, key)
        value = literal.map(ConfigValue.init) ?? .null
        var type = (try? LuaType(parsing: luaType))?.settingType ?? [:]
        if literal == nil { type["optional"] = true }
        for (name, detail) in details { type[name] = detail }
        self.type = .map(type)
    }
}

extension ConfigValue {
    init(_ literal: Literal) {
        switch literal {
        case .null: self = .null
        case .boolean(let value): self = .bool(value)
        case .integer(let value): self = .int(value)
        case .number(let value): self = .double(value)
        case .string(let value): self = .string(value)
        case .list(let items): self = .list(items.map(ConfigValue.init))
        }
    }
}

extension LuaType {
    /// As configuration files write types.
    fileprivate var settingType: ConfigMap {
        switch self {
        case .boolean, .integer, .number, .table: return ["is": .string(description)]
        case .string: return ["is": "text"]
        case .array(let element): return ["is": "list", "items": element.settingType["is"] ?? .null]
        case .named(_, let type): return type.settingType
        case .union(let types):
            let words = types.compactMap { if case .literal(let word) = $0 { word } else { nil } }
            if words.count == types.count { return ["is": "text", "choices": .list(words.map(ConfigValue.string))] }
            let kinds = types.compactMap { $0.settingType["is"]?.string }
            return ["is": .string(kinds.joined(separator: "|"))]
        default: return [:]
        }
    }
}
