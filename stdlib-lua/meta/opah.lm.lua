---@meta opah.lm
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---The language model: text and codes in, the next codes out.
---@class opah.lm
local lm = {}

---A model folder: config.json, model.pth or safetensors, tokenizer files. Weights are mapped and stay as stored unless `weights` asks for another form.
---`precision` is that of the products with weights in training and scoring: `32-true` float32; `bf16-true` and `bf16-mixed` bfloat16 factors with float32 sums where the processor multiplies such numbers
---(`machine.engines`); `auto` these when they are faster and the weights are stored so; `bf16-rounded` such factors on any processor, no faster. All else is float32 always, and so is generation.
---
---```lua
---model = lm.load(opah.home .. "/examples/checkpoints/tiny", { weights = "float32" })
---model:named_parameters()["norm.weight"]:dtype()  --> "float32"
---```
---@param dir string
---
---- `max_length`: tokens of a sequence, at most; as config.json says unless set
---- `lora`: an adapter file to use with it
---- `weights`: the form that weights are kept in; int8 and int4 for generation only
---- `precision`: of the products with weights in training and scoring
---@param opts? {max_length?: integer, lora?: string, weights?: "stored"|"float32"|"bfloat16"|"int8"|"int4", precision?: "auto"|"32-true"|"bf16-true"|"bf16-mixed"|"bf16-rounded"} defaults: weights = "stored", precision = "32-true"
---@return LanguageModel
function lm.load(dir, opts) end

---`generation_cost` of the model in a folder (or a config.json), without reading its weights; `stored` counts as bfloat16, the form of the released checkpoints.
---
---```lua
---lm.generation_cost(opah.embedded.model, { weights = "int8" }).weight_bytes      --> 87072
---lm.generation_cost(opah.embedded.model, { weights = "bfloat16" }).weight_bytes  --> 156160
---```
---@param dir string
---@param opts? {weights?: "stored"|"float32"|"bfloat16"|"int8"|"int4", num_samples?: integer, context?: integer} defaults: weights = "stored", num_samples = 1, context = 0
---@return GenerationCost
function lm.generation_cost(dir, opts) end

---A model with random weights; `config` has the keys of config.json. `tokenizer` is the folder of its tokenizer files.
---
---```lua
---config = lm.load(opah.embedded.model).config
---config.n_layer = 4
---model = lm.new(config, { seed = 1, tokenizer = opah.embedded.model })
---model:generate({ text = "Hi.", max_new_tokens = 4 }):size(1)  --> 8
---```
---@param config table
---@param opts? {seed?: integer, dtype?: "float32"|"bfloat16", tokenizer?: string} defaults: seed = 0, dtype = "float32"
---@return LanguageModel
function lm.new(config, opts) end

---The distribution [V] that the sampler draws from, of logits [V]: `repetition_penalty` on the ids in `previous` (from 0), then `top_p` (the likeliest as long as their sum does not pass it, one at least), then `temperature`.
---
---```lua
---logits = tensor.new { 1, 2, 3 }
---lm.probabilities(logits)                                                  --> [0.0900, 0.2447, 0.6652]
---lm.probabilities(logits, { temperature = 0.7, top_p = 0.95 })             --> [0.0000, 0.1933, 0.8067]
---lm.probabilities(logits, { previous = { 2 }, repetition_penalty = 1.5 })  --> [0.1554, 0.4223, 0.4223]
---```
---@param logits Tensor
---@param opts? {previous?: integer[], temperature?: number, top_p?: number, repetition_penalty?: number} defaults: temperature = 1, top_p = 1, repetition_penalty = 1
---@return Tensor
function lm.probabilities(logits, opts) end

---One turn as the model reads it, int32 [1+C, n]: the text and the start of an answer, or with `codes` [C, T] (as in the files; in the prompts of 1.4 they are one higher) the whole answer. C is `num_codebooks`, or what `codes` has; without codes, `lm.encode_prompt(tokenizer, text, num_codebooks)`. Control tokens such as `<|im_end|>` in the text are plain text, unless `allow_special` is true.
---
---```lua
---tok = text.tokenizer(opah.embedded.model)
---prompt = lm.encode_prompt(tok, "Hi", 8)
---prompt:shape(), tok:decode(prompt[1])  --> {9, 20}, <|im_start|>user...Hi<|im_end|><|im_start|>assistant...
---```
---@param tokenizer Tokenizer
---@param text string
---@param codes? Tensor|integer
---@param num_codebooks? integer
---@param opts? {speaker?: string, allow_special?: boolean} defaults: speaker = "assistant", allow_special = false
---@return Tensor
function lm.encode_prompt(tokenizer, text, codes, num_codebooks, opts) end

