import Foundation
import Installation
import LuaHost
import Pictures
import Support

/// The reference as HTML, written from the declarations: a page per module, one for the recipes and one for the
/// commands, and an index. Links are relative, so the folder can be read from disk or served from anywhere.
public struct Reference {
    private let catalog: Catalog
    /// The modules written in Lua.
    private let scripts = LuaHelp.all()
    /// Titles and texts of further pages, such as what `--help` says.
    private let extra: [(title: String, summary: String, items: [(name: String, text: String)])]
    /// Name as people write it (`audio.resample`, `Tensor:view`, `Tensor`) -> where it is.
    private var places: [String: String] = [:]

    public init(
        _ catalog: Catalog, extra: [(title: String, summary: String, items: [(name: String, text: String)])] = []
    ) {
        self.catalog = catalog
        self.extra = extra
        for module in catalog.modules {
            let page = Self.page(module)
            places[module.name] = page
            for declaration in module.declarations { places[declaration.path] = "\(page)#\(Self.anchor(declaration))" }
            for type in module.classes {
                places[type.name] = "\(page)#\(type.name)"
                for declaration in type.declarations {
                    places[declaration.path] = "\(page)#\(Self.anchor(declaration))"
                }
            }
            for (name, _) in Self.namedTypes(module) where places[name] == nil { places[name] = "\(page)#\(name)" }
        }
        for module in scripts {
            places["opah." + module.name] = Self.page(module)
            for function in module.functions { places[function.path] = "\(Self.page(module))#\(Self.anchor(function))" }
        }
    }

    /// Types that have names, in the order of these.
    private static func namedTypes(_ module: LuaModule) -> [(key: String, value: LuaType)] {
        (module.declarations + module.classes.flatMap(\.declarations)).reduce(into: [String: LuaType]()) {
            found, declaration in
            found.merge((try? declaration.signature().namedTypes) ?? [:]) { first, _ in first }
        }.sorted { $0.key < $1.key }
    }

    private static func page(_ module: LuaModule) -> String { module.name + ".html" }
    /// Unlike its path, without a colon.
    private static func anchor(_ declaration: Declaration) -> String { declaration.path.replacing(":", with: ".") }
    private static func page(_ module: LuaHelp) -> String { "opah.\(module.name).html" }
    private static func anchor(_ function: LuaHelp.Function) -> String { function.path.replacing(":", with: ".") }
    private static func page(title: String) -> String { title.lowercased() + ".html" }

    /// File names and contents.
    public func files() throws -> [(name: String, content: String)] {
        var files = [("index.html", frame("Opah", body: index(), links: ""))]
        for module in catalog.modules {
            let links = module.classes.map { "<li><a href=\"#\($0.name)\">\($0.name)</a></li>" }.joined()
            files.append((Self.page(module), frame(module.name, body: try body(module), links: links)))
        }
        for module in scripts {
            files.append((Self.page(module), frame("opah." + module.name, body: body(module), links: "")))
        }
        for page in extra {
            files.append((Self.page(title: page.title), frame(page.title, body: body(page), links: "")))
        }
        return files + [("search.js", searchIndex())]
    }

    private static let searchStart = "const opahIndex = "

    /// Refuses names of annotations that belong to other files.
    public static func requireOwnStubs(_ paths: [String]) throws {
        try OwnFiles.require(paths, to: "annotations of a module") { _, start in start.hasPrefix("---@meta") }
    }

    /// Writes them, and makes the folder.
    /// - Throws: kind `usage` when a file is in the way that is no page of a reference.
    public func write(to folder: String) throws {
        let files = try files()
        try OwnFiles.require(files.map { PathName.join(folder, $0.name) }, to: "a page of the reference") {
            path, start in
            path.hasSuffix(".js") ? start.hasPrefix(Self.searchStart) : OwnFiles.isPage(path, start)
        }
        try FileKind.makeFolder(folder)
        for file in files { try AtomicFile.write(PathName.join(folder, file.name), file.content) }
    }

    // MARK: pages

