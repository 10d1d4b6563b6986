--- Texts with times: reading SRT and VTT files, and writing both for pieces that were spoken.
local subtitles = {}

--- `hh:mm:ss,mmm`, `mm:ss.mmm` as seconds; nil when it is no time.
local function seconds(stamp)
  local h, m, s = stamp:match("^(%d+):(%d%d?):(%d%d?[,%.]?%d*)$")
  if not h then
    h = 0
    m, s = stamp:match("^(%d+):(%d%d?[,%.]?%d*)$")
  end
  local value = s and tonumber((s:gsub(",", ".")))
  return value and tonumber(h) * 3600 + tonumber(m) * 60 + value
end

--- The cues of a text, `{ first, last, text }` in seconds, in the order of their times; marks such as <i> are taken out. Second, how
--- many blocks were no cue.
function subtitles.read(content)
  local cues, bad = {}, 0
  content = content:gsub("^\u{FEFF}", ""):gsub("\r\n?", "\n") .. "\n\n"
  for block in content:gmatch("(.-)\n%s*\n+") do
    local from, to, rest = block:match("([%d:,%.]+)%s*%-%->%s*([%d:,%.]+)[^\n]*\n?(.*)$")
    local first, last = from and seconds(from), to and seconds(to)
    if first and last then
      local text = rest:gsub("<[^>]*>", ""):gsub("{\\[^}]*}", ""):gsub("%s+", " "):match("^%s*(.-)%s*$")
      if text ~= "" then cues[#cues + 1] = { first = first, last = last, text = text, place = #cues } end
    elseif block:find("%S") and not block:find("^%s*WEBVTT") and not block:find("^%s*NOTE") and not block:find("^%s*STYLE") then
      bad = bad + 1
    end
  end
  table.sort(cues, function(a, b)
    if a.first ~= b.first then return a.first < b.first end
    return a.place < b.place
  end)
  return cues, bad
end

local function stamp(value, mark)
  local ms = math.floor(value * 1000 + 0.5)
  return ("%02d:%02d:%02d%s%03d"):format(ms // 3600000, ms // 60000 % 60, ms // 1000 % 60, mark, ms % 1000)
end

--- The text of an SRT file of `{ first, last, text }`, seconds.
function subtitles.srt(cues)
  local out = {}
  for i, cue in ipairs(cues) do out[i] = ("%d\n%s --> %s\n%s\n"):format(i, stamp(cue.first, ","), stamp(cue.last, ","), cue.text) end
  return table.concat(out, "\n")
end

--- The text of a VTT file. What would be a mark there is written out.
function subtitles.vtt(cues)
  local out = { "WEBVTT\n" }
  for i, cue in ipairs(cues) do
    local text = cue.text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;")
    out[#out + 1] = ("%d\n%s --> %s\n%s\n"):format(i, stamp(cue.first, "."), stamp(cue.last, "."), text)
  end
  return table.concat(out, "\n")
end

return subtitles
