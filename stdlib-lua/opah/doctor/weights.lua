--- A model's folder: whether its files are there, can be read, fit each other, and hold numbers.
local checkpoint, fs, json = require "opah.checkpoint", require "opah.fs", require "opah.json"
local planning, tensor, text = require "opah.planning", require "opah.tensor", require "opah.text"
local weights = {}

local function said(problem) return (require "opah".error_text(problem)) end

--- All tensors of a nested table, by dotted name.
local function each(tree, prefix, visit)
  for name, value in pairs(tree) do
    if tensor.is_tensor(value) then visit(prefix .. tostring(name), value)
    elseif type(value) == "table" then each(value, prefix .. tostring(name) .. ".", visit) end
  end
end

--- Adds `bad-weights` for a file of weights that cannot be read or has values that are no numbers. Returns its
--- tensors' shapes by name.
local function examine(path, found)
  local ok, tree = pcall(checkpoint.load, path)
  if not ok then
    if tree.kind == "interrupted" then error(tree, 0) end
    found:add("bad-weights", path, said(tree))
    return nil
  end
  local shapes, broken, count = {}, {}, 0
  each(tree, "", function(name, value)
    shapes[name], count = value:shape(), count + 1
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
  return shapes
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
  local file = planning.weights(folder)
  if file == folder and #fs.list(folder, { extension = ".safetensors" }) == 0 then
    found:add("no-weights", folder, "there is no model.pth and no model.safetensors")
  end
  for _, name in ipairs(fs.list(folder, { extension = { ".pth", ".ckpt", ".safetensors", ".bin" } })) do
    local shapes = examine(name, found)
    if shapes and settings and fs.basename(name):find("^model%.") then
      for tensor_name, wanted in pairs { ["embeddings.weight"] = "vocab_size",
        ["codebook_embeddings.weight"] = false } do
        local shape = shapes[tensor_name] or shapes["model." .. tensor_name]
        local rows = wanted and settings[wanted] or not wanted
          and (settings.codebook_size or 0) * (settings.num_codebooks or 0)
        if shape and tonumber(rows) and rows > 0 and shape[1] ~= rows then
          found:add("bad-weights", name, ("%s has %d rows, where config.json says %d"):format(tensor_name, shape[1],
            rows))
        end
      end
    end
  end
  return read and tokenizer or nil, settings
end

return weights
