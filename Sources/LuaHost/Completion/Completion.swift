import CLua
import LuaShim
import Support

/// One way to go on with a line.
public struct Completion: Equatable, Sendable {
    public enum Kind: Sendable { case keyword, global, function, method, field, module, option, choice, file }
    /// Replaces the text from `Completions.start` to the cursor.
    public var text: String
    public var kind: Kind
    /// A usage or a type, for display; may be empty.
    public var detail: String

    public init(text: String, kind: Kind, detail: String) {
        self.text = text
        self.kind = kind
        self.detail = detail
    }
}

public struct Completions: Equatable, Sendable {
    /// Where the word begins that the candidates replace, in UTF-8 bytes.
    public var start: Int
    public var candidates: [Completion]
}

extension Interpreter {
    /// What may follow a line up to the cursor: names of globals, fields and methods, module names after
    /// `require "`, words that a native function takes or files in other strings, option names inside the option
    /// table of a native function. Runs no Lua code at all: fields are read raw, and what objects have and
    /// functions give is known from their declarations.
    public func completions(_ line: String) -> Completions {
        let tokens = Tokens(Array(line.utf8))
        let before = lua_gettop(current)
        defer { lua_settop(current, before) }
        if tokens.endsInText { return Completions(start: tokens.bytes.count, candidates: []) }
        if let start = tokens.openString {
            let last = tokens.all.count - 1, function = tokens.isSymbol(last, "(") ? last - 1 : last
            if tokens.isKind(function, .name), tokens.text(function) == "require" {
                return moduleNames(tokens.bytes, start)
            }
            return choices(tokens, start) ?? fileNames(tokens.bytes, start)
        }
        return optionNames(tokens) ?? names(tokens)
    }

    // MARK: names

    private func names(_ tokens: Tokens) -> Completions {
        let path = Path(tokens), prefix = path.word
        var found: [Completion] = []
        if let owner = path.owner {
            if owner.isEmpty {
                found =
                    Tokens.keywords.map { Completion(text: $0, kind: .keyword, detail: "") }
                    + members(of: .globals, colon: false)
            } else if let node = resolve(owner, in: tokens) {
                found = members(of: node, colon: path.endsWithColon)
            }
        }
        var seen: Set<String> = []
        let candidates =
            found
            .filter {
                $0.text.hasPrefix(prefix) && (prefix.hasPrefix("_") || !$0.text.hasPrefix("_"))
                    && seen.insert($0.text).inserted
            }
            .sorted { $0.text < $1.text }
        return Completions(start: tokens.bytes.count - prefix.utf8.count, candidates: candidates)
    }

    private func members(of node: Node, colon: Bool) -> [Completion] {
        switch node {
        case .globals:
            let L = current
            guard lua_checkstack(L, 8) != 0 else { return [] }
            shim_pushglobals(L)
            return rawNames(L, kind: .global)
        case .value(.table(let table)):
            var found = rawMembers(table)
            if let module = moduleName(of: table).flatMap({ catalog.module($0) }) {
                found = members(of: .module(module), colon: colon) + found
            }
            return colon ? found.filter { $0.kind == .function || $0.kind == .method } : found
        case .value(.object(let object)): return members(of: .instance(type(of: object).luaClass), colon: colon)
        case .value(.string), .value(.bytes), .type(.string):
            return colon ? stringLibrary.map { rawMembers($0) } ?? [] : []
        case .value(.other(let reference)): return rawMembers(reference)
        case .value: return []
        case .module(let module):
            return module.declarations.map {
                Completion(text: $0.name, kind: $0.role == .function ? .function : .field, detail: $0.detail)
            }
                + module.submodules.map { Completion(text: $0.field, kind: .module, detail: $0.module) }
                + (module.methodsOf.map { members(of: .instance($0), colon: true) } ?? [])
        case .instance(let type):
            return type.declarations.filter {
                colon ? $0.role == .method : $0.role == .property || $0.role == .constant
            }
            .map { Completion(text: $0.name, kind: $0.role == .method ? .method : .field, detail: $0.detail) }
        case .type(.record(let fields, _)):
            return colon ? [] : fields.map { Completion(text: $0.name, kind: .field, detail: "\($0.type)") }
        case .type(.union(let types)):
            return types.compactMap { self.node($0) }.flatMap { members(of: $0, colon: colon) }
        case .function, .type: return []
        }
    }

