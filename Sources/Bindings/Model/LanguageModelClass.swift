import Codec
import LanguageModel
import LuaHost
import Support
import Tensors

extension LanguageModel: LuaObject {
    public static let luaClass = LuaClass(
        "LanguageModel", of: LanguageModel.self,
        "A text-to-semantic model. B batch, C codebooks, T tokens, V vocabulary, K codes per codebook, D width; ids and codes count from 0."
    ) { c in
        c.property(
            "config", "table", "The settings of config.json, all of them resolved.",
            example: """
                model = lm.load(opah.embedded.model)
                model.config.n_layer, model.config.dim, model.config.num_codebooks  --> 2, 32, 8
                """
        ) { model, call in
            try call.push(LuaTree(value: .map(model.configuration.json), nullIsNil: true))
        }
        c.property(
            "release", "string", "Which fish-speech it is of, 1.4 or 1.5: its tokenizer says so.",
            example: #"lm.load(opah.embedded.model).release  --> "1.4""#
        ) { model, call in try call.push(model.release.name) }
        c.property(
            "products", "string",
            "In which numbers training and scoring multiply with the weights, `float32` or `bfloat16`: what `precision` (see `lm.load`) comes to on this machine.",
            example: """
                lm.load(opah.embedded.model).products                                   --> "float32"
                lm.load(opah.embedded.model, { precision = "bf16-rounded" }).products  --> "bfloat16"
                """
        ) { model, call in try call.push(model.products.rawValue) }
        c.property(
            "tokenizer", "Tokenizer?", "The tokenizer beside the weights.",
            example: """
                model = lm.load(opah.embedded.model)
                model.tokenizer:encode("Hi")  --> {80, 113}
                """
        ) { model, call in try call.push(model.tokenizer) }
        c.property(
            "max_length", "integer", "The longest sequence in tokens, prompt and answer together.",
            example: """
                lm.load(opah.embedded.model).max_length                        --> 1024
                lm.load(opah.embedded.model, { max_length = 512 }).max_length  --> 512
                """
        ) { model, call in try call.push(model.maxLength) }
        c.property(
            "notes", "string[]", "What loading noticed, and what `precision` comes to where it is not `32-true`.",
            example: "lm.load(opah.embedded.model).notes  --> {}"
        ) { model, call in try call.push(model.notes + [model.precisionNote].compactMap { $0 }) }
        c.method(
            "parameters", "() -> Tensor[]",
            "The tensors that training updates, in order: the adapters', or all that require gradients; none of a model as it was loaded (see `lora.apply`, `model:unfreeze`).",
            example: """
                model = lm.load(opah.embedded.model)
                #model:parameters()  --> 0
                lora.apply(model, "r_8_alpha_16")
                #model:parameters()  --> 40
                """
        ) { model, call in
            try call.push(model.trainableParameters.map(\.tensor))
        }
        c.method(
            "named_parameters", "() -> table<string, Tensor>",
            "Every tensor by its name in the checkpoint; adapters as `layers.0.attention.wqkv.lora_A` and `.lora_B`. The tensors are the model's own, not copies.",
            example: """
                model = lm.load(opah.embedded.model)
                weight = model:named_parameters()["layers.0.attention.wqkv.weight"]
                weight:shape(), weight:dtype()  --> {64, 32}, "bfloat16"
                """
        ) { model, call in
            try call.push(Fields(model.namedParameters.map { ($0.name, $0.tensor) }))
        }
        c.method(
            "unfreeze", "(patterns?: string[])",
            "Makes weights trainable, as float32 copies: those whose names match one of the patterns (`*` for anything), or all. A pattern that matches nothing is an error.",
            example: """
                model = lm.load(opah.embedded.model)
                model:unfreeze { "fast_layers.*", "fast_output.weight" }
                #model:parameters()  --> 8
                """
        ) { model, call in
            try model.unfreeze(call.get(1, as: [String]?.self) ?? ["*"])
            return .none
        }
        c.method(
            "digest", "() -> string",
            "Identifies the weights: 32 hexadecimal digits over every name, dtype, shape and byte.",
            example: #"lm.load(opah.embedded.model):digest()  --> "5cbd783344d9374e1e1c49e190b8a2f3""#
        ) { model, call in
            try call.push(model.baseDigest())
        }
        c.method(
            "save", "(dir: string)",
            "Writes config.json, model.pth (names and dtypes as loaded, adapters not merged) and the tokenizer files.",
            example: """
                model = lm.load(opah.embedded.model)
                model:save("copy")
                lm.load("copy"):digest() == model:digest()  --> true
                """
        ) { model, call in
            try model.save(call.string(1))
            return .none
        }
        c.method(
            "forward", "(batch: table) -> \(Record.logits)",
            "`{token_logits [B,T,V], codebook_logits [B,T,C,K], hidden [B,T,D], codebook_positions [B,T]}` of `{inputs [B,1+C,T], attention_masks [B,T]}` (true = padding).",
            example: """
                model = lm.load(opah.embedded.model)
                ds = data.dataset { protos = "data/protos", tokenizer = model.tokenizer }
                result = model:forward(ds:batch(1))
                result.token_logits:shape(), result.codebook_logits:shape()  --> {1, 258, 264}, {1, 258, 8, 1024}
                """
        ) { model, call in
            let result = try model.forward(Batch(lua: call.table(1)))
            return try call.push(
                [
                    "token_logits": result.tokenLogits, "codebook_logits": result.codebookLogits,
                    "hidden": result.hidden,
                    "codebook_positions": result.codebookPositions
                ] as Fields)
        }
        c.method(
            "loss",
            "(batch: table, opts?: {seed?: integer, memory_budget?: number|string}) -> Tensor, \(Record.lossParts)",
            """
            The loss to call `backward` on, and `{base, semantic, top_5_accuracy}`, of a batch with `labels` [B,1+C,T] (-100 is ignored). `seed` switches dropout on; the same seed drops the same elements. \
            `memory_budget` (bytes, or as in "4GB") is what the process may take in the step, weights included: the batch is done in parts, and layers run twice, as far as that takes.
            """,
            example: """
                model = lm.load(opah.embedded.model)
                lora.apply(model, "r_8_alpha_16")
                ds = data.dataset { protos = "data/protos", tokenizer = model.tokenizer }
                loss, parts = model:loss(ds:batch(1), { seed = 1 })
                loss:backward()
                loss:item(), parts.base, parts.semantic  --> 12.5..., 5.5..., 6.9...
                """
        ) { model, call in
            let seed: Int? = try call.option("seed")
            let result = try model.loss(
                Batch(lua: call.table(1)), dropoutSeed: seed.map { UInt64(bitPattern: Int64($0)) },
                memoryBudget: call.memoryBudget())
            return try call.push(
                result.loss,
                ["base": result.base, "semantic": result.semantic, "top_5_accuracy": result.topFiveAccuracy] as Fields)
        }
        c.method(
            "training_cost",
            "(opts: {rows?: integer[], frames?: integer[], batch?: table, memory_budget?: number|string}) -> \(Record.trainingCost)",
            """
            What a training step takes: `{operations, floor_operations, attention_operations, recomputed_operations, bytes_moved, bytes, parts, recomputed_layers, seconds}`. `rows` are tokens of each row and `frames` those with codes \
            (all but one unless given), or `batch` is as for `loss`. Operations are floating-point ones; the floor is the products with the weights, forward and backward. `bytes` is the predicted peak of the \
            process's resident memory under the plan that `memory_budget` leads to: the batch in so many `parts`, with at most so many layers running twice. `seconds` is a function of \
            FLOP/s of matrix products and bytes/s read.
            """,
            example: """
                model = lm.load(opah.embedded.model)
                cost = model:training_cost { rows = { 300, 500 }, memory_budget = "4GB" }
                cost.parts, cost.seconds(200e9, 40e9)  --> 1, 0.029...
                """
        ) { model, call in
            let batch: LuaTable? = try call.option("batch"), tokens: [Int]? = try call.option("rows"),
                frames: [Int]? = try call.option("frames")
            let rows: [RowSize]
            if let batch {
                rows = try model.rowSizes(Batch(lua: batch))
            } else {
                guard let tokens, !tokens.isEmpty, frames == nil || frames!.count == tokens.count,
                    tokens.allSatisfy({ (1 ... 1 << 20).contains($0) }),
                    zip(frames ?? [], tokens).allSatisfy({ (0 ... $1).contains($0) })
                else {
                    throw call.error(
                        "wanted rows, a list of numbers of tokens, and frames, as many numbers no larger; or a batch")
                }
                rows = tokens.indices.map { RowSize(tokens: tokens[$0], frames: frames?[$0]) }
            }
            let cost = model.trainingCost(rows: rows, memoryBudget: try call.memoryBudget())
            return try call.push(
                [
                    "operations": cost.operations, "floor_operations": cost.floorOperations,
                    "attention_operations": cost.attention,
                    "recomputed_operations": cost.recomputation, "bytes": cost.plan.bytes,
                    "parts": cost.plan.parts.count,
                    "recomputed_layers": cost.plan.recomputedLayers, "bytes_moved": cost.bytesMoved,
                    "seconds": LuaClosure("seconds", "(matrix_rate: number, bandwidth: number) -> number") { call in
                        try call.push(
                            cost.seconds(
                                MachineRates(
                                    squareProduct: call.number(1), layerProduct: 0, readBandwidth: call.number(2))))
                    }
                ] as Fields)
        }
        c.method(
            "generate",
            """
            (opts: {text?: string, prompt?: Tensor "[1+C, T], in place of text", prompt_text?: string|string[] "of references", prompt_tokens?: Tensor|Tensor[] "their codes [C, T]", \
            \(SpeechOptions.options), codec?: Codec "codes that it does not have are never drawn", codebook_size?: integer "the same without a codec", \
            on_frame?: (fun(codes: integer[], sample: integer)) "hears every frame", on_sample?: (fun(sample: integer, codes: Tensor, info: table)) "hears every sample that has ended"}) -> Tensor|Tensor[], table
            """,
            """
            Speaks `text`: codes int32 [C, T] and `{length_limit_hit, notes}`; several samples as lists of both. `prompt_text` and `prompt_tokens` (codes [C, T]) are references, one of each. \
            With `prompt` [1+C, T] (as `lm.encode_prompt` writes it) the result is the whole sequence [1+C, T+new]. Samples share each reading of the weights, and sample i of seed s is \
            what sample 1 of seed s + i - 1 is; they count from 1.
            """,
            example: """
                model = lm.load(opah.embedded.model)
                codes, info = model:generate { text = "Good morning.", seed = 1, max_new_tokens = 20 }
                codes:size(1), info.length_limit_hit  --> 8, ...
                opah.embedded.codec():decode_to("good-morning.wav", codes)
                """
        ) { model, call in
            var speech = try SpeechOptions.options.read(call.options)
            let least: Int = try call.option("min_frames"), samples = speech.samples
            let codec: Codec? = try call.option("codec"), size: Int? = try call.option("codebook_size")
            guard size.map({ $0 > 0 }) ?? true else {
                throw call.error("codebook_size must be above 0, not \(size ?? 0)")
            }
            speech.generation.codecSize = size ?? codec?.codebookSize
            guard samples >= 1, samples <= 4096 else {
                throw call.error("num_samples must be from 1 to 4096, not \(samples)")
            }
            let callback: LuaFunction? = try call.option("on_frame"), ended: LuaFunction? = try call.option("on_sample")
            let onFrame: ((GeneratedFrame) throws -> Void)? = callback.map { callback in
                { frame in try callback(frame.codes.map { Int($0) }, frame.sample + 1) }
            }
            if let prompt: Tensor = try call.option("prompt") {
                if least <= 0 { speech.generation.strayTokens = .keep }
                let results = try model.generate(
                    prompts: [Tensor](repeating: prompt, count: samples), speech.generation, onFrame: onFrame)
                let details: [Fields] = results.map { ["length_limit_hit": $0.end != .complete] }
                for (i, result) in results.enumerated() { try ended?(i + 1, result.sequence, details[i]) }
                if samples == 1 { return try call.push(results[0].sequence, details[0]) }
                return try call.push(results.map(\.sequence), List(details))
            }
            guard let text: String = try call.option("text") else { throw call.error("give text or prompt") }
            let texts: [String] = try call.list("prompt_text"), tokens: [Tensor] = try call.list("prompt_tokens")
            guard texts.count == tokens.count else {
                throw call.error(
                    "\(texts.count) prompt_text for \(tokens.count) prompt_tokens", hint: "give both for each reference"
                )
            }
            func details(_ speech: GeneratedSpeech) -> Fields {
                ["length_limit_hit": speech.pieces.contains { $0.end != .complete }, "notes": speech.notes]
            }
            let results = try model.speak(
                text, references: zip(texts, tokens).map { VoiceReference(text: $0, codes: $1) }, speech,
                onFrame: onFrame,
                onSample: ended.map { ended in
                    { sample, speech in try ended(sample + 1, speech.codes, details(speech)) }
                })
            if samples == 1 { return try call.push(results[0].codes, details(results[0])) }
            return try call.push(results.map(\.codes), List(results.map(details)))
        }
        c.method(
            "session", "() -> SpeechSession",
            "For texts that come and go while others are spoken, as in a server. It speaks with the adapters that the model has now; sessions made with others share the weights.",
            example: """
                session = lm.load(opah.embedded.model):session()
                session:add { text = "Hi.", max_new_tokens = 2 }
                #session:step()  --> 1
                """
        ) { model, call in try call.push(SpeechSession(model)) }
        c.method(
            "compare", "(reference: LanguageModel, sequences: Tensor|Tensor[]) -> \(Record.comparison)",
            "How far this model's logits lie from `reference`'s, as generation computes both, over given sequences [1+C, T] (as `lm.encode_prompt` writes them): `{tokens, codes, bound}`, the first two `{relative, max_abs, top1_agreement, positions}`. `relative` is the norm of the difference over that of the reference; against float32 weights, those of bfloat16, int8 and int4 stay within `bound`, which grows with the square root of the layers.",
            example: """
                model, small = lm.load(opah.embedded.model), lm.load(opah.embedded.model, { weights = "int8" })
                spoken = lm.encode_prompt(model.tokenizer, "Good morning.", tensor.zeros(8, 20, { dtype = "int32" }))
                result = small:compare(model, spoken)
                result.tokens.relative < result.bound, result.codes.positions  --> true, 160
                """
        ) { model, call in
            let reference = try call.object(1, as: LanguageModel.self)
            let sequences: [Tensor] =
                if case .table = try call.get(2, as: LuaValue.self) { try call.get(2) } else {
                    [try call.object(2, as: Tensor.self)]
                }
            let (tokens, codes) = try model.logitsError(against: reference, on: sequences)
            func fields(_ e: LogitsError) -> Fields {
                [
                    "relative": e.relative, "max_abs": e.maxAbsolute, "top1_agreement": e.topOneAgreement,
                    "positions": e.positions
                ]
            }
            let layers = model.configuration.layerCount + (model.configuration.fast?.layerCount ?? 0)
            return try call.push(
                [
                    "tokens": fields(tokens), "codes": fields(codes),
                    "bound": LogitsError.bound(model.weightForm, layers: layers)
                ] as Fields)
        }
        c.method(
            "generation_cost",
            "(opts?: {num_samples?: integer = 1, context?: integer = 0}) -> \(Record.generationCost)",
            "What a frame of every sample takes when `context` tokens have been seen: `{bytes_per_frame, operations_per_frame, weight_bytes, cache_bytes_per_token}`. Reading the bytes bounds the speed; the weights are read once for all samples.",
            example: """
                model = lm.load(opah.embedded.model)
                model:generation_cost({ num_samples = 4 }).bytes_per_frame      --> ...
                model:generation_cost().weight_bytes, model:generation_cost().cache_bytes_per_token  --> 156160, 256
                """
        ) { model, call in
            let cost = try model.generationCost(streams: call.option("num_samples"), context: call.option("context"))
            return try call.push(
                [
                    "bytes_per_frame": cost.bytesPerFrame, "operations_per_frame": cost.operationsPerFrame,
                    "weight_bytes": cost.weightBytes, "cache_bytes_per_token": cost.cacheBytesPerToken
                ] as Fields)
        }
        c.metamethod(
            "__tostring", "(model: LanguageModel) -> string", "What it is, in a line.",
            example:
                #"tostring(lm.load(opah.embedded.model))  --> "LanguageModel (2 layers of width 32, 8 codebooks, 0.38 million weights)""#
        ) { call in
            let model = try call.object(1, as: LanguageModel.self), settings = model.configuration
            let count = Double(model.namedWeights.reduce(0) { $0 + $1.tensor.count }) / 1e6
            let size = count < 10 ? "\((count * 100).rounded() / 100)" : "\(Int(count.rounded()))"
            let adapters =
                model.adapters.isEmpty ? "" : ", \(model.adapters.count) adapter\(model.adapters.count == 1 ? "" : "s")"
            return try call.push(
                "LanguageModel (\(settings.layerCount) layers of width \(settings.dim), \(settings.codebookCount) codebooks, \(size) million weights\(adapters))"
            )
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
        guard let inputs: Tensor = try table.get("inputs") else {
            throw OpahError(
                .argument, "a batch is a table {inputs, attention_masks, labels}, and this one has no inputs",
                hint: "ds:batch(n) and data.collate make batches")
        }
        self.init(inputs: inputs, attentionMasks: try table.get("attention_masks"), labels: try table.get("labels"))
    }
}
