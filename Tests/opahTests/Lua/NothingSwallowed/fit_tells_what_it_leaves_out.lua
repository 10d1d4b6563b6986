local tiny = ...
local opah = require "opah"
local data, fs, lm, lora, tensor, train = opah.data, opah.fs, opah.lm, opah.lora, opah.tensor, opah.train
fs.mkdir("data/S")
for i = 1, 5 do
  tensor.save_npy(("data/S/%d.npy"):format(i), tensor.randint(0, 900, { 8, i == 5 and 400 or 20 + i }, { dtype = "int32", generator = tensor.generator(i) }))
  fs.write(("data/S/%d.lab"):format(i), "Hello there.")
end
data.pack { input = "data", output = "protos" }
local model = lm.load(tiny)
lora.apply(model, "r_4_alpha_8")
local taken
for _, callback in ipairs { false, function(plan) taken = plan.skipped end } do
  train.fit { model = model, project = "p", dry_run = true, progress = false, max_steps = 2, batch_size = 1, on_start = callback or nil,
    data = data.dataset { protos = "protos", tokenizer = model.tokenizer, max_length = 200, val_fraction = 0.2 } }
end
assert(#taken == 1 and taken[1].path == "data/S/5.npy", taken[1].path)