    // MARK: raw access

    /// The element at a position, as it lies in the table; a position below 0 has none.
    func rawElement(_ table: LuaTable, _ index: Int) -> LuaValue? {
        let stack = self.stack, L = stack.L, before = lua_gettop(L)
        defer { lua_settop(L, before) }
        guard (try? stack.reserve(8)) != nil, (try? table.push(onto: stack)) != nil else { return nil }
        return lua_rawgeti(L, -1, lua_Integer(index)) == LUA_TNIL ? nil : try? LuaValue.read(stack, lua_gettop(L))
    }

    func rawField(_ table: LuaTable, _ name: String) -> LuaValue? {
        let stack = self.stack, L = stack.L, before = lua_gettop(L)
        defer { lua_settop(L, before) }
        guard (try? stack.reserve(8)) != nil, (try? table.push(onto: stack)) != nil else { return nil }
        // The table, then what it inherits from by `__index` tables.
        for _ in 0 ..< 20 {
            stack.push(name)
            if lua_rawget(L, -2) != LUA_TNIL { return try? LuaValue.read(stack, lua_gettop(L)) }
            shim_pop(L, 1)
            guard pushIndexTable(L) else { return nil }
        }
        return nil
    }

    /// Replaces the value on top by the table that its metatable's `__index` is.
    private func pushIndexTable(_ L: OpaquePointer) -> Bool {
        guard lua_getmetatable(L, -1) != 0 else { return false }
        Stack(L).push("__index")
        lua_rawget(L, -2)
        guard lua_type(L, -1) == LUA_TTABLE else { return false }
        lua_copy(L, -1, -3)
        shim_pop(L, 2)
        return true
    }

    private func rawMembers(_ value: some LuaPushable) -> [Completion] {
        let stack = self.stack, L = stack.L, before = lua_gettop(L)
        defer { lua_settop(L, before) }
        guard (try? stack.reserve(8)) != nil, (try? value.push(onto: stack)) != nil else { return [] }
        var found: [Completion] = []
        for _ in 0 ..< 20 {
            if lua_type(L, -1) == LUA_TTABLE {
                lua_pushvalue(L, -1)
                found += rawNames(L, kind: .field)
            }
            guard pushIndexTable(L) else { break }
        }
        return found
    }

    /// The names in the table on top, which it takes off.
    private func rawNames(_ L: OpaquePointer, kind: Completion.Kind) -> [Completion] {
        var found: [Completion] = []
        lua_pushnil(L)
        // Nothing here allocates in Lua, so nothing can change the table meanwhile.
        while lua_next(L, -2) != 0 {
            if lua_type(L, -2) == LUA_TSTRING {
                let name = Stack.lossyString(L, -2)
                let native = shim_tofunction(L, lua_gettop(L)).map {
                    Unmanaged<Declaration>.fromOpaque($0).takeUnretainedValue().detail
                }
                let isFunction = lua_type(L, -1) == LUA_TFUNCTION
                if Tokens.isName(name) {
                    found.append(
                        Completion(
                            text: name, kind: isFunction ? .function : kind,
                            detail: native ?? Stack.typeName(L, lua_gettop(L))))
                }
            }
            shim_pop(L, 1)
        }
        shim_pop(L, 1)
        return found
    }
}

extension Declaration {
    /// What a list of candidates shows beside the name.
    fileprivate var detail: String {
        switch role {
        case .property, .constant: signatureText
        default: (try? signature())?.usage ?? ""
        }
    }
}
