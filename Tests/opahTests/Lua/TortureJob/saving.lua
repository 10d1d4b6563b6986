-- Every kind of file that a script can write.
local opah = require "opah"
local fs, tensor = opah.fs, opah.tensor
fs.mkdir "saved"
local x, wave = tensor.linspace(-1, 1, 40000), tensor.linspace(0, 300, 30000):sin() * 0.3
tensor.save_npy("saved/a.npy", x)
tensor.save_npz("saved/a.npz", { x = x, y = x * 2 })
tensor.save("saved/a.safetensors", { x = x })
opah.checkpoint.save("saved/a.pth", { x = x, n = 3 })
for _, ending in ipairs { "wav", "flac", "ogg", "mp3" } do
  opah.audio.save("saved/a." .. ending, wave, 22050)
end
fs.write("saved/a.json", opah.json.encode({ 1, 2, { a = "b" } }))
fs.copy("tiny/tokenizer.json", "saved/copy.json")
