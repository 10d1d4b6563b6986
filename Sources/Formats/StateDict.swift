import Support
import Tensors

/// The named tensors of a model, in the order of the file.
public struct StateDict: Sequence {
    public private(set) var names: [String] = []
    private var tensors: [String: Tensor] = [:]
    /// Entries that were no tensors (version numbers and the like), by name.
    public private(set) var skipped: [String] = []
    /// The key of the checkpoint under which the tensors were found (`state_dict`), if not at the top.
    public private(set) var wrapper: String?

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

    /// Only the tensors whose name starts with `prefix`, without it: `model.` for Lightning's checkpoints,
    /// `generator.` for a codec saved with its training code.
    public func dropping(prefix: String) -> StateDict {
        var result = StateDict()
        for (name, tensor) in self where name.hasPrefix(prefix) { result[String(name.dropFirst(prefix.count))] = tensor }
        result.wrapper = wrapper
        return result
    }

    init(pairs: [(key: CheckpointValue, value: CheckpointValue)], wrapper: String?) {
        self.wrapper = wrapper
        for (key, value) in pairs {
            guard let name = key.string else { continue }
            if let tensor = value.tensor { self[name] = tensor } else { skipped.append(name) }
        }
    }
}

extension CheckpointValue {
    /// The named tensors: those of this dict, or of its `state_dict`.
    public func stateDict() throws -> StateDict {
        guard let pairs = dict else { throw OpahError(.checkpoint, "the checkpoint holds \(kindName), not named tensors") }
        if let inner = self["state_dict"]?.dict { return StateDict(pairs: inner, wrapper: "state_dict") }
        let found = StateDict(pairs: pairs, wrapper: nil)
        guard !found.isEmpty || pairs.isEmpty else {
            let keys = pairs.prefix(8).map { $0.key.string ?? $0.key.kindName }.joined(separator: ", ")
            throw OpahError(.checkpoint, "the checkpoint holds no named tensors, only: \(keys)")
        }
        return found
    }
}

extension Dictionary {
    fileprivate mutating func updateOrRemove(_ value: Value?, forKey key: Key) -> Value? {
        if let value { updateValue(value, forKey: key) } else { removeValue(forKey: key) }
    }
}
