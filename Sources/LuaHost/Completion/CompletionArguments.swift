import CLua
import Glibc
import LuaShim
import Support

/// Completion inside the arguments of a call: modules, files, options.
extension Interpreter {
    /// After `require "`: native modules, and Lua files where `require` looks for them.
    func moduleNames(_ bytes: [UInt8], _ start: Int) -> Completions {
        let prefix = String(decoding: bytes[start...], as: UTF8.self)
        var found = catalog.modules.map { Completion(text: $0.name, kind: .module, detail: $0.doc) }
        let package = prefix.lastIndex(of: ".").map { String(prefix[...$0]) } ?? ""
        for folder in [scriptFolder, libraryFolder].compactMap({ $0 }) {
            let path = folder + "/" + package.split(separator: ".").joined(separator: "/")
            for name in Self.entries(path) where !name.hasPrefix(".") {
                if name.hasSuffix(".lua") {
                    found.append(Completion(text: package + name.dropLast(4), kind: .module, detail: ""))
                } else if FileKind.isFolder(path + "/" + name), Tokens.isName(name) {
                    found.append(Completion(text: package + name + ".", kind: .module, detail: ""))
                }
            }
        }
        var seen: Set<String> = []
        return Completions(
            start: start,
            candidates: found.filter { $0.text.hasPrefix(prefix) && seen.insert($0.text).inserted }.sorted {
                $0.text < $1.text
            })
    }

    /// For a command of the shell: the file names that its last word may become.
    public func fileCompletions(_ command: String) -> Completions {
        let bytes = Array(command.utf8)
        return fileNames(bytes, bytes.lastIndex { " !\t\n=<>|&;".utf8.contains($0) }.map { $0 + 1 } ?? 0)
    }

    /// In any other string; a folder ends in `/`.
    func fileNames(_ bytes: [UInt8], _ start: Int) -> Completions {
        let cut = bytes[start...].lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? start
        let folder = cut == start ? "." : String(decoding: bytes[start ..< cut], as: UTF8.self),
            prefix = String(decoding: bytes[cut...], as: UTF8.self)
        let candidates = Self.entries(folder)
            .filter {
                $0.hasPrefix(prefix) && (!prefix.isEmpty || !$0.hasPrefix("."))
                    && !$0.contains { "\\\"'\n".contains($0) }
            }
            .map { name in
                let isFolder = FileKind.isFolder(folder + "/" + name)
                return Completion(text: name + (isFolder ? "/" : ""), kind: .file, detail: "")
            }
        return Completions(start: cut, candidates: candidates)
    }

    /// Names in a folder, sorted; nothing where it cannot be read.
    private static func entries(_ folder: String) -> [String] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while names.count < 10_000, let entry = readdir(handle) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Where a key is expected in the table that a native function takes: `audio.resample(x, 1, 2, {wi`.
    func optionNames(_ tokens: Tokens) -> Completions? {
        let path = Path(tokens)
        guard path.owner?.isEmpty == true, let brace = tokens.open.last, tokens.isSymbol(brace, "{") else { return nil }
        let before = tokens.all.count - (path.word.isEmpty ? 1 : 2)
        guard tokens.isSymbol(before, "{,;"), let fields = optionFields(tokens, level: tokens.open.count - 1) else {
            return nil
        }
        let candidates = fields.filter { $0.name.hasPrefix(path.word) }
            .map {
                Completion(
                    text: $0.name, kind: .option, detail: "\($0.type)" + ($0.defaultValue.map { " = \($0)" } ?? ""))
            }
        return Completions(start: path.start, candidates: candidates)
    }

    /// The fields of the table that the open bracket of this level begins: an argument, or an option inside one.
    private func optionFields(_ tokens: Tokens, level: Int) -> [Parameter]? {
        let brace = tokens.open[level]
        if level > 0, tokens.isSymbol(brace - 1, "="), tokens.isKind(brace - 2, .name),
            tokens.isSymbol(tokens.open[level - 1], "{")
        {
            return optionFields(tokens, level: level - 1)?.first { $0.name == tokens.text(brace - 2) }?.type.fields
        }
        return (try? calledFunction(tokens, level: level)?.signature())?.parameters.compactMap(\.type.fields).last
    }

