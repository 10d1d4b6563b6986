import ArgumentParser
import Bindings
import Installation
import LuaHost
import REPL
import Recipes
import Support

struct Repl: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Explore: every module is a global, expressions print themselves.",
        discussion: """
            Tab completes, ?name explains, ??name shows a Lua function's source and ??word searches the help, %time and %timeit measure, !command goes to the shell; \
            _ is the last result. Ctrl-C drops what is being typed or stops what runs, Ctrl-D ends. Where standard input is no terminal, it is run as a script.
            """)
    @Option(name: .customShort("i"), help: "Run this file first.") var file: String?
    @Option(name: .customShort("e"), help: "Run this first; may be given several times.") var statements: [String] = []
    @Option(name: .customShort("l"), help: "Require this module into a global of its name; may be given several times.")
    var modules: [String] = []
    @Flag(inversion: .prefixedNo, help: "Run the init file, $XDG_CONFIG_HOME/opah/init.lua.") var `init` = true
    @Flag(help: "Reading a global that was never assigned is an error, as in recipes.") var strict = false

    mutating func run() throws {
        let lua = try Session.interpreter(.opah, scriptFolder: ".")
        let prompt = InteractivePrompt(lua)
        try prompt.prepare(modules: LuaModule.parts)
        if `init`, let file = UserFolders.initFile { try prompt.begin { try $0.run(file: file) } }
        if strict { try lua.setStrictGlobals(true) }
        let (file, statements, modules) = (file, statements, modules)
        try prompt.begin { _ in try prompt.load(modules: modules) }
        if let file { try prompt.begin { try $0.run(file: file) } }
        for statement in statements { try prompt.begin { try $0.run(statement) } }
        throw ExitCode(prompt.loop())
    }
}
