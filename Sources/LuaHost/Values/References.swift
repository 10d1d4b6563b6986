import CLua
import Glibc
import LuaShim
import Support

/// Registry slots that Swift gave up. A `deinit` may run anywhere and must not touch Lua, so it leaves
/// the slot here, and the next new reference frees it.
final class ReferenceBin: @unchecked Sendable {
    private var mutex = pthread_mutex_t()
    private var dropped: [Int32] = []
    private(set) var state: OpaquePointer?

    init(_ state: OpaquePointer) {
        self.state = state
        pthread_mutex_init(&mutex, nil)
    }

    func drop(_ slot: Int32) {
        pthread_mutex_lock(&mutex)
        dropped.append(slot)
        pthread_mutex_unlock(&mutex)
    }

    func empty() {
        pthread_mutex_lock(&mutex)
        let slots = dropped
        dropped.removeAll(keepingCapacity: true)
        pthread_mutex_unlock(&mutex)
        guard let state else { return }
        for slot in slots { luaL_unref(state, shim_registry(), slot) }
    }

    /// The interpreter is gone; what is still referenced is worthless.
    func close() { state = nil }
}

/// A Lua value that Swift keeps: a coroutine, a userdata of another library, or what the more special
/// `LuaTable` and `LuaFunction` refer to. Only usable on the interpreter's thread.
public class LuaReference: LuaPushable, @unchecked Sendable {
    private let slot: Int32
    private let bin: ReferenceBin

    /// Refers to a stack slot.
    required init(_ L: OpaquePointer, _ index: Int32) {
        bin = Interpreter.of(L).bin
        bin.empty()
        lua_pushvalue(L, index)
        slot = luaL_ref(L, shim_registry())
    }

    deinit { bin.drop(slot) }

    public func push(onto stack: Stack) throws {
        guard let state = bin.state, shim_shared(state) == shim_shared(stack.L) else {
            throw OpahError(.lua, "a Lua value was used after its interpreter was closed")
        }
        try stack.reserve(2)
        lua_rawgeti(stack.L, shim_registry(), Int64(slot))
    }

    /// The stack to work on: that of the coroutine which runs now.
    func currentStack() throws -> Stack {
        guard let state = bin.state else {
            throw OpahError(.lua, "a Lua value was used after its interpreter was closed")
        }
        let interpreter = Interpreter.of(state)
        guard pthread_equal(pthread_self(), interpreter.thread) != 0 else {
            throw OpahError(.lua, "a Lua value was used on another thread than the interpreter's")
        }
        return Stack(interpreter.current)
    }
}

/// A Lua function that Swift may call, at once or later. It cannot yield.
public final class LuaFunction: LuaReference, LuaReadable, @unchecked Sendable {
    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> LuaFunction {
        guard lua_type(stack.L, index) == LUA_TFUNCTION else { throw stack.mismatch("function", index) }
        return LuaFunction(stack.L, index)
    }

    /// Calls it; what it raises is thrown.
    @discardableResult
    public func callAsFunction(_ arguments: any LuaPushable...) throws -> [LuaValue] { try self(all: arguments) }

    /// Calls it with each element as an argument.
    @discardableResult
    public func callAsFunction(all arguments: [any LuaPushable]) throws -> [LuaValue] {
        let stack = try currentStack(), before = lua_gettop(stack.L)
        try invoke(stack, arguments, results: LUA_MULTRET)
        defer { lua_settop(stack.L, before) }
        let count = Int(lua_gettop(stack.L) - before)
        try stack.reserve(4)
        return try (0 ..< count).map { try LuaValue.reading(stack, before + Int32($0 + 1), as: "result \($0 + 1)") }
    }

    /// Calls it and reads its first result: `let factor = try schedule.call(step, as: Double.self)`.
    public func call<T: LuaReadable>(_ arguments: any LuaPushable..., as type: T.Type = T.self) throws -> T {
        let stack = try currentStack()
        try invoke(stack, arguments, results: 1)
        do { return try stack.take(T.self) } catch {
            throw OpahError(.argument, "result of the callback\(error.path): \(error.problem)")
        }
    }

