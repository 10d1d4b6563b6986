import LanguageModel
import LuaHost
import Support
import Tensors
import Text
import Training

extension LanguageModel: LuaObject {
    public static let luaClass = LuaClass("LanguageModel", of: LanguageModel.self,
                                          "A text-to-semantic model. B batch, C codebooks, T tokens, V vocabulary, K codes per codebook, D width; ids and codes count from 0.") { c in
        c.property("config", "table", "The settings of config.json, all of them resolved.") { model, call in
            try call.push(LuaTree(value: .map(model.configuration.json), nullIsNil: true))
        }
        c.property("tokenizer", "Tokenizer?", "The tokenizer beside the weights.") { model, call in try call.push(model.tokenizer) }
        c.property("max_length", "integer", "The longest sequence, prompt and answer together.") { model, call in try call.push(model.maxLength) }
        c.property("notes", "string[]", "What loading noticed.") { model, call in try call.push(model.notes) }
        c.method("parameters", "() -> Tensor[]", "The tensors that training updates, in order: the adapters', or all that require gradients.") { model, call in
            try call.push(model.trainableParameters.map(\.tensor))
        }
        c.method("named_parameters", "() -> table", "Every tensor by its name in the checkpoint; adapters as `<name>.lora_A` and `<name>.lora_B`.") { model, call in
            try call.push(Fields(model.namedParameters.map { ($0.name, $0.tensor) }))
        }
        c.method("unfreeze", "(patterns?: string[])", "Makes weights trainable, as float32 copies: those whose names match (`*` for anything), or all.") { model, call in
            try model.unfreeze(call.get(1, as: [String]?.self) ?? ["*"])
            return .none
        }
        c.method("digest", "() -> string", "Identifies the weights: 32 hexadecimal digits over every name, dtype, shape and byte.") { model, call in
            try call.push(model.baseDigest())
        }
        c.method("save", "(dir: string)", "Writes config.json, model.pth (names and dtypes as loaded, adapters not merged) and the tokenizer files.") { model, call in
            try model.save(call.string(1))
            return .none
        }
        c.method("forward", "(batch: table) -> table",
                 "`{token_logits [B,T,V], codebook_logits [B,T,C,K], hidden [B,T,D], codebook_positions [B,T]}` of `{inputs [B,1+C,T], attention_masks [B,T]}` (true = padding).") { model, call in
            let result = try model.forward(Batch(lua: call.table(1)))
            return try call.push(["token_logits": result.tokenLogits, "codebook_logits": result.codebookLogits, "hidden": result.hidden,
                                  "codebook_positions": result.codebookPositions] as Fields)
        }
        c.method("loss", "(batch: table, opts?: {seed?: integer, memory_budget?: number|string}) -> Tensor, table",
                 """
                 The loss to call `backward` on, and `{base, semantic, top_5_accuracy}`, of a batch with `labels` [B,1+C,T] (-100 is ignored). `seed` switches dropout on; the same seed drops the same elements. \
                 `memory_budget` (bytes, or as in "4GB") is what the process may take in the step, weights included: the batch is done in parts, and layers run twice, as far as that takes.
                 """) { model, call in
            let seed: Int? = try call.option("seed")
            let result = try model.loss(Batch(lua: call.table(1)), dropoutSeed: seed.map { UInt64(bitPattern: Int64($0)) }, memoryBudget: call.memoryBudget())
            return try call.push(result.loss, ["base": result.base, "semantic": result.semantic, "top_5_accuracy": result.topFiveAccuracy] as Fields)
        }
        c.method("training_cost", "(opts: {rows?: integer[], frames?: integer[], batch?: table, memory_budget?: number|string}) -> table",
                 """
                 What a training step takes: `{operations, floor_operations, attention_operations, recomputed_operations, bytes_moved, bytes, parts, recomputed_layers, seconds}`. `rows` are tokens of each row and `frames` those with codes \
                 (all but one unless given), or `batch` is as for `loss`. Operations are floating-point ones; the floor is the products with the weights, forward and backward. `bytes` is the predicted peak of the \
                 process's resident memory under the plan that `memory_budget` leads to: the batch in so many `parts`, with at most so many layers running twice. `seconds` is a function of \
                 FLOP/s of matrix products and bytes/s read.
                 """) { model, call in
            let batch: LuaTable? = try call.option("batch"), tokens: [Int]? = try call.option("rows"), frames: [Int]? = try call.option("frames")
            let rows: [RowSize]
            if let batch { rows = try model.rowSizes(Batch(lua: batch)) } else {
                guard let tokens, !tokens.isEmpty, frames == nil || frames!.count == tokens.count,
                      tokens.allSatisfy({ (1...1 << 20).contains($0) }), zip(frames ?? [], tokens).allSatisfy({ (0...$1).contains($0) }) else {
                    throw call.error("wanted rows, a list of numbers of tokens, and frames, as many numbers no larger; or a batch")
                }
                rows = tokens.indices.map { RowSize(tokens: tokens[$0], frames: frames?[$0]) }
            }
            let cost = model.trainingCost(rows: rows, memoryBudget: try call.memoryBudget())
            return try call.push(["operations": cost.operations, "floor_operations": cost.floorOperations, "attention_operations": cost.attention,
                                  "recomputed_operations": cost.recomputation, "bytes": cost.plan.bytes, "parts": cost.plan.parts.count,
                                  "recomputed_layers": cost.plan.recomputedLayers, "bytes_moved": cost.bytesMoved,
                                  "seconds": LuaClosure("seconds", "(matrix_rate: number, bandwidth: number) -> number") { call in
                                      try call.push(cost.seconds(MachineRates(squareProduct: call.number(1), layerProduct: 0, readBandwidth: call.number(2))))
                                  }] as Fields)
        }
        c.method("generate", """
                 (opts: {text?: string, prompt?: Tensor, prompt_text?: string|string[], prompt_tokens?: Tensor|Tensor[], speaker?: string = "assistant", max_new_tokens?: integer = 0, \
                 min_frames?: integer = 0, top_p?: number = 0.7, temperature?: number = 0.7, repetition_penalty?: number = 1.2, chunk_length?: integer = 100, \
                 iterative_prompt?: boolean = true, seed?: integer = 42, num_samples?: integer = 1, on_frame?: function, on_sample?: function}) -> Tensor|Tensor[], table
                 """,
                 """
                 Speaks `text`: codes int32 [C, T] and `{length_limit_hit, notes}`; several samples as lists of both. `prompt_text` and `prompt_tokens` (codes [C, T]) are references, one of each. \
                 With `prompt` [1+C, T] (codes + 1) the result is the whole sequence [1+C, T+new]. `max_new_tokens` 0 is what the model holds; at least `min_frames` frames are spoken before a piece may end. \
                 Samples share each reading of the weights, and sample i of seed s is what sample 1 of seed s + i - 1 is. \
                 `on_frame(codes, sample)` hears every frame, `on_sample(sample, codes, info)` every sample that has ended; samples count from 1.
                 """) { model, call in
            let sampling = try SamplingOptions(topP: call.option("top_p"), temperature: call.option("temperature"), repetitionPenalty: call.option("repetition_penalty"))
            let seed: Int = try call.option("seed"), least: Int = try call.option("min_frames"), samples: Int = try call.option("num_samples")
            var options = GenerationOptions(sampling: sampling, maxNewTokens: try call.option("max_new_tokens"), seed: UInt64(bitPattern: Int64(seed)))
            options.minFrames = max(1, least)
            guard samples >= 1, samples <= 4096 else { throw call.error("num_samples must be from 1 to 4096, not \(samples)") }
            let callback: LuaFunction? = try call.option("on_frame"), ended: LuaFunction? = try call.option("on_sample")
            let onFrame: ((GeneratedFrame) throws -> Void)? = callback.map { callback in { frame in try callback(frame.codes.map { Int($0) }, frame.sample + 1) } }
            if let prompt: Tensor = try call.option("prompt") {
                if least <= 0 { options.strayTokens = .keep }
                let results = try model.generate(prompts: [Tensor](repeating: prompt, count: samples), options, onFrame: onFrame)
                let details: [Fields] = results.map { ["length_limit_hit": $0.end != .complete] }
                for (i, result) in results.enumerated() { try ended?(i + 1, result.sequence, details[i]) }
                if samples == 1 { return try call.push(results[0].sequence, details[0]) }
                return try call.push(results.map(\.sequence), List(details))
            }
            guard let text: String = try call.option("text") else { throw call.error("give text or prompt") }
            let texts: [String] = try call.list("prompt_text"), tokens: [Tensor] = try call.list("prompt_tokens")
            guard texts.count == tokens.count else { throw call.error("\(texts.count) prompt_text for \(tokens.count) prompt_tokens", hint: "give both for each reference") }
            var speech = SpeechOptions(options)
            speech.samples = samples
            speech.chunkLength = try call.option("chunk_length")
            speech.iterativePrompt = try call.option("iterative_prompt")
            speech.speaker = try call.option("speaker")
            func details(_ speech: GeneratedSpeech) -> Fields { ["length_limit_hit": speech.pieces.contains { $0.end != .complete }, "notes": speech.notes] }
            let results = try model.speak(text, references: zip(texts, tokens).map { VoiceReference(text: $0, codes: $1) }, speech, onFrame: onFrame,
                                          onSample: ended.map { ended in { sample, speech in try ended(sample + 1, speech.codes, details(speech)) } })
            if samples == 1 { return try call.push(results[0].codes, details(results[0])) }
            return try call.push(results.map(\.codes), List(results.map(details)))
        }
        c.method("compare", "(reference: LanguageModel, sequences: Tensor|Tensor[]) -> table",
                 "How far this model's logits lie from `reference`'s, as generation computes both, over given sequences [1+C, T] (codes + 1): `{tokens, codes, bound}`, the first two `{relative, max_abs, top1_agreement, positions}`. `relative` is the norm of the difference over that of the reference; against float32 weights, those of bfloat16 and int8 stay within `bound`, which grows with the square root of the layers.") { model, call in
            let reference = try call.object(1, as: LanguageModel.self)
            let sequences: [Tensor] = if case .table = try call.get(2, as: LuaValue.self) { try call.get(2) } else { [try call.object(2, as: Tensor.self)] }
            let (tokens, codes) = try model.logitsError(against: reference, on: sequences)
            func fields(_ e: LogitsError) -> Fields {
                ["relative": e.relative, "max_abs": e.maxAbsolute, "top1_agreement": e.topOneAgreement, "positions": e.positions]
            }
            let layers = model.configuration.layerCount + (model.configuration.fast?.layerCount ?? 0)
            return try call.push(["tokens": fields(tokens), "codes": fields(codes), "bound": LogitsError.bound(model.weightForm, layers: layers)] as Fields)
        }
        c.method("generation_cost", "(opts?: {num_samples?: integer = 1, context?: integer = 0}) -> table",
                 "What a frame of every sample takes when `context` tokens have been seen: `{bytes_per_frame, operations_per_frame, weight_bytes, cache_bytes_per_token}`. Reading the bytes bounds the speed; the weights are read once for all samples.") { model, call in
            let cost = try model.generationCost(streams: call.option("num_samples"), context: call.option("context"))
            return try call.push(["bytes_per_frame": cost.bytesPerFrame, "operations_per_frame": cost.operationsPerFrame,
                                  "weight_bytes": cost.weightBytes, "cache_bytes_per_token": cost.cacheBytesPerToken] as Fields)
        }
    }
}

