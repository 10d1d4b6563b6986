import ArgumentParser
import Bindings
import Console
import Installation
import Recipes
import Supervision
import Support

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run a stock recipe (see ls) or a Lua file.")

    @Argument(help: "The name of a stock recipe, or the path of a Lua file.") var recipe: String
    @Argument(
        parsing: .captureForPassthrough,
        help: "What the recipe is given; --help lists it. --quiet and --json say how it reports.") var arguments:
        [String] = []

    mutating func run() throws {
        try Program.join()
        OrphanWatch.begin()
        let path = try RecipeIndex.path(recipe)
        // A file of somebody's own that reads no options would do all its work before anybody saw the word.
        if arguments.contains("--help") || arguments.contains("-h"), !RecipeIndex.isStock(path) {
            return try Show.describe(path, isTrusted: false, isHelp: true)
        }
        throw ExitCode(try Session.run(.opah, file: path, arguments: arguments, isRecorded: true))
    }
}

struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print a stock recipe's options, or a configuration.")
    @Flag(help: "Run a file of your own with full power; without, it cannot read, write or start anything.") var trust =
        false
    @Argument(help: "A recipe or configuration, as ls names it, or a Lua file.") var name: String

    mutating func run() throws {
        let configs = try RecipeIndex.all().filter { $0.kind == .config }
        let stock = configs.first(where: { $0.name == name }) ?? configs.first(where: { $0.names.contains(name) })
        if let path = stock?.path ?? ([".yaml", ".yml"].contains(where: name.hasSuffix) ? name : nil) {
            print(try MappedFile.text(path), terminator: "")
            let more = (try? SettingsFile.load(path, overrides: [], .opah))?.unmentioned ?? []
            if !more.isEmpty { print("\n-- Further settings, which no file mentions:") }
            for setting in more { print("-- \(setting.key)=\(JSON.encode(setting.value))") }
            return
        }
        try Self.describe(RecipeIndex.path(name), isTrusted: trust, isHelp: false)
    }

    /// Prints what a recipe declares; of one that declares nothing, what its header says, and where to read on.
    /// - Parameter isHelp: it was asked for by `opah run FILE --help`, which runs nothing.
    static func describe(_ path: String, isTrusted: Bool, isHelp: Bool) throws {
        let end = try RecipeDescription.ask(path, .describe, .opah, isTrusted: isTrusted, endsAtWork: isHelp)
        let when: String
        switch end {
        case .code(let code): throw ExitCode(code)
        case .silent: when = ""
        case .works(let function): when = " before it calls \(function)"
        }
        for line in (try? RecipeIndex.header(of: path)) ?? [] { Terminal.show(line) }
        Terminal.show("\(ShownText.name(path)): it declares no options\(when)")
        if isHelp {
            let file = ShellText.quoted(path)
            Terminal.log(
                "it was not run. Its text says what it does (less \(file)); opah show --trust \(file) reads it with full power, and opah \(file) --help hands it the word"
            )
        }
    }
}

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a recipe's syntax, options and inputs without running it.",
        discussion: """
            Prints the options as they would be and, of stock recipes, what the run will take. A file of your own is read up to its options, its plan included, without \
            files, programs, the environment and C modules, for two seconds at most: what it calls of these is named. --trust gives it full power.
            """)
    @Flag(help: "Run a file of your own up to its options, and its plan, with full power.") var trust = false
    @Argument(help: "A stock recipe or a Lua file.") var recipe: String
    @Argument(parsing: .captureForPassthrough, help: "What the recipe would be given.") var arguments: [String] = []

    mutating func run() throws {
        let path = try RecipeIndex.path(recipe)
        let lua = try Session.interpreter(.opah, scriptFolder: PathName.folder(path))
        try lua.check(SourceText.read(path), name: "@\(name: path)")
        switch try RecipeDescription.ask(path, .check, .opah, arguments: arguments, isTrusted: trust) {
        case .code(let code): throw ExitCode(code)
        case .silent: Terminal.show("\(ShownText.name(path)): syntax is right; it declares no options")
        case .works(let function):
            Terminal.show(
                "\(ShownText.name(path)): syntax is right; it declares no options before it calls \(function), where this look at it ends"
            )
        }
    }
}
