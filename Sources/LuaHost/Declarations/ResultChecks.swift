import CLua
import LuaShim

/// Whether native functions return what their declarations say, so that help and stubs cannot lie. Off except in tests.
public enum ResultChecks {
    /// Nonisolated: set before any Lua runs.
    nonisolated(unsafe) public static var isOn = false
    /// What was wrong: `audio.load: result 2.rate: integer expected, got nil`.
    nonisolated(unsafe) public private(set) static var problems: [String] = []

    /// Forgets what was wrong.
    public static func clear() { problems = [] }

    /// Looks at the `count` values on top of the stack.
    static func verify(_ declaration: Declaration, _ L: OpaquePointer, count: Int32) {
        guard declaration.role != .hidden, let declared = try? declaration.signature().results else { return }
        let first = lua_gettop(L) - count + 1
        for i in 0 ..< max(Int(count), declared.count) {
            let name = "\(declaration.path): result \(i + 1)"
            guard let result = i < declared.count ? declared[i] : declared.last.flatMap({ $0.isVariadic ? $0 : nil })
            else {
                add("\(name) is not declared")
                continue
            }
            if i >= Int(count) {
                if !TypeTest(result.type, optional: result.isOptional).acceptsNil {
                    add("\(name) is missing (\(result.type))")
                }
            } else {
                check(result.type, optional: result.isOptional, L, first + Int32(i), name)
            }
        }
    }

    private static func add(_ problem: String) { if !problems.contains(problem) { problems.append(problem) } }

    private static func check(_ type: LuaType, optional: Bool, _ L: OpaquePointer, _ slot: Int32, _ name: String) {
        let test = TypeTest(type, optional: optional)
        guard test.accepts(L, slot) else { return add("\(name): \(test.complaint(L, slot))") }
        guard lua_type(L, slot) == LUA_TTABLE, lua_checkstack(L, 8) != 0 else { return }
        for member in type.members {
            switch member {
            case .record(let fields, let open): return checkFields(fields, open: open, L, slot, name)
            case .array(let element):
                for i in 1 ... max(1, min(3, lua_rawlen(L, slot))) where lua_rawlen(L, slot) > 0 {
                    lua_rawgeti(L, slot, lua_Integer(i))
                    check(element, optional: false, L, lua_gettop(L), "\(name)[\(i)]")
                    shim_pop(L, 1)
                }
                return
            default: continue
            }
        }
    }

    private static func checkFields(
        _ fields: [Parameter], open: Bool, _ L: OpaquePointer, _ slot: Int32, _ name: String
    ) {
        // `lua_next` sees the table itself, not what a metatable adds.
        lua_pushnil(L)
        while lua_next(L, slot) != 0 {
            let key = lua_type(L, -2) == LUA_TSTRING ? Stack.lossyString(L, -2) : "[\(Stack.describe(L, -2))]"
            if let field = fields.first(where: { $0.name == key }) {
                check(field.type, optional: field.isOptional, L, lua_gettop(L), "\(name).\(key)")
            } else if !open {
                add("\(name).\(key) is not declared")
            }
            shim_pop(L, 1)
        }
        for field in fields where !field.isOptional {
            lua_pushstring(L, field.name)
            lua_rawget(L, slot)
            if lua_type(L, -1) == LUA_TNIL { add("\(name).\(field.name) is missing (\(field.type))") }
            shim_pop(L, 1)
        }
    }
}
