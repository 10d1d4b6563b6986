local layers, dropout, rows, budget = ...
budget = tonumber(budget) or budget
local lm, lora, tensor, train = require "opah.lm", require "opah.lora", require "opah.tensor", require "opah.train"
local model = lm.new({ model_type = "dual_ar", vocab_size = 8000, dim = 512, n_layer = tonumber(layers), n_fast_layer = 2, n_head = 8, n_local_heads = 2,
  head_dim = 64, intermediate_size = 2048, codebook_size = 256, num_codebooks = 8, max_seq_len = 2048, tie_word_embeddings = false }, { seed = 1, dtype = "bfloat16" })
lora.apply(model, lora.config { r = 8, lora_alpha = 16, lora_dropout = tonumber(dropout) }, { seed = 1 })
local lengths, longest = {}, 0
for n in rows:gmatch("%d+") do
  lengths[#lengths + 1] = tonumber(n)
  longest = math.max(longest, lengths[#lengths])
end
local inputs = tensor.zeros(#lengths, 9, longest, { dtype = "int64" })
local labels = tensor.full({ #lengths, 9, longest }, -100, { dtype = "int64" })
local padding = tensor.ones(#lengths, longest, { dtype = "bool" })
for b, n in ipairs(lengths) do
  inputs[{ b, {}, { 1, n } }] = 7
  inputs[{ b, 1, { 1, n } }] = 5
  labels[{ b, {}, { 1, n } }] = 7
  padding[{ b, { 1, n } }] = false
end
local batch = { inputs = inputs, labels = labels, attention_masks = padding }
local cost = model:training_cost { batch = batch, memory_budget = budget }
local optimizer = train.adamw(model:parameters())
for step = 1, 2 do
  model:loss(batch, { seed = step, memory_budget = budget }):backward()
  optimizer:step()
  optimizer:zero_grad()
end
local peak
for line in io.lines("/proc/self/status") do peak = peak or line:match("^VmHWM:%s+(%d+) kB") end
print(cost.bytes, peak * 1024, cost.parts, cost.recomputed_layers)