---A text-to-semantic model. B batch, C codebooks, T tokens, V vocabulary, K codes per codebook, D width; ids and codes count from 0.
---@class LanguageModel
---@field config table The settings of config.json, all of them resolved. `model.config.n_layer, model.config.dim, model.config.num_codebooks  --> 2, 32, 8`
---@field release string Which fish-speech it is of, 1.4 or 1.5: its tokenizer says so. `lm.load(opah.embedded.model).release  --> "1.4"`
---@field products string In which numbers training and scoring multiply with the weights, `float32` or `bfloat16`: what `precision` (see `lm.load`) comes to on this machine. `lm.load(opah.embedded.model, { precision = "bf16-rounded" }).products  --> "bfloat16"`
---@field tokenizer Tokenizer? The tokenizer beside the weights. `model.tokenizer:encode("Hi")  --> {80, 113}`
---@field max_length integer The longest sequence in tokens, prompt and answer together. `lm.load(opah.embedded.model, { max_length = 512 }).max_length  --> 512`
---@field notes string[] What loading noticed, and what `precision` comes to where it is not `32-true`. `lm.load(opah.embedded.model).notes  --> {}`
local LanguageModel = {}

---The tensors that training updates, in order: the adapters', or all that require gradients; none of a model as it was loaded (see `lora.apply`, `model:unfreeze`).
---
---```lua
---model = lm.load(opah.embedded.model)
---#model:parameters()  --> 0
---lora.apply(model, "r_8_alpha_16")
---#model:parameters()  --> 40
---```
---@return Tensor[]
function LanguageModel:parameters() end

---Every tensor by its name in the checkpoint; adapters as `layers.0.attention.wqkv.lora_A` and `.lora_B`. The tensors are the model's own, not copies.
---
---```lua
---model = lm.load(opah.embedded.model)
---weight = model:named_parameters()["layers.0.attention.wqkv.weight"]
---weight:shape(), weight:dtype()  --> {64, 32}, "bfloat16"
---```
---@return table<string, Tensor>
function LanguageModel:named_parameters() end

---Makes weights trainable, as float32 copies: those whose names match one of the patterns (`*` for anything), or all. A pattern that matches nothing is an error.
---
---```lua
---model = lm.load(opah.embedded.model)
---model:unfreeze { "fast_layers.*", "fast_output.weight" }
---#model:parameters()  --> 8
---```
---@param patterns? string[]
function LanguageModel:unfreeze(patterns) end

---Identifies the weights: 32 hexadecimal digits over every name, dtype, shape and byte.
---
---```lua
---lm.load(opah.embedded.model):digest()  --> "5cbd783344d9374e1e1c49e190b8a2f3"
---```
---@return string
function LanguageModel:digest() end

---Writes config.json, model.pth (names and dtypes as loaded, adapters not merged) and the tokenizer files.
---
---```lua
---model = lm.load(opah.embedded.model)
---model:save("copy")
---lm.load("copy"):digest() == model:digest()  --> true
---```
---@param dir string
function LanguageModel:save(dir) end

---`{token_logits [B,T,V], codebook_logits [B,T,C,K], hidden [B,T,D], codebook_positions [B,T]}` of `{inputs [B,1+C,T], attention_masks [B,T]}` (true = padding).
---
---```lua
---model = lm.load(opah.embedded.model)
---ds = data.dataset { protos = "data/protos", tokenizer = model.tokenizer }
---result = model:forward(ds:batch(1))
---result.token_logits:shape(), result.codebook_logits:shape()  --> {1, 258, 264}, {1, 258, 8, 1024}
---```
---@param batch table
---@return Logits
function LanguageModel:forward(batch) end

---The loss to call `backward` on, and `{base, semantic, top_5_accuracy}`, of a batch with `labels` [B,1+C,T] (-100 is ignored). `seed` switches dropout on; the same seed drops the same elements. `memory_budget` (bytes, or as in "4GB") is what the process may take in the step, weights included: the batch is done in parts, and layers run twice, as far as that takes.
---
---```lua
---model = lm.load(opah.embedded.model)
---lora.apply(model, "r_8_alpha_16")
---ds = data.dataset { protos = "data/protos", tokenizer = model.tokenizer }
---loss, parts = model:loss(ds:batch(1), { seed = 1 })
---loss:backward()
---loss:item(), parts.base, parts.semantic  --> 12.5..., 5.5..., 6.9...
---```
---@param batch table
---@param opts? {seed?: integer, memory_budget?: number|string}
---@return Tensor
---@return LossParts
function LanguageModel:loss(batch, opts) end

