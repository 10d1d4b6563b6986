local tiny = ...
local opah = require "opah"
local lm, lora, tensor, fs = opah.lm, opah.lora, opah.tensor, opah.fs
for seed, name in ipairs { "one.ckpt", "two.ckpt" } do
  local model = lm.load(tiny)
  lora.apply(model, "r_4_alpha_8", { seed = seed })
  tensor.manual_seed(seed)
  tensor.no_grad(function()
    for parameter, t in pairs(model:named_parameters()) do
      if parameter:find("lora_B") and parameter:find("attention") then t:fill_(0.3 * seed) end
    end
  end)
  lora.save(model, name)
end
fs.copy(opah.home .. "/examples/data/Alice/4.80-7.20.wav", "ref.wav")
fs.copy(opah.home .. "/examples/data/Alice/4.80-7.20.lab", "ref.lab")
local codec = opah.embedded.codec()
tensor.save_npy("ref.npy", codec:encode(opah.audio.load("ref.wav")))
local config = lm.load(tiny).config
lm.new(config, { seed = 9, tokenizer = tiny }):save("other")
