local opah = require "opah"
local data, fs, lm, tensor = opah.data, opah.fs, opah.lm, opah.tensor
fs.mkdir(folder .. "/data/Ann")
for i = 1, 8 do
  local stem = folder .. "/data/Ann/" .. i
  tensor.save_npy(stem .. ".npy", tensor.randint(0, 900, { 8, i == 8 and 900 or 10 + 5 * i }, { dtype = "int32", generator = tensor.generator(i) }))
  fs.write(stem .. ".lab", "Sentence number " .. i .. ".")
  fs.write(stem .. ".wav", "")
end
data.pack { input = folder .. "/data", output = folder .. "/protos" }
local model = lm.load(tiny)
opah.lora.apply(model, { r = 2, lora_alpha = 4 })
fs.mkdir(folder .. "/results/voice <1>/auditions/step_000000002")
opah.audio.save(folder .. "/results/voice <1>/auditions/step_000000002/1.wav", tensor.zeros(800), 8000)
opah.train.fit {
  model = model, data = data.dataset { protos = folder .. "/protos", tokenizer = model.tokenizer, max_length = 256, val_fraction = 0.3, seed = 1 }, project = "voice <1>",
  results = folder .. "/results", max_steps = 4, batch_size = 1, every_n_train_steps = 2, val_check_interval = 2, lr = 0.0123, on_warning = function() end, config = { answer = 42 },
}