---What a training step takes: `{operations, floor_operations, attention_operations, recomputed_operations, bytes_moved, bytes, parts, recomputed_layers, seconds}`. `rows` are tokens of each row and `frames` those with codes (all but one unless given), or `batch` is as for `loss`. Operations are floating-point ones; the floor is the products with the weights, forward and backward. `bytes` is the predicted peak of the process's resident memory under the plan that `memory_budget` leads to: the batch in so many `parts`, with at most so many layers running twice. `seconds` is a function of FLOP/s of matrix products and bytes/s read.
---
---```lua
---model = lm.load(opah.embedded.model)
---cost = model:training_cost { rows = { 300, 500 }, memory_budget = "4GB" }
---cost.parts, cost.seconds(200e9, 40e9)  --> 1, 0.029...
---```
---@param opts {rows?: integer[], frames?: integer[], batch?: table, memory_budget?: number|string}
---@return TrainingCost
function LanguageModel:training_cost(opts) end

---Speaks `text`: codes int32 [C, T] and `{length_limit_hit, notes}`; several samples as lists of both. `prompt_text` and `prompt_tokens` (codes [C, T]) are references, one of each. With `prompt` [1+C, T] (as `lm.encode_prompt` writes it) the result is the whole sequence [1+C, T+new]. Samples share each reading of the weights, and sample i of seed s is what sample 1 of seed s + i - 1 is; they count from 1.
---
---```lua
---model = lm.load(opah.embedded.model)
---codes, info = model:generate { text = "Good morning.", seed = 1, max_new_tokens = 20 }
---codes:size(1), info.length_limit_hit  --> 8, ...
---opah.embedded.codec():decode_to("good-morning.wav", codes)
---```
---
---- `prompt`: [1+C, T], in place of text
---- `prompt_text`: of references
---- `prompt_tokens`: their codes [C, T]
---- `speaker`: who speaks: the role in the prompt, in releases that have one for speakers
---- `max_new_tokens`: frames at most, per piece of text; 0 is what the model holds
---- `min_frames`: frames that are spoken before a piece may end
---- `top_p`: tokens are kept, best first, while their summed probability does not exceed this
---- `temperature`: what logits are divided by; low is plain, high is varied
---- `repetition_penalty`: what logits of recent codes are divided by; 1 is none
---- `chunk_length`: pieces of text have at most about so many UTF-8 bytes
---- `iterative_prompt`: cut the text, each piece seeing the ones before it
---- `seed`: of sampling
---- `allow_special`: whether control tokens such as `<|im_end|>` in texts count as such
---- `num_samples`: how many times the text is spoken
---- `codec`: codes that it does not have are never drawn
---- `codebook_size`: the same without a codec
---- `on_frame`: hears every frame
---- `on_sample`: hears every sample that has ended
---@param opts {text?: string, prompt?: Tensor, prompt_text?: string|string[], prompt_tokens?: Tensor|Tensor[], speaker?: string, max_new_tokens?: integer, min_frames?: integer, top_p?: number, temperature?: number, repetition_penalty?: number, chunk_length?: integer, iterative_prompt?: boolean, seed?: integer, allow_special?: boolean, num_samples?: integer, codec?: Codec, codebook_size?: integer, on_frame?: (fun(codes: integer[], sample: integer)), on_sample?: (fun(sample: integer, codes: Tensor, info: table))} defaults: speaker = "assistant", max_new_tokens = 0, min_frames = 0, top_p = 0.7, temperature = 0.7, repetition_penalty = 1.2, chunk_length = 100, iterative_prompt = true, seed = 42, allow_special = false, num_samples = 1
---@return Tensor|Tensor[]
---@return table
function LanguageModel:generate(opts) end

---For texts that come and go while others are spoken, as in a server. It speaks with the adapters that the model has now; sessions made with others share the weights.
---
---```lua
---session = lm.load(opah.embedded.model):session()
---session:add { text = "Hi.", max_new_tokens = 2 }
---#session:step()  --> 1
---```
---@return SpeechSession
function LanguageModel:session() end

---How far this model's logits lie from `reference`'s, as generation computes both, over given sequences [1+C, T] (as `lm.encode_prompt` writes them): `{tokens, codes, bound}`, the first two `{relative, max_abs, top1_agreement, positions}`. `relative` is the norm of the difference over that of the reference; against float32 weights, those of bfloat16, int8 and int4 stay within `bound`, which grows with the square root of the layers.
---
---```lua
---model, small = lm.load(opah.embedded.model), lm.load(opah.embedded.model, { weights = "int8" })
---spoken = lm.encode_prompt(model.tokenizer, "Good morning.", tensor.zeros(8, 20, { dtype = "int32" }))
---result = small:compare(model, spoken)
---result.tokens.relative < result.bound, result.codes.positions  --> true, 160
---```
---@param reference LanguageModel
---@param sequences Tensor|Tensor[]
---@return Comparison
function LanguageModel:compare(reference, sequences) end

