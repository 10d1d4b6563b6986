import Console
import Documentation
import Installation
import LuaHost
import REPL
import Support

extension LuaModule {
    public static let parts = [
        "tensor", "nn", "audio", "vq", "text", "data", "lm", "lora", "train", "json", "fs", "checkpoint", "config",
        "progress", "report", "machine", "dist", "run", "recipe", "graph", "callbacks", "tables", "embedded", "plot",
        "http", "prompt"
    ]

    /// `opah`: every module as a field, each loaded when first touched.
    public static let opah = LuaModule(
        "opah", "All modules as fields: `opah.audio`, `opah.tensor`, ...; each is also `require \"opah.audio\"`."
    ) { m in
        for part in parts { m.submodule(part, "opah." + part) }
        m.constant(
            "version", "string", "The program's version.",
            example: #"opah.version  --> "0.1...""#, opahVersion)
        m.constant(
            "home", "string?", "The folder that holds stdlib-lua and examples.",
            example: #"audio.info(opah.home .. "/examples/data/Alice/4.80-7.20.wav").sample_rate  --> 16000"#,
            Home.folder)
        m.function(
            "help", "(name?: string) -> string",
            "What a module, function or method does: `opah.help(\"audio.resample\")`. Without a name, the list of modules.",
            example: #"opah.help("audio.resample")  --> audio.resample(samples, from_rate, to_rate) ..."#
        ) { call in
            try call.push(call.interpreter.catalog.helpPage(call.get(1)))
        }
        m.function(
            "play", "(samples: Tensor, rate?: integer|table = 44100)",
            "Plays samples [T] or [channels, T] (their mean) through a player of this machine, and waits for the end; Ctrl-C stops it. `rate` is in Hz, or the info table of audio.load.",
            example: """
                samples, info = audio.load("data/Alice/4.80-7.20.wav", { duration = 0.1 })
                heard, problem = pcall(opah.play, samples, info)  -- false where nothing plays sound
                """
        ) { call in
            try Playback.play(LuaModule.mono(call), sampleRate: call.sampleRate(2))
            return .none
        }
        m.function(
            "pp", "(value: any, opts?: {depth?: integer = 4, items?: integer = 30})",
            "Prints a value as a person reads it: tables opened to `depth`, at most `items` entries of each, tables inside themselves marked as cycles.",
            example: """
                clip = { name = "a.wav", seconds = { 0.5, 1.2 } }
                clip.self = clip
                opah.pp(clip)  -- {name = "a.wav", seconds = {0.5, 1.2}, self = <cycle: the whole>}
                """
        ) { call in
            let options = try call.options
            print(
                try Inspector(
                    lua: call.interpreter, depth: options.get("depth"), items: options.get("items"),
                    width: Terminal.outputWidth
                ).text(call.value(1)))
            return .none
        }
        m.function(
            "error_text", "(value: any) -> string, string?",
            "What a caught error says, and its hint, as the program would show it: a string itself, the message of Opah's errors, of a table what `__tostring` makes of it, else its fields.",
            example: """
                ok, problem = pcall(error, { code = 5, message = "codec missing" })
                opah.error_text(problem)  --> "{code = 5, message = \\"codec missing\\"}", nil
                """
        ) { call in
            let error = call.error(saidBy: 1)
            return try call.push(error.message, error.hint)
        }
        m.function(
            "finish", "(work: function) -> ...: any",
            """
            Runs `work` to its end and returns what it returns, although Ctrl-C or SIGTERM may ask to stop meanwhile: that is heard afterwards, as the error `interrupted`. For a step that must not stay \
            half done, or for saving what was done. A second Ctrl-C within two seconds ends the program all the same.
            """,
            example: "opah.finish(function() return 1, 2 end)  --> 1, 2"
        ) { call in
            let work = try call.get(1, as: LuaFunction.self)
            return try call.push(all: call.interpreter.deferringInterrupts { try work() })
        }
        m.function(
            "inspect",
            "(value: any, opts?: {depth?: integer = 4, items?: integer = 30, width?: integer = 80}) -> string",
            "What `pp` prints, as a string; `width` is the columns that a line keeps to.",
            example: """
                opah.inspect({ 3, x = { 4 } })                 --> "{3, x = {4}}"
                opah.inspect({ 3, x = { 4 } }, { depth = 1 })  --> "{3, x = {... 1 entry}}"
                """
        ) { call in
            let options = try call.options
            return try call.push(
                Inspector(
                    lua: call.interpreter, depth: options.get("depth"), items: options.get("items"),
                    width: options.get("width")
                ).text(call.value(1)))
        }
    }
}

extension Catalog {
    /// The native modules of Opah.
    nonisolated(unsafe) public static let opah = Catalog(   // only used on the interpreter's thread
        [
            .opah, .tensor, .nn, .audio, .vq, .text, .data, .lm, .lora, .train, .json, .fs, .checkpoint, .config,
            .progress, .report, .machine, .dist, .plot, .http, .prompt
        ],
        // In one line: it stands in an error's message.
        inspect: { Inspector(lua: $0, depth: 3, items: 20, width: .max).text($1, isNested: true) },
        words: ArgumentWords.words)
}
