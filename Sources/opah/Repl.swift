import ArgumentParser
import LuaHost
import Support
import Workbench

struct Repl: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Explore: every module is a global, expressions print themselves.")
    @Option(name: .customShort("i"), help: "Run this file first.") var file: String?
    @Option(name: .customShort("e"), help: "Run this first; may be given several times.") var statements: [String] = []
    @Option(name: .customShort("l"), help: "Require this module into a global of its name; may be given several times.") var modules: [String] = []
    @Flag(inversion: .prefixedNo, help: "Run the init file, $XDG_CONFIG_HOME/opah/init.lua.") var `init` = true

    mutating func run() throws {
        let lua = try Session.interpreter(scriptFolder: ".")
        let prompt = InteractivePrompt(lua)
        try prompt.prepare(modules: modules)
        if `init`, let file = UserFolders.initFile { try lua.run(file: file) }
        if let file { try lua.run(file: file) }
        for statement in statements { try lua.run(statement) }
        throw ExitCode(prompt.loop())
    }
}
