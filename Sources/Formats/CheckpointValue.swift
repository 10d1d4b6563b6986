import Support
import Tensors

/// What a checkpoint holds: plain data and tensors, nested. No other Python object can be in it.
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
    public var dict: [(key: CheckpointValue, value: CheckpointValue)]? { if case .dict(let pairs) = self { pairs } else { nil } }

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
        }
    }
}

extension CheckpointValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
                           ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: CheckpointValue...) { self = .list(elements) }
    public init(dictionaryLiteral elements: (String, CheckpointValue)...) { self = .table(elements) }
}