---What a frame of every sample takes when `context` tokens have been seen: `{bytes_per_frame, operations_per_frame, weight_bytes, cache_bytes_per_token}`. Reading the bytes bounds the speed; the weights are read once for all samples.
---
---```lua
---model = lm.load(opah.embedded.model)
---model:generation_cost({ num_samples = 4 }).bytes_per_frame      --> ...
---model:generation_cost().weight_bytes, model:generation_cost().cache_bytes_per_token  --> 156160, 256
---```
---@param opts? {num_samples?: integer, context?: integer} defaults: num_samples = 1, context = 0
---@return GenerationCost
function LanguageModel:generation_cost(opts) end

---Texts that a model speaks in step, and that come and go one by one: each step reads the weights once for all of them.
---@class SpeechSession
local SpeechSession = {}

---One more text to speak, with the options of `model:generate`; gives its number. What it becomes is what `model:generate` gives with the same seed, whatever else is spoken.
---
---```lua
---session = lm.load(opah.embedded.model):session()
---session:add { text = "Hi.", max_new_tokens = 2 }, session:add { text = "Ho.", max_new_tokens = 3 }, session:count()  --> 1, 2, 2
---```
---
---- `prompt_text`: of references
---- `prompt_tokens`: their codes [C, T]
---- `speaker`: who speaks: the role in the prompt, in releases that have one for speakers
---- `max_new_tokens`: frames at most, per piece of text; 0 is what the model holds
---- `min_frames`: frames that are spoken before a piece may end
---- `top_p`: tokens are kept, best first, while their summed probability does not exceed this
---- `temperature`: what logits are divided by; low is plain, high is varied
---- `repetition_penalty`: what logits of recent codes are divided by; 1 is none
---- `chunk_length`: pieces of text have at most about so many UTF-8 bytes
---- `iterative_prompt`: cut the text, each piece seeing the ones before it
---- `seed`: of sampling
---- `allow_special`: whether control tokens such as `<|im_end|>` in texts count as such
---- `codec`: codes that it does not have are never drawn
---@param opts {text: string, prompt_text?: string[], prompt_tokens?: Tensor[], speaker?: string, max_new_tokens?: integer, min_frames?: integer, top_p?: number, temperature?: number, repetition_penalty?: number, chunk_length?: integer, iterative_prompt?: boolean, seed?: integer, allow_special?: boolean, codec?: Codec} defaults: speaker = "assistant", max_new_tokens = 0, min_frames = 0, top_p = 0.7, temperature = 0.7, repetition_penalty = 1.2, chunk_length = 100, iterative_prompt = true, seed = 42, allow_special = false
---@return integer
function SpeechSession:add(opts) end

---One frame more of every text: its `number` and the `codes` of the frame; `ended` after the last one; `problem` when it cannot go on, which stops no other.
---
---```lua
---session = lm.load(opah.embedded.model):session()
---session:add { text = "Hi.", max_new_tokens = 1 }
---events = session:step()
---#events, #events[1].codes, events[2].ended, session:count()  --> 2, 8, true, 0
---```
---@return {number: integer, codes?: integer[], ended?: boolean, length_limit_hit?: boolean, problem?: string}[]
function SpeechSession:step() end

---How likely codes [C, T] are after a text, under the weights that speak here: the negative logarithm for each frame, the mean over codebooks, in nats for a code [T]. About log(codes of a codebook) where nothing is known.
---
---```lua
---session = lm.load(opah.embedded.model):session()
---codes = tensor.zeros(8, 5, { dtype = "int32" })
---nats = session:nats("Hi.", codes)
---#nats, nats:mean():item() > 0  --> 5, true
---```
---@param text string
---@param codes Tensor
---@param opts? {speaker?: string} defaults: speaker = "assistant"
---@return Tensor
function SpeechSession:nats(text, codes, opts) end

---Speaks a text no further.
---
---```lua
---session = lm.load(opah.embedded.model):session()
---session:cancel(session:add { text = "Hi." })
---session:count()  --> 0
---```
---@param number integer
function SpeechSession:cancel(number) end

---How many texts are being spoken.
---
---```lua
---session = lm.load(opah.embedded.model):session()
---session:count()  --> 0
---```
---@return integer
function SpeechSession:count() end

return lm
