import Support

/// Help for the modules that are written in Lua (stdlib-lua/opah/*.lua), read from the comments of their files: the one
/// at the top, and those that begin with three dashes above a function.
struct LuaHelp {
    struct Function { let name: String, signature: String, doc: [String] }

    /// `graph`
    let name: String
    let header: [String]
    private(set) var functions: [Function] = []

    /// The modules beside the program, in order of their names.
    static func all() -> [LuaHelp] {
        guard let library = Home.library, let walk = try? FolderWalk(library + "/opah", recursive: false) else { return [] }
        return walk.files.filter { $0.hasSuffix(".lua") }.sorted().compactMap { try? LuaHelp($0) }
    }

    /// `graph`, `opah.graph` or `graph.each`; nil when there is nothing of that name.
    static func page(_ name: String) -> String? {
        let parts = name.split { $0 == "." || $0 == ":" }.map(String.init).drop { $0 == "opah" }
        guard let first = parts.first, let module = all().first(where: { $0.name == first }) else { return nil }
        guard parts.count > 1 else { return module.page }
        return module.functions.first { $0.name == parts.last }.map { ([$0.signature] + $0.doc.map { "  " + $0 }).joined(separator: "\n") }
    }

    /// The first sentence of the comment at the top.
    var summary: String {
        let text = header.prefix { !$0.isEmpty && !$0.hasPrefix(" ") }.joined(separator: " ")
        return text.firstRange(of: ". ").map { String(text[..<$0.lowerBound]) + "." } ?? text
    }

    private var page: String {
        let lines = functions.map { function in "  \(function.signature)\n      \(function.doc.first ?? "")" }
        return (["opah.\(name)"] + header.map { "  " + $0 } + (lines.isEmpty ? [] : [""]) + lines).joined(separator: "\n")
    }

    init(_ path: String) throws {
        name = String(PathName.last(path).dropLast(4))
        let lines = try MappedFile.text(path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        header = lines.prefix { $0.hasPrefix("--") }.map(Self.comment)
        // A file that ends in `return new` is a module that is called itself.
        let returned = lines.last { !$0.isEmpty }?.firstMatch(of: /^return (\w+)$/).map { String($0.1) }
        var doc: [String] = []
        for line in lines.dropFirst(header.count) {
            if line.hasPrefix("--") {
                if line.hasPrefix("---") { doc = [] }
                doc.append(Self.comment(line))
                continue
            }
            if !doc.isEmpty, let found = line.firstMatch(of: /^(local )?function ([\w.:]+)\((.*?)\)/) {
                add(String(found.2), arguments: String(found.3), isLocal: found.1 != nil, returned, doc)
            } else if let found = line.firstMatch(of: /^return function\((.*?)\)/) {
                functions.append(Function(name: name, signature: "\(name)(\(found.1))", doc: doc.isEmpty ? Array(header.prefix(1)) : doc))
            }
            doc = []
        }
    }

    private mutating func add(_ written: String, arguments: String, isLocal: Bool, _ returned: String?, _ doc: [String]) {
        guard let place = written.lastIndex(where: { $0 == "." || $0 == ":" }) else {
            // Of the local functions only the one that is the module itself can be called from outside.
            if isLocal, written == returned { functions.append(Function(name: name, signature: "\(name)(\(arguments))", doc: doc)) }
            return
        }
        // `function Graph.files(_, path)` is called with a colon as well.
        let own = String(written[written.index(after: place)...]), isMethod = written[place] == ":" || arguments.hasPrefix("_,")
        let shown = arguments.hasPrefix("_,") ? String(arguments.dropFirst(2).drop { $0 == " " }) : arguments
        functions.append(Function(name: own, signature: "\(name)\(isMethod ? ":" : ".")\(own)(\(shown))", doc: doc))
    }

    private static func comment(_ line: String) -> String {
        let text = line.drop { $0 == "-" }
        return String(text.hasPrefix(" ") ? text.dropFirst() : text)
    }
}
