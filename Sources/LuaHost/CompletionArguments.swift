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
                if name.hasSuffix(".lua") { found.append(Completion(text: package + name.dropLast(4), kind: .module, detail: "")) }
                else if FileKind.isFolder(path + "/" + name), Chain.isName(name) { found.append(Completion(text: package + name + ".", kind: .module, detail: "")) }
            }
        }
        var seen: Set<String> = []
        return Completions(start: start, candidates: found.filter { $0.text.hasPrefix(prefix) && seen.insert($0.text).inserted }.sorted { $0.text < $1.text })
    }

    /// In any other string; a folder ends in `/`.
    func fileNames(_ bytes: [UInt8], _ start: Int) -> Completions {
        let cut = bytes[start...].lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? start
        let folder = cut == start ? "." : String(decoding: bytes[start..<cut], as: UTF8.self), prefix = String(decoding: bytes[cut...], as: UTF8.self)
        let candidates = Self.entries(folder)
            .filter { $0.hasPrefix(prefix) && (!prefix.isEmpty || !$0.hasPrefix(".")) && !$0.contains { "\\\"'\n".contains($0) } }
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
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Where a key is expected in the table that a native function takes: `audio.resample(x, 1, 2, {wi`.
    func optionNames(_ bytes: [UInt8]) -> Completions? {
        let word = Chain(endingAt: bytes.count, in: bytes)
        guard word.owners.isEmpty else { return nil }
        let start = bytes.count - word.last.utf8.count
        var position = start - 1
        while position >= 0, Self.isSpace(bytes[position]) { position -= 1 }
        guard position >= 0, bytes[position] == UInt8(ascii: "{") || bytes[position] == UInt8(ascii: ","),
              let brace = Brackets(bytes, upTo: position + 1).open.last, bytes[brace] == UInt8(ascii: "{"),
              let fields = try? calledFunction(bytes)?.signature().parameters.compactMap(\.type.fields).last else { return nil }
        let candidates = fields.filter { $0.name.hasPrefix(word.last) }
            .map { Completion(text: $0.name, kind: .option, detail: "\($0.type)" + ($0.defaultValue.map { " = \($0)" } ?? "")) }
        return Completions(start: start, candidates: candidates)
    }

    /// How the native function is used whose arguments the cursor is in: `tensor.full(shape, value [, opts]) -> Tensor`.
    public func usage(_ line: String) -> String? {
        guard let declaration = calledFunction(Array(line.utf8)), let signature = try? declaration.signature() else { return nil }
        return declaration.path + signature.usage
    }

    /// What is called by the innermost open `f(`, `f{` or `f(..., {`.
    private func calledFunction(_ bytes: [UInt8]) -> Declaration? {
        var open = Brackets(bytes).open
        guard let bracket = open.popLast() else { return nil }
        var end = bracket
        while end > 0, Self.isSpace(bytes[end - 1]) { end -= 1 }
        if bytes[bracket] == UInt8(ascii: "{"), end > 0, bytes[end - 1] == UInt8(ascii: "(") || bytes[end - 1] == UInt8(ascii: ",") {
            guard let parenthesis = open.popLast(), bytes[parenthesis] == UInt8(ascii: "(") else { return nil }
            end = parenthesis
        } else if bytes[bracket] == UInt8(ascii: "[") {
            return nil
        }
        let function = Chain(endingAt: end, in: bytes)
        return function.last.isEmpty ? nil : declaration(function)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x09 }

    func declaration(_ chain: Chain) -> Declaration? {
        guard let owner = resolve(chain.owners) else { return nil }
        switch owner {
        case .value(.object(let object)): return type(of: object).luaClass.member(chain.last)
        case .instance(let type): return type.member(chain.last)
        case .module(let module): return module.member(chain.last)
        default:
            guard let found = child(of: owner, chain.last) else { return nil }
            if case .value(.function(let function)) = found { return self.declaration(of: function) }
            return nil
        }
    }
}
