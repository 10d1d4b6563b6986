import LuaHost
import Support

/// `?name` and `??name`.
struct PromptHelp {
    let lua: Interpreter
    let sources: PromptSources

    /// What a name stands for: its declaration; for a person's own function, the comment above it; for any other value, what it is.
    func page(_ name: String) throws -> String {
        switch lua.named(name) {
        case .declaration(let declaration): declaration.help()
        case .module(let module): module.help()
        case .type(let type): type.help()
        case .value(let value): LuaHelp.page(name) ?? page(on: value, named: name)
        case nil: try lua.catalog.helpPage(name)
        }
    }

    func page(on value: LuaValue, named name: String) -> String {
        if case .string = value {} else if let text = lua.help(about: value) { return text }
        switch value {
        case .function(let function):
            guard let place = lua.definition(of: function), !place.isNative else {
                return "\(name): a function of Lua itself; see https://www.lua.org/manual/5.4/manual.html#pdf-\(name)"
            }
            let comment = comment(above: place), head = sources.lines(place.source, place.firstLine, place.firstLine)?.first ?? "function"
            return ([head.trimmingPrefix { $0 == " " } + "", ] + comment.map { "  " + $0 } + ["  (\(place.source.dropFirst()):\(place.firstLine); ??\(name) shows all of it)"]).joined(separator: "\n")
        default:
            let kind = switch value {
            case .table: "table"
            case .string, .bytes: "string"
            case .integer: "integer"
            case .number: "number"
            case .boolean: "boolean"
            case .null: "nil"
            default: "value"
            }
            return "\(name): a \(kind)\n  " + Inspector(lua: lua, depth: 1, items: 8, width: Terminal.outputWidth - 2).text(value)
        }
    }

    /// The source of a function written in Lua; of anything else, its help.
    func source(_ name: String) throws -> String {
        guard case .value(.function(let function)) = lua.named(name), let place = lua.definition(of: function), !place.isNative else {
            return try page(name) + "\n\n  (not written in Lua)"
        }
        guard let lines = sources.lines(place.source, place.firstLine, place.lastLine) else {
            throw OpahError(.argument, "the source of \(name) (\(place.source.dropFirst()):\(place.firstLine)) is not there any more")
        }
        return (["-- \(place.source.dropFirst()):\(place.firstLine)"] + comment(above: place) + lines).joined(separator: "\n")
    }

    /// The comment lines that end just above a function.
    private func comment(above place: Definition) -> [String] {
        var lines: [String] = [], number = place.firstLine - 1
        while let line = sources.lines(place.source, number, number)?.first.map({ String($0.drop { $0 == " " }) }), line.hasPrefix("--") {
            lines.insert(line, at: 0)
            number -= 1
        }
        return lines
    }
}
