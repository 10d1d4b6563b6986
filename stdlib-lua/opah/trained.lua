--- The weights in a checkpoint of a run that trained all of a model, under the names that the model has for them.
local checkpoint, fs = require "opah.checkpoint", require "opah.fs"

--- Tensors by name of the checkpoint `path`; an error where one is no weight among `known` (model:named_parameters()) of the
--- model in `folder`, with what to do.
---
---     model = lm.load(opah.embedded.model)
---     opah.checkpoint.save("all.ckpt", { state_dict = { ["model.norm.weight"] = model:named_parameters()["norm.weight"] } })
---     trained("all.ckpt", model:named_parameters(), opah.embedded.model)["norm.weight"]:shape()  --> {32}
---@param path string
---@param known table<string, Tensor>
---@param folder string
---@return table<string, Tensor>
return function(path, known, folder)
  -- Models are made of it, with checksums of their own: damage is found here or never.
  local saved, weights = checkpoint.load(path, { verify = true }), {}
  for name, value in pairs(saved.state_dict or saved) do
    local plain = type(name) == "string" and name:gsub("^model%.", "") or tostring(name)
    if not known[plain] then
      error(fs.error("checkpoint", ("%s: %s is no weight of %s"):format(path, plain, folder),
        plain:find("lora_") and "this run trained an adapter: use opah run merge-lora" or "give the model that the run began with"), 0)
    end
    weights[plain] = value
  end
  return weights
end
