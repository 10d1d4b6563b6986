import Console
import LuaHost
import REPL
import Support
import Tensors

extension LuaModule {
    /// `opah.prompt`
    public static let prompt = LuaModule(
        "opah.prompt",
        "What the interactive prompt makes global besides the modules. All of it prints. The prompt has commands of its own as well: `?name`, `??word`, `%time code`, `%timeit code`, `!command`."
    ) { m in
        m.function(
            "help", "(what?: any)",
            "Prints what a name, function, object or module is. Without an argument, the modules and the commands of the prompt. `?name` at the prompt does the same; `??word` goes through all help.",
            example: #"prompt.help("fs.join")"#
        ) { call in
            let what = try call.value(1), lua = call.interpreter
            if case .null = what {
                PageText.show(try PromptHelp.overview(lua.catalog))
            } else if let text = lua.help(about: what) {
                PageText.show(text)
            } else if let name = what.string {
                PageText.show(try lua.catalog.helpPage(name))
            } else {
                PageText.show(PromptHelp(lua: lua, sources: PromptSources()).page(on: what, named: "it"))
            }
            return .none
        }
        m.function(
            "who", "()",
            "Prints the global variables that are neither Lua's nor Opah's: name, type, what it holds, and the memory of tensors.",
            example: """
                losses = { 3.1, 2.7 }
                prompt.who()  -- losses  table  2 entries
                """
        ) { call in
            print(try Variables(call.interpreter).text)
            return .none
        }
        m.function(
            "reload", "(name: string) -> any",
            "Runs a Lua module's file again and returns what it gives; a global that held the old module holds the new one. When the file fails, the old module stays.",
            example: """
                fs.write("mine.lua", "return { answer = 41 }")
                require "mine"
                fs.write("mine.lua", "return { answer = 42 }")
                prompt.reload("mine").answer  --> 42
                """
        ) { call in
            try call.push(reload(call.string(1), call.interpreter))
        }
        m.function(
            "timeit", "(body: function) -> number",
            "Calls `body` often enough to tell how long it takes, for about a second; prints mean and spread and returns the mean in seconds. `%timeit expression` at the prompt does the same.",
            example: """
                seconds = prompt.timeit(function() return tensor.ones(1000):sum() end)
                seconds < 0.01  --> true
                """
        ) { call in
            let lua = call.interpreter
            guard
                let loop = try lua.run("return function(f, n) for _ = 1, n do f() end end", name: "=timeit").first?
                    .function
            else { return .none }
            let body = try call.function(1)
            let timing = try Timing { try loop(body, $0) }
            print(timing.text)
            return try call.push(timing.mean)
        }
    }

    private static func reload(_ given: String, _ lua: Interpreter) throws -> LuaValue {
        guard let loaded = try lua.global("package").table?.get("loaded", as: LuaTable.self) else {
            throw OpahError(.lua, "reload: package.loaded is gone")
        }
        // At the prompt Opah's modules go by their short names.
        let isShort = try loaded.get(given, as: LuaValue.self).isNil && LuaModule.parts.contains(given),
            name = isShort ? "opah." + given : given
        guard lua.catalog.modules.allSatisfy({ $0.name != name }) else {
            throw OpahError(.argument, "reload: \(name) is part of the program")
        }
        let old = try loaded.get(name, as: LuaValue.self)
        try loaded.set(name, LuaValue.null)
        let new: LuaValue
        do { new = try lua.require(name) } catch {
            try loaded.set(name, old)
            throw error
        }
        guard case .table(let before) = old, case .table(let globals) = try lua.global("_G") else { return new }
        for (key, value) in try globals.entries(limit: 10_000).first {
            if let key = key.string, case .table(let table) = value, try table.isIdentical(to: before) {
                try lua.setGlobal(key, new)
            }
        }
        return new
    }
}

/// The globals that a person made.
struct Variables {
    private var rows: [(name: String, type: String, what: String, bytes: Int?)] = []

    private static let ofLua: Set<String> = [
        "_G", "_VERSION", "arg", "assert", "collectgarbage", "coroutine", "debug", "dofile", "error", "getmetatable",
        "io", "ipairs", "load", "loadfile", "math",
        "next", "os", "package", "pairs", "pcall", "print", "rawequal", "rawget", "rawlen", "rawset", "require",
        "select", "setmetatable", "string", "table",
        "tonumber", "tostring", "type", "utf8", "warn", "xpcall"
    ]

    init(_ lua: Interpreter) throws {
        guard case .table(let globals) = try lua.global("_G") else { return }
        // Opah's modules in Lua, such as opah.run, are plain tables.
        var own: [LuaTable] = []
        if let loaded = try lua.global("package").table?.get("loaded", as: LuaTable?.self) {
            own = try loaded.entries(limit: 10_000).first.compactMap {
                $0.key.string?.hasPrefix("opah") == true ? $0.value.table : nil
            }
        }
        for (key, value) in try globals.entries(limit: 100_000).first {
            guard let name = key.string, !name.hasPrefix("_"), !Self.ofLua.contains(name) else { continue }
            switch value {
            case .table(let table):
                if lua.module(of: table) != nil { continue }
                if try own.contains(where: { try $0.isIdentical(to: table) }) { continue }
                let count = try table.entries(limit: 0).total
                rows.append((name, "table", "\(count) \(count == 1 ? "entry" : "entries")", nil))
            case .function(let function):
                if lua.declaration(of: function) != nil { continue }
                let place = lua.definition(of: function)
                if let library = lua.libraryFolder, place?.source.hasPrefix("@" + library) == true { continue }
                rows.append(
                    (
                        name, "function",
                        place.map { $0.isNative ? "native" : "\($0.source.dropFirst()):\($0.firstLine)" } ?? "", nil
                    ))
            case .object(let tensor as Tensor):
                rows.append(
                    (name, "Tensor", String(tensor.summary.dropFirst().dropLast()), tensor.count * tensor.dtype.size))
            case .object(let object):
                rows.append(
                    (name, type(of: object).luaClass.name, "", type(of: object).luaClass.externalBytes(of: object)))
            case .string(let text): rows.append((name, "string", Inspector.quoted(Array(text.utf8), limit: 40), nil))
            case .bytes(let bytes): rows.append((name, "string", "\(bytes.count) bytes", nil))
            case .integer(let number): rows.append((name, "integer", "\(number)", nil))
            case .number(let number): rows.append((name, "number", "\(number)", nil))
            case .boolean(let flag): rows.append((name, "boolean", "\(flag)", nil))
            case .other, .null: rows.append((name, (try? lua.text(value)) ?? "", "", nil))
            }
        }
        rows.sort { $0.name < $1.name }
    }

    var text: String {
        guard !rows.isEmpty else { return "no variables yet" }
        let shown = rows.map { [$0.name, $0.type, $0.what, $0.bytes.map { ByteCount.text($0) } ?? ""] }
        let widths = (0 ..< 4).map { column in shown.map { $0[column].columns }.max() ?? 0 }
        var lines = shown.map { row in
            let cells = (0 ..< 3).map { row[$0] + String(repeating: " ", count: widths[$0] - row[$0].columns) }
            return (cells + [String(repeating: " ", count: widths[3] - row[3].columns) + row[3]]).joined(
                separator: "  "
            ).trimmingTail
        }
        lines.append("tensors in memory: \(ByteCount.text(Memory.live))")
        return lines.joined(separator: "\n")
    }
}
