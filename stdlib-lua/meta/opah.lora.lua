---@meta opah.lora
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Low-rank adapters: small trained tensors beside a model's frozen weights.
---@class opah.lora
local lora = {}

---Settings of an adapter: a stock name, the path of a YAML or Lua file, or `{kind="lora", r=8, lora_alpha=16, lora_dropout=0, targets="all"}`. A stock name is `r_8_alpha_16`, then perhaps a preset of targets (`_fast`), then perhaps a kind (`_rslora`, `_dora`). Targets are names (`layers.0.attention.wqkv`), patterns (`layers.*.attention.wqkv`) or the presets all, slow, fast, attention, mlp, all_embeddings, outputs; one or a list. fish-speech's `target_modules` is taken in their place.
---
---```lua
---config = lora.config { kind = "dora", r = 4, lora_alpha = 8, targets = "attention" }
---config.kind, config.r, config.lora_alpha, config.targets  --> "dora", 4, 8.0, {"attention"}
---```
---@param settings string|table
---@return LoRAConfig
function lora.config(settings) end

---Puts a fresh adapter on the model, for `model:parameters()` to give and training to fill. The model's output is unchanged at first: one factor is zero. Targets that the model does not have are an error.
---
---```lua
---model = lm.load(opah.embedded.model)
---lora.apply(model, { r = 4, lora_alpha = 8, targets = "fast" }, { seed = 1 })
---#model:parameters(), model:parameters()[1]:shape()  --> 14, {4, 1024}
---```
---@param model LanguageModel
---@param config LoRAConfig|string|table
---@param opts? {seed?: integer} defaults: seed = 0
function lora.apply(model, config, opts) end

---Writes the model's newest adapter as a .ckpt that also records kind, rank, alpha, targets and the base's digest.
---
---```lua
---model = lm.load(opah.embedded.model)
---lora.apply(model, "r_4_alpha_8")
---lora.save(model, "voice.ckpt")
---checkpoint.load("voice.ckpt").opah_lora.rank  --> 4
---```
---@param model LanguageModel
---@param path string
function lora.save(model, path) end

---Puts a saved adapter on the model, live and not merged; several add up, each times its `scale`. `config` for files that do not record their strength.
---
---```lua
---model, other = lm.load(opah.embedded.model), lm.load(opah.embedded.model)
---lora.apply(model, "r_4_alpha_8")
---lora.save(model, "adapter.ckpt")
---lora.load(other, "adapter.ckpt", { scale = 0.5 })
---other:named_parameters()["output.lora_A"]:shape()  --> {4, 32}
---```
---@param model LanguageModel
---@param path string
---@param opts? {scale?: number, trainable?: boolean, config?: string|table} defaults: scale = 1, trainable = false
function lora.load(model, path, opts) end

---Takes every adapter off the model, whose weights are what they were. A session (`model:session`) keeps those that were on it when it was made.
---
---```lua
---model = lm.load(opah.embedded.model)
---lora.apply(model, "r_8_alpha_16")
---lora.remove(model)
---#model:parameters()  --> 0
---```
---@param model LanguageModel
function lora.remove(model) end

---Adds every adapter into the weights, in float32 with one rounding, and drops it. `model:save` then writes a model that needs no adapter.
---
---```lua
---model = lm.load(opah.embedded.model)
---lora.apply(model, "r_4_alpha_8")
---lora.merge(model)
---#model:parameters(), model:named_parameters()["output.lora_A"]  --> 0, nil
---```
---@param model LanguageModel
function lora.merge(model) end

---Merges an adapter file into a model folder and writes a new folder, after proving that merged and base+adapter logits agree. `output` is new, empty, or the result of an earlier merge (it holds merge.json), unless `overwrite` is true. Returns `{output, rank, lora_alpha, tensors, changed, max_logit_difference, max_logit_difference_as_written, notes}`.
---
---```lua
---model = lm.load(opah.embedded.model)
---lora.apply(model, "r_4_alpha_8")
---tensor.no_grad(function() model:named_parameters()["output.lora_B"]:fill_(0.1) end)  -- in place of training
---lora.save(model, "trained.ckpt")
---report = lora.merge_files { base_weight = opah.embedded.model, lora_weight = "trained.ckpt", output = "merged" }
---report.rank, report.changed, fs.exists("merged/model.pth")  --> 4, 1, true
---```
---@param opts {lora_config?: string|table, base_weight: string, lora_weight: string, output: string, overwrite?: boolean} defaults: overwrite = false
---@return MergeReport
function lora.merge_files(opts) end

---Rank, strength, dropout and targets of an adapter.
---@class LoRAConfig
---@field kind string lora, rslora (strength lora_alpha / sqrt(r)) or dora (weight-decomposed). `lora.config("r_8_alpha_16_dora").kind  --> "dora"`
---@field r integer The rank. `lora.config("r_8_alpha_16").r  --> 8`
---@field lora_alpha number The strength is lora_alpha / r; lora_alpha / sqrt(r) of the kind rslora. `config.lora_alpha / config.r  --> 2.0`
---@field lora_dropout number Share of an adapter's inputs that training drops. `lora.config("r_8_alpha_16").lora_dropout  --> 0.01`
---@field targets string[] Which layers have it: names, patterns, or presets such as all, slow, fast and attention. `lora.config("r_8_alpha_16_fast").targets  --> {"fast"}`
local LoRAConfig = {}

return lora
