---@meta _
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---@alias AudioFault {code: string, severity: string, reason: string, remedy: string}

---@alias AudioInfo {sample_rate: integer, channels: integer, frames: integer, duration: number, format: string, subtype: string, source_rate?: integer, notes?: string[]}

---@alias Batch {inputs: Tensor, attention_masks: Tensor, labels: Tensor, tokens: integer, truncated: integer}

---@alias Clip {stem: string, audio?: string, codes?: string, labels: table<string, string>, speaker: string, text?: string}

---@alias CodecCost {encode_operations: number, decode_operations: number, encode_bytes: integer, decode_bytes: integer}

---@alias CodecFeatures {mel: Tensor, backbone: Tensor, latents: Tensor, codes: Tensor}

---@alias Comparison {tokens: LogitsDifference, codes: LogitsDifference, bound: number}

---@alias Coverage {clips: integer, seen: integer, fewest: integer, most: integer, passes: integer, rows_per_pass: integer}

---@alias DType "float32"|"float64"|"float16"|"bfloat16"|"int64"|"int32"|"int16"|"int8"|"uint8"|"bool"

---@alias Ended {exit_code: integer, seconds: number, processor_seconds: number, peak: integer, output: string, errors: string, timed_out: boolean}

---@alias Engines {float32: string, bfloat16: string, bfloat16_speed?: number, fast_bfloat16: boolean, int8: string}

---@alias ExtractionReport {extracted: integer, present: integer, remade?: string, audio_seconds: number, skipped: Skipped[], notes: Note[]}

---@alias FitPlan {first_step: integer, max_steps?: integer, last_step: integer, ends_by: string, trainable_tensors: integer, trainable_values: integer, clips: integer, held_out: integer, skipped: Skipped[], resumed_from?: string, folder: string, lines: string[], forecast?: Forecast}

---@alias FitResult {ending: string, ended_by?: string, step: integer, first_step: integer, loss?: number, checkpoint?: string, lines: string[], exit_code: integer, seconds: number, coverage: Coverage, best?: {step: integer, loss: number}, folder: string}

---@alias Forecast {memory: integer, memory_budget: integer, recomputed_layers: integer, tokens_per_step: integer, longest_row: integer, operations_per_step: number, seconds_per_step?: number, seconds?: number, checkpoint_bytes: integer, checkpoints: integer, disk: integer}

---@alias GenerationCost {bytes_per_frame: integer, operations_per_frame: number, weight_bytes: integer, cache_bytes_per_token: integer}

---@alias LevelReport {measured: number, gain: number, peak_before: number, peak_after: number, clipped: integer, notes: string[]}

---@alias Logits {token_logits: Tensor, codebook_logits: Tensor, hidden: Tensor, codebook_positions: Tensor}

---@alias LogitsDifference {relative: number, max_abs: number, top1_agreement: number, positions: integer}

---@alias LossParts {base: number, semantic: number, top_5_accuracy: number}

---@alias Memory {total: integer, available: integer, plannable: integer, resident: integer, peak: integer}

---@alias MergeReport {output: string, rank: integer, lora_alpha: number, tensors: integer, changed: integer, max_logit_difference?: number, max_logit_difference_as_written?: number, notes: string[]}

---@alias Note {path: string, text: string}

---@alias Origin {stage: string, settings: table, is_open: boolean, from: table<string, {path: string, digest: string}>, to: table<string, string>}

---@alias PackReport {shards: string[], groups: integer, speakers: integer, sentences: integer, frames: integer, skipped: Skipped[], notes: Note[]}

---@alias PackedGroup {source: string, name: string, sentences: {texts: string[], codes: Tensor}[]}

---@alias Processor {model: string, processors: integer, threads: integer, instruction_set: string}

---@alias Rates {matrix_rate: number, square_product: number, layer_product: number, bfloat16_rate?: number, read_bandwidth: number}

---@alias ServerStats {connections: integer, requests: integer, gone: integer, bytes_received: integer, bytes_sent: integer, open: integer, queued: integer, statuses: table<string, integer>}

---@alias Skipped {path: string, reason: string, remedy: string}

---@alias Stat {size: integer, kind: string, modified: number}

---@alias StepLog {step: integer, loss: number, base: number, semantic: number, top_5_accuracy: number, speaker_loss?: table<string, number>, lr: number, grad_norm: number, tokens: integer, seconds: number, tokens_per_second: number}

---@alias TrainingCost {operations: number, floor_operations: number, attention_operations: number, recomputed_operations: number, bytes_moved: number, bytes: integer, parts: integer, recomputed_layers: integer, seconds: (fun(matrix_rate: number, bandwidth: number): number)}

---What went wrong, of which kind, and what to do next.
---@class Error
---@field kind string argument, shape, dtype, index, file, format, checkpoint, config, interrupted, lua, ...
---@field message string What, where and why, in one line.
---@field hint string? What to do next.
---@field fatal boolean Whether the run cannot go on, as after Ctrl-C or on a full disk: no fault of the clip that was being worked on.
---@field code integer? Of kind `exit`, which is no error: the exit code with which a recipe ended early.
---@field traceback string The Lua functions that were running, innermost first, one per line.
---@operator concat(any): string
