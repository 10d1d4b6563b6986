import CLua
import LuaShim
import Support

extension Interpreter {
    /// With strict globals, reading a global that was never assigned is an error that names the nearest ones,
    /// and a function cannot make a new global: a misspelt or forgotten `local` is found where it happens.
    /// The main chunk of a file may. Installed libraries (absolute paths outside the script's and the
    /// program's own folders) keep Lua's rules.
    public func setStrictGlobals(_ on: Bool) throws {
        let stack = self.stack, L = stack.L
        try stack.reserve(8)
        shim_pushglobals(L)
        defer { shim_pop(L, 1) }
        guard on else {
            lua_pushnil(L)
            lua_setmetatable(L, -2)
            return
        }
        stack.pushTable(fields: 2)
        stack.push("__index")
        shim_pushfunction(L, own("global") { [unowned self] in try readUndeclared($0) }.opaque)
        lua_rawset(L, -3)
        stack.push("__newindex")
        shim_pushfunction(L, own("global") { [unowned self] in try assignUndeclared($0) }.opaque)
        lua_rawset(L, -3)
        lua_setmetatable(L, -2)
    }

    private func readUndeclared(_ call: Call) throws -> Results {
        guard lua_type(call.L, 2) == LUA_TSTRING, caller(call.L) != .library else { return .none }
        let name = Stack.lossyString(call.L, 2)
        throw OpahError(
            .lua, "undeclared variable '\(name)'",
            hint: suggestion(for: name, in: globalNames(call.L)) ?? "assign it first, or write local \(name)")
    }

    private func assignUndeclared(_ call: Call) throws -> Results {
        let L = call.L
        guard lua_type(L, 2) == LUA_TSTRING else {
            throw OpahError(.lua, "the name of a global must be a string, not \(Stack.describe(L, 2))")
        }
        if caller(L) == .function {
            let name = Stack.lossyString(L, 2)
            throw OpahError(
                .lua, "assignment to undeclared variable '\(name)' in a function",
                hint: suggestion(for: name, in: globalNames(L).filter(isPlain))
                    ?? "write local \(name), or assign it in the main chunk first")
        }
        lua_settop(L, 3)
        lua_rawset(L, 1)
        return .none
    }

    /// Neither a library nor a function, which hardly anyone means to assign to.
    private func isPlain(_ name: String) -> Bool {
        switch try? global(name) {
        case .table?, .function?, nil: false
        default: true
        }
    }

    private enum Caller { case mainChunk, function, library }

    /// Who reads or assigns: the function below the running native one.
    private func caller(_ L: OpaquePointer) -> Caller {
        var record = lua_Debug()
        guard lua_getstack(L, 1, &record) != 0, lua_getinfo(L, "S", &record) != 0 else { return .library }
        let kind = String(cString: record.what), source = String(cString: record.source)
        if kind == "C" { return .library }
        if source.hasPrefix("@/"),
            ![scriptFolder, libraryFolder].contains(where: { $0.map { source.hasPrefix("@\(name: $0)") } ?? false })
        {
            return .library
        }
        return kind == "main" ? .mainChunk : .function
    }

    /// Tells of globals that are read and were never assigned, from code whose chunk name begins with `source`: they
    /// stay nil, as Lua has it, and the prompt can say what was meant.
    public func watchGlobals(from source: String, _ note: @escaping (String) -> Void) throws {
        let stack = self.stack, L = stack.L
        try stack.reserve(8)
        shim_pushglobals(L)
        defer { shim_pop(L, 1) }
        stack.pushTable(fields: 1)
        stack.push("__index")
        shim_pushfunction(
            L,
            own("global") { call in
                var record = lua_Debug()
                if lua_type(call.L, 2) == LUA_TSTRING, lua_getstack(call.L, 1, &record) != 0,
                    lua_getinfo(call.L, "S", &record) != 0,
                    String(cString: record.source).hasPrefix(source)
                {
                    note(Stack.lossyString(call.L, 2))
                }
                return .none
            }.opaque)
        lua_rawset(L, -3)
        lua_setmetatable(L, -2)
    }

    /// The name of a global that is near this one.
    public func nearestGlobal(to name: String) -> String? { suggestion(for: name, in: globalNames(current)) }

    func globalNames(_ L: OpaquePointer) -> [String] {
        var names: [String] = []
        guard lua_checkstack(L, 6) != 0 else { return names }
        shim_pushglobals(L)
        lua_pushnil(L)
        // Nothing here allocates in Lua, so nothing can change the table meanwhile.
        while lua_next(L, -2) != 0 {
            if lua_type(L, -2) == LUA_TSTRING { names.append(Stack.lossyString(L, -2)) }
            shim_pop(L, 1)
        }
        shim_pop(L, 1)
        return names
    }
}
