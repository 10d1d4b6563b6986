import Support
import Tensors

/// The named tensors of a model, in the order of the file.
public struct StateDict: Sequence {
    public private(set) var names: [String] = []
    private var tensors: [String: Tensor] = [:]
    /// Entries that were no tensors (version numbers and the like), by name.
    public private(set) var skipped: [String] = []
    /// Entries that are objects of other classes than tensors: their classes by name.
    public private(set) var records: [String: String] = [:]
    /// The key of the checkpoint under which the tensors were found (`state_dict`), if not at the top.
    public private(set) var wrapper: String?
    /// What finding them took, for people.
    public internal(set) var notes: [String] = []

    public init() {}

    public init(_ pairs: some Sequence<(name: String, tensor: Tensor)>) {
        for pair in pairs { self[pair.name] = pair.tensor }
    }

    public var count: Int { names.count }
    public var isEmpty: Bool { names.isEmpty }

    /// Setting a name that is there keeps its place; setting nil removes it.
    public subscript(name: String) -> Tensor? {
        get { tensors[name] }
        set {
            let old = tensors.updateOrRemove(newValue, forKey: name)
            if old == nil, newValue != nil { names.append(name) }
            if old != nil, newValue == nil { names.removeAll { $0 == name } }
        }
    }

    public func makeIterator() -> AnyIterator<(name: String, tensor: Tensor)> {
        var position = 0
        return AnyIterator {
            guard position < names.count else { return nil }
            defer { position += 1 }
            return (names[position], tensors[names[position]]!)
        }
    }

    /// Only the tensors whose name starts with `prefix`, without it. Names that may have one prefix or another, or
    /// none, are for `fitted`.
    public func dropping(prefix: String) -> StateDict {
        var result = StateDict()
        for (name, tensor) in self where name.hasPrefix(prefix) {
            result[String(name.dropFirst(prefix.count))] = tensor
        }
        result.adopt(self)
        return result
    }

    /// The same tensors, found under `key` of what holds them.
    func under(_ key: String, noted: Bool, others: [String] = []) -> StateDict {
        var result = self
        result.wrapper = wrapper.map { key + "." + $0 } ?? key
        if noted {
            let more = others.isEmpty ? "" : " (there are some under \(others.joined(separator: ", ")) as well)"
            result.notes.append("the tensors were found under '\(name: key)'\(more)")
        }
        return result
    }

    /// Takes over what `other` says about where it was found.
    mutating func adopt(_ other: StateDict) {
        (wrapper, notes, skipped, records) = (other.wrapper, other.notes, other.skipped, other.records)
    }

    init(pairs: [(key: CheckpointValue, value: CheckpointValue)], wrapper: String?) {
        self.wrapper = wrapper
        for (key, value) in pairs {
            guard let name = key.string else { continue }
            if let tensor = value.tensor { self[name] = tensor } else { skipped.append(name) }
            if let record = value.record { records[name] = record.className }
        }
    }
}

extension Dictionary {
    fileprivate mutating func updateOrRemove(_ value: Value?, forKey key: Key) -> Value? {
        if let value { updateValue(value, forKey: key) } else { removeValue(forKey: key) }
    }
}
