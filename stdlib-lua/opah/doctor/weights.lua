--- A model's folder: whether its files are there, can be read, fit each other, and hold numbers.
local checkpoint, fs, json, lm = require "opah.checkpoint", require "opah.fs", require "opah.json", require "opah.lm"
local opah, planning, tensor, text = require "opah", require "opah.planning", require "opah.tensor", require "opah.text"
local weights = {}

local function said(problem) return (opah.error_text(problem)) end

--- All tensors of a nested table, by dotted name.
local function each(tree, prefix, visit)
  for name, value in pairs(tree) do
    if tensor.is_tensor(value) then visit(prefix .. tostring(name), value)
    elseif type(value) == "table" then each(value, prefix .. tostring(name) .. ".", visit) end
  end
end

--- Adds `bad-weights` for a file of weights that cannot be read or has values that are no numbers. Returns whether it
--- can be read.
local function examine(path, found)
  local ok, tree = pcall(checkpoint.load, path)
  if not ok then
    if tree.kind == "interrupted" then error(tree, 0) end
    found:add("bad-weights", path, said(tree))
    return false
  end
  local broken, count = {}, 0
  each(tree, "", function(name, value)
    count = count + 1
    local kind = value:dtype()
    if kind:find("float") and value:numel() > 0 then
      -- A sum is a number exactly when all its terms are, but for overflow, which is looked at again.
      local sum = value:to("float32"):sum():item()
      if (sum ~= sum or math.abs(sum) == math.huge) and not value:to("float32"):isfinite():all() then
        broken[#broken + 1] = name
      end
    end
  end)
  table.sort(broken)
  if #broken > 0 then
    found:add("bad-weights", path, ("%d tensors hold NaN or infinite values: %s"):format(#broken,
      table.concat(broken, ", ", 1, math.min(3, #broken))))
  end
  if count == 0 then found:add("bad-weights", path, "it holds no tensors") end
  return true
end

--- Adds `bad-weights` for what `generate` and `train` would refuse, in their words: tensors that are missing or have other
--- shapes than config.json says. Weights are mapped, and none is read for it.
local function fits(folder, found)
  local ok, problem = pcall(lm.load, folder)
  if ok then return end
  if problem.kind == "interrupted" or problem.fatal then error(problem, 0) end
  local reason, remedy = opah.error_text(problem)
  local path = folder
  for _, name in ipairs(fs.list(folder)) do
    if reason:sub(1, #name + 2) == name .. ": " then path, reason = name, reason:sub(#name + 3) end
  end
  found:add("bad-weights", path, (reason:gsub("%s*\n%s*", "; ")), remedy)
end

--- Adds the faults of a model's folder; returns its tokenizer and configuration where they can be read.
---@param folder string
---@param found opah.doctor.Faults
---@return Tokenizer? tokenizer
---@return table? settings
function weights.check(folder, found)
  local settings
  local path = fs.join(folder, "config.json")
  if not fs.exists(path) then found:add("no-weights", folder, "there is no config.json")
  else
    local ok, value = pcall(function() return json.decode(fs.read(path)) end)
    if not ok then found:add("bad-weights", path, said(value))
    elseif type(value) ~= "table" then found:add("bad-weights", path, "it is no object of JSON")
    else settings = value end
  end
  local read, tokenizer = pcall(text.tokenizer, folder)
  if not read then found:add("bad-weights", folder, said(tokenizer)) end
  local file, loadable = planning.weights(folder), settings ~= nil and read
  if file == folder and #fs.list(folder, { extension = ".safetensors" }) == 0 then
    found:add("no-weights", folder, "there is no model.pth and no model.safetensors")
    loadable = false
  end
  for _, name in ipairs(fs.list(folder, { extension = { ".pth", ".ckpt", ".safetensors", ".bin" } })) do
    if not examine(name, found) and (name == file or file == folder) then loadable = false end
  end
  if loadable then fits(folder, found) end
  return read and tokenizer or nil, settings
end

return weights
