import Support

// What to do about errors that Lua itself raises: when a name is misspelt, or when an object of a class of ours stands
// where Lua wants a number, a table or a call. Their messages are Lua's own; a hint can only be read off them.

extension Interpreter {
    /// A hint for an error message of Lua.
    func hint(forLua message: String) -> String? {
        catalog.hint(forLua: message) ?? hint(forUnknown: message)
    }

    /// `attempt to call a nil value (global 'pirnt')`: the name that was meant.
    private func hint(forUnknown message: String) -> String? {
        guard let found = message.firstMatch(of: /a nil value \((global|field|method) '(\w+)'\)/) else { return nil }
        let name = String(found.2)
        if found.1 == "global" { return suggestion(for: name, in: globalNames(current)) }
        // Of what, Lua does not say: of a string, or of any table or object that a global holds.
        let strings = stringLibrary.map { names(of: $0) } ?? []
        let methods = catalog.modules.flatMap(\.classes).flatMap {
            $0.declarations.filter { $0.role == .method }.map(\.name)
        }
        if found.1 == "method" { return suggestion(for: name, in: Set(strings + methods + fieldNames)) }
        return suggestion(for: name, in: Set(fieldNames))
    }

    /// The fields of the tables that globals hold: libraries, and what a person made.
    private var fieldNames: [String] {
        globalNames(current).flatMap { name -> [String] in
            guard name != "_G", name != "package", case .table(let table)? = try? global(name) else { return [] }
            return names(of: table)
        }
    }

    private func names(of table: LuaTable) -> [String] {
        ((try? table.entries(limit: 500).first) ?? []).compactMap { $0.key.string }
    }
}

extension Catalog {
    /// A hint for an error message of Lua, where one of the classes can say more.
    func hint(forLua message: String) -> String? {
        // `t.shape[1]`, `#t.shape`, `t.numel + 1`
        if let found = message.firstMatch(of: /a function value \(field '(\w+)'\)/) {
            let name = String(found.1)
            return classes.contains { $0.member(name)?.role == .method } ? "\(name) is a method: x:\(name)()" : nil
        }
        // `string.format("%f", t)`
        if let found = message.firstMatch(of: /\(number expected, got (\w+)\)/), has("item", String(found.1)) {
            return "x:item() is the number of a \(found.1) with one element"
        }
        // `for i, row in pairs(t)`, `for row in t`
        if let found = message.firstMatch(
            of: /'for iterator' \(table expected, got (\w+)\)|attempt to call an? (\w+) value \(for iterator/),
            let name = found.1 ?? found.2, has("rows", String(name))
        {
            return "for i, row in x:rows() do ... end goes through a \(name)"
        }
        return nil
    }

    private var classes: [LuaClass] { modules.flatMap(\.classes) }

    private func has(_ method: String, _ name: String) -> Bool { type(name)?.member(method)?.role == .method }
}
