--- What of a trained voice is kept: model and codec of half the bytes, with their settings, in one folder.
--
--   dofile("finish.lua")(model, codec, shape, output)     -- a model's folder, codec.pth, its codec.lua
--
-- Codes hardly change when the codec's weights have the eleven bits of float16.
local checkpoint, fs, json = require "opah.checkpoint", require "opah.fs", require "opah.json"

local function halve(from, to, dtype)
  local weights = checkpoint.load(from)
  for name, tensor in pairs(weights) do weights[name] = tensor:to(dtype) end
  checkpoint.save(to, weights)
end

return function(model, codec, shape, output)
  local function at(name) return fs.join(output, name) end
  fs.mkdir(output)
  for _, path in ipairs(fs.list(model, { extension = ".json" })) do fs.copy(path, at(fs.basename(path))) end
  -- Trained on rows of one or two clips; a reference before the text makes longer ones.
  local settings = json.decode(fs.read(fs.join(model, "config.json")))
  settings.max_seq_len = 512
  fs.write(at "config.json", json.encode(settings, { indent = 2 }) .. "\n")
  halve(fs.join(model, "model.pth"), at "model.pth", "bfloat16")
  halve(codec, at "codec.pth", "float16")
  fs.copy(shape, at "codec.lua")
end
