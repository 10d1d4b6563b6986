import Support

/// Which low-rank adapter to put on which modules.
///
/// y = W x + alpha / rank * B (A x); only A and B are trained.
public struct LoRAConfiguration: Equatable, Sendable {
    public var rank: Int
    public var alpha: Double
    /// Probability of dropping an element of the adapter's input, on linear layers only.
    public var dropout: Double
    /// Names, globs or presets; see `LoRATargets`.
    public var targets: [String]

    public init(rank: Int, alpha: Double, dropout: Double = 0, targets: [String] = ["all"]) throws {
        guard rank >= 1, rank <= 4096 else {
            throw OpahError(.config, "lora: the rank r must be a whole number from 1 to 4096, not \(rank)")
        }
        guard alpha.isFinite, dropout >= 0, dropout < 1 else {
            throw OpahError(.config, "lora: lora_alpha must be a number and lora_dropout in [0, 1), not \(alpha) and \(dropout)")
        }
        guard !targets.isEmpty else {
            throw OpahError(.config, "lora: no targets", hint: "leave targets out for all, or name some: \(LoRATargets.presetNames)")
        }
        (self.rank, self.alpha, self.dropout, self.targets) = (rank, alpha, dropout, targets)
    }

    /// What the adapter's product is multiplied by: alpha / rank.
    public var scaling: Float { Float(alpha / Double(rank)) }

    /// `r_8_alpha_16` (the stock one, with dropout 0.01), or any other `r_<rank>_alpha_<alpha>`; also as a file name
    /// that ends in `.yaml`.
    public static func named(_ name: String) throws -> LoRAConfiguration {
        let base = name.hasSuffix(".yaml") ? String(name.dropLast(5)) : name
        let parts = base.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "r", parts[2] == "alpha", let rank = Int(parts[1]), let alpha = Double(parts[3]) else {
            throw OpahError(.config, "lora: there is no configuration called '\(name)'",
                            hint: "the stock one is r_8_alpha_16; r_<rank>_alpha_<alpha> makes another")
        }
        return try LoRAConfiguration(rank: rank, alpha: alpha, dropout: 0.01)
    }

    public static let stock = try! LoRAConfiguration(rank: 8, alpha: 16, dropout: 0.01)
}

/// How target names select modules.
///
/// A target is, in this order: a preset; a module's full name (`layers.3.attention.wo`); its last part
/// (`wqkv`, meaning every one); or a glob over full names (`fast_layers.*.w?`).
enum LoRATargets {
    private static let presets: [(name: String, globs: [String])] = [
        ("all", ["*"]),
        ("slow", ["embeddings", "codebook_embeddings", "layers.*", "output"]),
        ("fast", ["fast_*"]),
        ("attention", ["*.attention.*"]),
        ("mlp", ["*.feed_forward.*"]),
        ("all_embeddings", ["*embeddings"]),
        ("outputs", ["output", "fast_output"]),
    ]
    static let presetNames = presets.map(\.name).joined(separator: ", ")

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
                let known = presets.map(\.name) + modules + Set(modules.compactMap { $0.split(separator: ".").last.map(String.init) }).sorted()
                throw OpahError(.config, "lora: this model has nothing called '\(target)' to adapt",
                                hint: suggestion(for: target, in: known) ?? "presets: \(presetNames); or a name or glob such as layers.*.attention.wqkv")
            }
            chosen.formUnion(matches)
        }
        return modules.filter(chosen.contains)
    }
}
