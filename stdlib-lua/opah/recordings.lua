--- The recordings of a folder, of which there must be one: a folder without any is left out like a file that cannot be read.
local data = require "opah.data"

---@class opah.recordings
local recordings = {}

local remedies = {
  folder = "recordings are known by their names: wav, flac, ogg, mp3, aiff, au, caf, w64 or sph",
  list = "write path|speaker|language|text, a line for each clip",
}

--- As `data.scan` with `audio`, but an empty folder is listed in `skipped`, as one with other files alone is.
---
---     fs.mkdir("nothing-yet")
---     clips, skipped = recordings.scan("nothing-yet")
---     #clips, skipped[1].path, skipped[1].reason  --> 0, "nothing-yet", "holds no recording"
---@param folder string
---@param options? { recursive?: boolean }
---@return table[] clips
---@return table[] skipped
---@return table[] notes
function recordings.scan(folder, options)
  local clips, skipped, notes = data.scan(folder, { recursive = options and options.recursive, audio = true })
  if #clips == 0 and #skipped == 0 then
    skipped[1] = { path = (folder:gsub("(.)/+$", "%1")), reason = "holds no recording", remedy = remedies.folder }
  end
  return clips, skipped, notes
end

--- What is to be listed in `skipped` of a filelist that names no clip; an empty list where it names one.
---
---     fs.write("clips.txt", "\n")
---     recordings.missing("clips.txt")[1].reason  --> "names no clip"
---@param filelist string
---@return table[] skipped
function recordings.missing(filelist)
  local clips, skipped = data.filelist(filelist)
  if #clips + #skipped > 0 then return {} end
  return { { path = filelist, reason = "names no clip", remedy = remedies.list } }
end

return recordings
