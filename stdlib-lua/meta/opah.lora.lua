---@meta opah.lora
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Low-rank adapters: small trained tensors beside a model's frozen weights.
---@class opah.lora
local lora = {}

---Settings of an adapter: a stock name (`r_8_alpha_16`) or `{r=8, lora_alpha=16, lora_dropout=0, targets="all"}`; targets are names, patterns or the presets all, slow, fast, attention, ...
---
---```lua
---assert(lora.config("r_8_alpha_16").r == 8)
---```
---@param settings string|table
---@return LoRAConfig
function lora.config(settings) end

---Puts a fresh adapter on the model. Its output is unchanged at first: one factor is zero.
---@param model LanguageModel
---@param config LoRAConfig|string|table
---@param opts? {seed?: integer} defaults: seed = 0
function lora.apply(model, config, opts) end

---Writes the model's newest adapter as a .ckpt that also records rank, alpha, targets and the base's digest.
---@param model LanguageModel
---@param path string
function lora.save(model, path) end

---Puts a saved adapter on the model, live and not merged; several add up, each times its `scale`. `config` for files that do not record their strength.
---@param model LanguageModel
---@param path string
---@param opts? {scale?: number, trainable?: boolean, config?: string|table} defaults: scale = 1, trainable = false
function lora.load(model, path, opts) end

---Adds every adapter into the weights, in float32 with one rounding, and drops it.
---@param model LanguageModel
function lora.merge(model) end

---Merges an adapter file into a model folder and writes a new folder, after proving that merged and base+adapter logits agree. Returns `{output, rank, lora_alpha, tensors, changed, max_logit_difference, max_logit_difference_as_written, notes}`.
---@param opts {lora_config?: string|table, base_weight: string, lora_weight: string, output: string}
---@return table
function lora.merge_files(opts) end

---Rank, strength, dropout and targets of an adapter.
---@class LoRAConfig
---@field r integer The rank.
---@field lora_alpha number The strength is lora_alpha / r.
---@field lora_dropout number Share of an adapter's inputs that training drops.
---@field targets string[] Which layers have it.
local LoRAConfig = {}

return lora