    private func invoke(_ stack: Stack, _ arguments: [any LuaPushable], results: Int32) throws {
        let L = stack.L, before = lua_gettop(L)
        try stack.reserve(arguments.count + 8)
        do {
            try push(onto: stack)
            for argument in arguments { try argument.push(onto: stack) }
        } catch {
            lua_settop(L, before)
            throw error
        }
        try protected(L, shim_call(L, Int32(arguments.count), results))
    }
}

/// A Lua table that Swift reads or writes in place.
public final class LuaTable: LuaReference, LuaReadable, @unchecked Sendable {
    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> LuaTable {
        guard lua_type(stack.L, index) == LUA_TTABLE else { throw stack.mismatch("table", index) }
        return LuaTable(stack.L, index)
    }

    /// The length of the list part.
    public func count() throws -> Int {
        let stack = try currentStack()
        try push(onto: stack)
        defer { shim_pop(stack.L, 1) }
        return Int(lua_rawlen(stack.L, -1))
    }

    /// The value at a key (a name, a position, any value), by way of `__index` where the table has one.
    public func get<T: LuaReadable>(_ key: some LuaPushable, as type: T.Type = T.self) throws -> T {
        let stack = try currentStack()
        let before = lua_gettop(stack.L)
        do {
            try push(onto: stack)
            try key.push(onto: stack)
        } catch {
            lua_settop(stack.L, before)
            throw error
        }
        try getField(stack.L)
        do { return try stack.take(T.self) } catch {
            throw OpahError(.argument, "\(key)\(error.path): \(error.problem)")
        }
    }

    public func set(_ key: some LuaPushable, _ value: some LuaPushable) throws {
        let stack = try currentStack()
        let before = lua_gettop(stack.L)
        do {
            try push(onto: stack)
            try key.push(onto: stack)
            try value.push(onto: stack)
        } catch {
            lua_settop(stack.L, before)
            throw error
        }
        try protected(stack.L, shim_apply(stack.L, SHIM_SET, 3, 0))
    }

    /// The list part, positions 1 to `count()`.
    public func list() throws -> [LuaValue] {
        let stack = try currentStack()
        try push(onto: stack)
        do { return try stack.take([LuaValue].self) } catch { throw OpahError(.argument, error.problem) }
    }

    /// Every key and value, in Lua's order, without metamethods.
    public func pairs() throws -> [(key: LuaValue, value: LuaValue)] {
        let stack = try currentStack(), L = stack.L
        let before = lua_gettop(L)
        try stack.reserve(8)
        try push(onto: stack)
        defer { lua_settop(L, before) }
        var result: [(LuaValue, LuaValue)] = []
        lua_pushnil(L)
        while true {
            // References to nested values allocate in Lua, so the step is a protected one.
            lua_pushvalue(L, before + 1)
            shim_insert(L, -2)
            try protected(L, shim_apply(L, SHIM_NEXT, 2, LUA_MULTRET))
            guard lua_gettop(L) > before + 1 else { return result }
            result.append((try .reading(stack, before + 2, as: "key"), try .reading(stack, before + 3, as: "value")))
            shim_pop(L, 1)
        }
    }

    /// Whether two handles mean the same table.
    public func isIdentical(to other: LuaTable) throws -> Bool { try identity() == other.identity() }

    /// The table's address: for finding cycles.
    public func identity() throws -> UnsafeRawPointer? {
        let stack = try currentStack()
        try push(onto: stack)
        defer { shim_pop(stack.L, 1) }
        return lua_topointer(stack.L, -1)
    }
}

/// Replaces table and key on top by the value, raw where there is no metatable.
func getField(_ L: OpaquePointer) throws {
    if lua_type(L, -2) == LUA_TTABLE {
        if lua_getmetatable(L, -2) == 0 {
            lua_rawget(L, -2)
            shim_remove(L, -2)
            return
        }
        shim_pop(L, 1)
    }
    try protected(L, shim_apply(L, SHIM_GET, 2, 1))
}
