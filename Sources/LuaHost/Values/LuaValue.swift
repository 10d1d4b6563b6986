import CLua
import LuaShim
import Support

/// Any Lua value. Tables and functions stay in Lua and are referred to.
public enum LuaValue: LuaPushable, LuaReadable {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    /// Valid UTF-8.
    case string(String)
    /// A string that is not UTF-8.
    case bytes([UInt8])
    case table(LuaTable)
    case function(LuaFunction)
    case object(any LuaObject)
    /// Coroutines, and userdata of other libraries.
    case other(LuaReference)

    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> LuaValue {
        let L = stack.L
        switch lua_type(L, index) {
        case LUA_TNONE, LUA_TNIL: return .null
        case LUA_TBOOLEAN: return .boolean(lua_toboolean(L, index) != 0)
        case LUA_TNUMBER:
            return lua_isinteger(L, index) != 0
                ? .integer(Int(lua_tointegerx(L, index, nil))) : .number(lua_tonumberx(L, index, nil))
        case LUA_TSTRING:
            let bytes = Stack.bytes(L, index)
            if let text = String(validating: bytes, as: UTF8.self) { return .string(text) }
            return .bytes(Array(bytes))
        case LUA_TTABLE: return .table(LuaTable(L, index))
        case LUA_TFUNCTION: return .function(LuaFunction(L, index))
        default:
            if let object = shim_tobox(L, index)?.pointee.object,
                let value = Unmanaged<AnyObject>.fromOpaque(object).takeUnretainedValue() as? any LuaObject
            {
                return .object(value)
            }
            return .other(LuaReference(L, index))
        }
    }

    static func reading(_ stack: Stack, _ index: Int32, as what: String) throws -> LuaValue {
        do { return try read(stack, index) } catch { throw OpahError(.argument, "\(what): \(error.problem)") }
    }

    public static func from(_ literal: Literal) -> LuaValue? {
        switch literal {
        case .null: .null
        case .boolean(let value): .boolean(value)
        case .integer(let value): .integer(value)
        case .number(let value): .number(value)
        case .string(let value): .string(value)
        case .list: nil
        }
    }

    public func push(onto stack: Stack) throws {
        switch self {
        case .null: stack.pushNil()
        case .boolean(let value): stack.push(value)
        case .integer(let value): stack.push(value)
        case .number(let value): stack.push(value)
        case .string(let value): stack.push(value)
        case .bytes(let value): stack.push(bytes: value)
        case .table(let value): try value.push(onto: stack)
        case .function(let value): try value.push(onto: stack)
        case .object(let value): try value.push(onto: stack)
        case .other(let value): try value.push(onto: stack)
        }
    }
}

extension LuaValue {
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var integer: Int? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int(exactly: value)
        default: nil
        }
    }
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
    public var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
    public var table: LuaTable? { if case .table(let value) = self { value } else { nil } }
    public var function: LuaFunction? { if case .function(let value) = self { value } else { nil } }
    public var isNil: Bool { if case .null = self { true } else { false } }
    public func object<T: LuaObject>(_ type: T.Type = T.self) -> T? {
        if case .object(let value) = self { value as? T } else { nil }
    }
}
