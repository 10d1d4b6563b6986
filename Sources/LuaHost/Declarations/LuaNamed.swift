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

/// 64 bits of any kind, such as a seed; negative numbers of Lua are large ones here.
extension UInt64: LuaNamed {
    public static let luaName = Int.luaName
    public var literal: Literal? { .integer(Int(Int64(bitPattern: self))) }

    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> UInt64 {
        UInt64(bitPattern: Int64(try Int.read(stack, index)))
    }
    public static func from(_ literal: Literal) -> UInt64? {
        Int.from(literal).map { UInt64(bitPattern: Int64($0)) }
    }
    public func push(onto stack: Stack) { stack.push(Int(Int64(bitPattern: self))) }
}

/// One of a few words, which are its raw values: `extension Precision: LuaChoice {}` suffices.
public protocol LuaChoice: LuaNamed, RawRepresentable, CaseIterable where RawValue == String {}

extension LuaChoice {
    /// `"coverage"|"reference"`
    public static var luaName: String { allCases.map { "\"\($0.rawValue)\"" }.joined(separator: "|") }
    public var literal: Literal? { .string(rawValue) }
    public func push(onto stack: Stack) { stack.push(rawValue) }
}
