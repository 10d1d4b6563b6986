--- Which file a stage's outputs were made from, as the record beside them says (`.opah-made.jsonl`): an import must neither
-- replace what came from elsewhere nor leave pieces of an earlier cut behind.
local fs, json = require "opah.fs", require "opah.json"

---@class opah.import.Origins
local Origins = {}
Origins.__index = Origins

--- The origins of outputs; folders are read once, when they are first asked for.
---
---     origins():of("nowhere/a.wav")  --> nil
---@return opah.import.Origins
local function new() return setmetatable({ folders = {} }, Origins) end

--- By output's name, the resolved path of the sound or label it was made from.
function Origins:below(folder)
  local known = self.folders[folder]
  if known then return known end
  known = {}
  self.folders[folder] = known
  local path = fs.join(folder, ".opah-made.jsonl")
  if not fs.exists(path) then return known end
  for line in fs.read(path):gmatch("[^\n]+") do
    local ok, entry = pcall(json.decode, line)
    if ok and type(entry) == "table" and type(entry.made) == "string" then
      if entry.gone then known[entry.made] = nil end
      local from = type(entry.from) == "table" and (entry.from.sound or entry.from.label)
      if entry.by == "import" and type(from) == "table" and type(from[1]) == "string" then
        known[entry.made] = fs.resolve(fs.join(folder, from[1]))
      end
    end
  end
  return known
end

--- The resolved path of what `output` was made from by an import; nil when none made it.
function Origins:of(output) return self:below(fs.dirname(output))[fs.basename(output)] end

return new