    /// In a string: the words that a function takes there, as its signature lists them, `{window = "ha`, or the catalog
    /// knows them, with file names behind those.
    func choices(_ tokens: Tokens, _ start: Int) -> Completions? {
        let last = tokens.all.count - 1, prefix = String(decoding: tokens.bytes[start...], as: UTF8.self)
        func found(_ words: [String]) -> [Completion] {
            words.filter { $0.hasPrefix(prefix) }.map { Completion(text: $0, kind: .choice, detail: "") }
        }
        // `run "`, without parentheses.
        if tokens.isKind(last, .name) || tokens.isSymbol(last, ")]") {
            return known(tokens, functionAt: last, place: 0).map {
                with(fileNames(tokens.bytes, start), found($0), start)
            }
        }
        guard let bracket = tokens.open.last else { return nil }
        let type: LuaType?
        if tokens.isSymbol(bracket, "{") {
            guard tokens.isSymbol(last, "="), tokens.isKind(last - 1, .name) else { return nil }
            type = optionFields(tokens, level: tokens.open.count - 1)?.first { $0.name == tokens.text(last - 1) }?.type
        } else {
            guard tokens.isSymbol(last, "(,") else { return nil }
            var depth = 0, place = 0
            for i in (bracket + 1) ..< (last + 1) {
                if tokens.isSymbol(i, "([{") {
                    depth += 1
                } else if tokens.isSymbol(i, ")]}") {
                    depth -= 1
                } else if depth == 0, tokens.isSymbol(i, ",") {
                    place += 1
                }
            }
            if let words = known(tokens, functionAt: bracket - 1, place: place) {
                return with(fileNames(tokens.bytes, start), found(words), start)
            }
            guard let parameters = try? calledFunction(tokens, level: tokens.open.count - 1)?.signature().parameters
            else { return nil }
            type = parameters.indices.contains(place) ? parameters[place].type : nil
        }
        guard let words = type?.literals, !words.isEmpty else { return nil }
        return Completions(start: start, candidates: found(words))
    }

    /// What the catalog knows of a function's argument. The function goes by its declared name, else by what is typed.
    private func known(_ tokens: Tokens, functionAt end: Int, place: Int) -> [String]? {
        guard let words = catalog.words, let chain = Path.steps(tokens, endingAt: end) else { return nil }
        let declared = resolve(chain.steps, in: tokens).flatMap { callee($0) }?.path
        let typed = String(decoding: tokens.bytes[tokens.all[chain.first].start ..< tokens.all[end].end], as: UTF8.self)
        return words(declared ?? typed, place)
    }

    /// Words before file names; alone where the names would replace less than they do.
    private func with(_ files: Completions, _ words: [Completion], _ start: Int) -> Completions {
        words.isEmpty
            ? files : Completions(start: start, candidates: words + (files.start == start ? files.candidates : []))
    }

    /// How the native function is used whose arguments the cursor is in: `tensor.full(shape, value [, opts]) ->
    /// Tensor`.
    public func usage(_ line: String) -> String? {
        let tokens = Tokens(Array(line.utf8))
        guard !tokens.open.isEmpty, let declaration = calledFunction(tokens, level: tokens.open.count - 1),
            let signature = try? declaration.signature()
        else { return nil }
        return declaration.path + signature.usage
    }

    /// What is called by the open `f(`, `f{` or `f(..., {` of this level.
    private func calledFunction(_ tokens: Tokens, level: Int) -> Declaration? {
        var bracket = tokens.open[level]
        if tokens.isSymbol(bracket, "[") { return nil }
        if tokens.isSymbol(bracket, "{"), level > 0, tokens.isSymbol(bracket - 1, "(,") {
            bracket = tokens.open[level - 1]
            guard tokens.isSymbol(bracket, "(") else { return nil }
        }
        return Path.steps(tokens, endingAt: bracket - 1).flatMap { resolve($0.steps, in: tokens) }.flatMap {
            callee($0)
        }
    }
}

extension LuaType {
    /// The words that it may be.
    fileprivate var literals: [String] {
        members.compactMap { if case .literal(let word) = $0 { word } else { nil } }
    }
}
