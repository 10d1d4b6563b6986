/// What JSON, YAML and a literal Lua table have in common: one tree for settings and small documents.
/// Maps keep the order in which their keys were written, and null is a value.
public enum ConfigValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case list([ConfigValue])
    case map(ConfigMap)

    public var isNull: Bool { self == .null }
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var list: [ConfigValue]? { if case .list(let value) = self { value } else { nil } }
    public var map: ConfigMap? { if case .map(let value) = self { value } else { nil } }

    /// A whole number, also one that was written as `3.0`.
    public var int: Int? {
        switch self {
        case .int(let value): value
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }

    /// Any number.
    public var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// The value of a key of a map; nil when this is no map or has no such key.
    public subscript(key: String) -> ConfigValue? { map?[key] }

    /// "a string", "a list of 3": for messages.
    public var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int: "a whole number"
        case .double: "a number"
        case .string: "a string"
        case .list(let items): "a list of \(items.count)"
        case .map: "a table"
        }
    }
}

/// A map that keeps the order of its keys. Setting a key that is there keeps its place.
public struct ConfigMap: Equatable, Sendable, Sequence, ExpressibleByDictionaryLiteral {
    public private(set) var keys: [String] = []
    public private(set) var values: [ConfigValue] = []
    private var places: [String: Int] = [:]

    public init() {}

    public init(dictionaryLiteral elements: (String, ConfigValue)...) {
        for (key, value) in elements { self[key] = value }
    }

    public var count: Int { keys.count }
    public var isEmpty: Bool { keys.isEmpty }

    /// Setting nil removes the key.
    public subscript(key: String) -> ConfigValue? {
        get { places[key].map { values[$0] } }
        set {
            switch (places[key], newValue) {
            case (let place?, let value?):
                values[place] = value
            case (nil, let value?):
                places[key] = keys.count
                keys.append(key)
                values.append(value)
            case (let place?, nil):
                keys.remove(at: place)
                values.remove(at: place)
                places[key] = nil
                for later in place ..< keys.count { places[keys[later]] = later }
            case (nil, nil):
                break
            }
        }
    }

    public func makeIterator() -> AnyIterator<(key: String, value: ConfigValue)> {
        var position = 0
        return AnyIterator {
            guard position < keys.count else { return nil }
            defer { position += 1 }
            return (keys[position], values[position])
        }
    }

    /// Two maps are equal when they hold the same values under the same keys, in any order.
    public static func == (a: ConfigMap, b: ConfigMap) -> Bool {
        a.count == b.count && a.allSatisfy { b[$0.key] == $0.value }
    }
}

extension ConfigValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: ConfigValue...) { self = .list(elements) }
    public init(dictionaryLiteral elements: (String, ConfigValue)...) {
        var map = ConfigMap()
        for (key, value) in elements { map[key] = value }
        self = .map(map)
    }
}
