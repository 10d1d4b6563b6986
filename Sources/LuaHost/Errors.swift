import CLua
import LuaShim
import Support

/// An `OpahError` as Lua sees it: a value with `kind`, `message`, `hint` and `traceback`, which survives
/// `pcall` as it is and reads well through `tostring`.
public final class LuaErrorValue: LuaObject, @unchecked Sendable {
    public private(set) var error: OpahError

    public init(_ error: OpahError) {
        self.error = error
        self.error.raised = nil
    }

    fileprivate func add(traceback: String) {
        if error.traceback == nil { error.traceback = traceback }
    }

    public static let luaClass = LuaClass("Error", of: LuaErrorValue.self, "What went wrong, of which kind, and what to do next.") { c in
        c.property("kind", "string", "argument, shape, dtype, index, file, format, checkpoint, config, interrupted, lua, ...") { e, call in
            try call.push(e.error.kind.rawValue)
        }
        c.property("message", "string", "What, where and why, in one line.") { e, call in try call.push(e.error.message) }
        c.property("hint", "string?", "What to do next.") { e, call in try call.push(e.error.hint) }
        c.property("traceback", "string", "The Lua functions that were running, innermost first, one per line.") { e, call in
            try call.push(e.error.traceback ?? "")
        }
        c.metamethod("__tostring", "(error: Error) -> string", "The message and the hint.") { call in
            try call.push(call.object(1, as: LuaErrorValue.self).error.description)
        }
        c.metamethod("__concat", "(a: any, b: any) -> string", "`\"while loading: \" .. err`") { call in
            try call.push(Stack.text(call.L, 1) + Stack.text(call.L, 2))
        }
        c.unknownFieldsAreNil()
    }
}

/// The Lua frames that are running, one `file:line: in ...` per line.
func luaTraceback(_ L: OpaquePointer) -> String {
    shim_traceback(L)
    defer { shim_pop(L, 1) }
    let text = Stack.lossyString(L, -1)
    return text.split(separator: "\n").map { $0.trimmingPrefix { $0 == " " } }.joined(separator: "\n")
}

/// Pushes a Swift error as the value that Lua will raise.
func pushError(_ error: any Error, _ L: OpaquePointer) {
    _ = lua_checkstack(L, 12)
    var error = error as? OpahError ?? OpahError(.format, "\(error)")
    if error.kind == .interrupted { shim_interrupt_raised(L) }
    let before = lua_gettop(L)
    do {
        if let raised = error.raised as? any LuaPushable {
            try raised.push(onto: Stack(L))
        } else {
            if error.traceback == nil { error.traceback = luaTraceback(L) }
            try LuaErrorValue(error).push(onto: Stack(L))
        }
    } catch {
        lua_settop(L, before)
        Stack(L).push("\(error)")
    }
}

/// Turns the error value on top into a Swift error and takes it off. The value itself travels along,
/// so that raising the error again gives Lua the same value.
func takeError(_ L: OpaquePointer, _ status: Int32) -> OpahError {
    defer { shim_pop(L, 1) }
    if status == LUA_ERRMEM { return OpahError(.memory, "Lua: not enough memory", hint: "is a string or table asked for that is too large?") }
    if let value = try? LuaErrorValue.read(Stack(L), lua_gettop(L)) {
        var error = value.error
        error.raised = value
        return error
    }
    let interpreter = Interpreter.of(L)
    var error = OpahError(.lua, "")
    switch lua_type(L, -1) {
    case LUA_TSTRING:
        error.message = Stack.lossyString(L, -1)
        error.hint = interpreter.catalog.hint(forLua: error.message)
    case LUA_TNIL: error.message = "an error without a value (nil)"
    default:
        error.message = Stack.text(L, -1)
        if lua_type(L, -1) == LUA_TTABLE, lua_checkstack(L, 4) != 0 {
            if let text = rawString(L, "message") { error.message = text }
            if let text = rawString(L, "kind"), let kind = OpahError.Kind(rawValue: text) { error.kind = kind }
            error.hint = rawString(L, "hint")
        }
        error.raised = LuaReference(L, -1)
    }
    error.traceback = interpreter.pendingTraceback
    interpreter.pendingTraceback = nil
    return error
}

/// A string field of the table on top.
private func rawString(_ L: OpaquePointer, _ name: String) -> String? {
    Stack(L).push(name)
    lua_rawget(L, -2)
    defer { shim_pop(L, 1) }
    return lua_type(L, -1) == LUA_TSTRING ? Stack.lossyString(L, -1) : nil
}

/// Throws the error value on top unless the call went well.
@inline(__always)
func protected(_ L: OpaquePointer, _ status: Int32) throws {
    if status != LUA_OK { throw takeError(L, status) }
}

/// Keeps a traceback for the error value at index 1 while its stack is still there: in the value when it is one of
/// ours, beside it otherwise. What Lua code raises stays what it is: `load` hands out what this leaves.
func addTraceback(_ L: OpaquePointer) {
    if let value = try? LuaErrorValue.read(Stack(L), 1) {
        value.add(traceback: luaTraceback(L))
    } else {
        Interpreter.of(L).pendingTraceback = luaTraceback(L)
    }
    lua_settop(L, 1)
}
