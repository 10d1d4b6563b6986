--- Which file a stage's outputs were made from, as the record beside them says: a stage must neither replace what came from
-- elsewhere nor leave behind what nothing asks for any more.
local fs = require "opah.fs"

---@class opah.Origins
local Origins = {}
Origins.__index = Origins

--- The origins of a stage's outputs; folders are read once, when they are first asked for.
---
---     origins("import").stage  --> "import"
---@param stage string
---@return opah.Origins
local function new(stage) return setmetatable({ stage = stage, folders = {} }, Origins) end

--- By output's name, the resolved path of the sound or label that the stage made it from.
---
---     origins("import"):below("nowhere")  --> {}
---@param folder string
---@return table<string, string>
function Origins:below(folder)
  local known = self.folders[folder]
  if known then return known end
  known = {}
  for name, origin in pairs(fs.origins(folder)) do
    local from = origin.from.sound or origin.from.label
    if origin.stage == self.stage and from then known[name] = fs.resolve(fs.join(folder, from.path)) end
  end
  self.folders[folder] = known
  return known
end

--- The resolved path of what `output` was made from; nil when the stage did not make it.
---
---     origins("import"):of("nowhere/a.wav")  --> nil
---@param output string
---@return string?
function Origins:of(output) return self:below(fs.dirname(output))[fs.basename(output)] end

return new
