import LuaHost
import Support

extension LuaModule {
    /// `opah.json`
    public static let json = LuaModule(
        "opah.json", "Reading and writing JSON. Arrays keep their order; null is `json.null`."
    ) { m in
        m.otherNames([
            "loads": "json.decode(text)", "load": "json.decode(fs.read(path))", "parse": "json.decode(text)",
            "dumps": "json.encode(value)",
            "dump": "fs.write(path, json.encode(value))", "stringify": "json.encode(value)"
        ])
        m.type(LuaNull.luaClass)
        m.constant(
            "null", "Null", "JSON's null, which a Lua table could not hold as nil. It counts as true in a condition.",
            example: "json.decode('{\"speaker\": null}').speaker == json.null  --> true", LuaNull.shared)
        m.function(
            "decode", "(text: string) -> any",
            "The value that JSON text stands for. Numbers without a fraction become integers. Errors name line and column.",
            example: #"""
                json.decode('{"loss": 2.5, "steps": [1, 2]}')                                           --> {loss = 2.5, steps = {1, 2}}
                json.decode(fs.read(opah.home .. "/examples/checkpoints/tiny/config.json")).model_type  --> "dual_ar"
                """#
        ) { call in
            try call.push(LuaTree(value: JSON.decode(call.string(1))))
        }
        m.function(
            "encode", "(value: any, opts?: {indent?: integer = 0}) -> string",
            """
            JSON text of nil, booleans, numbers, strings and tables. A table with positions 1..n is an array, names come in order, an empty table is an empty array; not-a-number and infinity are errors. \
            `indent` puts each element on a line of its own, that many blanks in.
            """,
            example: #"""
                json.encode({ steps = { 1, 2 }, name = "Alice" })  --> "{\"name\": \"Alice\", \"steps\": [1, 2]}"
                json.encode(tensor.new{0.5, 1}:totable())          --> "[0.5, 1.0]"
                """#
        ) { call in
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
