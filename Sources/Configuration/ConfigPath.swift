import Support

/// Dotted paths into a tree: `trainer.max_steps`, and `model.optimizer.betas.0` for an element of a list
/// (0-based, as in the overrides that the original takes).
extension ConfigValue {
    /// The value at a path; the empty path is the whole tree.
    public func value(at path: String) -> ConfigValue? { value(at: Self.steps(path)) }

    /// Puts a value at a path. Tables are made on the way where there is nothing or null; a list element must exist.
    public mutating func set(_ path: String, to value: ConfigValue) throws {
        try set(Self.steps(path)[...], to: value, whole: path)
    }

    /// Removes a key of a table; says whether it was there.
    @discardableResult
    public mutating func remove(_ path: String) -> Bool { remove(Self.steps(path)[...]) }

    /// This tree with another one laid over it: tables merge key by key, everything else is replaced.
    public func merging(_ other: ConfigValue) -> ConfigValue {
        guard case .map(var merged) = self, case .map(let over) = other else { return other }
        for (key, value) in over { merged[key] = merged[key]?.merging(value) ?? value }
        return .map(merged)
    }

    /// The dotted paths of everything in the tables, the tables themselves too, in their order.
    public var paths: [String] {
        guard case .map(let map) = self else { return [] }
        return map.flatMap { key, value in [key] + value.paths.map { key + "." + $0 } }
    }

    static func steps(_ path: String) -> [String] {
        path.isEmpty ? [] : path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    }

    func value(at steps: some Sequence<String>) -> ConfigValue? {
        var current = self
        for step in steps {
            switch current {
            case .map(let map):
                guard let next = map[step] else { return nil }
                current = next
            case .list(let items):
                guard let index = Int(step), items.indices.contains(index) else { return nil }
                current = items[index]
            default: return nil
            }
        }
        return current
    }

    private mutating func set(_ steps: ArraySlice<String>, to value: ConfigValue, whole: String) throws {
        guard let step = steps.first else { self = value; return }
        let isBlank = isNull
        switch self {
        case .list(var items):
            guard let index = Int(step), items.indices.contains(index) else {
                throw OpahError(
                    .config, "\(whole): the list has \(items.count) elements, numbered from 0, and no \(step)")
            }
            try items[index].set(steps.dropFirst(), to: value, whole: whole)
            self = .list(items)
        case _ where isBlank || map != nil:
            var map = map ?? [:]
            var child = map[step] ?? .null
            try child.set(steps.dropFirst(), to: value, whole: whole)
            map[step] = child
            self = .map(map)
        default:
            throw OpahError(.config, "\(whole): there is \(kindName) where a table with the key \(step) is wanted")
        }
    }

    private mutating func remove(_ steps: ArraySlice<String>) -> Bool {
        guard let step = steps.first, case .map(var map) = self, var child = map[step] else { return false }
        if steps.count == 1 {
            map[step] = nil
        } else {
            guard child.remove(steps.dropFirst()) else { return false }
            map[step] = child
        }
        self = .map(map)
        return true
    }
}
