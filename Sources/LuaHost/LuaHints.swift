import Support

// What to do about errors that Lua itself raises when an object of a class of ours stands where Lua wants a number, a
// table or a call. Their messages are Lua's own; a hint can only be read off them.

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
        if let found = message.firstMatch(of: /'for iterator' \(table expected, got (\w+)\)|attempt to call an? (\w+) value \(for iterator/),
           let name = found.1 ?? found.2, has("rows", String(name)) {
            return "for i, row in x:rows() do ... end goes through a \(name)"
        }
        return nil
    }

    private var classes: [LuaClass] { modules.flatMap(\.classes) }

    private func has(_ method: String, _ name: String) -> Bool { type(name)?.member(method)?.role == .method }
}
