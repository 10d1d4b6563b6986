--- Subtitles: SRT and WebVTT. The recording is the one of the same name beside it.
local fs, source_text, subtitles = require "opah.fs", require "opah.import.source_text", require "opah.subtitles"

local format = { name = "srt", what = "SRT or WebVTT subtitles", cuts = true }

function format.find(source, stat)
  if stat.kind == "file" then
    local suffix = source:lower():match("%.(%w+)$")
    return (suffix == "srt" or suffix == "vtt") and { source } or nil
  end
  local found = fs.list(source, { recursive = true, extension = { ".srt", ".vtt" } })
  return #found > 0 and found or nil
end

--- The cues: `{ where, first, last, text, speaker, problem }`, seconds.
function format.read(path)
  local cues = subtitles.read(source_text(path))
  for _, cue in ipairs(cues) do cue.where = path .. ":" .. cue.line end
  return cues
end

return format
