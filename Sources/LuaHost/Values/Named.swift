import CLua
import LuaShim
import Support

/// What a name stands for at the prompt.
public enum Named {
    case value(LuaValue)
    case declaration(Declaration)
    case module(LuaModule)
    case type(LuaClass)
}

/// Where a function was written.
public struct Definition: Equatable, Sendable {
    /// As Lua has it: `@file.lua`, `=input 3`; `=[C]` for native functions.
    public var source: String
    public var firstLine: Int
    public var lastLine: Int
    public var isNative: Bool { source == "=[C]" }
}

extension Interpreter {
    /// What `a.b.c` or `a:b` names: a variable, else something that is declared. Runs no Lua code.
    public func named(_ path: String) -> Named? {
        let tokens = Tokens(Array(path.utf8)), last = tokens.all.count - 1
        guard let chain = Path.steps(tokens, endingAt: last), chain.first == 0, tokens.isKind(last, .name) else {
            return nil
        }
        let before = lua_gettop(current)
        defer { lua_settop(current, before) }
        switch resolve(chain.steps, in: tokens) {
        case .function(let declaration): return .declaration(declaration)
        case .value(.function(let function)):
            return declaration(of: function).map { .declaration($0) } ?? .value(.function(function))
        case .value(.table(let table)):
            return moduleName(of: table).flatMap { catalog.module($0) }.map { .module($0) } ?? .value(.table(table))
        case .value(let value): return .value(value)
        case .module(let module): return .module(module)
        case .instance(let type): return member(chain.steps, in: tokens).map { .declaration($0) } ?? .type(type)
        case .type, .globals, nil: break
        }
        if let declaration = member(chain.steps, in: tokens) { return .declaration(declaration) }
        if let module = catalog.module(path) { return .module(module) }
        if let type = catalog.type(path) { return .type(type) }
        return catalog.declaration(path).map { .declaration($0) }
    }

    /// The property, constant or operator that the last step names.
    private func member(_ steps: [Path.Step], in tokens: Tokens) -> Declaration? {
        let name: String
        switch steps.last {
        case .field(let field)?: name = field
        case .method(let method)?: name = method
        default: return nil
        }
        switch resolve(Array(steps.dropLast()), in: tokens) {
        case .module(let module)?: return module.member(name)
        case .value(.table(let table))?: return module(of: table)?.member(name)
        case .instance(let type)?: return type.member(name)
        case .value(.object(let object))?: return type(of: object).luaClass.member(name)
        default: return nil
        }
    }

    /// Where a function was written.
    public func definition(of function: LuaFunction) -> Definition? {
        let stack = self.stack
        guard (try? function.push(onto: stack)) != nil else { return nil }
        var record = lua_Debug()
        guard lua_getinfo(stack.L, ">S", &record) != 0 else { return nil }
        return Definition(
            source: String(cString: record.source), firstLine: Int(record.linedefined),
            lastLine: Int(record.lastlinedefined))
    }

    /// A field of a value's metatable, nil where there is none. Runs no Lua code.
    public func metafield(_ name: String, of value: some LuaPushable) -> LuaValue? {
        let stack = self.stack, L = stack.L, before = lua_gettop(L)
        defer { lua_settop(L, before) }
        guard (try? stack.reserve(8)) != nil, (try? value.push(onto: stack)) != nil, lua_getmetatable(L, -1) != 0 else {
            return nil
        }
        stack.push(name)
        return lua_rawget(L, -2) == LUA_TNIL ? nil : try? LuaValue.read(stack, lua_gettop(L))
    }

    /// The native module whose table this is.
    public func module(of table: LuaTable) -> LuaModule? { moduleName(of: table).flatMap { catalog.module($0) } }
}

extension LuaTable {
    /// At most `limit` keys and values in Lua's order, without metamethods, and how many there are in all.
    public func entries(limit: Int) throws -> (first: [(key: LuaValue, value: LuaValue)], total: Int) {
        let stack = try currentStack(), L = stack.L, before = lua_gettop(L)
        try stack.reserve(8)
        try push(onto: stack)
        defer { lua_settop(L, before) }
        var first: [(LuaValue, LuaValue)] = [], total = 0
        lua_pushnil(L)
        while true {
            // References to nested values allocate in Lua, so the step is a protected one.
            lua_pushvalue(L, before + 1)
            shim_insert(L, -2)
            try protected(L, shim_apply(L, SHIM_NEXT, 2, LUA_MULTRET))
            guard lua_gettop(L) > before + 1 else { return (first, total) }
            total += 1
            if first.count < limit {
                first.append((try .reading(stack, before + 2, as: "key"), try .reading(stack, before + 3, as: "value")))
            }
            shim_pop(L, 1)
        }
    }
}

extension LuaClass {
    /// Bytes that an instance keeps alive outside Lua, where the class counts them.
    public func externalBytes(of object: AnyObject) -> Int? { bytes?(object) }
}
