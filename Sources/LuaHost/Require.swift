import CLua
import Glibc
import LuaShim
import Support

/// What `require` does, in this order: native modules (preload), the script's folder, the library folder,
/// `package.path` (from `LUA_PATH`), then C modules on `package.cpath`. Each place says what it tried.
extension Interpreter {
    func setUpRequire() throws {
        let stack = self.stack
        try stack.reserve(12)
        let before = lua_gettop(L)
        defer { lua_settop(L, before) }

        shim_pushloaded(L)
        try pushRaw("package")
        try pushRaw("preload")
        for module in catalog.modules {
            stack.push(module.name)
            shim_pushfunction(L, own(module.name) { [unowned module] call in
                try module.pushTable(call.L)
                return Results(count: 1)
            }.opaque)
            lua_rawset(L, -3)
        }
        lua_settop(L, before + 2)

        try pushRaw("searchers")
        let folders: [(Interpreter) -> String?] = [{ $0.scriptFolder }, { $0.libraryFolder }]
        let count = Int64(lua_rawlen(L, -1))
        for index in stride(from: count, through: 2, by: -1) {
            lua_rawgeti(L, -1, index)
            lua_rawseti(L, -2, index + Int64(folders.count))
        }
        for (i, folder) in folders.enumerated() {
            shim_pushfunction(L, own("require") { [unowned self] call in
                try search(folder(self), call)
            }.opaque)
            lua_rawseti(L, -2, Int64(i + 2))
        }
    }

    /// Pushes a raw field of the table on top.
    private func pushRaw(_ name: String) throws {
        stack.push(name)
        lua_rawget(L, -2)
        guard lua_type(L, -1) == LUA_TTABLE else { throw OpahError(.lua, "Lua's package library is not as expected") }
    }

    /// One searcher: a loader and its file, or the text of what was tried.
    private func search(_ folder: String?, _ call: Call) throws -> Results {
        guard let folder else { return .none }
        let path = folder + "/" + (try call.string(1)).split(separator: ".", omittingEmptySubsequences: false).joined(separator: "/")
        var tried = ""
        for file in [path + ".lua", path + "/init.lua"] {
            guard access(file, R_OK) == 0 else {
                tried += (tried.isEmpty ? "" : "\n\t") + "no file '\(file)'"
                continue
            }
            try protected(call.L, shim_load_file(call.L, file))
            loadedFiles.append(file)
            call.stack.push(file)
            return Results(count: 2)
        }
        return try call.push(tried)
    }

    /// Pushes what `require(name)` gives.
    func pushRequired(_ L: OpaquePointer, _ name: String) throws {
        try Stack(L).reserve(6)
        shim_pushglobals(L)
        Stack(L).push("require")
        lua_rawget(L, -2)
        shim_remove(L, -2)
        Stack(L).push(name)
        try protected(L, shim_call(L, 1, 1))
    }

    /// `require(name)`.
    public func require(_ name: String) throws -> LuaValue {
        let stack = self.stack
        try pushRequired(stack.L, name)
        do { return try stack.take(LuaValue.self) } catch { throw OpahError(.argument, error.problem) }
    }
}
