import Configuration
import LuaHost
import Support

extension SettingType {
    /// `{ is = "integer|share", from = 1, optional = true }`, as a configuration file declares it.
    init(_ declared: ConfigValue, _ name: String) throws {
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
