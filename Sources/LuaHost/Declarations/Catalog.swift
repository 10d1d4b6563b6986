import Support

/// The native modules of a program: what `require`, `help`, completion, stubs and tests go through.
public final class Catalog {
    public let modules: [LuaModule]
    /// How a value is shown to a person, in one line, where an error holds one that is no text.
    public let inspect: ((Interpreter, LuaValue) -> String)?
    /// Words that a function takes in a string, besides those that its signature lists: its name as it was typed
    /// (`run`, `opah.lora.apply`), or declared, and the place of the argument, from 0.
    public let words: ((_ function: String, _ place: Int) -> [String]?)?

    public init(
        _ modules: [LuaModule], inspect: ((Interpreter, LuaValue) -> String)? = nil,
        words: ((String, Int) -> [String]?)? = nil
    ) {
        self.modules = modules
        self.inspect = inspect
        self.words = words
    }

    /// By full name (`opah.audio`) or last part (`audio`).
    public func module(_ name: String) -> LuaModule? {
        modules.first { $0.name == name } ?? modules.first { $0.shortName == name }
    }

    public func type(_ name: String) -> LuaClass? {
        for module in modules {
            if let found = module.classes.first(where: { $0.name == name }) { return found }
        }
        return nil
    }

    /// Finds `audio.resample`, `opah.audio.resample`, `Tensor:reshape` or `Tensor.reshape`.
    public func declaration(_ path: String) -> Declaration? {
        guard let cut = path.lastIndex(where: { $0 == "." || $0 == ":" }) else { return nil }
        let owner = String(path[..<cut]), name = String(path[path.index(after: cut)...])
        return module(owner)?.member(name) ?? type(owner)?.member(name)
            ?? type(String(owner.split(separator: ".").last ?? ""))?.member(name)
    }

    /// Everything that is declared, with the module it belongs to.
    public var declarations: [Declaration] {
        modules.flatMap { $0.declarations + $0.classes.flatMap(\.declarations) }
    }

    /// What is wrong with the declarations themselves: signatures that cannot be read, missing docs, names
    /// declared twice, classes that no module lists. Empty when all is well; for tests.
    public func problems() -> [String] {
        var result: [String] = []
        let classes = Set(modules.flatMap { $0.classes.map(\.name) } + ["Error"])
        var seen: Set<String> = []
        for declaration in declarations {
            if !seen.insert(declaration.path).inserted { result.append("\(declaration.path): declared twice") }
            if declaration.doc.isEmpty { result.append("\(declaration.path): no documentation") }
            do {
                for signature in [try declaration.signature()] + (try declaration.shownSignatures()) {
                    for name in signature.classNames where !classes.contains(name) {
                        result.append("\(declaration.path): no module lists a class '\(name)'")
                    }
                }
            } catch { result.append("\(declaration.path): \(error)") }
        }
        return result
    }
}

extension Signature {
    /// Every class named in the parameters and results.
    var classNames: Set<String> { Set((parameters + results).flatMap { $0.type.classNames }) }
}

extension LuaType {
    var classNames: [String] {
        switch self {
        case .instance(let name): [name]
        case .array(let element): element.classNames
        case .map(let key, let value): key.classNames + value.classNames
        case .record(let fields, _): fields.flatMap { $0.type.classNames }
        case .callback(let signature): Array(signature.classNames)
        case .union(let types): types.flatMap(\.classNames)
        case .named(_, let type): type.classNames
        default: []
        }
    }
}
