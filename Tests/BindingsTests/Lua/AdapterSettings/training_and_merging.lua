local model = lm.load(tiny)
lora.apply(model, { kind = "dora", r = 2, lora_alpha = 4 }, { seed = 1 })
local ids = tensor.new({ { 5, 7, 9, 11 } }, { dtype = "int64" })
local batch = { inputs = tensor.zeros(1, 1 + model.config.num_codebooks, 4, { dtype = "int64" }) }
batch.inputs[{ {}, 1 }] = ids
batch.labels = batch.inputs:clone()
local optimizer, first, last = train.adamw(model:parameters(), { lr = 1e-2 })
for _ = 1, 4 do
  local loss = model:loss(batch)
  last = loss:item()
  first = first or last
  loss:backward()
  optimizer:step()
  optimizer:zero_grad()
end
assert(last < first, last)
lora.save(model, folder .. "/voice.ckpt")
assert(checkpoint.load(folder .. "/voice.ckpt").opah_lora.kind == "dora")
local report = lora.merge_files { base_weight = tiny, lora_weight = folder .. "/voice.ckpt", output = folder .. "/merged" }
assert(report.changed > 10 and report.max_logit_difference < 1e-4, report.max_logit_difference)
