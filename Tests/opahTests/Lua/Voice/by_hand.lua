local tiny = ...
local opah = require "opah"
local model = opah.lm.load(tiny)
opah.lora.load(model, "one.ckpt", { scale = 1 })
opah.lora.load(model, "two.ckpt", { scale = 0.5 })
local codes = model:generate {
  text = "The boats are here.", prompt_text = { (opah.text.read_label("ref.lab")) }, prompt_tokens = { opah.tensor.load_npy("ref.npy") },
  temperature = 0.9, max_new_tokens = 12, min_frames = 12, seed = 42,
}
opah.fs.mkdir("hand")
opah.tensor.save_npy("hand/codes_0.npy", codes)
