import ArgumentParser
import Bindings
import Console
import Documentation
import Installation
import LuaHost
import Pictures
import Supervision
import Support

struct Docs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The reference of all modules: on the screen, as HTML, or for editors.",
        discussion:
            "All of it is written from the declarations that also check the arguments of calls, so it cannot disagree with them."
    )
    @Argument(
        help:
            "A module, function, class or method: audio, audio.resample, Tensor:view. Without a name, the list of modules."
    ) var name: String?
    @Option(help: ArgumentHelp("List all help that speaks of this word, or of all of these words.", valueName: "words"))
    var search: String?
    @Option(help: ArgumentHelp("Write the reference as HTML into this folder.", valueName: "folder")) var out: String?
    @Option(
        help: ArgumentHelp(
            "Write LuaCATS annotations, which lua-language-server reads, into this folder.", valueName: "folder"))
    var stubs: String?
    @Option(
        help: ArgumentHelp(
            "Write a .luarc.json into this folder, so that an editor completes and checks the recipes in it.",
            valueName: "folder")) var luarc: String?

    mutating func run() throws {
        if let out { try reference().write(to: out) }
        if let stubs {
            let files = try Catalog.opah.stubs()
            try Reference.requireOwnStubs(files.map { PathName.join(stubs, $0.name) })
            try FileKind.makeFolder(stubs)
            for file in files { try AtomicFile.write(PathName.join(stubs, file.name), file.content) }
        }
        if let luarc {
            let library = try Home.required() + "/stdlib-lua", path = PathName.join(luarc, ".luarc.json")
            guard !FileKind.exists(path) else {
                throw OpahError(
                    .usage, "\(name: path) exists", hint: "add \(library) and \(library)/meta to its workspace.library")
            }
            try AtomicFile.write(
                path,
                JSON.encode(
                    [
                        "runtime.version": "Lua 5.4", "runtime.path": ["?.lua", "?/init.lua"],
                        "workspace.library": [.string(library), .string(library + "/meta")],
                        "workspace.checkThirdParty": false
                    ], indent: 2) + "\n")
        }
        if let search { PageText.show(try HelpSearch(.opah).page(search)) }
        if let name {
            PageText.show(try Catalog.opah.helpPage(name))
        } else if out == nil, stubs == nil, luarc == nil, search == nil {
            PageText.show(try Catalog.opah.helpPage(nil))
        }
    }

    /// With what `--help` says of the recipes and commands.
    private func reference() throws -> Reference {
        let program = FileKind.resolved("/proc/self/exe")
        let recipes = try RecipeIndex.all().filter { $0.kind == .recipe }.map { entry in
            let child = try ChildProcess([program, "show", entry.name])
            guard try child.wait(timeout: 20).code == 0 else {
                throw OpahError(.lua, "\(entry.name): cannot describe itself: \(child.output())")
            }
            return (entry.name, child.output().trimmed)
        }
        let commands = Opah.configuration.subcommands.filter { $0.configuration.shouldDisplay }.map { command in
            (command._commandName, Opah.helpMessage(for: command, columns: 100).trimmed)
        }
        return Reference(
            .opah,
            extra: [
                ("Recipes", "What opah run NAME takes.", recipes),
                ("Commands", "What the program does, and its options.", commands)
            ])
    }
}

extension String {
    /// Without line ends at its end.
    fileprivate var trimmed: String { String(self[..<(lastIndex { !$0.isNewline }.map(index(after:)) ?? startIndex)]) }
}
