import Support
import Yams

/// YAML files as the original's configurations are read: YAML 1.1 with OmegaConf's scalars.
public enum YAML {
    /// Larger files are no configurations. The parser takes some hundred bytes for each value.
    static let sizeLimit = 1 << 20
    /// Values in one document after its aliases are followed, and the bytes of their texts.
    static let valueLimit = 200_000, textLimit = 4 * sizeLimit

    /// Reads a file that holds one document. Throws `.file`, or `.format` with line and column.
    public static func load(_ path: String) throws -> ConfigValue {
        let file = try MappedFile(path)
        guard file.bytes.count <= sizeLimit else {
            throw OpahError(.format, "\(name: path): \(file.bytes.count) bytes is too long for a configuration")
        }
        try withExtendedLifetime(file) { try SourceText.refuseUTF16(file.bytes, path) }
        guard
            let text = withExtendedLifetime(
                file, { String(validating: file.bytes[SourceText.start(file.bytes)...], as: UTF8.self) })
        else {
            throw OpahError(.format, "\(name: path): not valid UTF-8")
        }
        return try parse(text, name: path)
    }

    /// - Parameter name: what error messages call the document
    public static func parse(_ text: String, name: String = "YAML") throws -> ConfigValue {
        guard text.utf8.count <= sizeLimit else {
            throw OpahError(.format, "\(name: name): \(text.utf8.count) bytes is too long for a configuration")
        }
        try refuseBombs(text, name)
        do {
            let parser = try Parser(yaml: text, resolver: .basic, constructor: Constructor(), encoding: .utf8)
            guard let root = try parser.singleRoot() else { return [:] }
            var converter = YAMLConverter(name: name)
            return try converter.value(root)
        } catch let error as YamlError {
            throw OpahError(.format, "\(name: name): \(describe(error))")
        }
    }

    /// The parser hashes the keys of tables, and a key that is an alias of nested lists would take it
    /// forever: many aliases together with anything but plain keys are refused.
    private static func refuseBombs(_ text: String, _ name: String) throws {
        let bytes = Array(text.utf8)
        var aliases = 0, odd = false
        for (position, byte) in bytes.enumerated() {
            let before = position == 0 ? 0x0A : bytes[position - 1]
            let isStart = [0x0A, 0x0D, 0x20, 0x09, UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: ",")].contains(
                before)
            if byte == UInt8(ascii: "*"), isStart {
                aliases += 1
                let end =
                    bytes[position...].firstIndex {
                        [0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}")].contains($0)
                    } ?? bytes.count
                odd = odd || bytes[position ..< end].contains(UInt8(ascii: ":"))
            }
            if byte == UInt8(ascii: "?"), isStart { odd = true }
            if byte == UInt8(ascii: ":"), before == UInt8(ascii: "]") || before == UInt8(ascii: "}") { odd = true }
        }
        if aliases > 10_000 || aliases > 24 && odd {
            throw OpahError(.format, "\(name: name): \(aliases) aliases are too many", hint: "write the values out")
        }
    }

    private static func describe(_ error: YamlError) -> String {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let why = context.map { " (\($0.text))" } ?? ""
            return "line \(mark.line), column \(mark.column): \(problem)\(why)"
        case .reader(let problem, _, _, _): return problem
        case .duplicatedKeysInMapping(let duplicates, let context):
            return "line \(context.mark.line): the key \(duplicates.joined(separator: ", ")) stands twice in one table"
        case .memory: return "not enough memory"
        default: return "\(error)".split(separator: "\n").first.map(String.init) ?? "not readable"
        }
    }
}

/// Yams' nodes as a tree, with a budget.
private struct YAMLConverter {
    let name: String
    private var values = 0
    private var bytes = 0
    private var depth = 0

    init(name: String) { self.name = name }

    mutating func value(_ node: Node) throws -> ConfigValue {
        values += 1
        depth += 1
        defer { depth -= 1 }
        if case .scalar(let scalar) = node { bytes += scalar.string.utf8.count }
        if values > YAML.valueLimit || bytes > YAML.textLimit || depth > 256 {
            throw OpahError(
                .format,
                "\(name: name): the document grows beyond \(YAML.valueLimit) values, \(YAML.textLimit >> 20) MB of text or 256 levels",
                hint: "aliases of aliases multiply; write the values out")
        }
        switch node {
        case .scalar(let scalar): return try self.scalar(scalar)
        case .sequence(let items):
            try checkTag(node, ["", "!", "tag:yaml.org,2002:seq"])
            return .list(try items.map { try value($0) })
        case .mapping(let pairs):
            try checkTag(node, ["", "!", "tag:yaml.org,2002:map"])
            return .map(try map(pairs))
        case .alias: throw problem(node, "an alias that was not followed")
        }
    }

    private mutating func map(_ pairs: Node.Mapping) throws -> ConfigMap {
        var own = ConfigMap(), inherited = ConfigMap()
        for (key, node) in pairs {
            guard case .scalar(let scalar) = key else { throw problem(key, "a key must be plain text") }
            guard scalar.string == "<<", scalar.style == .plain else { own[scalar.string] = try value(node); continue }
            let parents = try value(node)
            for parent in parents.list ?? [parents] {
                guard case .map(let map) = parent else { throw problem(node, "<< wants a table") }
                for (key, value) in map where inherited[key] == nil { inherited[key] = value }
            }
        }
        for (key, value) in own { inherited[key] = value }
        return inherited
    }

    private func scalar(_ scalar: Node.Scalar) throws -> ConfigValue {
        let text = scalar.string
        switch scalar.tag.description {
        case "": return scalar.style == .plain ? YAMLScalar.typed(text) : .string(text)
        case "!", "tag:yaml.org,2002:str": return .string(text)
        case "tag:yaml.org,2002:null": return .null
        case "tag:yaml.org,2002:int":
            if let value = YAMLScalar.int(text) { return value }
        case "tag:yaml.org,2002:float":
            if let value = (YAMLScalar.float(text) ?? YAMLScalar.int(text))?.double { return .double(value) }
        case "tag:yaml.org,2002:bool":
            if let value = YAMLScalar.bool(text) { return .bool(value) }
        default: throw refused(.scalar(scalar))
        }
        throw problem(.scalar(scalar), "\(text.prefix(40)) is not of its tag \(scalar.tag.description)")
    }

    private func checkTag(_ node: Node, _ allowed: Set<String>) throws {
        if !allowed.contains(node.tag.description) { throw refused(node) }
    }

    private func refused(_ node: Node) -> OpahError {
        OpahError(
            .unsafe, problem(node, "the tag \(node.tag.description.prefix(60)) would make an object").message,
            hint: "a configuration holds plain values only")
    }

    private func problem(_ node: Node, _ message: String) -> OpahError {
        OpahError(
            .format, "\(name: name): \(node.mark.map { "line \($0.line), column \($0.column): " } ?? "")\(message)")
    }
}

extension Node {
    fileprivate var tag: Tag {
        switch self {
        case .scalar(let scalar): scalar.tag
        case .mapping(let mapping): mapping.tag
        case .sequence(let sequence): sequence.tag
        case .alias(let alias): alias.tag
        }
    }
}
