import CLua
import LuaShim
import Support

/// Why a Lua value could not become the wanted Swift value. Whoever reads adds function and argument.
public struct Mismatch: Error {
    /// Where inside the value: `[3].name`, or empty.
    public var path: String
    /// `integer expected, got string`
    public var problem: String

    public init(_ problem: String, path: String = "") {
        self.problem = problem
        self.path = path
    }

    static func expected(_ what: String, _ L: OpaquePointer, _ index: Int32) -> Mismatch {
        let got =
            what == "integer" && lua_type(L, index) == LUA_TNUMBER ? Stack.describe(L, index) : Stack.typeName(L, index)
        return Mismatch("\(what) expected, got \(got)")
    }
}

/// A Swift value that can be read from a Lua value.
public protocol LuaReadable {
    /// Reads the value in a stack slot (absolute index); leaves the stack as it was.
    static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> Self
    /// A default of a signature as this type, nil when it does not fit.
    static func from(_ literal: Literal) -> Self?
}

extension LuaReadable {
    public static func from(_ literal: Literal) -> Self? { nil }
}

extension Int: LuaReadable {
    /// Floats without a fraction count as integers; strings do not count as numbers.
    @inlinable
    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> Int {
        var exact: Int32 = 0
        let value = lua_tointegerx(stack.L, index, &exact)
        guard exact != 0, lua_type(stack.L, index) == LUA_TNUMBER else { throw stack.mismatch("integer", index) }
        return Int(value)
    }
    public static func from(_ literal: Literal) -> Int? {
        if case .integer(let value) = literal { value } else { nil }
    }
}

extension Int32: LuaReadable {
    @inlinable
    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> Int32 {
        guard let value = Int32(exactly: try Int.read(stack, index)) else {
            throw Mismatch("the number does not fit 32 bits")
        }
        return value
    }
    public static func from(_ literal: Literal) -> Int32? { Int.from(literal).flatMap { Int32(exactly: $0) } }
}

extension Int64: LuaReadable {
    @inlinable
    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> Int64 {
        Int64(try Int.read(stack, index))
    }
    public static func from(_ literal: Literal) -> Int64? { Int.from(literal).map { Int64($0) } }
}

