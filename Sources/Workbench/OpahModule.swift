import LuaHost
import Support

/// The version of the program.
public let opahVersion = "0.1.0"

extension LuaModule {
    static let parts = ["tensor", "nn", "audio", "vq", "text", "data", "lm", "lora", "train", "json", "fs", "checkpoint", "config", "progress", "report", "machine", "run", "graph", "callbacks", "tables"]

    /// `opah`: every module as a field, each loaded when first touched.
    public static let opah = LuaModule("opah", "All modules as fields: `opah.audio`, `opah.tensor`, ...; each is also `require \"opah.audio\"`.") { m in
        for part in parts { m.submodule(part, "opah." + part) }
        m.constant("version", "string", "The program's version.", opahVersion)
        m.constant("home", "string?", "The folder that holds stdlib-lua and examples.", Home.folder)
        m.function("help", "(name?: string) -> string", "What a module, function or method does: `opah.help(\"audio.resample\")`. Without a name, the list of modules.") { call in
            try call.push(call.interpreter.catalog.helpPage(call.get(1)))
        }
    }
}

extension Catalog {
    /// The native modules of Opah.
    nonisolated(unsafe) public static let opah = Catalog(   // only used on the interpreter's thread
        [.opah, .tensor, .nn, .audio, .vq, .text, .data, .lm, .lora, .train, .json, .fs, .checkpoint, .config, .progress, .report, .machine])

    /// Help for a name, or the list of modules.
    func helpPage(_ name: String?) throws -> String {
        guard let name, name != "opah" else {
            let lines = modules.map { ($0.name, $0.doc) } + LuaHelp.all().map { ("opah." + $0.name, $0.summary) }
            return lines.map { $0 + String(repeating: " ", count: max(1, 18 - $0.count)) + $1 }.joined(separator: "\n")
        }
        if let text = LuaHelp.page(name) ?? help(name) { return text }
        throw OpahError(.argument, "there is no help for \(name)", hint: suggestion(for: name))
    }
}
