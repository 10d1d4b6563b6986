for _, speaker in ipairs { "Ann", "花子" } do
  fs.mkdir(folder .. "/data/" .. speaker)
  for i = 1, 8 do
    local stem = folder .. "/data/" .. speaker .. "/" .. i
    local codes = tensor.randint(0, 900, { 8, 10 + 5 * i }, { dtype = "int32", generator = tensor.generator(i + #speaker) })
    tensor.save_npy(stem .. ".npy", codes)
    fs.write(stem .. ".lab", "Sentence number " .. i .. ".")
    fs.write(stem .. ".wav", "")
  end
end
packed = data.pack { input = folder .. "/data", output = folder .. "/protos" }
function dataset(options)
  local opts = { protos = folder .. "/protos", tokenizer = lm.load(tiny).tokenizer, max_length = 256, val_fraction = 0.2, seed = 1 }
  for k, v in pairs(options or {}) do opts[k] = v end
  return data.dataset(opts)
end
function adapted()
  local model = lm.load(tiny)
  lora.apply(model, lora.config { r = 4, lora_alpha = 8, lora_dropout = 0.1 }, { seed = 3 })
  return model
end
