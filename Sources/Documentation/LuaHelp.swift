import Installation
import LuaHost
import Support

/// Help for the modules that are written in Lua (stdlib-lua/opah/*.lua), read from the comments of their files: the one
/// at the top, and those that begin with three dashes above a function. Of such a comment, lines indented by two blanks
/// or more are the example; `---@param`, `---@return` and `---@class` with its fields, which editors read, give the
/// types.
public struct LuaHelp {
    /// One argument, one field of an argument that is an option table, or one result.
    public struct Value { public let name: String, type: String, isOptional: Bool, text: String }

    public struct Function {
        public let name: String
        /// As it is called: `graph:each`, `run`.
        public let path: String
        /// The names of its arguments, as the file has them.
        public let arguments: String
        public let doc: [String]
        public let example: String?
        /// Arguments; those whose class the file describes are given by their fields, `options.folder`.
        public internal(set) var parameters: [Value] = []
        public internal(set) var results: [Value] = []
        /// Names of arguments that may be left out.
        var optional: Set<String> = []

        /// `graph:each(name, spec, work) -> Node`; from the first argument that may be left out, in brackets.
        public var signature: String {
            var shown = "", open = 0
            for name in arguments.split(separator: ",").map({ $0.drop { $0 == " " } }) {
                let isOptional = optional.contains(String(name))
                shown += (isOptional ? shown.isEmpty ? "[" : " [" : "") + (shown.isEmpty ? "" : ", ") + name
                open += isOptional ? 1 : 0
            }
            let call = "\(path)(\(shown)\(String(repeating: "]", count: open)))"
            return results.isEmpty
                ? call : call + " -> " + results.map { LuaHelp.short($0.type) }.joined(separator: ", ")
        }
    }

    /// `graph`
    public let name: String
    public let header: [String]
    public private(set) var functions: [Function] = []
    /// The fields of the classes that the file describes.
    private var classes: [String: [Value]] = [:]

    /// The modules beside the program, in order of their names.
    public static func all() -> [LuaHelp] { files().compactMap { try? LuaHelp($0) } }

    private static func files() -> [String] {
        guard let library = Home.library, let walk = try? FolderWalk(library + "/opah", recursive: false) else {
            return []
        }
        return walk.files.filter { $0.hasSuffix(".lua") }.sorted()
    }

    /// `graph`, `opah.graph` or `graph.each`; nil when there is nothing of that name.
    package static func page(_ name: String) -> String? {
        let parts = name.split { $0 == "." || $0 == ":" }.map(String.init).drop { $0 == "opah" }
        guard let first = parts.first, let file = files().first(where: { PathName.last($0) == first + ".lua" }),
            let module = try? LuaHelp(file)
        else { return nil }
        guard parts.count > 1 else { return module.page }
        return module.functions.first { $0.name == parts.last }?.page
    }

    /// The first sentence of the comment at the top.
    public var summary: String {
        let text = header.prefix { !$0.isEmpty && !$0.hasPrefix(" ") }.joined(separator: " ")
        return text.firstRange(of: ". ").map { String(text[..<$0.lowerBound]) + "." } ?? text
    }

    /// What the comment at the top shows: its indented lines. Nil when there are none.
    public var example: String? { Self.example(header) }

    private var page: String {
        let lines = functions.map { function in "  \(function.signature)\n      \(function.summary)" }
        return (["opah.\(name)"] + header.map { "  " + $0 } + (lines.isEmpty ? [] : [""]) + lines).joined(
            separator: "\n")
    }

    // MARK: reading

    init(_ path: String) throws {
        name = String(PathName.last(path).dropLast(4))
        let lines = try MappedFile.text(path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        header = lines.prefix { $0.hasPrefix("--") && !$0.hasPrefix("---@") }.map(Self.comment)
        // A file that ends in `return new` is a module that is called itself.
        let returned = lines.last { !$0.isEmpty }?.firstMatch(of: /^return (\w+)$/).map { String($0.1) }
        readClasses(lines)
        var comment: [String] = []
        for line in lines.dropFirst(header.count) {
            if line.hasPrefix("---") || (line.hasPrefix("--") && !comment.isEmpty) {
                comment.append(line)
                continue
            }
            if !comment.isEmpty, line.contains("function "),
                let found = line.firstMatch(of: /^(local )?function ([\w.:]+)\((.*?)\)/)
            {
                add(String(found.2), arguments: String(found.3), isLocal: found.1 != nil, returned, comment)
            } else if line.hasPrefix("return function"), let found = line.firstMatch(of: /^return function\((.*?)\)/) {
                add(name: name, path: name, arguments: String(found.1), comment)
            }
            comment = []
        }
    }

    private mutating func add(
        _ written: String, arguments: String, isLocal: Bool, _ returned: String?, _ comment: [String]
    ) {
        guard let place = written.lastIndex(where: { $0 == "." || $0 == ":" }) else {
            // Of the local functions only the one that is the module itself can be called from outside.
            if isLocal, written == returned { add(name: name, path: name, arguments: arguments, comment) }
            return
        }
        // `function Graph.files(_, path)` is called with a colon as well.
        let own = String(written[written.index(after: place)...]),
            isMethod = written[place] == ":" || arguments.hasPrefix("_,")
        let shown = arguments.hasPrefix("_,") ? String(arguments.dropFirst(2).drop { $0 == " " }) : arguments
        add(name: own, path: "\(name)\(isMethod ? ":" : ".")\(own)", arguments: shown, comment)
    }

    private mutating func add(name: String, path: String, arguments: String, _ comment: [String]) {
        var text = comment.filter { !$0.hasPrefix("---@") }.map(Self.comment)
        if text.isEmpty { text = Array(header.prefix(1)) }
        let prose = text.filter { !$0.hasPrefix("  ") }
        var function = Function(
            name: name, path: path, arguments: arguments, doc: Array(prose.reversed().drop { $0.isEmpty }.reversed()),
            example: Self.example(text))
        for line in comment {
            if line.hasPrefix("---@param"), let found = line.firstMatch(of: /^---@param (\w+)(\??) (.*)$/) {
                let value = Self.value(String(found.1), optional: !found.2.isEmpty, String(found.3))
                if value.isOptional { function.optional.insert(value.name) }
                // An option table is shown by its fields.
                if let fields = classes[value.type] {
                    function.parameters += fields.map {
                        Value(name: "\(value.name).\($0.name)", type: $0.type, isOptional: $0.isOptional, text: $0.text)
                    }
                } else {
                    function.parameters.append(value)
                }
            } else if line.hasPrefix("---@return"), let found = line.firstMatch(of: /^---@return (.*)$/) {
                function.results.append(Self.value("", optional: false, String(found.1)))
            }
        }
        functions.append(function)
    }

    /// Classes whose names end in Options or Spec are tables that a caller writes.
    private mutating func readClasses(_ lines: [String]) {
        var current: String?
        for line in lines {
            guard line.hasPrefix("---@") else {
                if !line.hasPrefix("---") { current = nil }
                continue
            }
            if let found = line.firstMatch(of: /^---@class ([\w.]+)/) {
                current = String(found.1)
            } else if let name = current, let found = line.firstMatch(of: /^---@field (\w+)(\??) (.*)$/),
                name.hasSuffix("Options") || name.hasSuffix("Spec")
            {
                classes[name, default: []].append(
                    Self.value(String(found.1), optional: !found.2.isEmpty, String(found.3)))
            }
        }
    }

    /// A type, which may hold blanks within brackets and after `,` `:` and `|`, and what is said after it.
    private static func value(_ name: String, optional: Bool, _ text: String) -> Value {
        var depth = 0, end = text.startIndex, before: Character = " "
        while end < text.endIndex {
            let character = text[end]
            if "({<".contains(character) { depth += 1 } else if ")}>".contains(character) { depth -= 1 }
            if character == " ", depth == 0, !",:|".contains(before) { break }
            before = character
            end = text.index(after: end)
        }
        let rest = text[end...].drop { $0 == " " }
        return Value(name: name, type: String(text[..<end]), isOptional: optional, text: String(rest))
    }

    private static func example(_ lines: [String]) -> String? {
        let code = lines.filter { $0.hasPrefix("  ") }
        guard let indent = code.map({ $0.prefix { $0 == " " }.count }).min() else { return nil }
        return code.map { String($0.dropFirst(indent)) }.joined(separator: "\n")
    }

    private static func comment(_ line: String) -> String {
        let text = line.drop { $0 == "-" }
        return String(text.hasPrefix(" ") ? text.dropFirst() : text)
    }

    /// `opah.graph.Node` -> `Node`
    static func short(_ type: String) -> String { type.replacing(/opah\.(?:\w+\.)*/, with: "") }
}

extension LuaHelp.Function {
    /// The first sentence.
    public var summary: String {
        let text = doc.joined(separator: " ")
        return text.firstRange(of: ". ").map { String(text[..<$0.lowerBound]) + "." } ?? text
    }

    /// As the help of a native function.
    var page: String {
        var lines = [signature] + doc.map { "  " + $0 }
        if !parameters.isEmpty { lines.append("") }
        for value in parameters {
            let padding = String(repeating: " ", count: max(1, 22 - value.name.count))
            lines.append(
                "  \(value.name)\(padding)\(LuaHelp.short(value.type))\(value.isOptional ? " (optional)" : "")\(value.text.isEmpty ? "" : "  " + value.text)"
            )
        }
        if let example { lines += [""] + example.split(separator: "\n").map { "  > " + $0 } }
        return lines.joined(separator: "\n")
    }
}
