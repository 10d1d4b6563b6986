import CLua
import LuaShim
import Support

/// One way to go on with a line.
public struct Completion: Equatable, Sendable {
    public enum Kind: Sendable { case keyword, global, function, method, field, module, option, file }
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
    /// `require "`, files in other strings, option names inside the option table of a native function. Runs
    /// no Lua code at all: fields are read raw, and what objects have is known from their declarations.
    public func completions(_ line: String) -> Completions {
        let bytes = Array(line.utf8)
        let before = lua_gettop(current)
        defer { lua_settop(current, before) }
        if let start = Brackets(bytes).openString {
            let isModule = String(decoding: bytes[..<(start - 1)], as: UTF8.self).filter { $0 != " " && $0 != "(" }.hasSuffix("require")
            return isModule ? moduleNames(bytes, start) : fileNames(bytes, start)
        }
        if let found = optionNames(bytes) { return found }
        return names(bytes)
    }

    // MARK: names

    private func names(_ bytes: [UInt8]) -> Completions {
        let chain = Chain(endingAt: bytes.count, in: bytes)
        let prefix = chain.last
        var found: [Completion] = []
        if chain.owners.isEmpty {
            found = Self.keywords.map { Completion(text: $0, kind: .keyword, detail: "") } + members(of: .globals, colon: false)
        } else if let owner = resolve(chain.owners) {
            found = members(of: owner, colon: chain.endsWithColon)
        }
        var seen: Set<String> = []
        let candidates = found
            .filter { $0.text.hasPrefix(prefix) && (prefix.hasPrefix("_") || !$0.text.hasPrefix("_")) && seen.insert($0.text).inserted }
            .sorted { $0.text < $1.text }
        return Completions(start: bytes.count - prefix.utf8.count, candidates: candidates)
    }

    private static let keywords = ["and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
                                   "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while"]

    /// What a name stands for.
    enum Node {
        case globals
        case value(LuaValue)
        case module(LuaModule)
        /// Some instance of a class.
        case instance(LuaClass)
    }

    func resolve(_ path: [String]) -> Node? {
        var node = Node.globals
        for name in path {
            guard let next = child(of: node, name) else { return nil }
            node = next
        }
        return node
    }

    func child(of node: Node, _ name: String) -> Node? {
        switch node {
        case .globals:
            guard let value = try? global(name), !value.isNil else { return nil }
            return .value(value)
        case .value(.table(let table)):
            if let value = rawField(table, name), !value.isNil { return .value(value) }
            guard let module = moduleName(of: table).flatMap({ catalog.module($0) }) else { return nil }
            return child(of: .module(module), name)
        case .value(.object(let object)): return child(of: .instance(type(of: object).luaClass), name)
        case .value: return nil
        case .module(let module):
            if let submodule = module.submodules.first(where: { $0.field == name }) {
                return catalog.module(submodule.module).map { .module($0) }
            }
            return module.member(name).flatMap(resultClass).map { .instance($0) }
        case .instance(let type): return type.member(name).flatMap(resultClass).map { .instance($0) }
        }
    }

    /// The class that a property or constant is declared to be.
    private func resultClass(_ declaration: Declaration) -> LuaClass? {
        guard declaration.role == .property || declaration.role == .constant,
              let type = try? LuaType(parsing: declaration.signatureText), let name = type.classNames.first else { return nil }
        return catalog.type(name)
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
        case .value(.string), .value(.bytes):
            guard colon, case .table(let library)? = try? global("string") else { return [] }
            return rawMembers(library)
        case .value(.other(let reference)): return rawMembers(reference)
        case .value: return []
        case .module(let module):
            return module.declarations.map { Completion(text: $0.name, kind: $0.role == .function ? .function : .field, detail: $0.detail) }
                + module.submodules.map { Completion(text: $0.field, kind: .module, detail: $0.module) }
                + (module.methodsOf.map { members(of: .instance($0), colon: true) } ?? [])
        case .instance(let type):
            return type.declarations.filter { colon ? $0.role == .method : $0.role == .property || $0.role == .constant }
                .map { Completion(text: $0.name, kind: $0.role == .method ? .method : .field, detail: $0.detail) }
        }
    }

    // MARK: raw access

    private func rawField(_ table: LuaTable, _ name: String) -> LuaValue? {
        let stack = self.stack, L = stack.L, before = lua_gettop(L)
        defer { lua_settop(L, before) }
        guard (try? table.push(onto: stack)) != nil, (try? stack.reserve(8)) != nil else { return nil }
        // The table, then what it inherits from by `__index` tables.
        for _ in 0..<20 {
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
        for _ in 0..<20 {
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
                let native = shim_tofunction(L, lua_gettop(L)).map { Unmanaged<Declaration>.fromOpaque($0).takeUnretainedValue().detail }
                let isFunction = lua_type(L, -1) == LUA_TFUNCTION
                if Chain.isName(name) {
                    found.append(Completion(text: name, kind: isFunction ? .function : kind, detail: native ?? Stack.typeName(L, lua_gettop(L))))
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
