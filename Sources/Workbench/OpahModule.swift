import LuaHost
import Support

/// The version of the program.
public let opahVersion = "0.1.0"

extension LuaModule {
    static let parts = ["tensor", "nn", "audio", "vq", "text", "data", "lm", "lora", "train", "json", "fs", "checkpoint", "config", "progress", "report", "machine", "run", "graph", "callbacks", "tables", "plot", "prompt"]

    /// `opah`: every module as a field, each loaded when first touched.
    public static let opah = LuaModule("opah", "All modules as fields: `opah.audio`, `opah.tensor`, ...; each is also `require \"opah.audio\"`.") { m in
        for part in parts { m.submodule(part, "opah." + part) }
        m.constant("version", "string", "The program's version.", opahVersion)
        m.constant("home", "string?", "The folder that holds stdlib-lua and examples.", Home.folder)
        m.function("help", "(name?: string) -> string", "What a module, function or method does: `opah.help(\"audio.resample\")`. Without a name, the list of modules.") { call in
            try call.push(call.interpreter.catalog.helpPage(call.get(1)))
        }
        m.function("play", "(samples: Tensor, rate?: integer|table = 44100)",
                   "Plays samples [T] or [channels, T] (their mean) through a player of this machine, and waits for the end; Ctrl-C stops it. `rate` is in Hz, or the info table of audio.load.") { call in
            try Playback.play(LuaModule.mono(call), sampleRate: LuaModule.sampleRate(call))
            return .none
        }
        m.function("pp", "(value: any, opts?: {depth?: integer = 4, items?: integer = 30})",
                   "Prints a value as a person reads it: tables opened to `depth`, at most `items` entries of each, tables inside themselves marked as cycles.",
                   example: "local t = {1, 2, name = \"x\"}  t.me = t  opah.pp(t)") { call in
            let options = try call.options
            print(try Inspector(lua: call.interpreter, depth: options.get("depth"), items: options.get("items"), width: Terminal.outputWidth).text(call.value(1)))
            return .none
        }
        m.function("inspect", "(value: any, opts?: {depth?: integer = 4, items?: integer = 30, width?: integer = 80}) -> string",
                   "What `pp` prints, as a string; `width` is the columns that a line keeps to.",
                   example: "opah.inspect({ 3, x = { 4 } })  --> \"{3, x = {4}}\"") { call in
            let options = try call.options
            return try call.push(Inspector(lua: call.interpreter, depth: options.get("depth"), items: options.get("items"), width: options.get("width")).text(call.value(1)))
        }
    }
}

extension Catalog {
    /// The native modules of Opah.
    nonisolated(unsafe) public static let opah = Catalog(   // only used on the interpreter's thread
        [.opah, .tensor, .nn, .audio, .vq, .text, .data, .lm, .lora, .train, .json, .fs, .checkpoint, .config, .progress, .report, .machine, .plot, .prompt])

    /// Help for a name, or the list of modules.
    public func helpPage(_ name: String?) throws -> String {
        guard let name, name != "opah" else {
            let lines = modules.map { ($0.name, $0.doc) } + LuaHelp.all().map { ("opah." + $0.name, $0.summary) }
            return lines.map { $0 + String(repeating: " ", count: max(1, 18 - $0.count)) + $1 }.joined(separator: "\n")
        }
        if let text = LuaHelp.page(name) ?? help(name) { return text }
        throw OpahError(.argument, "there is no help for \(name)", hint: suggestion(for: name))
    }
}
