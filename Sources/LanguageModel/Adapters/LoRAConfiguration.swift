import Support

/// Which adapter to put on which modules.
public struct LoRAConfiguration: Equatable, Sendable {
    public var kind: AdapterKind
    public var rank: Int
    public var alpha: Double
    /// Probability of dropping an element of the adapter's input, on linear layers only.
    public var dropout: Double
    /// Names, globs or presets; see `LoRATargets`.
    public var targets: [String]

    public init(
        kind: AdapterKind = .lora, rank: Int, alpha: Double, dropout: Double = 0, targets: [String] = ["all"]
    ) throws {
        guard rank >= 1, rank <= 4096 else {
            throw OpahError(.config, "lora: the rank r must be a whole number from 1 to 4096, not \(rank)")
        }
        guard alpha.isFinite, dropout >= 0, dropout < 1 else {
            throw OpahError(
                .config, "lora: lora_alpha must be a number and lora_dropout in [0, 1), not \(alpha) and \(dropout)")
        }
        guard !targets.isEmpty else {
            throw OpahError(
                .config, "lora: no targets", hint: "leave targets out for all, or name some: \(LoRATargets.presetNames)"
            )
        }
        (self.kind, self.rank, self.alpha, self.dropout, self.targets) = (kind, rank, alpha, dropout, targets)
    }

    /// What the adapter's product is multiplied by.
    public var scaling: Float { Float(kind.scaling(rank: rank, alpha: alpha)) }

    /// `r_<rank>_alpha_<alpha>`, then perhaps a preset of targets, then perhaps a kind: `r_8_alpha_16`,
    /// `r_8_alpha_16_fast`, `r_8_alpha_16_attention_dora`; also as the name of a file that ends in `.yaml`. Dropout is
    /// 0.01, or 0 where it would ask for a second product with every weight.
    public static func named(_ name: String) throws -> LoRAConfiguration {
        let base = name.hasSuffix(".yaml") ? String(name.dropLast(5)) : name
        var words = base.split(separator: "_", omittingEmptySubsequences: false).map(String.init)
        let kind = words.last.flatMap(AdapterKind.init)
        if kind != nil { words.removeLast() }
        let targets = words.dropFirst(4).joined(separator: "_")
        guard words.count >= 4, words[0] == "r", words[2] == "alpha", let rank = Int(words[1]),
            let alpha = Double(words[3]),
            words.count == 4 || LoRATargets.isPreset(targets)
        else {
            throw OpahError(
                .config, "lora: there is no configuration called '\(name: name)'",
                hint:
                    "the stock one is r_8_alpha_16; r_<rank>_alpha_<alpha> makes another, and so do additions such as _fast "
                    + "(\(LoRATargets.presetNames)) and _dora (\(AdapterKind.allCases.map(\.rawValue).joined(separator: ", ")))"
            )
        }
        return try LoRAConfiguration(
            kind: kind ?? .lora, rank: rank, alpha: alpha, dropout: kind?.layer.hasGain == true ? 0 : 0.01,
            targets: words.count == 4 ? ["all"] : [targets])
    }

    public static let stock = try! LoRAConfiguration(rank: 8, alpha: 16, dropout: 0.01)
}

/// How target names select modules.
///
/// A target is, in this order: a preset; a module's full name (`layers.3.attention.wo`); its last part
/// (`wqkv`, meaning every one); or a glob over full names (`fast_layers.*.w?`).
public enum LoRATargets {
    private static let presets: [(name: String, globs: [String])] = [
        ("all", ["*"]),
        ("slow", ["embeddings", "codebook_embeddings", "layers.*", "output"]),
        ("fast", ["fast_*"]),
        ("attention", ["*.attention.*"]),
        ("mlp", ["*.feed_forward.*"]),
        ("all_embeddings", ["*embeddings"]),
        ("outputs", ["output", "fast_output"])
    ]
    static let presetNames = presets.map(\.name).joined(separator: ", ")
    static func isPreset(_ name: String) -> Bool { presets.contains { $0.name == name } }

    /// What fish-speech's `target_modules` names: each word covers both transformers, or with `fast_` the fast one
    /// alone.
    public static func ofModules(_ names: [String]) throws -> [String] {
        let known = [
            "attention": "attention", "mlp": "mlp", "embeddings": "all_embeddings", "output": "outputs",
            "fast_attention": "fast_layers.*.attention.*", "fast_mlp": "fast_layers.*.feed_forward.*",
            "fast_embeddings": "fast_embeddings", "fast_output": "fast_output"
        ]
        return try names.map { name in
            guard let target = known[name] else {
                throw OpahError(
                    .config, "lora: target_modules has no '\(name: name)'",
                    hint: suggestion(for: name, in: known.keys.sorted())
                        ?? "it may name \(known.keys.sorted().joined(separator: ", "))")
            }
            return target
        }
    }

    /// The names among `modules` that the targets select, in the order of `modules`.
    static func select(_ targets: [String], from modules: [String]) throws -> [String] {
        var chosen: Set<String> = []
        for target in targets {
            let matches: [String]
            if let preset = presets.first(where: { $0.name == target }) {
                matches = modules.filter { name in preset.globs.contains { Glob.matches($0, name) } }
            } else if modules.contains(target) {
                matches = [target]
            } else {
                matches = modules.filter { $0.hasSuffix("." + target) || Glob.matches(target, $0) }
            }
            guard !matches.isEmpty else {
                let known =
                    presets.map(\.name) + modules
                    + Set(modules.compactMap { $0.split(separator: ".").last.map(String.init) }).sorted()
                throw OpahError(
                    .config, "lora: this model has nothing called '\(name: target)' to adapt",
                    hint: suggestion(for: target, in: known)
                        ?? "presets: \(presetNames); or a name or glob such as layers.*.attention.wqkv")
            }
            chosen.formUnion(matches)
        }
        return modules.filter(chosen.contains)
    }
}
