--- A training run as others find it: its folder's settings, checkpoints and held-out losses, also while it is still going.
local checkpoint, config, fs = require "opah.checkpoint", require "opah.config", require "opah.fs"
local json, lm, lora = require "opah.json", require "opah.lm", require "opah.lora"
local tensor, trained = require "opah.tensor", require "opah.trained"

local run = {}

--- The validations in metrics.jsonl, `{ step, loss }`. A line that is just being written is no validation yet.
local function losses(folder)
  local found, path = {}, fs.join(folder, "metrics.jsonl")
  if not fs.exists(path) then return found end
  for line in fs.read(path):gmatch("([^\n]+)\n") do
    local ok, entry = pcall(json.decode, line)
    if ok and type(entry) == "table" and entry.stage == "val" and entry.step and tonumber(entry.loss) then
      found[entry.step] = entry.loss
    end
  end
  return found
end

--- What stands in `folder` (results/P): `{ folder, model, packs, use_speaker, checkpoints }`. `model` and `packs` are what its
--- config.lua says, nil where it says nothing (a run of a script); checkpoints are `{ step, path, loss }` in order.
function run.read(folder)
  local saved = fs.join(folder, "checkpoints")
  if not fs.exists(saved) then
    config.usage_error(("%s is not the folder of a run: it has no checkpoints/ (it is called results/PROJECT)"):format(folder))
  end
  local found = { folder = folder, checkpoints = {}, packs = {} }
  local settings = fs.join(folder, "config.lua")
  -- A run of a script has no settings to tell.
  if fs.exists(settings) and fs.read(settings):find("=", 1, true) then
    local cfg = config.load(settings)
    local tuned, set = cfg.model and cfg.model.model, cfg.train_dataset
    found.model = tuned and tuned.path or cfg.pretrained_ckpt_path
    found.packs = set and set.proto_files or {}
    found.use_speaker = set and set.use_speaker
    if type(found.use_speaker) == "number" then found.use_speaker = found.use_speaker > 0 end
  end
  local known = losses(folder)
  for _, path in ipairs(fs.list(saved, { extension = ".ckpt" })) do
    local step = math.tointeger(tonumber(path:match("step_(%d+)%.ckpt$")))
    if step then table.insert(found.checkpoints, { step = step, path = path, loss = known[step] }) end
  end
  table.sort(found.checkpoints, function(a, b) return a.step < b.step end)
  return found
end

--- The base model of a run: what was asked for, or what its settings name; one that is not there ends the recipe.
function run.model(found, asked)
  local folder = asked or found.model
  if not folder then
    config.usage_error(("--model is needed: %s does not say which model it was trained on"):format(found.folder))
  end
  folder = folder:match("^(.*)/[^/]*%.pth$") or folder
  if not fs.exists(fs.join(folder, "config.json")) then
    config.usage_error(("%s: no model is there (%s names it): give its folder with --model"):format(folder,
      asked and "--model" or fs.join(found.folder, "config.lua")))
  end
  return folder
end

--- The packs of a run that are there, and those that are not.
function run.packs(found, asked)
  local named = asked and #asked > 0
  local there, missing = {}, {}
  for _, path in ipairs(named and asked or found.packs) do
    local list = path:find("[*?%[{]") and fs.glob(path) or { path }
    for _, name in ipairs(list) do
      if fs.exists(name) then there[#there + 1] = name else missing[#missing + 1] = name end
    end
    if named and #list == 0 then missing[#missing + 1] = path end
  end
  if named and #missing > 0 then config.usage_error(("--packs: %s: no such packs"):format(table.concat(missing, ", "))) end
  return there, missing
end

--- The model as a checkpoint has it: the base with its adapter, or with all weights of a run that trained them all.
function run.load(model_folder, path, weights)
  local saved = checkpoint.load(path)
  if saved.opah_lora then
    local model = lm.load(model_folder, { weights = weights })
    lora.load(model, path)
    return model
  end
  local model = lm.load(model_folder)
  model:unfreeze()
  local named = model:named_parameters()
  tensor.no_grad(function()
    for name, value in pairs(trained(path, named, model_folder)) do named[name]:copy_(value) end
  end)
  return model
end

return run
