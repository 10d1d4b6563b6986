/// A Swift type that Lua has a name for, and whose values can stand in a signature as defaults.
public protocol LuaNamed: LuaReadable, LuaPushable {
    /// `integer`, `number[]`
    static var luaName: String { get }
    /// As a signature writes it; nil for no value.
    var literal: Literal? { get }
}

extension Int: LuaNamed {
    public static let luaName = "integer"
    public var literal: Literal? { .integer(self) }
}

extension Double: LuaNamed {
    public static let luaName = "number"
    public var literal: Literal? { .number(self) }
}

extension Bool: LuaNamed {
    public static let luaName = "boolean"
    public var literal: Literal? { .boolean(self) }
}

extension String: LuaNamed {
    public static let luaName = "string"
    public var literal: Literal? { .string(self) }
}

extension Array: LuaNamed where Element: LuaNamed {
    public static var luaName: String { Element.luaName + "[]" }
    public var literal: Literal? { .list(compactMap(\.literal)) }
}

extension Optional: LuaNamed where Wrapped: LuaNamed {
    public static var luaName: String { Wrapped.luaName }
    public var literal: Literal? { flatMap(\.literal) }
}
