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

    public static let luaClass = LuaClass(
        "Error", of: LuaErrorValue.self, "What went wrong, of which kind, and what to do next."
    ) { c in
        c.property(
            "kind", "string", "argument, shape, dtype, index, file, format, checkpoint, config, interrupted, lua, ..."
        ) { e, call in
            try call.push(e.error.kind.rawValue)
        }
        c.property("message", "string", "What, where and why, in one line.") { e, call in try call.push(e.error.message)
        }
        c.property("hint", "string?", "What to do next.") { e, call in try call.push(e.error.hint) }
        c.property(
            "fatal", "boolean",
            "Whether the run cannot go on, as after Ctrl-C or on a full disk: no fault of the clip that was being worked on."
        ) { e, call in
            try call.push(e.error.isFatal || e.error.kind == .interrupted)
        }
        c.property(
            "code", "integer?", "Of kind `exit`, which is no error: the exit code with which a recipe ended early."
        ) { e, call in
            try call.push(e.error.kind == .exit ? Int(e.error.exitCode) : nil)
        }
        c.property("traceback", "string", "The Lua functions that were running, innermost first, one per line.") {
            e, call in
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
    if status == LUA_ERRMEM {
        return OpahError(.memory, "Lua: not enough memory", hint: "is a string or table asked for that is too large?")
    }
    if let value = try? LuaErrorValue.read(Stack(L), lua_gettop(L)) {
        var error = value.error
        error.raised = value
        return error
    }
    let interpreter = Interpreter.of(L)
    var error = interpreter.error(saidBy: L, lua_gettop(L))
    if ![LUA_TSTRING, LUA_TNIL].contains(lua_type(L, -1)) { error.raised = LuaReference(L, -1) }
    error.traceback = interpreter.pendingTraceback
    interpreter.pendingTraceback = nil
    return error
}

extension Interpreter {
    /// What an error value says: a string itself; what `__tostring` makes of it; a table without one its fields, all of
    /// them unless it has no others than `message`, `kind` and `hint`. Never an address, which would differ from run to
    /// run.
    func error(saidBy L: OpaquePointer, _ index: Int32) -> OpahError {
        if let value = try? LuaErrorValue.read(Stack(L), index) { return value.error }
        var error = OpahError(.lua, Stack.typeName(L, index))
        let kind = lua_type(L, index)
        guard kind != LUA_TNIL else { return OpahError(.lua, "an error without a value (nil)") }
        guard lua_checkstack(L, 12) != 0 else { return error }
        if kind == LUA_TSTRING {
            error.message = Stack.lossyString(L, index)
            error.hint = hint(forLua: error.message)
            return error
        }
        let speaks = luaL_getmetafield(L, index, "__tostring") != LUA_TNIL
        if speaks { shim_pop(L, 1) }
        let said: (text: String, failure: String?) =
            speaks ? Stack.spoken(L, index) : (text: printed(L, index), failure: nil)
        if let failure = said.failure {
            error.message =
                "an error value (a \(Stack.typeName(L, index))) whose __tostring fails: \(failure.withoutAddress)"
            error.hint = "raise a text, or mend its __tostring"
            return error
        }
        let text = said.text
        error.message = kind == LUA_TTABLE ? text : text.withoutAddress
        guard kind == LUA_TTABLE else { return error }
        let fields = ErrorFields(L, index)
        error.kind = fields.kind ?? .lua
        error.hint = fields.hint
        if !speaks, fields.areAll, let message = fields.message { error.message = message }
        return error
    }

    /// A value as the catalog's printer shows it, in at most some thousand letters.
    private func printed(_ L: OpaquePointer, _ index: Int32) -> String {
        guard let inspect = catalog.inspect, let value = try? LuaValue.read(Stack(L), index) else {
            return Stack.text(L, index).withoutAddress
        }
        let text = inspect(self, value)
        return text.count > 4000 ? text.prefix(4000) + "..." : text
    }
}

/// The fields of a table that have a place in an `OpahError`.
private struct ErrorFields {
    private(set) var message: String?, kind: OpahError.Kind?, hint: String?
    /// Whether there is a message, and nothing else that this does not know.
    private(set) var areAll = false

    init(_ L: OpaquePointer, _ index: Int32) {
        var others = false
        lua_pushnil(L)
        // Nothing here allocates in Lua, so nothing can change the table meanwhile.
        while lua_next(L, index) != 0 {
            let text = lua_type(L, -1) == LUA_TSTRING ? Stack.lossyString(L, -1) : nil
            switch lua_type(L, -2) == LUA_TSTRING ? Stack.lossyString(L, -2) : "" {
            case "message" where text != nil: message = text
            case "kind" where text.flatMap(OpahError.Kind.init(rawValue:)) != nil:
                kind = text.flatMap(OpahError.Kind.init(rawValue:))
            case "hint" where text != nil: hint = text
            case "traceback" where text != nil: break
            default: others = true
            }
            shim_pop(L, 1)
        }
        areAll = message != nil && !others
    }
}

extension String {
    /// What Lua says of a value without a text of its own, `thread: 0x55d0...` or `file (0x55d0...)`, without the
    /// address.
    public var withoutAddress: String { replacing(/^(\w+)(: (builtin: )?| \()0x[0-9a-f]+\)?$/) { String($0.1) } }
}

extension Call {
    /// What the error value says that is this argument.
    public func error(saidBy argument: Int) -> OpahError { interpreter.error(saidBy: L, Int32(argument)) }
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
