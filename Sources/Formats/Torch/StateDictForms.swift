import Support
import Tensors

/// The forms in which people save one and the same model: in a table beside other things, and under names that a
/// wrapper (Lightning, DDP, torch.compile, FSDP) has lengthened.
extension CheckpointValue {
    /// Keys under which the named tensors may lie, the likeliest first.
    static let wrappers = [
        "state_dict", "model_state_dict", "model", "generator", "weight", "weights", "net", "network", "params",
        "module",
        "model_state", "generator_state_dict", "ema", "ema_state_dict", "model_ema", "ema_model"
    ]

    /// The named tensors: those of this dict, or of the dict under its `state_dict`, `model` or the like.
    public func stateDict() throws -> StateDict {
        guard let pairs = dict else {
            throw OpahError(
                .checkpoint, "the checkpoint holds \(kindName), not named tensors",
                hint: record == nil
                    ? nil : "save its state_dict(): an object of a class needs that class's code to be read")
        }
        if var found = namedTensors(depth: 0), !found.isEmpty || pairs.isEmpty || found.wrapper != nil {
            let classes = recordClasses
            if !classes.isEmpty {
                let shown =
                    classes.prefix(6).joined(separator: ", ")
                    + (classes.count > 6 ? " and \(classes.count - 6) more" : "")
                found.notes.append(
                    "the file also holds objects of \(shown): they were left as they are, and nothing of them was run")
            }
            return found
        }
        let keys = pairs.prefix(8).map { ShownText.name($0.key.string ?? $0.key.kindName) }.joined(separator: ", ")
        throw OpahError(
            .checkpoint, "the checkpoint holds no named tensors, only: \(keys)",
            hint: "the tensors are looked for at the top and under \(Self.wrappers.prefix(5).joined(separator: ", "))")
    }

    private func namedTensors(depth: Int) -> StateDict? {
        guard let pairs = dict else { return nil }
        let own = StateDict(pairs: pairs, wrapper: nil)
        guard depth < 4 else { return own }
        if let inner = self["state_dict"]?.namedTensors(depth: depth + 1) {
            return inner.under("state_dict", noted: false)
        }
        // Something beside the weights may be a tensor too: a step, a learning rate.
        let found = Self.wrappers.compactMap { key in
            self[key]?.namedTensors(depth: depth + 1).flatMap { $0.count > own.count ? (key: key, state: $0) : nil }
        }
        guard let first = found.first else { return own }
        return first.state.under(first.key, noted: true, others: found.dropFirst().map(\.key))
    }
}

extension StateDict {
    /// What wrappers put before every name, one after the other.
    private static let prefixes: Set<Substring> = ["module", "model", "generator", "_orig_mod"]
    /// What wrappers of single modules put into a name, anywhere.
    private static let inner: Set<Substring> = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"]

    /// The tensors under the names by which a model knows them.
    ///
    /// Prefixes of wrappers (`module.`, `model.`, `generator.`, `_orig_mod.`) are taken off, in the order that makes
    /// the most names known; what has no such prefix and is not known belongs to something else in the file and is left
    /// out. Both are noted. Where that makes no name known, nothing is changed.
    /// - Throws: kind `checkpoint` when two names become one, `unsafe` when an object stands in a tensor's place.
    public func fitted(to isKnown: (String) -> Bool) throws -> StateDict {
        var counts: [String: Int] = [:]
        for name in names + records.keys {
            if let prefix = Self.prefix(of: name, isKnown) { counts[prefix, default: 0] += 1 }
        }
        // Of equals the shortest.
        guard let prefix = counts.max(by: { ($0.value, $1.key.count, $1.key) < ($1.value, $0.key.count, $0.key) })?.key
        else { return self }
        func bare(_ name: String) -> String? {
            let short = Self.withoutInner(name)
            if short.hasPrefix(prefix) { return String(short.dropFirst(prefix.count)) }
            return isKnown(short) ? short : nil
        }
        for (name, className) in records.sorted(by: { $0.key < $1.key }) {
            guard let known = bare(name), isKnown(known) else { continue }
            throw OpahError(
                .unsafe, "\(name) is an object of the class \(className), not a tensor",
                hint: "nothing of it was run; save the file again with plain tensors")
        }
        var result = StateDict(), sources: [String: String] = [:], leftOut: [String] = [], removed: Set<String> = []
        for (name, tensor) in self {
            guard let known = bare(name) else {
                leftOut.append(name)
                continue
            }
            if let other = sources.updateValue(name, forKey: known) {
                throw OpahError(
                    .checkpoint, "\(other) and \(name) would both be \(known)",
                    hint: "keep one of the two sets of weights in the file")
            }
            result[known] = tensor
            if known != name {
                removed.insert(name.hasSuffix(known) ? String(name.dropLast(known.count)) : "_orig_mod. and the like")
            }
        }
        result.adopt(self)
        if !removed.isEmpty {
            let which = removed.sorted().prefix(3).map { $0.hasSuffix(".") ? "'\($0)'" : $0 }.joined(separator: ", ")
            let others =
                leftOut.isEmpty
                ? ""
                : "; \(leftOut.count) others were left out: \(leftOut.prefix(3).joined(separator: ", "))\(leftOut.count > 3 ? ", ..." : "")"
            result.notes.append(
                "the prefix \(which) was removed from \(sources.count { $0.key != $0.value }) names\(others)")
        }
        return result
    }

    /// The same tensors under other names; an error where two would have the same one.
    public func renamed(_ rename: (String) -> String) throws -> StateDict {
        var result = StateDict(), sources: [String: String] = [:]
        for (old, tensor) in self {
            let new = rename(old)
            if let other = sources.updateValue(old, forKey: new) {
                throw OpahError(
                    .checkpoint, "\(other) and \(old) would both be \(new)",
                    hint: "keep one of the two sets of weights in the file")
            }
            result[new] = tensor
        }
        result.adopt(self)
        return result
    }

    /// A name as far as wrappers did not make it: to tell what a file is before its model is known.
    public static func bareName(_ name: String) -> String {
        var rest = withoutInner(name)[...]
        while let dot = rest.firstIndex(of: "."), prefixes.contains(rest[..<dot]) {
            rest = rest[rest.index(after: dot)...]
        }
        return String(rest)
    }

    /// For names that no known prefix makes known: the prefix that all of them share and that would.
    public func unknownPrefix(_ isKnown: (String) -> Bool) -> String? {
        guard let first = names.first else { return nil }
        var rest = first[...]
        while let dot = rest.firstIndex(of: ".") {
            rest = rest[rest.index(after: dot)...]
            let prefix = first[..<rest.startIndex]
            guard names.allSatisfy({ $0.hasPrefix(prefix) }) else { return nil }
            if isKnown(String(rest)) { return String(prefix) }
        }
        return nil
    }

    /// The wrappers' prefix without which a name is known; "" when it is known as it is.
    private static func prefix(of name: String, _ isKnown: (String) -> Bool) -> String? {
        let whole = withoutInner(name)
        var rest = whole[...]
        while true {
            if isKnown(String(rest)) { return String(whole[..<rest.startIndex]) }
            guard let dot = rest.firstIndex(of: "."), prefixes.contains(rest[..<dot]) else { return nil }
            rest = rest[rest.index(after: dot)...]
        }
    }

    private static func withoutInner(_ name: String) -> String {
        guard name.contains("_orig_mod") || name.contains("_wrapped_module") else { return name }
        return name.split(separator: ".", omittingEmptySubsequences: false).filter { !inner.contains($0) }.joined(
            separator: ".")
    }
}
