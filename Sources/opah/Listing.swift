import ArgumentParser
import Console
import Installation
import Support

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List the recipes, configurations and examples.")
    @Flag(help: "One JSON list.") var json = false

    mutating func run() throws {
        let entries = try RecipeIndex.all()
        if json {
            print(
                JSON.encode(
                    .list(
                        entries.map { entry in
                            [
                                "kind": .string(entry.kind.rawValue), "name": .string(entry.name),
                                "summary": .string(entry.summary),
                                "usage": entry.usage.map(ConfigValue.string) ?? .null, "path": .string(entry.path)
                            ]
                        }), indent: 2))
            return
        }
        let width = entries.map(\.name.count).max() ?? 0
        for kind in [RecipeIndex.Entry.Kind.recipe, .config, .example] {
            let some = entries.filter { $0.kind == kind }
            if some.isEmpty { continue }
            print("\(kind.rawValue)s")
            for entry in some {
                print("  " + entry.name + String(repeating: " ", count: width - entry.name.count + 2) + entry.summary)
            }
        }
    }
}

struct Copy: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cp", abstract: "Copy a stock recipe or configuration, to change it.")
    @Argument(help: "As ls names it.") var stock: String
    @Argument(help: "A file or folder; .lua is added when it is missing.") var destination: String
    @Flag(name: [.customShort("n"), .long], help: "Do not write over a file that is there (this is so unless --force).")
    var noClobber = false
    @Flag(help: "Write over a file that is there.") var force = false
    @Flag(help: "Make missing folders.") var makeParents = false

    mutating func run() throws {
        let entries = try RecipeIndex.all()
        guard
            let entry = entries.first(where: { $0.name == stock })
                ?? entries.first(where: { $0.names.contains(stock) })
        else {
            throw OpahError(
                .usage, "nothing is called \(name: stock)",
                hint: suggestion(for: stock, in: entries.flatMap(\.names)) ?? "`opah ls` lists what there is")
        }
        var target = destination
        if FileKind.isFolder(target) || target.hasSuffix("/") {
            target = PathName.join(target, PathName.last(entry.path))
        }
        if !target.hasSuffix(".lua") { target += ".lua" }
        if FileKind.exists(target), !force {
            throw OpahError(.usage, "\(name: target) exists", hint: "choose another name, or give --force")
        }
        let folder = PathName.folder(target)
        if makeParents { try FileKind.makeFolder(folder) }
        guard FileKind.exists(folder) else {
            throw OpahError(.usage, "there is no folder \(name: folder)", hint: "--make-parents makes it")
        }
        let file = try AtomicFile(target)
        try MappedFile(entry.path).withBytes { try file.write($0) }
        try file.commit()
        Terminal.show(target)
    }
}
