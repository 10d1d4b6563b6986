import Glibc
import Support

extension ConfigValue {
    /// The tree with every `${...}` replaced by what it means: `${a.b}` a value of this tree, `${.b}` one
    /// beside it (each further dot one table up), `${oc.env:NAME}` or `${oc.env:NAME,default}` an
    /// environment variable, `${oc.select:a.b,default}` a value that may be missing, `${oc.decode:text}`
    /// the value that a text spells. A string that is one interpolation takes the value with its type,
    /// other strings take its text. `\${` is the plain text `${`.
    ///
    /// Throws `.config` for unknown keys, circles and code.
    public func resolved(environment: (String) -> String? = Interpolation.environment) throws -> ConfigValue {
        try withoutActuallyEscaping(environment) { environment in
            var resolver = Interpolation(root: self, environment: environment)
            return try resolver.resolve(self, at: [])
        }
    }

    /// The value at a path with its interpolations resolved; nil where there is none.
    public func resolvedValue(
        at path: String, environment: (String) -> String? = Interpolation.environment
    ) throws -> ConfigValue? {
        try withoutActuallyEscaping(environment) { environment in
            var resolver = Interpolation(root: self, environment: environment)
            return try resolver.lookUp(Self.steps(path))
        }
    }
}

/// Resolves `${...}` within one tree. Work and depth are limited, so that strings which double each other
/// end in an error.
public struct Interpolation {
    fileprivate let root: ConfigValue
    fileprivate let environment: (String) -> String?
    private var open: [[String]] = []   // the paths that are being resolved, to find circles
    private var work = 0

    fileprivate init(root: ConfigValue, environment: @escaping (String) -> String?) {
        self.root = root
        self.environment = environment
    }

    /// The variable of this process.
    public static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// `${eval:...}` runs Python code in the original.
    static func refuseCode(in text: String) throws {
        if text.contains("${eval:") || text.contains("${python:") {
            throw OpahError(
                .config, "\(text.prefix(80)) would run code, which a setting must not",
                hint: "write the value itself, or compute it in a recipe")
        }
    }

    fileprivate mutating func resolve(_ value: ConfigValue, at path: [String]) throws -> ConfigValue {
        work += 1
        if work > 200_000 || path.count > 200 {
            throw OpahError(.config, "\(path.joined(separator: ".").prefix(80)): the interpolations grow without end")
        }
        switch value {
        case .string(let text): return text.contains("${") ? try expand(text, at: path) : value
        case .list(let items):
            return .list(try items.enumerated().map { try resolve($1, at: path + [String($0)]) })
        case .map(let map):
            var result = ConfigMap()
            for (key, value) in map { result[key] = try resolve(value, at: path + [key]) }
            return .map(result)
        default: return value
        }
    }

    /// The resolved value at an absolute path, through tables that are interpolations themselves.
    fileprivate mutating func lookUp(_ path: [String]) throws -> ConfigValue? {
        if let value = root.value(at: path) {
            let name = path.joined(separator: ".")
            if open.contains(path) { throw OpahError(.config, "the interpolations of \(name) run in a circle") }
            if open.count > 60 { throw OpahError(.config, "\(name): interpolations more than 60 deep") }
            open.append(path)
            defer { open.removeLast() }
            return try resolve(value, at: path)
        }
        for length in path.indices.dropFirst().reversed() {
            let head = Array(path[..<length])
            guard case .string(let text)? = root.value(at: head), text.contains("${") else { continue }
            return try lookUp(head)?.value(at: path[length...])
        }
        return nil
    }

    private mutating func expand(_ text: String, at path: [String]) throws -> ConfigValue {
        var result = ""
        var rest = text.unicodeScalars[...]
        while !rest.isEmpty {
            let slashes = rest.prefix { $0 == "\\" }.count
            let after = rest.dropFirst(slashes)
            if after.starts(with: "${".unicodeScalars) {
                result += String(repeating: "\\", count: slashes / 2)
                if slashes % 2 == 1 { result += "${"; rest = after.dropFirst(2); continue }
                guard let end = Self.closingBrace(after) else {
                    throw OpahError(.config, "\(text.prefix(80)): the ${ never closes", hint: "end it with }")
                }
                let inner = String(after[after.index(after.startIndex, offsetBy: 2) ..< end])
                let value = try value(of: inner, at: path)
                rest = after[after.index(after: end)...]
                if result.isEmpty, rest.isEmpty { return value }
                guard value.list == nil, value.map == nil else {
                    throw OpahError(.config, "${\(inner)} is \(value.kindName) and cannot stand inside text")
                }
                result += Self.pythonText(value)
                if result.utf8.count > 1 << 20 {
                    throw OpahError(.config, "\(text.prefix(80)): the interpolations grow without end")
                }
            } else {
                let step = max(slashes, 1)
                result += String(rest.prefix(step))
                rest = rest.dropFirst(step)
            }
        }
        return .string(result)
    }

    private static func closingBrace(_ text: Substring.UnicodeScalarView) -> String.Index? {
        var depth = 0
        for index in text.indices {
            if text[index] == "{" { depth += 1 }
            if text[index] == "}" { depth -= 1; if depth == 0 { return index } }
        }
        return nil
    }

    /// What a value reads like inside text.
    private static func pythonText(_ value: ConfigValue) -> String {
        switch value {
        case .null: "None"
        case .bool(let flag): flag ? "True" : "False"
        default: ScalarText.spelled(value)
        }
    }

    /// The value of what stands between the braces.
    private mutating func value(of inner: String, at path: [String]) throws -> ConfigValue {
        try Self.refuseCode(in: "${" + inner)
        let inner = inner.contains("${") ? Self.pythonText(try expand(inner, at: path)) : inner
        guard let colon = inner.firstIndex(of: ":") else { return try node(String(inner.trimmed), at: path) }
        let name = inner[..<colon].trimmed
        let arguments = inner[inner.index(after: colon)...].split(
            separator: ",", maxSplits: 1, omittingEmptySubsequences: false
        ).map { String($0.trimmed) }
        let fallback = arguments.count == 2 ? try OverrideValue.parse(arguments[1]) : nil
        switch name {
        case "oc.env":
            if let found = environment(arguments[0]) { return .string(found) }
            guard let fallback else {
                throw OpahError(
                    .config, "${\(inner)}: the environment variable \(arguments[0]) is not set",
                    hint: "set it, or give a default: ${oc.env:\(arguments[0]),value}")
            }
            return fallback.isNull ? .null : .string(fallback.string ?? ScalarText.spelled(fallback))
        case "oc.select":
            return try lookUp(ConfigValue.steps(arguments[0])) ?? fallback ?? .null
        case "oc.decode":
            return try OverrideValue.parse(String(inner[inner.index(after: colon)...]))
        default:
            throw OpahError(
                .config, "${\(inner)}: there is no resolver \(name)", hint: "known are oc.env, oc.select and oc.decode")
        }
    }

    private mutating func node(_ name: String, at path: [String]) throws -> ConfigValue {
        let dots = name.prefix { $0 == "." }.count
        let base = dots == 0 ? [] : Array(path.dropLast(dots))
        let target = base + ConfigValue.steps(String(name.dropFirst(dots)))
        if let found = try lookUp(target) { return found }
        throw OpahError(
            .config, "${\(name)}: there is no such key",
            hint: suggestion(for: target.joined(separator: "."), in: root.paths))
    }
}
