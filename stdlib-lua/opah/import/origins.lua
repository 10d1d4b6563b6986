--- Which file a stage's outputs were made from, as the record beside them says: an import must neither replace what
-- came from elsewhere nor leave pieces of an earlier cut behind.
local fs = require "opah.fs"

---@class opah.import.Origins
local Origins = {}
Origins.__index = Origins

--- The origins of outputs; folders are read once, when they are first asked for.
---
---     origins():of("nowhere/a.wav")  --> nil
---@return opah.import.Origins
local function new() return setmetatable({ folders = {} }, Origins) end

--- By output's name, the resolved path of the sound or label that an import made it from.
---@param folder string
---@return table<string, string>
function Origins:below(folder)
  local known = self.folders[folder]
  if known then return known end
  known = {}
  for name, origin in pairs(fs.origins(folder)) do
    local from = origin.from.sound or origin.from.label
    if origin.stage == "import" and from then known[name] = fs.resolve(fs.join(folder, from.path)) end
  end
  self.folders[folder] = known
  return known
end

--- The resolved path of what `output` was made from by an import; nil when none made it.
---@param output string
---@return string?
function Origins:of(output) return self:below(fs.dirname(output))[fs.basename(output)] end

return new
