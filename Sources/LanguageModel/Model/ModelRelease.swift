import Support
import Text

/// A release of fish-speech whose models this program runs: what its model computes and generates otherwise than the
/// others. How its rows are written is in `PromptFormat`.
public struct ModelRelease: Sendable, Equatable {
    public let format: PromptFormat
    public var name: String { format.release }
    /// The dimensions of the released model that tell it from the others.
    let dimensions: [String: Int]
    /// Whether the first code of a frame is read off its main token, and every main token, `<|im_end|>` too, comes with
    /// codes when the original generates.
    let codesFollowMainToken: Bool
    /// Whether the repetition penalty counts for main tokens.
    let penalisesMainTokens: Bool
    /// Whether the answers that later pieces of a text see are closed by `<|im_end|>`.
    let closesAnswers: Bool
    /// Whether the original takes the new columns from the second to the last for speech, `<|im_end|>` among them; else
    /// from the first to the last but one.
    let originalSkipsFirstFrame: Bool
    /// Ids of frames and of `<|im_end|>` in a vocabulary whose tokenizer is not at hand.
    let usualIds: @Sendable (ModelConfiguration) -> (frames: Range<Int>, end: Int)

    public static let v1_4 = ModelRelease(
        format: .v1_4,
        dimensions: [
            "vocab_size": 32000, "dim": 1024, "n_layer": 24, "n_head": 16, "n_local_heads": 2,
            "intermediate_size": 4096,
            "codebook_size": 1024, "num_codebooks": 8, "n_fast_layer": 4
        ],
        codesFollowMainToken: false, penalisesMainTokens: false, closesAnswers: false, originalSkipsFirstFrame: false,
        usualIds: { _ in (5 ..< 6, 4) })

    public static let v1_5 = ModelRelease(
        format: .v1_5, dimensions: v1_4.dimensions.merging(["vocab_size": 102_048]) { $1 },
        codesFollowMainToken: true, penalisesMainTokens: true, closesAnswers: true, originalSkipsFirstFrame: true,
        // 1024 frames after 100 000 ranks and 12 control tokens, or at the end of a smaller vocabulary.
        usualIds: { c in
            let first = max(8, min(100_012, c.vocabularySize - 1024))
            return (first ..< first + 1024, first - 8)
        })

    static let all = [v1_4, v1_5]

    public static func == (a: ModelRelease, b: ModelRelease) -> Bool { a.format == b.format }

    /// The release of a model: what its tokenizer says, and without one its configuration.
    static func of(_ configuration: ModelConfiguration, _ tokenizer: Tokenizer?) -> ModelRelease {
        let format = tokenizer.flatMap(PromptFormat.of)
        return all.first { $0.format == format } ?? named(configuration) ?? v1_4
    }

    /// The release whose vocabulary a configuration has; nil when it is a model of other dimensions.
    private static func named(_ configuration: ModelConfiguration) -> ModelRelease? {
        all.first { $0.dimensions["vocab_size"] == configuration.vocabularySize }
    }
}

// MARK: - Refusals

extension ModelRelease {
    /// Throws when the files of a folder belong to a release that cannot be run, or to two of them.
    static func check(_ configuration: ModelConfiguration, _ tokenizer: Tokenizer?, folder: String) throws {
        if let other = foreign(configuration, tokenizer) {
            throw OpahError(
                .checkpoint,
                "\(name: folder): this is a fish-speech \(other) model, "
                    + "and this program runs \(names) models" + differences(configuration).map { "\n" + $0 }.joined(),
                hint: "use the checkpoint of fish-speech \(names)")
        }
        guard let tokenizer, let writer = try? TurnWriter(tokenizer) else { return }
        let own = "the tokenizer is that of fish-speech \(writer.format.release) (\(tokenizer.count) tokens)"
        let hint = "take config.json and the tokenizer from one checkpoint"
        if let release = named(configuration), release.format != writer.format {
            throw OpahError(
                .checkpoint,
                "\(name: folder): config.json is that of fish-speech \(release.name) "
                    + "(a vocabulary of \(configuration.vocabularySize)), and \(own)", hint: hint)
        }
        let largest = max(writer.frames.upperBound - 1, writer.end)
        guard largest < configuration.vocabularySize else {
            throw OpahError(
                .checkpoint,
                "\(name: folder): \(own), and its \(tokenizer.token(of: largest) ?? "last token") at \(largest) "
                    + "lies outside the model's vocabulary of \(configuration.vocabularySize)",
                hint: hint)
        }
    }

    /// "1.4 and 1.5"
    static var names: String { all.map(\.name).joined(separator: " and ") }

    /// The name of a release that this program does not run; their files look alike and would sound like noise here.
    private static func foreign(_ c: ModelConfiguration, _ tokenizer: Tokenizer?) -> String? {
        let laterKeys: Set = [
            "semantic_begin_id", "semantic_end_id", "attention_qk_norm", "attention_o_bias", "norm_fastlayer_input",
            "audio_embed_dim", "fast_attention_qk_norm"
        ]
        let hasLaterKeys = !laterKeys.isDisjoint(with: c.unknownKeys) || c.isSet("scale_codebook_embeddings")
        if hasLaterKeys || tokenizer?.id(of: "<|semantic:4095|>") != nil { return "S1 (or later)" }
        let isFullSize = c.vocabularySize == 32000 && c.dim == 1024 && c.layerCount == 24
        return isFullSize && c.codebookCount == 4 && c.codebookSize == 1024 ? "1.2" : nil
    }

    /// One line per dimension in which a configuration differs from all that can be run.
    private static func differences(_ configuration: ModelConfiguration) -> [String] {
        let json = configuration.json
        let rows = v1_4.dimensions.keys.sorted().compactMap { key -> (String, String, String)? in
            let ours = all.map { $0.dimensions[key] }
            let here = json[key]?.int
            guard !ours.contains(here) else { return nil }
            let shown = Set(ours).count == 1 ? Array(ours.prefix(1)) : ours
            return (
                key, shown.map { $0.map(String.init) ?? "-" }.joined(separator: " / "), here.map(String.init) ?? "-"
            )
        }
        let table = table(columns: (all.map(\.name).joined(separator: " / "), "here"), rows)
        return table.isEmpty ? [] : [table]
    }

    /// Rows of three cells, aligned; empty when there are none.
    static func table(columns: (String, String), _ rows: [(String, String, String)]) -> String {
        guard !rows.isEmpty else { return "" }
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        let all = [("", columns.0, columns.1)] + rows
        let first = all.map(\.0.count).max()! + 2
        let second = all.map(\.1.count).max()! + 2
        return all.map { "    " + padded($0.0, first) + padded($0.1, second) + $0.2 }.joined(separator: "\n")
    }
}
