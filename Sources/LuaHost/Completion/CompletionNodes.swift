import CLua
import LuaShim
import Support

/// What a chain of names, calls and indexes stands for, as far as that is known without running anything: values are
/// looked at where they are, and what a call or an index would give comes from the declared types.
enum Node {
    case globals
    case value(LuaValue)
    case module(LuaModule)
    /// Some instance of a class.
    case instance(LuaClass)
    /// A native function or method.
    case function(Declaration)
    /// Something of this type: a string, a table with known fields, one of several.
    case type(LuaType)
}

extension Interpreter {
    /// - Parameter tokens: the text that the steps are from; what it assigns counts before the variables there are.
    func resolve(_ steps: [Path.Step], in tokens: Tokens, depth: Int = 0) -> Node? {
        guard depth < 20 else { return nil }
        var node = Node.globals
        for (i, step) in steps.enumerated() {
            let next: Node?
            switch step {
            case .name(let name, let place):
                let assigned = Path.assignment(to: name, before: place, tokens)
                // In a text that was not run yet, `t = tensor.ones(2); t:` is known by its declaration.
                next =
                    assigned.found
                    ? assigned.steps.flatMap { resolve($0, in: tokens, depth: depth + 1) } : child(of: .globals, name)
            case .string: next = .type(.string)
            case .group(let inner): next = resolve(inner, in: tokens, depth: depth + 1)
            case .field(let name), .method(let name): next = child(of: node, name)
            case .call(let text):
                if i == 1, case .name("require", _) = steps[0] {
                    next = text.flatMap(required)
                } else {
                    next = result(of: node)
                }
            case .index(let key): next = element(of: node, key)
            }
            guard let next else { return nil }
            node = next
        }
        return node
    }

    /// `node.name` or `node:name`.
    func child(of node: Node, _ name: String) -> Node? {
        switch node {
        case .globals:
            guard let value = try? global(name), !value.isNil else { return nil }
            return .value(value)
        case .value(.table(let table)):
            if let value = rawField(table, name), !value.isNil { return .value(value) }
            guard let module = moduleName(of: table).flatMap({ catalog.module($0) }) else { return nil }
            return child(of: .module(module), name)
        case .value(.object(let object)): return child(of: .instance(type(of: object).luaClass), name)
        case .value(.string), .value(.bytes), .type(.string):
            return stringLibrary.flatMap { rawField($0, name) }.map { .value($0) }
        case .value, .function: return nil
        case .module(let module):
            if let submodule = module.submodules.first(where: { $0.field == name }) {
                return catalog.module(submodule.module).map { .module($0) }
            }
            return module.member(name).flatMap(self.node)
        case .instance(let type): return type.member(name).flatMap(self.node)
        case .type(.record(let fields, _)): return fields.first { $0.name == name }.flatMap { self.node($0.type) }
        case .type(.map(.string, let value)): return self.node(value)
        case .type(.union(let types)):
            return types.lazy.compactMap { self.node($0) }.compactMap { self.child(of: $0, name) }.first
        case .type: return nil
        }
    }

    /// `node(...)`: the first result.
    private func result(of node: Node) -> Node? {
        if let declaration = callee(node) {
            return (try? declaration.signature())?.results.first.flatMap { self.node($0.type) }
        }
        switch node {
        case .type(.callback(let signature)): return signature.results.first.flatMap { self.node($0.type) }
        case .type(.union(let types)):
            return types.lazy.compactMap { self.node($0) }.compactMap { self.result(of: $0) }.first
        default: return nil
        }
    }

    /// The declaration of what runs when a native function, a module or an object is called.
    func callee(_ node: Node) -> Declaration? {
        switch node {
        case .function(let declaration): declaration
        case .value(.function(let function)): declaration(of: function)
        case .value(.table(let table)): moduleName(of: table).flatMap { catalog.module($0) }?.call
        case .module(let module): module.call
        case .value(.object(let object)): type(of: object).luaClass.member("__call")
        case .instance(let type): type.member("__call")
        default: nil
        }
    }

    /// `node[key]`
    private func element(of node: Node, _ key: Path.Key) -> Node? {
        switch node {
        case .value(.table(let table)):
            switch key {
            case .string(let name): return child(of: node, name)
            case .integer(let index): return rawElement(table, index).map { .value($0) }
            case .variable(let name):
                switch try? global(name) {
                case .string(let name)?: return child(of: node, name)
                case .integer(let index)?: return rawElement(table, index).map { .value($0) }
                default: return rawElement(table, 1).map { .value($0) }
                }
            // The first stands for any.
            case .unknown: return rawElement(table, 1).map { .value($0) }
            }
        case .value(.object(let object)): return element(of: .instance(type(of: object).luaClass), key)
        case .instance(let type):
            if case .string(let name) = key { return child(of: node, name) }
            return (try? type.member("__index")?.signature())?.results.first.flatMap { self.node($0.type) }
        case .type(.array(let element)): return self.node(element)
        case .type(.map(_, let value)): return self.node(value)
        case .type(.record): if case .string(let name) = key { return child(of: node, name) } else { return nil }
        case .type(.union(let types)):
            return types.lazy.compactMap { self.node($0) }.compactMap { self.element(of: $0, key) }.first
        case .module, .globals: if case .string(let name) = key { return child(of: node, name) } else { return nil }
        case .value, .function, .type: return nil
        }
    }

    /// A function by itself; of a property or constant, what it is declared to be.
    private func node(_ declaration: Declaration) -> Node? {
        switch declaration.role {
        case .function, .method: .function(declaration)
        case .property, .constant: (try? LuaType(parsing: declaration.signatureText)).flatMap { node($0) }
        case .metamethod, .hidden: nil
        }
    }

    /// Something of a type; nil when nothing is known about it.
    func node(_ type: LuaType) -> Node? {
        switch type {
        case .instance(let name): return catalog.type(name).map { .instance($0) }
        case .string, .literal: return .type(.string)
        case .array, .map, .record, .callback: return .type(type)
        case .union(let types):
            let known = types.filter { node($0) != nil }
            return known.count == 1 ? node(known[0]) : known.isEmpty ? nil : .type(.union(known))
        case .named(_, let type): return node(type)
        case .any, .null, .boolean, .integer, .number, .table, .function: return nil
        }
    }

    /// What `require` would give, as far as it is there already or native.
    private func required(_ name: String) -> Node? {
        if let module = catalog.modules.first(where: { $0.name == name }) { return .module(module) }
        guard case .table(let package)? = try? global("package"), case .table(let loaded)? = rawField(package, "loaded")
        else { return nil }
        return rawField(loaded, name).map { .value($0) }
    }

    var stringLibrary: LuaTable? { if case .table(let library)? = try? global("string") { library } else { nil } }
}
