import Support

/// `null` of JSON and of settings: a value, where nil would be an absence.
public final class LuaNull: LuaObject, @unchecked Sendable {
    public static let shared = LuaNull()
    public static let luaClass = LuaClass("Null", of: LuaNull.self, "JSON's null; there is only one.") { c in
        c.metamethod("__tostring", "(null: Null) -> string", "`null`", example: "tostring(json.null)  --> \"null\"") {
            call in try call.push("null")
        }
    }
}

/// A tree of settings or JSON as Lua tables. Arrays become lists, `null` becomes `json.null` or, where
/// `nullIsNil`, a missing key.
package struct LuaTree: LuaPushable {
    package let value: ConfigValue
    package var nullIsNil = false

    package init(value: ConfigValue, nullIsNil: Bool = false) {
        self.value = value
        self.nullIsNil = nullIsNil
    }

    package func push(onto stack: Stack) throws {
        switch value {
        case .null: if nullIsNil { stack.pushNil() } else { try LuaNull.shared.push(onto: stack) }
        case .bool(let value): stack.push(value)
        case .int(let value): stack.push(value)
        case .double(let value): stack.push(value)
        case .string(let value): stack.push(value)
        case .list(let items): try List(items.map { LuaTree(value: $0, nullIsNil: nullIsNil) }).push(onto: stack)
        case .map(let map):
            try Fields(map.map { ($0.key, LuaTree(value: $0.value, nullIsNil: nullIsNil)) }).push(onto: stack)
        }
    }
}

extension ConfigValue {
    /// From any Lua value made of nil, booleans, numbers, strings and tables. A table with keys 1...n is a list, an
    /// empty table an empty list; other keys must be strings and are taken in order of name. Cycles, functions and
    /// objects are errors.
    /// - Parameter limit: of values in the tree, where a table that stands in several places counts each time.
    package init(lua value: LuaValue, limit: Int = .max) throws {
        var open: [UnsafeRawPointer?] = [], left = limit
        self = try Self.convert(value, path: "", &open, &left)
    }

    private static func convert(
        _ value: LuaValue, path: String, _ open: inout [UnsafeRawPointer?], _ left: inout Int
    ) throws -> ConfigValue {
        left -= 1
        if left < 0 {
            throw OpahError(
                .unsafe, "there are too many values in it",
                hint: "tables that share tables grow beyond all bounds when they are written out")
        }
        func wrong(_ what: String) -> OpahError {
            OpahError(.argument, "\(path.isEmpty ? "the value" : path) is \(what), which cannot be written as data")
        }
        switch value {
        case .null: return .null
        case .boolean(let value): return .bool(value)
        case .integer(let value): return .int(value)
        case .number(let value): return .double(value)
        case .string(let value): return .string(value)
        case .bytes: throw wrong("a string that is not UTF-8")
        case .object(is LuaNull): return .null
        case .object(let object):
            var error = wrong("a \(type(of: object).luaClass.name)")
            error.hint = type(of: object).luaClass.asData
            throw error
        case .other: throw wrong("an object")
        case .function: throw wrong("a function")
        case .table(let table):
            let identity = try table.identity()
            guard !open.contains(identity), open.count < 200 else {
                throw wrong("a table that contains itself, or too many levels of tables")
            }
            open.append(identity)
            defer { open.removeLast() }
            let pairs = try table.pairs(), length = try table.count()
            if length == pairs.count {
                return .list(
                    try table.list().enumerated().map { try convert($1, path: "\(path)[\($0 + 1)]", &open, &left) })
            }
            var entries: [(String, LuaValue)] = []
            for (key, value) in pairs {
                guard let name = key.string else {
                    throw wrong("a table with both positions and names, or keys that are no strings")
                }
                entries.append((name, value))
            }
            var map = ConfigMap()
            for (name, value) in entries.sorted(by: { $0.0 < $1.0 }) {
                map[name] = try convert(value, path: path.isEmpty ? name : path + "." + name, &open, &left)
            }
            return .map(map)
        }
    }
}
