import Console
import Documentation
import LuaHost
import Support

/// `?name` and `??name`.
package struct PromptHelp {
    let lua: Interpreter
    let sources: PromptSources

    package init(lua: Interpreter, sources: PromptSources) { (self.lua, self.sources) = (lua, sources) }

    /// The list of modules, and what there is besides.
    package static func overview(_ catalog: Catalog) throws -> String {
        try catalog.helpPage(nil) + "\n\n" + commands
    }

    private static let commands = """
          ?name               what it is: a function, method, module or variable; also help(name)
          ??name              the source of a function written in Lua; ??word, all help that speaks of it
          %time code          how long it takes; %timeit code takes it often, and says mean and spread
          !command            the shell
          _, __, ___          the last results; a ; at the end of a line keeps it from being shown
          who()               your variables; pp(value) prints all of one; reload "module" takes a changed file
          play(samples, rate) sound; plot(values), waveform(samples, rate), spectrogram(samples, rate) pictures
        Tab completes, Alt-Enter begins a line, Ctrl-R searches what was typed, Ctrl-C stops, Ctrl-D ends.
        """

    /// What a name stands for: its declaration; for a person's own function, the comment above it; for any other value,
    /// what it is.
    package func page(_ name: String) throws -> String {
        if name == "prompt", let module = lua.catalog.module("opah.prompt") {
            return module.help() + "\n\n" + Self.commands
        }
        return switch lua.named(name) {
        case .declaration(let declaration): declaration.help()
        case .module(let module): module.help()
        case .type(let type): type.help()
        case .value(let value): LuaHelp.page(name) ?? page(on: value, named: name)
        case nil: try lua.catalog.helpPage(name)
        }
    }

    package func page(on value: LuaValue, named name: String) -> String {
        switch value {
        case .string: break
        case .object(let object): return page(on: object, value, named: name)
        default: if let text = lua.help(about: value) { return text }
        }
        switch value {
        case .function(let function):
            guard let place = lua.definition(of: function), !place.isNative else {
                return "\(name): a function of Lua itself; see https://www.lua.org/manual/5.4/manual.html#pdf-\(name)"
            }
            let comment = comment(above: place),
                head = sources.lines(place.source, place.firstLine, place.firstLine)?.first ?? "function"
            return
                ([head.trimmingPrefix { $0 == " " } + ""] + comment.map { "  " + $0 } + [
                    "  (\(place.source.dropFirst()):\(place.firstLine); ??\(name) shows all of it)"
                ]).joined(separator: "\n")
        default:
            let kind =
                switch value {
                case .table: "table"
                case .string, .bytes: "string"
                case .integer: "integer"
                case .number: "number"
                case .boolean: "boolean"
                case .null: "nil"
                default: "value"
                }
            return "\(name): a \(kind)\n  "
                + Inspector(lua: lua, depth: 1, items: 8, width: Terminal.outputWidth - 2).text(value)
        }
    }

    /// What an object is, and where all that it can do is told.
    private func page(on object: any LuaObject, _ value: LuaValue, named name: String) -> String {
        let type = type(of: object).luaClass, methods = type.declarations.count { $0.role == .method }
        let lines = Inspector(lua: lua, depth: 1, items: 8, width: Terminal.outputWidth - 2).text(value).split(
            separator: "\n", omittingEmptySubsequences: false)
        let shown = lines.prefix(6).map { "  " + $0 } + (lines.count > 6 ? ["  ..."] : [])
        // its first sentence
        let what = type.doc.prefix(upTo: type.doc.firstRange(of: ". ")?.lowerBound ?? type.doc.endIndex)
        return
            (["\(name): a \(type.name)"] + shown + [
                "", "  " + what,
                "  ?\(type.name) lists its \(methods) methods; ?\(name):\(type.declarations.first { $0.role == .method }?.name ?? "method") explains one"
            ])
            .joined(separator: "\n")
    }

    /// The source of a function written in Lua; of another thing that has a name, its help; else the help that speaks
    /// of the words.
    func source(_ name: String) throws -> String {
        if lua.named(name) == nil, (try? lua.catalog.helpPage(name)) == nil {
            let page = try HelpSearch(lua.catalog).page(name)
            return Terminal.isOutputLive ? PageText.wrapped(page, width: Terminal.outputWidth) : page
        }
        guard case .value(.function(let function)) = lua.named(name), let place = lua.definition(of: function),
            !place.isNative
        else {
            return try page(name) + "\n\n  (not written in Lua)"
        }
        guard let lines = sources.lines(place.source, place.firstLine, place.lastLine) else {
            throw OpahError(
                .argument,
                "the source of \(name) (\(place.source.dropFirst()):\(place.firstLine)) is not there any more")
        }
        return (["-- \(place.source.dropFirst()):\(place.firstLine)"] + comment(above: place) + lines).joined(
            separator: "\n")
    }

    /// The comment lines that end just above a function.
    private func comment(above place: Definition) -> [String] {
        var lines: [String] = [], number = place.firstLine - 1
        while let line = sources.lines(place.source, number, number)?.first.map({ String($0.drop { $0 == " " }) }),
            line.hasPrefix("--")
        {
            lines.insert(line, at: 0)
            number -= 1
        }
        return lines
    }
}
