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
    /// Evaluates an expression (`1 + 1`, also `= 1 + 1`) or runs statements, as a prompt does.
    public func evaluate(_ source: String, name: String = "=stdin") -> Evaluation {
        clearInterrupt()            // a Ctrl-C at the prompt was meant for the prompt
        let expression = source.hasPrefix("=") ? String(source.dropFirst()) : source
        do {
            do { try load("return " + expression, name: name) } catch {
                do { try load(expression, name: name) } catch let error as OpahError where error.message.hasSuffix("<eof>") {
                    return .incomplete
                }
            }
            return .values(try runLoaded([]))
        } catch {
            return .failure(error as? OpahError ?? OpahError(.lua, "\(error)"))
        }
    }

    /// The declaration behind a native function.
    public func declaration(of function: LuaFunction) -> Declaration? {
        let stack = self.stack
        guard (try? function.push(onto: stack)) != nil else { return nil }
        defer { shim_pop(stack.L, 1) }
        return shim_tofunction(stack.L, lua_gettop(stack.L)).map { Unmanaged<Declaration>.fromOpaque($0).takeUnretainedValue() }
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
