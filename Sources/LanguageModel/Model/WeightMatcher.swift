import Formats
import Support
import Tensors

/// Fits the tensors of a file to the layout of a configuration, or says in a few lines why they do not.
struct WeightMatcher {
    private let configuration: ModelConfiguration
    private let layout: [ParameterLayout.Entry]
    /// Buffers that some checkpoints carry; they are computed here.
    private static let derived: Set<String> = ["freqs_cis", "fast_freqs_cis", "causal_mask"]

    init(_ configuration: ModelConfiguration) {
        self.configuration = configuration
        layout = ParameterLayout(configuration).entries
    }

    /// The tensors in the order of the layout.
    func match(_ state: StateDict, _ path: String) throws -> (tensors: [Tensor], notes: [String]) {
        let known = Set(layout.map(\.name))
        func isKnown(_ name: String) -> Bool {
            if known.contains(name) || Self.derived.contains(name) { return true }
            // A projection that is split into its three parts.
            return [".wq.", ".wk.", ".wv."].contains {
                name.contains($0) && known.contains(name.replacing($0, with: ".wqkv."))
            }
        }
        var found: StateDict
        do { found = try state.fitted(to: isKnown) } catch let error as OpahError { throw error.at(path) }
        var notes = found.notes
        let joined = try joinProjections(&found, path)
        if joined > 0 { notes.append("\(joined) split projections (wq, wk, wv) were joined") }

        try checkDimensions(found, path)
        var problems: [String] = [], missing: [String] = []
        for entry in layout {
            guard let tensor = found[entry.name] else {
                missing.append(entry.name)
                continue
            }
            if tensor.shape != entry.shape {
                problems.append("\(entry.name) has the shape \(tensor.shape), and config.json wants \(entry.shape)")
            } else if !tensor.dtype.isFloating {
                problems.append("\(entry.name) holds \(tensor.dtype.rawValue), not floating numbers")
            }
        }
        var unexpected = found.names.filter { !known.contains($0) && !Self.derived.contains($0) }
        if configuration.tiesWordEmbeddings { unexpected.removeAll { $0 == "output.weight" } }
        if !missing.isEmpty { problems.append("\(missing.count) tensors are missing: \(ShownText.few(missing))") }
        if !unexpected.isEmpty {
            problems.append("\(unexpected.count) tensors are unknown: \(ShownText.few(unexpected))")
        }
        guard problems.isEmpty else {
            let more = problems.count > 4 ? "\n    and \(problems.count - 4) more" : ""
            throw OpahError(
                .checkpoint,
                "\(name: path): the weights do not fit config.json\n    "
                    + problems.prefix(4).joined(separator: "\n    ")
                    + more,
                hint: state.unknownPrefix(isKnown).map {
                    "every name begins with '\(name: $0)': save the tensors without it"
                }
                    ?? "the two files must come from the same checkpoint")
        }
        return (layout.map { found[$0.name]! }, notes)
    }

    /// Joins `wq`, `wk` and `wv` into `wqkv`, weights and biases; returns how many layers had them.
    private func joinProjections(_ state: inout StateDict, _ path: String) throws -> Int {
        var count = 0
        for kind in ["weight", "bias"] {
            for name in state.names where name.hasSuffix(".wq.\(kind)") {
                let prefix = String(name.dropLast("wq.\(kind)".count))
                let parts = ["wq", "wk", "wv"].compactMap { state["\(prefix)\($0).\(kind)"] }
                guard parts.count == 3,
                    parts.allSatisfy({
                        $0.dtype == parts[0].dtype && $0.rank == parts[0].rank && $0.rank > 0
                            && Array($0.shape.dropFirst()) == Array(parts[0].shape.dropFirst())
                    })
                else {
                    throw OpahError(.checkpoint, "\(name: path): \(prefix)wq, wk and wv do not fit together")
                }
                var shape = parts[0].shape
                shape[0] = parts.reduce(0) { $0 + $1.shape[0] }
                let whole = try Tensor(empty: shape, parts[0].dtype)
                var offset = 0
                for part in parts {
                    let plain = try part.detach().contiguous(), bytes = plain.count * plain.dtype.size
                    (whole.storage.pointer + offset).copyMemory(
                        from: plain.storage.pointer + plain.offset * plain.dtype.size, byteCount: bytes)
                    offset += bytes
                }
                for part in ["wq", "wk", "wv"] { state["\(prefix)\(part).\(kind)"] = nil }
                state["\(prefix)wqkv.\(kind)"] = whole
                if kind == "weight" { count += 1 }
            }
        }
        return count
    }

    /// Throws a table of the dimensions in which the weights contradict the configuration.
    private func checkDimensions(_ state: StateDict, _ path: String) throws {
        func size(_ name: String, _ axis: Int) -> Int? {
            guard let tensor = state[name + ".weight"], tensor.rank > axis else { return nil }
            return tensor.shape[axis]
        }
        func layers(_ prefix: String) -> Int? {
            let numbers = state.names.compactMap { name in
                name.hasPrefix(prefix + ".") ? Int(name.dropFirst(prefix.count + 1).prefix { $0 != "." }) : nil
            }
            return numbers.max().map { $0 + 1 }
        }
        let c = configuration
        var rows: [(String, Int, Int?)] = [
            ("vocab_size", c.vocabularySize, size("embeddings", 0)), ("dim", c.dim, size("embeddings", 1)),
            ("codebook_size x num_codebooks", c.codebookSize * c.codebookCount, size("codebook_embeddings", 0)),
            ("n_layer", c.layerCount, layers("layers")),
            ("intermediate_size", c.intermediateSize, size("layers.0.feed_forward.w1", 0)),
            ("rows of wqkv (n_head, n_local_heads)", c.slowShape.projectedDim, size("layers.0.attention.wqkv", 0))
        ]
        if let fast = c.fast, let shape = c.fastShape {
            rows += [
                ("codebook_size", c.codebookSize, size("fast_embeddings", 0)),
                ("fast_dim", fast.dim, size("fast_embeddings", 1)),
                ("n_fast_layer", fast.layerCount, layers("fast_layers")),
                ("fast_intermediate_size", fast.intermediateSize, size("fast_layers.0.feed_forward.w1", 0)),
                ("rows of fast wqkv", shape.projectedDim, size("fast_layers.0.attention.wqkv", 0))
            ]
        }
        let different = rows.compactMap { name, wanted, found in
            found.flatMap { $0 == wanted ? nil : (name, String(wanted), String($0)) }
        }
        guard different.isEmpty else {
            throw OpahError(
                .checkpoint,
                "\(name: path): the weights have other dimensions than config.json says\n"
                    + ModelRelease.table(columns: ("config.json", "weights"), different),
                hint: "config.json was edited, or belongs to another checkpoint")
        }
    }
}
