import CLua
import LuaShim
import Support

/// The stack of one Lua thread. `push` is what a `LuaPushable` builds itself from; it never runs Lua code.
public struct Stack {
    @usableFromInline let L: OpaquePointer
    @inlinable init(_ L: OpaquePointer) { self.L = L }

    /// Room for `count` more values.
    @inlinable
    public func reserve(_ count: Int) throws {
        guard count < 1_000_000, lua_checkstack(L, Int32(count)) != 0 else {
            throw OpahError(.memory, "too many values at once for Lua: \(count)", hint: "return a table or a tensor")
        }
    }

    @inlinable public func pushNil() { lua_pushnil(L) }
    @inlinable public func push(_ value: Bool) { lua_pushboolean(L, value ? 1 : 0) }
    @inlinable public func push(_ value: Int) { lua_pushinteger(L, Int64(value)) }
    @inlinable public func push(_ value: Double) { lua_pushnumber(L, value) }

    public func push(_ value: String) {
        var value = value
        value.withUTF8 { text in
            // Lua copies the bytes; memory is the only thing that could go wrong, and that does not jump.
            _ = lua_pushlstring(L, UnsafeRawPointer(text.baseAddress)?.assumingMemoryBound(to: CChar.self), text.count)
        }
    }

    /// Bytes as a Lua string.
    public func push(bytes: some Collection<UInt8>) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { text in
            _ = lua_pushlstring(L, UnsafeRawPointer(text.baseAddress)?.assumingMemoryBound(to: CChar.self), text.count)
        }
        if done == nil { push(bytes: Array(bytes)) }
    }

    /// An empty table with room for a list part and named fields.
    @inlinable
    public func pushTable(list: Int = 0, fields: Int = 0) {
        lua_createtable(L, Int32(clamping: list), Int32(clamping: fields))
    }

    /// `table[name] = value` for the table on top.
    public func setField(_ name: String, _ value: some LuaPushable) throws {
        try reserve(4)
        push(name)
        try value.push(onto: self)
        lua_rawset(L, -3)
    }

    /// `table[index] = value` for the table on top; 1-based.
    @inlinable
    public func setElement(_ index: Int, _ value: some LuaPushable) throws {
        try value.push(onto: self)
        lua_rawseti(L, -2, Int64(index))
    }

    /// A host object as userdata. What it keeps alive outside Lua is counted; see `ClassBuilder.bytes`.
    @inlinable
    public func push(object: AnyObject, of type: LuaClass) throws {
        let bytes = type.bytes?(object) ?? 0
        ExternalMemory.adopt(bytes, L)
        shim_newbox(L, Unmanaged.passRetained(object).toOpaque(), type.opaque, Int64(bytes))
        if lua_rawgetp(L, shim_registry(), type.opaque) != LUA_TTABLE {
            lua_settop(L, -2)
            try type.pushMetatable(L)
        }
        lua_setmetatable(L, -2)
    }
}

// Reading, for the host itself.
extension Stack {
    static func bytes(_ L: OpaquePointer, _ index: Int32) -> UnsafeRawBufferPointer {
        var count = 0
        let start = shim_bytes(L, index, &count)
        return UnsafeRawBufferPointer(start: start, count: count)
    }

    /// A string, with invalid UTF-8 repaired: for messages only.
    static func lossyString(_ L: OpaquePointer, _ index: Int32) -> String {
        String(decoding: bytes(L, index), as: UTF8.self)
    }

    /// The name of a value's type: a class name for objects, `no value` past the last argument.
    static func typeName(_ L: OpaquePointer, _ index: Int32) -> String {
        let kind = lua_type(L, index)
        if kind == LUA_TNONE { return "no value" }
        if kind == LUA_TLIGHTUSERDATA { return "light userdata" }
        if kind == LUA_TUSERDATA {
            if let type = shim_tobox(L, index)?.pointee.type {
                return Unmanaged<LuaClass>.fromOpaque(type).takeUnretainedValue().name
            }
            guard lua_getmetatable(L, index) != 0 else { return "userdata" }
            lua_pushstring(L, "__name")
            lua_rawget(L, -2)
            defer { shim_pop(L, 2) }
            return lua_type(L, -1) == LUA_TSTRING ? lossyString(L, -1) : "userdata"
        }
        return String(cString: lua_typename(L, kind))
    }

    /// A value in a few words, without running `__tostring`.
    static func describe(_ L: OpaquePointer, _ index: Int32) -> String {
        switch lua_type(L, index) {
        case LUA_TNUMBER where lua_isinteger(L, index) != 0: "\(lua_tointegerx(L, index, nil))"
        case LUA_TNUMBER: "\(lua_tonumberx(L, index, nil))"
        case LUA_TSTRING: "\"\(lossyString(L, index))\""
        case LUA_TBOOLEAN: lua_toboolean(L, index) != 0 ? "true" : "false"
        default: typeName(L, index)
        }
    }

    /// `__tostring` and the rest; an error inside it becomes part of the text.
    static func text(_ L: OpaquePointer, _ index: Int32) -> String {
        let said = spoken(L, index)
        return said.failure == nil ? said.text : "<\(typeName(L, index))>"
    }

    /// What `__tostring` and the rest make of a value, or why they fail.
    static func spoken(_ L: OpaquePointer, _ index: Int32) -> (text: String, failure: String?) {
        guard lua_checkstack(L, 8) != 0 else { return (typeName(L, index), nil) }
        lua_pushvalue(L, index)
        let failed = shim_apply(L, SHIM_TOSTRING, 1, 1) != LUA_OK
        let text = lua_type(L, -1) == LUA_TSTRING ? lossyString(L, -1) : typeName(L, -1)
        shim_pop(L, 1)
        return failed ? ("", text) : (text, nil)
    }
}