extension Double: LuaReadable {
    @inlinable
    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> Double {
        guard lua_type(stack.L, index) == LUA_TNUMBER else { throw stack.mismatch("number", index) }
        return lua_tonumberx(stack.L, index, nil)
    }
    public static func from(_ literal: Literal) -> Double? {
        switch literal {
        case .number(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
    }
}

extension Float: LuaReadable {
    @inlinable
    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> Float {
        Float(try Double.read(stack, index))
    }
    public static func from(_ literal: Literal) -> Float? { Double.from(literal).map { Float($0) } }
}

extension Bool: LuaReadable {
    @inlinable
    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> Bool {
        guard lua_type(stack.L, index) == LUA_TBOOLEAN else { throw stack.mismatch("boolean", index) }
        return lua_toboolean(stack.L, index) != 0
    }
    public static func from(_ literal: Literal) -> Bool? {
        if case .boolean(let value) = literal { value } else { nil }
    }
}

extension String: LuaReadable {
    /// Text must be UTF-8; `LuaBytes` takes anything.
    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> String {
        guard lua_type(stack.L, index) == LUA_TSTRING else { throw stack.mismatch("string", index) }
        let bytes = Stack.bytes(stack.L, index)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Mismatch("the string is not UTF-8: \"\(String(decoding: bytes.prefix(60), as: UTF8.self))\"")
        }
        return text
    }
    public static func from(_ literal: Literal) -> String? {
        if case .string(let value) = literal { value } else { nil }
    }
}

extension LuaBytes: LuaReadable {
    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> LuaBytes {
        guard lua_type(stack.L, index) == LUA_TSTRING else { throw stack.mismatch("string", index) }
        return LuaBytes(Stack.bytes(stack.L, index))
    }
    public static func from(_ literal: Literal) -> LuaBytes? { String.from(literal).map { LuaBytes($0.utf8) } }
}

/// A list: positions 1 to `#list`, no holes.
extension Array: LuaReadable where Element: LuaReadable {
    @inlinable
    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> [Element] {
        guard lua_type(stack.L, index) == LUA_TTABLE else { throw stack.mismatch("list", index) }
        guard lua_checkstack(stack.L, 4) != 0 else { throw Mismatch("lists nested too deeply") }
        let count = Int(lua_rawlen(stack.L, index))
        let slot = lua_gettop(stack.L) + 1
        var result: [Element] = []
        result.reserveCapacity(count)
        for i in 0 ..< count {
            lua_rawgeti(stack.L, index, Int64(i + 1))
            do throws(Mismatch) { result.append(try Element.read(stack, slot)) } catch {
                lua_settop(stack.L, slot - 1)
                throw Mismatch(error.problem, path: "[\(i + 1)]\(error.path)")
            }
            lua_settop(stack.L, slot - 1)
        }
        return result
    }
    public static func from(_ literal: Literal) -> [Element]? {
        guard case .list(let items) = literal else { return nil }
        let values = items.compactMap { Element.from($0) }
        return values.count == items.count ? values : nil
    }
}

/// A table with string keys.
extension Dictionary: LuaReadable where Key == String, Value: LuaReadable {
    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> [String: Value] {
        let L = stack.L
        guard lua_type(L, index) == LUA_TTABLE else { throw stack.mismatch("table", index) }
        guard lua_checkstack(L, 6) != 0 else { throw Mismatch("tables nested too deeply") }
        var result: [String: Value] = [:]
        let top = lua_gettop(L)
        lua_pushnil(L)
        while true {
            // Reading a value may allocate in Lua, and so run a finalizer, so the step is a protected one.
            lua_pushvalue(L, index)
            shim_insert(L, -2)
            guard shim_apply(L, SHIM_NEXT, 2, LUA_MULTRET) == LUA_OK else {
                lua_settop(L, top)
                throw Mismatch("the table changed while it was read")
            }
            guard lua_gettop(L) > top else { return result }
            guard lua_type(L, top + 1) == LUA_TSTRING else {
                let key = Stack.describe(L, top + 1)
                lua_settop(L, top)
                throw Mismatch("only names are allowed as keys, got \(key)")
            }
            let key = Stack.lossyString(L, top + 1)
            do throws(Mismatch) { result[key] = try Value.read(stack, top + 2) } catch {
                lua_settop(L, top)
                throw Mismatch(error.problem, path: ".\(key)\(error.path)")
            }
            lua_settop(L, top + 1)
        }
    }
}

/// nil for nil and for nothing.
extension Optional: LuaReadable where Wrapped: LuaReadable {
    @inlinable
    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> Wrapped? {
        lua_type(stack.L, index) <= LUA_TNIL ? nil : try Wrapped.read(stack, index)
    }
    public static func from(_ literal: Literal) -> Wrapped?? {
        if literal == .null { return .some(nil) }
        return Wrapped.from(literal).map { .some($0) }
    }
}

/// Enums of strings: `extension DType: LuaReadable {}` suffices.
extension LuaReadable where Self: RawRepresentable & CaseIterable, RawValue == String {
    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> Self {
        let text = try String.read(stack, index)
        guard let value = Self(rawValue: text) else {
            throw Mismatch("\(allCases.map { "\"\($0.rawValue)\"" }.listed) expected, got \"\(text)\"")
        }
        return value
    }
    public static func from(_ literal: Literal) -> Self? {
        String.from(literal).flatMap { Self(rawValue: $0) }
    }
}

extension Stack {
    @usableFromInline func mismatch(_ expected: String, _ index: Int32) -> Mismatch { .expected(expected, L, index) }

    /// Reads the value on top and takes it off.
    func take<T: LuaReadable>(_ type: T.Type) throws(Mismatch) -> T {
        let index = lua_gettop(L)
        let result: Result<T, Mismatch>
        do throws(Mismatch) { result = .success(try T.read(self, index)) } catch { result = .failure(error) }
        lua_settop(L, index - 1)
        return try result.get()
    }
}
