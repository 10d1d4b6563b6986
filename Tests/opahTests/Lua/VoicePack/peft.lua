local tiny = ...
local opah = require "opah"
local fs, lm, lora, tensor = opah.fs, opah.lm, opah.lora, opah.tensor

local own = opah.checkpoint.load("one.ckpt").state_dict
--- The same adapter as PEFT names its tensors; `default` stands in names of a model's own state.
local function save(folder, default, config)
  local state = {}
  for name, value in pairs(own) do
    state["base_model." .. name:gsub("%.(lora_%u)$", "." .. "%1" .. default .. ".weight")] = value
  end
  fs.mkdir(folder)
  tensor.save(folder .. "/adapter_model.safetensors", state)
  if config then fs.write(folder .. "/adapter_config.json", config) end
  return folder .. "/adapter_model.safetensors"
end

local function codes(path)
  local model = lm.load(tiny)
  lora.load(model, path)
  return model:generate { text = "The boats are here.", max_new_tokens = 8, min_frames = 8 }
end

local wanted = codes "one.ckpt"
assert(codes(save("plain", "", '{"r": 4, "lora_alpha": 8, "use_dora": false}')):equal(wanted))
assert(codes(save("named", ".default", '{"r": 4, "lora_alpha": 8}')):equal(wanted))
local function refused(words, ...)
  local ok, problem = pcall(codes, save(...))
  assert(not ok and problem.message:find(words, 1, true), tostring(problem))
end
refused("does not record its alpha", "bare", "")
refused("rank_pattern", "pattern", "", '{"r": 4, "lora_alpha": 8, "rank_pattern": {"wqkv": 8}}')
refused("does not say r and lora_alpha", "broken", "", "{}")
refused("adapter_config.json says 8", "other", "", '{"r": 8, "lora_alpha": 8}')
