import Support

/// Tells a fish-speech 1.4 model from its relatives, whose files look alike and sound like noise here.
enum ModelReleases {
    /// Throws when `configuration` belongs to another release, with a table of what differs.
    /// - Parameter hasTiktoken: whether the folder has the tokenizer file that 1.5 introduced.
    static func check(_ configuration: ModelConfiguration, name: String, hasTiktoken: Bool) throws {
        guard let release = release(of: configuration, hasTiktoken: hasTiktoken) else { return }
        let table = differences(configuration)
        throw OpahError(.checkpoint, "\(name): this is a fish-speech \(release) model, and this program runs 1.4 models"
                        + (table.isEmpty ? "" : "\n" + table),
                        hint: "use the fish-speech-1.4 checkpoint")
    }

    private static func release(of configuration: ModelConfiguration, hasTiktoken: Bool) -> String? {
        let keys = Set(configuration.unknownKeys)
        let laterKeys: Set = ["semantic_begin_id", "semantic_end_id", "attention_qk_norm", "attention_o_bias",
                              "norm_fastlayer_input", "audio_embed_dim", "fast_attention_qk_norm"]
        if !keys.isDisjoint(with: laterKeys) { return "S1 (or later)" }
        if keys.contains("scale_codebook_embeddings") || hasTiktoken || configuration.vocabularySize >= 100_000 { return "1.5" }
        let isFullSize = configuration.vocabularySize == 32000 && configuration.dim == 1024 && configuration.layerCount == 24
        if isFullSize, configuration.codebookCount == 4, configuration.codebookSize == 1024 { return "1.2" }
        return nil
    }

    /// The dimensions of the released 1.4 model.
    static let dimensionsOf14: [(key: String, value: Int)] = [
        ("vocab_size", 32000), ("dim", 1024), ("n_layer", 24), ("n_head", 16), ("n_local_heads", 2), ("intermediate_size", 4096),
        ("codebook_size", 1024), ("num_codebooks", 8), ("n_fast_layer", 4),
    ]

    /// One line per dimension in which a configuration differs from 1.4.
    private static func differences(_ configuration: ModelConfiguration) -> String {
        let json = configuration.json
        return table(columns: ("1.4", "here"), dimensionsOf14.compactMap { key, value in
            json[key]?.int == value ? nil : (key, String(value), json[key]?.int.map(String.init) ?? "-")
        })
    }

    /// Rows of three cells, aligned; empty when there are none.
    static func table(columns: (String, String), _ rows: [(String, String, String)]) -> String {
        guard !rows.isEmpty else { return "" }
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        let all = [("", columns.0, columns.1)] + rows
        let first = all.map(\.0.count).max()! + 2, second = all.map(\.1.count).max()! + 2
        return all.map { "    " + padded($0.0, first) + padded($0.1, second) + $0.2 }.joined(separator: "\n")
    }
}
