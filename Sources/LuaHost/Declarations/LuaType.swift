/// The type of a parameter, result or field, as a signature writes it.
///
///     integer  number  string  boolean  table  function  any  nil  Tensor (a class)
///     integer[]   string|integer   Tensor?   "pcm16"|"float"   fun(log: table): boolean
///     {width?: integer = 6, dtype?: string}   table<string, Tensor>
///     DType<"float32"|"int64">: the type in the brackets, under a name that documentation calls it by
public indirect enum LuaType: Equatable, Sendable {
    case any, null, boolean, integer, number, string, table, function
    case instance(String)
    case literal(String)
    case array(LuaType)
    case map(LuaType, LuaType)
    /// A table with these fields and no others, unless `open`.
    case record([Parameter], open: Bool)
    case callback(Signature)
    case union([LuaType])
    case named(String, LuaType)

    /// The fields of the option table that this type is or contains.
    public var fields: [Parameter]? {
        switch self {
        case .record(let fields, _): fields
        case .union(let types): types.lazy.compactMap(\.fields).first
        case .named(_, let type): type.fields
        default: nil
        }
    }

    /// The members of a union, names opened; the type alone when it is no union.
    public var members: [LuaType] {
        switch self {
        case .union(let types): types.flatMap(\.members)
        case .named(_, let type): type.members
        default: [self]
        }
    }

    /// As LuaCATS writes it, without the type's own name.
    public var definition: String { members.map(\.description).joined(separator: "|") }

    /// The types inside that have names.
    var namedTypes: [String: LuaType] {
        switch self {
        case .named(let name, let type): type.namedTypes.merging([name: type]) { first, _ in first }
        case .array(let element): element.namedTypes
        case .map(let key, let value): key.namedTypes.merging(value.namedTypes) { first, _ in first }
        case .record(let fields, _): fields.reduce(into: [:]) { $0.merge($1.type.namedTypes) { first, _ in first } }
        case .callback(let signature): signature.namedTypes
        case .union(let types): types.reduce(into: [:]) { $0.merge($1.namedTypes) { first, _ in first } }
        default: [:]
        }
    }
}

/// One parameter of a function or one field of an option table.
public struct Parameter: Equatable, Sendable {
    /// `...` for the variable part.
    public var name: String
    public var type: LuaType
    public var isOptional: Bool
    /// What it is when left out, as the signature says after `=`.
    public var defaultValue: Literal?
    /// What it is for, in a line, where the signature says so after it.
    public var doc: String?

    public var isVariadic: Bool { name == "..." }

    /// `width?: integer`; functions in brackets, or what follows would seem to be further results.
    var text: String {
        "\(name)\(isOptional && !isVariadic && type != .any ? "?" : ""): \(type.isFunction ? "(\(type))" : "\(type)")"
    }
}

/// A default value in a signature.
public enum Literal: Equatable, Sendable {
    case null, boolean(Bool), integer(Int), number(Double), string(String), list([Literal])
}

/// The parameters and results of one function.
public struct Signature: Equatable, Sendable {
    public var parameters: [Parameter]
    /// Names may be empty.
    public var results: [Parameter]

    /// The types that have names, among all of the parameters and results.
    public var namedTypes: [String: LuaType] {
        (parameters + results).reduce(into: [:]) { $0.merge($1.type.namedTypes) { first, _ in first } }
    }
}

extension Literal: CustomStringConvertible {
    public var description: String {
        switch self {
        case .null: "nil"
        case .boolean(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): value == .infinity ? "math.huge" : value == -.infinity ? "-math.huge" : "\(value)"
        case .string(let value): "\"\(value)\""
        case .list(let items): "{" + items.map(\.description).joined(separator: ", ") + "}"
        }
    }
}

extension LuaType: CustomStringConvertible {
    /// The type as LuaCATS writes it.
    public var description: String {
        switch self {
        case .any: "any"
        case .null: "nil"
        case .boolean: "boolean"
        case .integer: "integer"
        case .number: "number"
        case .string: "string"
        case .table: "table"
        case .function: "function"
        case .instance(let name), .named(let name, _): name
        case .literal(let text): "\"\(text)\""
        case .array(let element): element.isCompound ? "(\(element))[]" : "\(element)[]"
        case .map(let key, let value): "table<\(key), \(value)>"
        case .record(let fields, let open):
            "{"
                + (fields.map(\.text) + (open ? ["[string]: any"] : []))
                .joined(separator: ", ") + "}"
        case .callback(let signature): "fun" + signature.callbackText
        case .union(let types):
            types.count == 2 && types[1] == .null && !types[0].isCompound
                ? "\(types[0])?" : types.map { $0.isFunction ? "(\($0))" : "\($0)" }.joined(separator: "|")
        }
    }

    fileprivate var isFunction: Bool { if case .callback = self { true } else { false } }
    private var isCompound: Bool {
        switch self {
        case .union, .callback: true
        default: false
        }
    }

    /// The type in the words of an error message.
    var expectation: String {
        switch self {
        case .record, .map: "table"
        case .callback: "function"
        case .array(let element): "list of \(element)"
        case .named(_, let type): type.expectation
        case .union:
            members.filter { $0 != .null }.map(\.expectation).reduce(into: [String]()) {
                if !$0.contains($1) { $0.append($1) }
            }.listed
        default: description
        }
    }
}

extension Array<String> {
    /// `a, b or c`
    var listed: String {
        count < 2 ? first ?? "" : dropLast().joined(separator: ", ") + " or " + last!
    }
}

extension Signature {
    fileprivate var callbackText: String {
        parameterText + (results.isEmpty ? "" : results.count == 1 ? ": " + resultText : ": (\(resultText))")
    }

    /// `(a, b?, ...)` with types.
    private var parameterText: String {
        "(" + parameters.map(\.text).joined(separator: ", ") + ")"
    }

    var resultText: String {
        results.map { "\($0.type)\($0.isVariadic ? "..." : "")" }.joined(separator: ", ")
    }
}
