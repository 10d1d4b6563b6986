import LuaHost
import Support

extension LuaModule {
    /// `opah.json`
    public static let json = LuaModule("opah.json", "Reading and writing JSON. Arrays keep their order; null is `json.null`.") { m in
        m.type(LuaNull.luaClass)
        m.constant("null", "Null", "JSON's null, which a Lua table could not hold as nil.", LuaNull.shared)
        m.function("decode", "(text: string) -> any", "The value that JSON text stands for. Numbers without a fraction become integers. Errors name line and column.",
                   example: #"assert(json.decode('{"a": [1, 2.5, null]}').a[2] == 2.5)"#) { call in
            try call.push(LuaTree(value: JSON.decode(call.string(1))))
        }
        m.function("encode", "(value: any, opts?: {indent?: integer = 0}) -> string",
                   "JSON text of nil, booleans, numbers, strings and tables. A table with positions 1..n is an array, names come in order; not-a-number and infinity are errors.",
                   example: #"assert(json.encode { 1, 2 } == "[1, 2]")"#) { call in
            let value = try ConfigValue(lua: call.value(1))
            if let bad = value.firstNonFinite() { throw call.error("\(bad) has no form in JSON") }
            return try call.push(JSON.encode(value, indent: call.option("indent")))
        }
    }
}

extension ConfigValue {
    /// The first number in the tree that JSON cannot write.
    func firstNonFinite() -> Double? {
        switch self {
        case .double(let value): value.isFinite ? nil : value
        case .list(let items): items.lazy.compactMap { $0.firstNonFinite() }.first
        case .map(let map): map.lazy.compactMap { $0.value.firstNonFinite() }.first
        default: nil
        }
    }
}
