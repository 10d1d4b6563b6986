import Support

extension Signature {
    /// `(samples, from_rate [, opts]) -> Tensor`
    public var usage: String {
        var text = "(", optionals = 0
        for (i, parameter) in parameters.enumerated() {
            if parameter.isOptional, !parameter.isVariadic {
                text += i == 0 ? "[" : " ["
                optionals += 1
            }
            text += (i == 0 ? "" : ", ") + parameter.name
        }
        text += String(repeating: "]", count: optionals) + ")"
        return results.isEmpty ? text : "\(text) -> \(resultText)"
    }
}

extension Declaration {
    /// Usage line, documentation, parameters with types and defaults, example.
    public func help() -> String {
        guard let signature = try? signature() else { return path + signatureText + "\n  " + doc }
        var lines: [String]
        switch role {
        case .property: lines = ["\(path): \(signatureText)\(isWritable ? "" : " (read-only)")"]
        case .constant: lines = ["\(path): \(signatureText)"]
        default: lines = ((try? shownSignatures()) ?? [signature]).map { path + $0.usage }
        }
        lines += wrapped(doc, indent: "  ")
        if !signature.parameters.isEmpty { lines.append("") }
        let rows = signature.parameters.flatMap { parameter -> [(name: String, parameter: Parameter)] in
            guard let fields = parameter.type.fields else { return [(parameter.name, parameter)] }
            return fields.map { ("\(parameter.name).\($0.name)", $0) }
        }
        let column = max(22, (rows.map(\.name.count).max() ?? 0) + 2)
        lines += rows.flatMap { row($0.parameter, named: $0.name, column) }
        if !signature.namedTypes.isEmpty { lines.append("") }
        lines += signature.namedTypes.sorted { $0.key < $1.key }.flatMap {
            wrapped("\($0.key) is \($0.value.members.map(\.description).joined(separator: ", "))", indent: "  ")
        }
        if let example { lines += [""] + example.split(separator: "\n").map { "  > " + $0 } }
        return lines.joined(separator: "\n")
    }

    /// A parameter with its type and default, and below that what it is for.
    private func row(_ parameter: Parameter, named name: String, _ column: Int) -> [String] {
        let padding = String(repeating: " ", count: column - name.count)
        let value =
            parameter.defaultValue.map { " = \($0)" }
            ?? (parameter.isOptional && !parameter.isVariadic ? " (optional)" : "")
        let indent = String(repeating: " ", count: column + 4)
        return ["  \(name)\(padding)\(parameter.type)\(value)"]
            + (parameter.doc.map { wrapped($0, indent: indent) } ?? [])
    }

    /// The first sentence of the documentation.
    public var summary: String {
        let end = doc.firstRange(of: ". ")?.lowerBound ?? doc.endIndex
        return String(doc[..<end]) + (end == doc.endIndex ? "" : ".")
    }
}

extension LuaModule {
    /// What the module is for and one line per function, constant and class.
    public func help() -> String {
        var lines = [name] + wrapped(doc, indent: "  ") + [""]
        lines += declarations.map { listing($0.path, $0) }
        lines += submodules.map { "  \(shortName).\($0.field)" }
        for type in classes { lines += ["", type.help()] }
        return lines.joined(separator: "\n")
    }
}

extension LuaClass {
    /// What the class is and one line per member.
    public func help() -> String {
        ([name] + wrapped(doc, indent: "  ") + [""] + declarations.map { listing($0.path, $0) }).joined(separator: "\n")
    }
}

private func listing(_ path: String, _ declaration: Declaration) -> String {
    let usage =
        declaration.role == .property || declaration.role == .constant
        ? ": \(declaration.signatureText)" : ((try? declaration.signature())?.usage ?? "")
    return "  \(path)\(usage)\n      \(declaration.summary)"
}

extension Catalog {
    /// The help text for a name as a person types it, or what is near it.
    public func help(_ name: String) -> String? {
        if let module = module(name) { return module.help() }
        if let type = type(name) { return type.help() }
        if let declaration = declaration(name) { return declaration.help() }
        // A bare name: every function and method called that.
        let same = declarations.filter { $0.name == name }
        return same.isEmpty ? nil : same.map { $0.help() }.joined(separator: "\n\n")
    }

    /// "did you mean ...?" for a name that has no help.
    public func suggestion(for name: String) -> String? {
        Support.suggestion(for: name, in: Set(modules.map(\.name) + declarations.flatMap { [$0.name, $0.path] }))
    }
}

/// Text in lines of at most 96 columns.
private func wrapped(_ text: String, indent: String) -> [String] {
    var lines: [String] = []
    for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
        var line = ""
        for word in paragraph.split(separator: " ") {
            if !line.isEmpty, line.count + word.count + 1 > 96 - indent.count {
                lines.append(indent + line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        lines.append(indent + line)
    }
    return lines
}