    private func frame(_ title: String, body: String, links: String) -> String {
        let pages =
            [("index.html", "Opah")] + catalog.modules.map { (Self.page($0), $0.name) }
            + scripts.map { (Self.page($0), "opah." + $0.name) } + extra.map { (Self.page(title: $0.title), $0.title) }
        let list = pages.map {
            "<li><a href=\"\($0.0)\">\(HTML.escape($0.1))</a>\($0.1 == title && !links.isEmpty ? "<ul>\(links)</ul>" : "")</li>"
        }
        return """
            \(HTML.start)\(HTML.escape(title))</title>
            <style>
            \(ReferenceStyle.css)
            </style></head><body>
            <header><b><a href="index.html">Opah \(opahVersion)</a></b><input type="search" placeholder="Search ( / )" aria-label="Search"><div id="found" hidden></div></header>
            <div class="frame"><nav><ul>\(list.joined(separator: "\n"))</ul></nav>
            <main><h1>\(HTML.escape(title))</h1>
            \(body)
            </main></div>
            <script src="search.js"></script><script>
            \(ReferenceStyle.script)
            </script></body></html>

            """
    }

    private func index() -> String {
        let modules = catalog.modules.map {
            "<tr><th scope=\"row\"><a href=\"\(Self.page($0))\">\($0.name)</a></th><td>\(prose($0.doc))</td></tr>"
        }
        let inLua = scripts.map {
            "<tr><th scope=\"row\"><a href=\"\(Self.page($0))\">opah.\($0.name)</a></th><td>\(prose($0.summary))</td></tr>"
        }
        let others = extra.map {
            "<tr><th scope=\"row\"><a href=\"\(Self.page(title: $0.title))\">\(HTML.escape($0.title))</a></th><td>\(HTML.escape($0.summary))</td></tr>"
        }
        return """
            <p>Everything that recipes can use. Positions and dimensions count from 1, negative ones from the end; values (token ids, codes) are what the \
            files hold. Option tables take the fields that are listed, with these defaults; unknown fields are errors that name the nearest ones. At the \
            prompt, <code>help "audio.resample"</code> shows the same.</p>
            <table>\((modules + inLua + others).joined(separator: "\n"))</table>
            """
    }

    private func body(_ module: LuaModule) throws -> String {
        var parts = ["<p>\(prose(module.doc))</p>", "<pre>local \(module.shortName) = require \"\(module.name)\"</pre>"]
        for submodule in module.submodules where places[submodule.module] != nil {
            parts.append("<p><a href=\"\(submodule.module).html\">\(module.shortName).\(submodule.field)</a></p>")
        }
        parts += try module.declarations.map(section)
        for type in module.classes {
            parts.append("<h2 id=\"\(type.name)\">\(type.name)</h2><p>\(prose(type.doc))</p>")
            parts += try type.declarations.map(section)
        }
        let named = Self.namedTypes(module).filter { places[$0.key] == "\(Self.page(module))#\($0.key)" }
        if !named.isEmpty { parts.append("<h2>Tables and words</h2>") }
        return (parts + named.map(section)).joined(separator: "\n")
    }

    /// A type that has a name: the fields of a table, or the words to choose from.
    private func section(_ name: String, _ type: LuaType) -> String {
        let content =
            type.fields.map { fields in "<table>\(fields.map { row($0, in: nil) }.joined())</table>" }
            ?? "<p>One of \(type.members.map { "<code>\(HTML.escape($0.description))</code>" }.joined(separator: " "))</p>"
        return "<section id=\"\(name)\"><h3>\(name)</h3>\(content)</section>"
    }

    private func body(_ page: (title: String, summary: String, items: [(name: String, text: String)])) -> String {
        page.items.map {
            "<section id=\"\(HTML.escape($0.name))\"><h3>\(HTML.escape($0.name))</h3><pre>\(HTML.escape($0.text))</pre></section>"
        }.joined(separator: "\n")
    }

    private func section(_ declaration: Declaration) throws -> String {
        let signature = try declaration.signature()
        var head = HTML.escape(declaration.path)
        switch declaration.role {
        case .property, .constant:
            head +=
                "<span class=\"dim\">: \(types(declaration.signatureText))\(declaration.role == .property && !declaration.isWritable ? " (read-only)" : "")</span>"
        default:
            head = try declaration.shownSignatures().map { form in
                let usage = form.usage, cut = usage.range(of: " -> ")?.lowerBound ?? usage.endIndex
                return head + HTML.escape(String(usage[..<cut]))
                    + "<span class=\"dim\">\(types(String(usage[cut...])))</span>"
            }.joined(separator: "<br>")
        }
        var parts = ["<section id=\"\(Self.anchor(declaration))\"><h3>\(head)</h3>", "<p>\(prose(declaration.doc))</p>"]
        let rows = signature.parameters.flatMap { parameter in
            parameter.type.fields.map { fields in fields.map { row($0, in: parameter.name) } } ?? [
                row(parameter, in: nil)
            ]
        }
        if !rows.isEmpty { parts.append("<table>\(rows.joined())</table>") }
        if let example = declaration.example { parts.append("<pre>\(HTML.escape(example))</pre>") }
        return parts.joined(separator: "\n") + "</section>"
    }

