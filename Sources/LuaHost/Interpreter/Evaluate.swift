import CLua
import LuaShim
import Support

/// What one piece of interactive input gave.
public enum Evaluation {
    /// More lines are needed: the syntax error is at the end of the input.
    case incomplete
    /// The values of an expression, or nothing after a statement.
    case values([LuaValue])
    case failure(OpahError)
}

extension Interpreter {
    /// Evaluates an expression (`1 + 1`, also `= 1 + 1`), or runs statements (`x = 2; y = 3`), of which the last may
    /// be an expression (`x = 2; x`), as a prompt does.
    public func evaluate(_ source: String, name: String = "=stdin") -> Evaluation {
        clearInterrupt()   // a Ctrl-C at the prompt was meant for the prompt
        do {
            guard let code = try promptCode(source, name: name) else { return .incomplete }
            try load(code, name: name)
            return .values(try runLoaded([]))
        } catch {
            return .failure(error as? OpahError ?? OpahError(.lua, "\(error)"))
        }
    }

    /// The chunk to run for what was typed, nil while more lines are needed; throws the syntax error otherwise. Runs
    /// nothing.
    public func promptCode(_ source: String, name: String = "=stdin") throws -> String? {
        let isExpression = source.hasPrefix("="), source = isExpression ? String(source.dropFirst()) : source
        // A variable to close keeps `return f()` from being a tail call, whose caller would be missing in tracebacks.
        let result = "local __result <close> = nil return "
        func compiles(_ code: String) -> Bool { (try? check(code, name: name)) != nil }
        if compiles(result + source) { return result + source }
        do {
            try check(isExpression ? result + source : source, name: name)
            // Of several statements the last may be a call, whose values are wanted: `x = 1; f(x)`.
            for (head, tail) in isExpression ? [] : Self.endings(of: source, isWhole: true)
            where compiles(head) && compiles(result + tail) && compiles(head + result + tail) {
                return head + result + tail
            }
            return source
        } catch let error as OpahError {
            // `x = 2; x` is no statement in its last part.
            for (head, tail) in Self.endings(of: source, isWhole: false) where compiles(head + result + tail) {
                return head + result + tail
            }
            guard error.message.hasSuffix("<eof>") else { throw error }
            return nil
        }
    }

    /// Where the last statement of a text may begin, nearest to its end first: behind a `;`, and in a text that Lua
    /// takes as a whole at a name, which cannot go on with what stands before it; on the next line `(g)()` and `-x`
    /// can.
    private static func endings(of source: String, isWhole: Bool) -> [(head: String, tail: String)] {
        let bytes = Array(source.utf8), tokens = Tokens(bytes)
        var depth = 0
        return tokens.all.indices.dropFirst().reversed().prefix(400).compactMap { place in
            if tokens.isSymbol(place, ")]}") { depth += 1 } else if tokens.isSymbol(place, "([{") { depth -= 1 }
            let start = tokens.all[place].start, isLine = bytes[tokens.all[place - 1].end ..< start].contains(0x0A)
            guard depth == 0, !tokens.isSymbol(place, ";"),
                tokens.isSymbol(place - 1, ";") || (isWhole ? tokens.isKind(place, .name) : isLine)
            else { return nil }
            return (String(decoding: bytes[..<start], as: UTF8.self), String(decoding: bytes[start...], as: UTF8.self))
        }
    }

    /// The declaration behind a native function.
    public func declaration(of function: LuaFunction) -> Declaration? {
        let stack = self.stack
        guard (try? function.push(onto: stack)) != nil else { return nil }
        defer { shim_pop(stack.L, 1) }
        return shim_tofunction(stack.L, lua_gettop(stack.L)).map {
            Unmanaged<Declaration>.fromOpaque($0).takeUnretainedValue()
        }
    }

    /// Help on what a value is: a native function, a module, an object's class; on a string, what it names.
    public func help(about value: LuaValue) -> String? {
        switch value {
        case .string(let name): catalog.help(name)
        case .function(let function): declaration(of: function)?.help()
        case .object(let object): type(of: object).luaClass.help()
        case .table(let table): moduleName(of: table).flatMap { catalog.module($0)?.help() }
        default: nil
        }
    }

    /// The name of the native module whose table this is.
    func moduleName(of table: LuaTable) -> String? {
        let stack = self.stack, L = stack.L, before = lua_gettop(L)
        defer { lua_settop(L, before) }
        guard (try? table.push(onto: stack)) != nil, lua_getmetatable(L, -1) != 0 else { return nil }
        stack.push("__name")
        lua_rawget(L, -2)
        guard lua_type(L, -1) == LUA_TSTRING else { return nil }
        let name = Stack.lossyString(L, -1)
        return catalog.modules.contains { $0.name == name } ? name : nil
    }
}
