import CLua
import LuaShim
import Support

/// What bounds Lua code that may be a stranger's: the names that it sees, its memory, its instructions and its time.
/// Neither pcall nor coroutines, metatables or bytecode lead out of it. What one call of a C function takes, of a
/// pattern say, is not bounded: a program that must end sets itself a deadline as well.
public struct Confinement: Sendable {
    enum Names: Equatable, Sendable {
        /// `math`, and `require` for the catalog's modules.
        case data
        /// Lua's libraries without files, processes, the environment and C modules. Of native functions those of
        /// these paths (`fs.join`); others do nothing, or are refused.
        case description(allowed: Set<String>, silent: Set<String>)
    }

    let names: Names
    /// Why something is refused, behind its name, and what to do.
    let reason, hint: String
    /// Of Lua's own heap.
    var bytes = 16 << 20
    var instructions: Int64 = 2_000_000
    /// Of processor time.
    var seconds = 0.5

    /// For files that are data in the form of Lua.
    public static let data = Confinement(
        names: .data, reason: "a table file is data",
        hint: "it returns a table, of numbers, texts and tables; math and null of opah.json are there, and nothing else"
    )

    /// For files that are only asked what they are.
    public static func description(
        allowed: Set<String>, silent: Set<String>, seconds: Double, reason: String, hint: String
    ) -> Confinement {
        Confinement(
            names: .description(allowed: allowed, silent: silent), reason: reason, hint: hint, bytes: 64 << 20,
            instructions: 200_000_000, seconds: seconds)
    }

    static func newBudget(_ bytes: Int) -> UnsafeMutablePointer<shim_budget> {
        let budget = UnsafeMutablePointer<shim_budget>.allocate(capacity: 1)
        budget.initialize(
            to: shim_budget(memory_limit: Int64(bytes), memory: 0, instructions: .max, end: .infinity, spent: false))
        return budget
    }
}

extension Interpreter {
    /// The error of code that has gone beyond its bounds, whatever it made of that itself.
    func excess(_ status: Int32) -> OpahError? {
        guard let confinement, let budget, !shim_interrupt_pending() else { return nil }
        if budget.pointee.spent {
            return OpahError(.unsafe, "it runs for too long: \(confinement.reason)", hint: confinement.hint)
        }
        if status == LUA_ERRMEM {
            return OpahError(
                .unsafe, "it takes more than \(ByteCount.text(confinement.bytes)) of memory: \(confinement.reason)",
                hint: confinement.hint)
        }
        return nil
    }

    /// The names that are seen, once the libraries are there.
    func setUpConfinement() throws {
        guard let confinement else { return }
        let stack = self.stack, L = stack.L
        try stack.reserve(12)
        let before = lua_gettop(L)
        defer { lua_settop(L, before) }
        shim_pushglobals(L)
        guard confinement.names == .data else {
            for name in ["dofile", "loadfile"] {
                stack.push(name)
                shim_pushfunction(L, own(name) { [unowned self] _ in throw refusal(name) }.opaque)
                lua_rawset(L, -3)
            }
            for name in ["io", "os", "package", "debug"] {
                stack.push(name)
                lua_pushvalue(L, -1)
                lua_rawget(L, -3)
                if lua_type(L, -1) != LUA_TTABLE || name == "package" {
                    shim_pop(L, 1)
                    stack.pushTable()
                }
                try refuseMissingFields { "\(name).\($0)" }
                lua_rawset(L, -3)
            }
            shim_pushloaded(L)
            for name in ["package"] {
                stack.push(name)
                lua_pushnil(L)
                lua_rawset(L, -3)
            }
            return
        }
        stack.push("require")
        shim_pushfunction(
            L,
            own("require") { [unowned self] call in
                let name = try call.string(1)
                guard let module = catalog.modules.first(where: { $0.name == name }) else {
                    throw refusal("require \"\(name)\"")
                }
                try module.pushTable(call.L)
                return Results(count: 1)
            }.opaque)
        lua_rawset(L, -3)
        try refuseMissingFields { $0 }
    }

    /// Gives the table on top a metatable that refuses what it does not have.
    private func refuseMissingFields(_ name: @escaping (String) -> String) throws {
        let L = stack.L
        stack.pushTable(fields: 1)
        stack.push("__index")
        shim_pushfunction(
            L, own("__index") { [unowned self] call in throw refusal(name(Stack.lossyString(call.L, 2))) }.opaque)
        lua_rawset(L, -3)
        stack.push("__metatable")
        stack.push(false)
        lua_rawset(L, -3)
        lua_setmetatable(L, -2)
    }

    func refusal(_ name: String, isNative: Bool = false) -> OpahError {
        if refused == nil { refused = (name, isNative) }
        return OpahError(.unsafe, "\(name) is not there: \(confinement?.reason ?? "")", hint: confinement?.hint)
    }

    /// The native function itself, or what stands for it here.
    func stand(for declaration: Declaration) -> Declaration {
        guard let confinement else { return declaration }
        if case .description(let allowed, let silent) = confinement.names {
            if allowed.contains(declaration.path) { return declaration }
            if silent.contains(declaration.path) { return own(declaration.path) { _ in .none } }
        }
        return own(declaration.path) { [unowned self] _ in throw refusal(declaration.path, isNative: true) }
    }
}