    /// A module written in Lua: the comment at its top, then its functions.
    private func body(_ module: LuaHelp) -> String {
        var parts: [String] = [], words: [String] = []
        func close() {
            if !words.isEmpty { parts.append("<p>\(prose(words.joined(separator: " ")))</p>") }
            words = []
        }
        for line in module.header {
            if line.isEmpty || line.hasPrefix("  ") { close() } else { words.append(line) }
            if line.hasPrefix("  "), parts.last?.hasPrefix("<pre>") != true, let example = module.example {
                parts.append("<pre>\(HTML.escape(example))</pre>")
            }
        }
        close()
        parts.append("<pre>local \(module.name) = require \"opah.\(module.name)\"</pre>")
        for function in module.functions {
            let signature = function.signature, cut = signature.range(of: " -> ")?.lowerBound ?? signature.endIndex
            parts.append(
                "<section id=\"\(Self.anchor(function))\"><h3>\(HTML.escape(String(signature[..<cut])))<span class=\"dim\">\(types(String(signature[cut...])))</span></h3>"
            )
            parts += function.doc.split(whereSeparator: \.isEmpty).map { "<p>\(prose($0.joined(separator: " ")))</p>" }
            let rows = function.parameters.map { value in
                "<tr><th scope=\"row\">\(HTML.escape(value.name))</th><td>\(types(LuaHelp.short(value.type)))</td><td>\(value.isOptional ? "optional" : "")\(value.isOptional && !value.text.isEmpty ? ". " : "")\(prose(value.text))</td></tr>"
            }
            if !rows.isEmpty { parts.append("<table>\(rows.joined())</table>") }
            if let example = function.example { parts.append("<pre>\(HTML.escape(example))</pre>") }
            parts.append("</section>")
        }
        return parts.joined(separator: "\n")
    }

    private func row(_ parameter: Parameter, in table: String?) -> String {
        let value =
            parameter.defaultValue.map { "= \($0)" }
            ?? (parameter.isOptional && !parameter.isVariadic ? "optional" : "")
        return
            "<tr><th scope=\"row\">\(HTML.escape((table.map { $0 + "." } ?? "") + parameter.name))</th><td>\(types(parameter.type.description))</td><td>\(HTML.escape(value))</td><td>\(prose(parameter.doc ?? ""))</td></tr>"
    }

    // MARK: text

    /// A type with its classes linked.
    private func types(_ text: String) -> String {
        HTML.escape(text).replacing(/[A-Z][A-Za-z]+/) { match in
            places[String(match.output)].map { "<a href=\"\($0)\">\(match.output)</a>" } ?? String(match.output)
        }
    }

    /// Documentation: what stands between backticks is code, and a link when it is a name that has a place.
    private func prose(_ text: String) -> String {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated().map { number, part in
            guard number % 2 == 1 else { return HTML.escape(String(part)) }
            let code = "<code>\(HTML.escape(String(part)))</code>",
                name = String(part.prefix { $0 != "(" && $0 != "{" })
            return (places[name] ?? places["opah." + name]).map { "<a href=\"\($0)\">\(code)</a>" } ?? code
        }.joined().replacing("\n", with: "<br>")
    }

    /// `[[name, link, first sentence], ...]`
    private func searchIndex() -> String {
        func item(_ name: String, _ link: String, _ text: String) -> ConfigValue {
            [.string(name), .string(link), .string(text)]
        }
        var items: [ConfigValue] = []
        for module in catalog.modules {
            items.append(item(module.name, Self.page(module), module.doc))
            for type in module.classes { items.append(item(type.name, places[type.name]!, type.doc)) }
            for declaration in module.declarations + module.classes.flatMap(\.declarations) {
                items.append(item(declaration.path, places[declaration.path]!, declaration.summary))
            }
        }
        for module in scripts {
            items.append(item("opah." + module.name, Self.page(module), module.summary))
            for function in module.functions {
                items.append(item(function.path, places[function.path]!, function.summary))
            }
        }
        for page in extra {
            for entry in page.items {
                items.append(
                    item(
                        entry.name, "\(Self.page(title: page.title))#\(entry.name)",
                        entry.text.split(separator: "\n").first.map(String.init) ?? ""))
            }
        }
        return Self.searchStart + JSON.encode(.list(items)) + ";\n"
    }
}
