import Console
import LanguageModel
import LuaHost
import Support
import Tensors
import Text

extension LuaModule {
    /// `opah.lm`
    public static let lm = LuaModule("opah.lm", "The language model: text and codes in, the next codes out.") { m in
        m.type(LanguageModel.luaClass)
        m.type(SpeechSession.luaClass)
        m.function(
            "load",
            "(dir: string, opts?: {\(LoadOptions.options)}) -> LanguageModel",
            """
            A model folder: config.json, model.pth or safetensors, tokenizer files. Weights are mapped and stay as stored unless `weights` asks for another form.
            `precision` is that of the products with weights in training and scoring: `32-true` float32; `bf16-true` and `bf16-mixed` bfloat16 factors with float32 sums where the processor multiplies such numbers
            (`machine.engines`); `auto` these when they are faster and the weights are stored so; `bf16-rounded` such factors on any processor, no faster. All else is float32 always, and so is generation.
            """,
            example: """
                model = lm.load(opah.home .. "/examples/checkpoints/tiny", { weights = "float32" })
                model:named_parameters()["norm.weight"]:dtype()  --> "float32"
                """
        ) { call in
            let options = try LoadOptions.options.read(call.options)
            let model = try LanguageModel.load(call.string(1), maxLength: options.maxLength, weights: options.weights)
            model.precision = options.precision
            var notes = model.notes.map { "\(model.folder ?? ""): \($0)" }
            if let adapter = options.lora { notes += try model.loadLoRA(adapter).notes }
            for note in notes { Terminal.log("note: " + note) }
            return try call.push(model)
        }
        m.function(
            "generation_cost",
            "(dir: string, opts?: {weights?: \(LanguageModel.WeightForm.luaName) = \"stored\", num_samples?: integer = 1, context?: integer = 0}) -> \(Record.generationCost)",
            "`generation_cost` of the model in a folder (or a config.json), without reading its weights; `stored` counts as bfloat16, the form of the released checkpoints.",
            example: """
                lm.generation_cost(opah.embedded.model, { weights = "int8" }).weight_bytes      --> 87072
                lm.generation_cost(opah.embedded.model, { weights = "bfloat16" }).weight_bytes  --> 156160
                """
        ) { call in
            let cost = try GenerationCost(
                ModelConfiguration.read(call.string(1)), call.option("weights"), streams: call.option("num_samples"),
                context: call.option("context"))
            return try call.push(
                [
                    "bytes_per_frame": cost.bytesPerFrame, "operations_per_frame": cost.operationsPerFrame,
                    "weight_bytes": cost.weightBytes, "cache_bytes_per_token": cost.cacheBytesPerToken
                ] as Fields)
        }
        m.function(
            "new",
            "(config: table, opts?: {seed?: integer = 0, dtype?: \"float32\"|\"bfloat16\" = \"float32\", tokenizer?: string}) -> LanguageModel",
            "A model with random weights; `config` has the keys of config.json. `tokenizer` is the folder of its tokenizer files.",
            example: """
                config = lm.load(opah.embedded.model).config
                config.n_layer = 4
                model = lm.new(config, { seed = 1, tokenizer = opah.embedded.model })
                model:generate({ text = "Hi.", max_new_tokens = 4 }):size(1)  --> 8
                """
        ) { call in
            let configuration = try ModelConfiguration(ConfigValue(lua: .table(call.table(1))))
            let folder: String? = try call.option("tokenizer"), seed: Int = try call.option("seed"),
                dtype: String = try call.option("dtype")
            return try call.push(
                LanguageModel.random(
                    configuration, seed: UInt64(bitPattern: Int64(seed)), dtype: DType(rawValue: dtype)!,
                    tokenizer: try folder.map { try Tokenizer(directory: $0) }))
        }
        m.function(
            "probabilities",
            "(logits: Tensor, opts?: {previous?: integer[], temperature?: number = 1, top_p?: number = 1, repetition_penalty?: number = 1}) -> Tensor",
            "The distribution [V] that the sampler draws from, of logits [V]: `repetition_penalty` on the ids in `previous` (from 0), then `top_p` (the likeliest as long as their sum does not pass it, one at least), then `temperature`.",
            example: """
                logits = tensor.new { 1, 2, 3 }
                lm.probabilities(logits)                                                  --> [0.0900, 0.2447, 0.6652]
                lm.probabilities(logits, { temperature = 0.7, top_p = 0.95 })             --> [0.0000, 0.1933, 0.8067]
                lm.probabilities(logits, { previous = { 2 }, repetition_penalty = 1.5 })  --> [0.1554, 0.4223, 0.4223]
                """
        ) { call in
            let logits = try call.object(1, as: Tensor.self)
            let result = try Sampling.probabilities(
                logits.floats(), previous: call.option("previous", as: [Int]?.self) ?? [], topP: call.option("top_p"),
                temperature: call.option("temperature"), repetitionPenalty: call.option("repetition_penalty"))
            return try call.push(Tensor(result, [result.count]))
        }
        m.function(
            "encode_prompt",
            "(tokenizer: Tokenizer, text: string, codes?: Tensor|integer, num_codebooks?: integer, opts?: {speaker?: string = \"assistant\", allow_special?: boolean = false}) -> Tensor",
            "One turn as the model reads it, int32 [1+C, n]: the text and the start of an answer, or with `codes` [C, T] (as in the files; in the prompts of 1.4 they are one higher) the whole answer. C is `num_codebooks`, or what `codes` has; without codes, `lm.encode_prompt(tokenizer, text, num_codebooks)`. Control tokens such as `<|im_end|>` in the text are plain text, unless `allow_special` is true.",
            example: """
                tok = text.tokenizer(opah.embedded.model)
                prompt = lm.encode_prompt(tok, "Hi", 8)
                prompt:shape(), tok:decode(prompt[1])  --> {9, 20}, <|im_start|>user...Hi<|im_end|><|im_start|>assistant...
                """
        ) { call in
            let codes = try call.objectIfAny(3, as: Tensor.self)
            let books =
                try call.get(4, as: Int?.self)
                ?? (call.isNumber(3) ? call.integer(3) : codes.flatMap { $0.rank >= 2 ? $0.shape[$0.rank - 2] : nil })
            guard let books, (0 ... 1024).contains(books) else {
                throw call.error(
                    books.map { "num_codebooks is \($0)" } ?? "num_codebooks is missing",
                    hint: "8 for fish-speech: model.config.num_codebooks")
            }
            return try call.push(
                Prompt.encode(
                    call.object(1, as: Tokenizer.self), text: call.string(2), codes: codes,
                    codebookCount: books, speaker: call.option("speaker"), allowSpecial: call.option("allow_special")))
        }
    }
}

extension LanguageModel.WeightForm: LuaChoice {}
extension Precision: LuaChoice {}

/// How `lm.load` reads a model.
private struct LoadOptions {
    var maxLength: Int?
    var lora: String?
    var weights = LanguageModel.WeightForm.asStored
    var precision = Precision.single

    static let options = OptionTable(LoadOptions()) { o in
        o.option("max_length", \.maxLength, "tokens of a sequence, at most; as config.json says unless set")
        o.option("lora", \.lora, "an adapter file to use with it")
        o.option("weights", \.weights, "the form that weights are kept in; int8 and int4 for generation only")
        o.option("precision", \.precision, "of the products with weights in training and scoring")
    }
}
