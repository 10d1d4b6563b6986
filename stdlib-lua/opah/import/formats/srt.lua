--- Subtitles: SRT and WebVTT. Marks in the text (`<i>`, `{\an8}`, `<v Alice>`, `<00:01.000>`), dashes and entities
-- are not spoken. The recording is the one of the same name beside it.
local fs, source_text = require "opah.fs", require "opah.import.source_text"

local format = { name = "srt", what = "SRT or WebVTT subtitles", cuts = true }

function format.find(source, stat)
  if stat.kind == "file" then
    local suffix = source:lower():match("%.(%w+)$")
    return (suffix == "srt" or suffix == "vtt") and { source } or nil
  end
  local found = fs.list(source, { recursive = true, extension = { ".srt", ".vtt" } })
  return #found > 0 and found or nil
end

--- Seconds of `1:02:03,456`, `02:03.456`.
local function seconds(text)
  local whole, fraction = text:match("^([%d:]+)[.,](%d+)$")
  whole = whole or text:match("^[%d:]+$")
  if not whole then return nil end
  local total, parts = 0, 0
  for part in whole:gmatch("%d+") do total, parts = total * 60 + tonumber(part), parts + 1 end
  if parts < 2 or parts > 3 then return nil end
  return total + (fraction and tonumber("0." .. fraction) or 0)
end

local entities = { amp = "&", lt = "<", gt = ">", quot = '"', apos = "'", nbsp = " ", lrm = "", rlm = "" }

--- What is spoken of a cue's lines, and by whom where a voice mark says it.
local function spoken(text)
  local speaker = text:match("<v[%w.]*%s+([^>]+)>")
  text = text:gsub("{\\[^}]*}", ""):gsub("<[^>\n]*>", "")
  text = text:gsub("&#(%d+);", function(code) return utf8.char(math.min(tonumber(code) or 32, 0x10FFFF)) end)
  text = text:gsub("&(%a+);", entities)
  text = ("\n" .. text):gsub("\n%s*[%-–]%s+", "\n"):gsub("[♪♫]", "")
  return text, speaker
end

--- The cues: `{ where, first, last, text, speaker }`, seconds. A cue is a line with `-->` and those below it up to an
--- empty one; numbers, headers, notes and styles have no such line.
function format.read(path)
  local entries, number, cue, lines = {}, 0, nil, {}
  local function close()
    if cue then
      cue.text, cue.speaker = spoken(table.concat(lines, "\n"))
      entries[#entries + 1] = cue
    end
    cue, lines = nil, {}
  end
  for line in (source_text(path) .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local from, to = line:match("^%s*([%d:.,]+)%s*%-%->%s*([%d:.,]+)")
    if from then
      -- Some writers leave out the empty line: then the next cue's number was taken for text.
      if cue and lines[#lines] and lines[#lines]:find("^%s*%d+%s*$") then lines[#lines] = nil end
      close()
      cue = { where = path .. ":" .. number, first = seconds(from), last = seconds(to) }
      if not cue.first or not cue.last then cue.problem = "no time of hours, minutes and seconds: " .. line end
    elseif line:find("-->", 1, true) then
      close()
      entries[#entries + 1] = { where = path .. ":" .. number, text = "", problem = "no times: " .. line }
    elseif not line:find("%S") then close()
    elseif cue then lines[#lines + 1] = line end
  end
  close()
  return entries
end

return format
