--- A part of the clips of a folder, for recipes that work clip by clip on several machines: `--shard 3/16`, or under mpirun
-- and srun by rank. Which part a clip belongs to, its name below the folder says.
local config, dist, fs, opah = require "opah.config", require "opah.dist", require "opah.fs", require "opah"
local recordings = require "opah.recordings"
local sharding = {}

--- The flag of such recipes.
sharding.flag = { "shard", "string", nil, "work on part K of N only, as in 3/16; which clips, their names say" }

--- The part that `--shard` names, or that is this process's. Ends the recipe with exit code 2 when it is none.
---
---     sharding.of("2/3"):owns("a") ~= nil                --> true
---     pcall(sharding.of, "4/3")  --> false, ...--shard: “4/3” is no shard...
---@param text? string
---@return Shard
function sharding.of(text)
  local ok, shard = pcall(dist.shard, text)
  if not ok then config.usage_error("--shard: " .. opah.error_text(shard)) end
  return shard
end

--- As `recordings.scan`, but only this part's clips, skipped inputs and notes; and the part.
---
---     clips, skipped, notes, shard = sharding.scan("data", {}, "1/2")
---     others = sharding.scan("data", {}, "2/2")
---     #clips + #others, tostring(shard)  --> 14, "1/2"
---@param folder string
---@param options table
---@param text? string
---@return table[] clips
---@return table[] skipped
---@return table[] notes
---@return Shard shard
function sharding.scan(folder, options, text)
  local shard = sharding.of(text)
  local function own(list, path_of)
    local kept, top = {}, folder:gsub("(.)/+$", "%1")
    for _, item in ipairs(list) do
      local path = path_of(item)
      -- What is said of the folder itself, as of names in it that cannot be read, one part says.
      local stem = path == top and "." or fs.relative(path, folder):gsub("%.[^./]*$", "")
      if shard:owns(stem) then kept[#kept + 1] = item end
    end
    return kept
  end
  local clips, skipped, notes = recordings.scan(folder, options)
  local function path(item) return item.path end
  return own(clips, function(clip) return clip.audio or clip.codes or clip.path end), own(skipped, path), own(notes, path), shard
end

return sharding
