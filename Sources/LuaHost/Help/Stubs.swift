/// LuaCATS annotations for editors, written from the declarations.
extension Catalog {
    /// One file per module, and one for the error value and the types that have names: file names and contents.
    public func stubs() throws -> [(name: String, content: String)] {
        let named = try declarations.reduce(into: [String: LuaType]()) {
            $0.merge(try $1.signature().namedTypes) { first, _ in first }
        }
        let aliases = named.sorted { $0.key < $1.key }.map { "---@alias \($0.key) \($0.value.definition)\n\n" }.joined()
        let error = "---@meta _\n\(stubsNote)\n" + aliases + (try LuaErrorValue.luaClass.stubs(isLocal: false))
        return try modules.map { ($0.name + ".lua", try $0.stubs { self.module($0) != nil }) } + [("Error.lua", error)]
    }
}

private let stubsNote =
    "-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.\n"

extension LuaModule {
    /// A `---@meta` file: every class, function and constant with types and documentation.
    /// - Parameter isNative: whether a submodule has such a file; others are Lua files, which editors read themselves.
    public func stubs(isNative: (String) -> Bool = { _ in true }) throws -> String {
        var text = "---@meta \(name)\n\(stubsNote)\n" + comment(doc) + "---@class \(name)\n"
        for constant in declarations where constant.role == .constant {
            text += "---@field \(constant.name) \(try LuaType(parsing: constant.signatureText)) \(constant.fieldNote)\n"
        }
        for submodule in submodules where isNative(submodule.module) {
            text += "---@field \(submodule.field) \(submodule.module)\n"
        }
        text += "local \(shortName) = {}\n\n"
        for submodule in submodules where !isNative(submodule.module) {
            text += "\(shortName).\(submodule.field) = require \"\(submodule.module)\"\n"
        }
        for function in declarations where function.role == .function {
            text += try function.stub(owner: shortName, separator: ".")
        }
        for type in classes { text += try type.stubs() }
        for method in methodsOf?.declarations ?? []
        where method.role == .method && !declarations.contains(where: { $0.name == method.name }) {
            text += "\(shortName).\(method.name) = \(methodsOf!.name).\(method.name)\n"
        }
        return text + "return \(shortName)\n"
    }
}

extension LuaClass {
    fileprivate func stubs(isLocal: Bool = true) throws -> String {
        var text = comment(doc) + "---@class \(name)\n"
        for member in declarations {
            switch member.role {
            case .property, .constant:
                text += "---@field \(member.name) \(try LuaType(parsing: member.signatureText)) \(member.fieldNote)\n"
            case .metamethod: text += try member.operatorStub(of: name)
            default: break
            }
        }
        if isLocal { text += "local \(name) = {}\n\n" }
        for method in declarations where method.role == .method { text += try method.stub(owner: name, separator: ":") }
        return text
    }
}

extension Declaration {
    /// What editors show beside a field, on one line: the documentation, and the line of the example that shows a
    /// result.
    fileprivate var fieldNote: String {
        let shown = example?.split(separator: "\n").last { $0.contains("-->") }
        return oneLine(doc) + (shown.map { " `\($0)`" } ?? "")
    }

    fileprivate func stub(owner: String, separator: String) throws -> String {
        let shown = try shownSignatures(), signature = shown[0]
        var text = comment(doc)
        if let example { text += "---\n---```lua\n" + comment(example, prefix: "---") + "---```\n" }
        for parameter in signature.parameters {
            let optional = parameter.isOptional && !parameter.isVariadic ? "?" : ""
            let value = parameter.defaultValue.map { " default \($0)" } ?? ""
            let defaults = (parameter.type.fields ?? []).compactMap { field in
                field.defaultValue.map { "\(field.name) = \($0)" }
            }
            let note = value + (defaults.isEmpty ? "" : " defaults: " + defaults.joined(separator: ", "))
            let docs = ([parameter] + (parameter.type.fields ?? [])).compactMap { field in
                field.doc.map { "---- `\(field.name)`: \($0)\n" }
            }
            if !docs.isEmpty { text += "---\n" + docs.joined() }
            text += "---@param \(parameter.name)\(optional) \(parameter.type)\(note)\n"
        }
        for result in signature.results {
            text +=
                "---@return \(result.type)\(result.isVariadic ? " ..." : result.name.isEmpty ? "" : " " + result.name)\n"
        }
        for var other in shown.dropFirst() {
            if separator == ":" {
                other.parameters.insert(
                    Parameter(name: "self", type: .instance(owner), isOptional: false, defaultValue: nil), at: 0)
            }
            text += "---@overload \(LuaType.callback(other))\n"
        }
        let names = signature.parameters.map(\.name)
        // Nothing can follow `...` in Lua's own syntax.
        let written = names.firstIndex(of: "...").map { Array(names[...$0]) } ?? names
        return text + "function \(owner)\(separator)\(name)(\(written.joined(separator: ", "))) end\n\n"
    }

    /// `---@operator add(number): Tensor` for the operators that LuaCATS knows.
    fileprivate func operatorStub(of type: String) throws -> String {
        let known = [
            "add", "sub", "mul", "div", "mod", "pow", "unm", "idiv", "concat", "len", "call",
            "band", "bor", "bxor", "shl", "shr", "bnot"
        ]
        let plain = String(name.dropFirst(2))
        let signature = try signature()
        guard known.contains(plain), let result = signature.results.first else { return "" }
        let operand = signature.parameters.count > 1 ? "(\(signature.parameters[1].type))" : ""
        return "---@operator \(plain)\(operand): \(result.type)\n"
    }
}

private func comment(_ text: String, prefix: String = "---") -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { "\(prefix)\($0)\n" }.joined()
}

private func oneLine(_ text: String) -> String { text.split(separator: "\n").joined(separator: " ") }
