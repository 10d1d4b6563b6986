import Support
import Tensors

/// What a checkpoint holds: plain data and tensors, nested. Objects of other classes are inert records.
///
/// Sets are lists; whole numbers beyond 64 bits are strings of their digits.
public enum CheckpointValue {
    case none
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case list([CheckpointValue])
    case tuple([CheckpointValue])
    /// In the order of the file. Keys are strings in state dicts, and may be numbers elsewhere.
    case dict([(key: CheckpointValue, value: CheckpointValue)])
    case tensor(Tensor)
    /// An object of a class that is not data, never made.
    indirect case record(CheckpointRecord)

    /// A dict with string keys.
    public static func table(_ pairs: [(String, CheckpointValue)]) -> CheckpointValue {
        .dict(pairs.map { (.string($0.0), $0.1) })
    }

    /// A dict of named tensors.
    public static func tensors(_ pairs: some Sequence<(name: String, tensor: Tensor)>) -> CheckpointValue {
        .dict(pairs.map { (.string($0.name), .tensor($0.tensor)) })
    }

    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var int: Int? { if case .int(let value) = self { value } else { nil } }
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var tensor: Tensor? { if case .tensor(let value) = self { value } else { nil } }
    public var dict: [(key: CheckpointValue, value: CheckpointValue)]? {
        if case .dict(let pairs) = self { pairs } else { nil }
    }

    /// A number of either kind.
    public var double: Double? {
        switch self {
        case .double(let value): value
        case .int(let value): Double(value)
        default: nil
        }
    }

    /// The elements of a list or tuple.
    public var items: [CheckpointValue]? {
        switch self {
        case .list(let values), .tuple(let values): values
        default: nil
        }
    }

    /// The value under a string key of a dict; nil when there is none. Looks through the keys in turn.
    public subscript(key: String) -> CheckpointValue? { dict?.first { $0.key.string == key }?.value }

    /// "a dict of 3", "a tensor float32 [2, 3]": for messages.
    public var kindName: String {
        switch self {
        case .none: "none"
        case .bool: "a boolean"
        case .int: "a whole number"
        case .double: "a number"
        case .string: "a string"
        case .bytes(let bytes): "\(bytes.count) bytes"
        case .list(let values): "a list of \(values.count)"
        case .tuple(let values): "a tuple of \(values.count)"
        case .dict(let pairs): "a dict of \(pairs.count)"
        case .tensor(let tensor): "a tensor \(tensor.dtype.rawValue) \(tensor.shape)"
        case .record(let record): "an object of the class \(record.className)"
        }
    }
}

/// What a file says of an object that is not data (`argparse.Namespace`, `omegaconf.DictConfig`): enough to read its
/// settings. Nothing of it was made, called or looked for.
public struct CheckpointRecord {
    /// With its module: `argparse.Namespace`.
    public var className: String
    public var arguments: [CheckpointValue] = []
    /// What would have become its attributes, usually a dict.
    public var state: CheckpointValue?
    /// What it holds when it is a kind of list, or a kind of dict.
    public var items: [CheckpointValue] = []
    public var entries: [(key: CheckpointValue, value: CheckpointValue)] = []

    public init(className: String) { self.className = className }

    /// `{class, args, state, items, entries}`, without what is not there: the form in which it is shown and written.
    public var table: CheckpointValue {
        var fields: [(String, CheckpointValue)] = [("class", .string(className))]
        if !arguments.isEmpty { fields.append(("args", .list(arguments))) }
        if let state { fields.append(("state", state)) }
        if !items.isEmpty { fields.append(("items", .list(items))) }
        if !entries.isEmpty { fields.append(("entries", .dict(entries))) }
        return .table(fields)
    }
}

extension CheckpointValue {
    public var record: CheckpointRecord? { if case .record(let value) = self { value } else { nil } }

    /// The classes of all records in this value, each once, sorted.
    public var recordClasses: [String] {
        var found: Set<String> = []
        func visit(_ value: CheckpointValue) {
            switch value {
            case .list(let items), .tuple(let items): items.forEach(visit)
            case .dict(let pairs):
                pairs.forEach {
                    visit($0.key); visit($0.value)
                }
            case .record(let record):
                found.insert(record.className)
                visit(record.table)
            default: break
            }
        }
        visit(self)
        return found.sorted()
    }
}

extension CheckpointValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: CheckpointValue...) { self = .list(elements) }
    public init(dictionaryLiteral elements: (String, CheckpointValue)...) { self = .table(elements) }
}
