import CLua
import Glibc
import LuaShim
import Support

/// What `require` does, in this order: native modules (preload), the script's folder, the library folder,
/// `package.path` (from `LUA_PATH`), then C modules on `package.cpath`. Each place says what it tried. `opah` and
/// everything below it come from native modules and the library alone: a folder in which somebody works, or which
/// they got from elsewhere, takes the place of none of them.
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
            shim_pushfunction(
                L,
                own(module.name) { [unowned module] call in
                    try module.pushTable(call.L)
                    return Results(count: 1)
                }.opaque)
            lua_rawset(L, -3)
        }
        lua_settop(L, before + 2)

        try pushRaw("searchers")
        var searchers: [(Interpreter, Call) throws -> Results] = [
            { try $0.searchOwn($1) }, { try $0.search($0.scriptFolder, $1) }, { try $0.search($0.libraryFolder, $1) }
        ]
        if confinement != nil { searchers.append { throw $0.refusal("the module " + (try $1.string(1))) } }
        let count = Int64(lua_rawlen(L, -1))
        for index in stride(from: count, through: 2, by: -1) {
            // Confined code has neither `package.path` nor C modules.
            if confinement == nil { lua_rawgeti(L, -1, index) } else { lua_pushnil(L) }
            lua_rawseti(L, -2, index + (confinement == nil ? Int64(searchers.count) : 0))
        }
        for (i, searcher) in searchers.enumerated() {
            shim_pushfunction(L, own("require") { [unowned self] call in try searcher(self, call) }.opaque)
            lua_rawseti(L, -2, Int64(i + 2))
        }
    }

    /// Modules of the program itself: what the library does not have is nowhere.
    private func searchOwn(_ call: Call) throws -> Results {
        let name = try call.string(1)
        guard name == "opah" || name.hasPrefix("opah.") else { return .none }
        let found = try search(libraryFolder, call)
        if found.count == 2 { return found }
        let tried = found.count == 1 ? "\n\t" + Stack.lossyString(call.L, -1) : ""
        throw OpahError(
            .lua, "module '\(name)' not found:\n\tno field package.preload['\(name)']" + tried,
            hint: "names that begin with opah. belong to the program: call a module of your own otherwise")
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
        let path =
            folder + "/"
            + (try call.string(1)).split(separator: ".", omittingEmptySubsequences: false).joined(separator: "/")
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