extension Call {
    /// An option that is one value or a list of them; empty when it was left out.
    fileprivate func list<T: LuaReadable>(_ name: String) throws -> [T] {
        switch try option(name, as: LuaValue.self) {
        case .null: []
        case .table: try option(name)
        default: [try option(name)]
        }
    }
}

extension Batch {
    /// From `{inputs, attention_masks, labels}`.
    init(lua table: LuaTable) throws {
        self.init(inputs: try table.get("inputs"), attentionMasks: try table.get("attention_masks"), labels: try table.get("labels"))
    }
}

extension LuaModule {
    /// `opah.lm`
    public static let lm = LuaModule("opah.lm", "The language model: text and codes in, the next codes out.") { m in
        m.type(LanguageModel.luaClass)
        m.function("load", "(dir: string, opts?: {max_length?: integer, lora?: string, weights?: \"stored\"|\"float32\"|\"bfloat16\"|\"int8\" = \"stored\"}) -> LanguageModel",
                   "A model folder: config.json, model.pth or safetensors, tokenizer files. Weights are mapped and stay as stored unless `weights` asks for another form; all arithmetic is float32. `lora` is an adapter file to use with it.") { call in
            let name: String = try call.option("weights")
            let form: LanguageModel.WeightForm = name == "stored" ? .asStored : LanguageModel.WeightForm(rawValue: name)!
            let model = try LanguageModel.load(call.string(1), maxLength: call.option("max_length"), weights: form)
            if let adapter: String = try call.option("lora") { try model.loadLoRA(adapter) }
            return try call.push(model)
        }
        m.function("generation_cost", "(dir: string, opts?: {weights?: \"stored\"|\"float32\"|\"bfloat16\"|\"int8\" = \"stored\", num_samples?: integer = 1, context?: integer = 0}) -> table",
                   "`generation_cost` of the model in a folder (or a config.json), without reading its weights; `stored` counts as bfloat16, the form of the released checkpoints.") { call in
            let name: String = try call.option("weights")
            let cost = try GenerationCost(ModelConfiguration.read(call.string(1)), name == "stored" ? .asStored : LanguageModel.WeightForm(rawValue: name)!,
                                          streams: call.option("num_samples"), context: call.option("context"))
            return try call.push(["bytes_per_frame": cost.bytesPerFrame, "operations_per_frame": cost.operationsPerFrame,
                                  "weight_bytes": cost.weightBytes, "cache_bytes_per_token": cost.cacheBytesPerToken] as Fields)
        }
        m.function("new", "(config: table, opts?: {seed?: integer = 0, dtype?: \"float32\"|\"bfloat16\" = \"float32\", tokenizer?: string}) -> LanguageModel",
                   "A model with random weights; `config` has the keys of config.json. `tokenizer` is the folder of its tokenizer files.") { call in
            let configuration = try ModelConfiguration(ConfigValue(lua: .table(call.table(1))))
            let folder: String? = try call.option("tokenizer"), seed: Int = try call.option("seed"), dtype: String = try call.option("dtype")
            return try call.push(LanguageModel.random(configuration, seed: UInt64(bitPattern: Int64(seed)), dtype: DType(rawValue: dtype)!,
                                                      tokenizer: try folder.map { try Tokenizer(directory: $0) }))
        }
        m.function("probabilities", "(logits: Tensor, opts?: {previous?: integer[], temperature?: number = 1, top_p?: number = 1, repetition_penalty?: number = 1}) -> Tensor",
                   "The distribution [V] that the sampler draws from: penalty on the ids in `previous` (from 0), then top-p, then temperature.",
                   example: "assert(lm.probabilities(tensor.new{1, 2, 3}, { top_p = 0.01 }):argmax():item() == 3)") { call in
            let logits = try call.object(1, as: Tensor.self)
            let result = try Sampling.probabilities(logits.floats(), previous: call.option("previous", as: [Int]?.self) ?? [], topP: call.option("top_p"),
                                                    temperature: call.option("temperature"), repetitionPenalty: call.option("repetition_penalty"))
            return try call.push(Tensor(result, [result.count]))
        }
        m.function("encode_prompt", "(tokenizer: Tokenizer, text: string, codes?: Tensor, num_codebooks: integer, opts?: {speaker?: string = \"assistant\"}) -> Tensor",
                   "One turn as the model reads it, int32 [1+C, n]: the text and the start of an answer, or with `codes` [C, T] the whole answer.") { call in
            try call.push(Prompt.encode(call.object(1, as: Tokenizer.self), text: call.string(2), codes: call.get(3, as: Tensor?.self),
                                        codebookCount: call.integer(4), speaker: call.option("speaker")))
        }
    }
}
