/// The tables that functions return or hand to callbacks, by name, as signatures write them. Tests compare them with
/// what functions do return.
enum Record {
    static let skipped = "Skipped<{path: string, reason: string, remedy: string}>"
    static let note = "Note<{path: string, text: string}>"

    // audio
    static let audioInfo =
        "AudioInfo<{sample_rate: integer, channels: integer, frames: integer, duration: number, format: string, subtype: string, source_rate?: integer, notes?: string[]}>"
    static let levels =
        "LevelReport<{measured: number, gain: number, peak_before: number, peak_after: number, clipped: integer, notes: string[]}>"
    static let fault = "AudioFault<{code: string, severity: string, reason: string, remedy: string}>"

    // data
    static let clip =
        "Clip<{stem: string, audio?: string, codes?: string, labels: table<string, string>, speaker: string, text?: string}>"
    static let packReport =
        "PackReport<{shards: string[], groups: integer, speakers: integer, sentences: integer, frames: integer, skipped: \(skipped)[], notes: \(note)[]}>"
    static let group = "PackedGroup<{source: string, name: string, sentences: {texts: string[], codes: Tensor}[]}>"
    static let batch =
        "Batch<{inputs: Tensor, attention_masks: Tensor, labels: Tensor, tokens: integer, truncated: integer}>"
    static let coverage =
        "Coverage<{clips: integer, seen: integer, fewest: integer, most: integer, passes: integer, rows_per_pass: integer}>"

    // lm
    static let logits =
        "Logits<{token_logits: Tensor, codebook_logits: Tensor, hidden: Tensor, codebook_positions: Tensor}>"
    static let lossParts = "LossParts<{base: number, semantic: number, top_5_accuracy: number}>"
    static let trainingCost = """
        TrainingCost<{operations: number, floor_operations: number, attention_operations: number, recomputed_operations: number, bytes_moved: number, bytes: integer, \
        parts: integer, recomputed_layers: integer, seconds: fun(matrix_rate: number, bandwidth: number): number}>
        """
    static let generationCost =
        "GenerationCost<{bytes_per_frame: integer, operations_per_frame: number, weight_bytes: integer, cache_bytes_per_token: integer}>"
    private static let logitsDifference =
        "LogitsDifference<{relative: number, max_abs: number, top1_agreement: number, positions: integer}>"
    static let comparison = "Comparison<{tokens: \(logitsDifference), codes: \(logitsDifference), bound: number}>"
    static let merged = """
        MergeReport<{output: string, rank: integer, lora_alpha: number, tensors: integer, changed: integer, max_logit_difference?: number, \
        max_logit_difference_as_written?: number, notes: string[]}>
        """

    // http

    // machine, fs
    static let rates =
        "Rates<{matrix_rate: number, square_product: number, layer_product: number, bfloat16_rate?: number, read_bandwidth: number}>"
    static let memory =
        "Memory<{total: integer, available: integer, plannable: integer, resident: integer, peak: integer}>"
    static let engines =
        "Engines<{float32: string, bfloat16: string, bfloat16_speed?: number, fast_bfloat16: boolean, int8: string}>"
    static let cpu = "Processor<{model: string, processors: integer, threads: integer, instruction_set: string}>"
    static let ended =
        "Ended<{exit_code: integer, seconds: number, processor_seconds: number, peak: integer, output: string, errors: string, timed_out: boolean}>"
    static let origin =
        "Origin<{stage: string, settings: table, is_open: boolean, from: {[string]: {path: string, digest: string}}, to: {[string]: string}}>"
    static let stat = "Stat<{size: integer, kind: string, modified: number}>"

    // vq
    static let codecCost =
        "CodecCost<{encode_operations: number, decode_operations: number, encode_bytes: integer, decode_bytes: integer}>"
    static let codecFeatures = "CodecFeatures<{mel: Tensor, backbone: Tensor, latents: Tensor, codes: Tensor}>"
    static let extraction =
        "ExtractionReport<{extracted: integer, present: integer, remade?: string, audio_seconds: number, skipped: \(skipped)[], notes: \(note)[]}>"
}
