--- Subtitles, SRT and WebVTT: reading what is spoken when, and writing both for pieces that were spoken.
local subtitles = {}

--- Seconds of `1:02:03,456`, `02:03.456`; nil when it is no time.
local function seconds(text)
  local whole, fraction = text:match("^([%d:]+)[.,](%d*)$")
  whole = whole or text:match("^[%d:]+$")
  if not whole then return nil end
  local total, parts = 0, 0
  for part in whole:gmatch("%d+") do total, parts = total * 60 + tonumber(part), parts + 1 end
  if parts < 2 or parts > 3 then return nil end
  return total + (fraction and tonumber("0." .. fraction) or 0)
end

local entities = { amp = "&", lt = "<", gt = ">", quot = '"', apos = "'", nbsp = " ", lrm = "", rlm = "" }

--- What is spoken of a cue's lines, without marks (`<i>`, `{\an8}`, `<00:01.000>`), dashes and notes of music, and by whom where a
--- voice mark (`<v Alice>`) says it.
local function spoken(text)
  -- A mark that opens ends the one before it: many that never close are looked through once.
  local speaker = text:match("<v[%w.]*%s+([^<>]+)>")
  text = text:gsub("{\\[^{}]*}", ""):gsub("<[^<>\n]*>", "")
  text = text:gsub("&#(%d+);", function(digits)
    local code = #digits < 8 and tonumber(digits) or 0xFFFD
    local is_half = code >= 0xD800 and code < 0xE000                  -- of a pair, and no character by itself
    return utf8.char((is_half or code > 0x10FFFF) and 0xFFFD or code)
  end)
  text = text:gsub("&(%a+);", entities)
  text = ("\n" .. text):gsub("\n[ \t]*%-%s+", "\n"):gsub("\n[ \t]*–%s+", "\n"):gsub("♪", ""):gsub("♫", "")
  return text:gsub("%s+", " "):match("^ ?(.-) ?$"), speaker
end

-- What begins a block that is not spoken.
local unspoken = { "^WEBVTT", "^NOTE", "^STYLE", "^REGION" }

local function is_unspoken(line)
  for _, pattern in ipairs(unspoken) do if line:find(pattern .. "%f[^%u]") then return true end end
  return false
end

-- More lines than this no screen shows of a caption.
local most_lines = 4

--- Captions that roll, as a recogniser's do: each cue shows the line before once more above its own. The lines of the cues
-- without those, when at least half of the file's cues begin with what the one before ended with: elsewhere, what is
-- there twice is said twice.
local function unroll(cues)
  local repeats = {}
  local function repeated(before, now)
    for count = math.min(#before, #now, most_lines), 1, -1 do
      local same = true
      for i = 1, count do same = same and before[#before - count + i] == now[i] end
      if same then return count end
    end
    return 0
  end
  local rolled = 0
  for i = 2, #cues do
    repeats[i] = repeated(cues[i - 1].lines, cues[i].lines)
    if repeats[i] > 0 then rolled = rolled + 1 end
  end
  if rolled < 2 or 2 * rolled < #cues then return end
  for i = 2, #cues do
    if repeats[i] > 0 then cues[i].text = table.concat(cues[i].lines, " ", repeats[i] + 1) end
  end
end

--- The cues of a file's text, in its order: `{ line, first, last, text, speaker }`, `line` counted from 1, times in seconds; or
--- `{ line, text, problem }` for what looks like a cue and is none. A cue is a line with `-->` and those below it up to an empty
--- one (not one of spaces); the lines right above are its number or name. In captions that roll, what a cue only shows once more
--- is left out of its text, which is empty where nothing else is there.
---
---     text = subtitles.srt { { first = 1.5, last = 2, text = "- <i>Yes</i> &amp; no." } }
---     cue = subtitles.read(text)[1]
---     cue.line, cue.first, cue.last, cue.text  --> 2, 1.5, 2.0, "Yes & no."
---@param content string
---@return table[]
function subtitles.read(content)
  local cues, timed, number, cue, lines, above = {}, {}, 0, nil, {}, nil
  local function close()
    if cue then
      cue.text, cue.speaker = spoken(table.concat(lines, "\n"))
      cue.lines = {}
      for _, line in ipairs(lines) do
        local said = spoken(line)
        if said ~= "" then cue.lines[#cue.lines + 1] = said end
      end
      timed[#timed + 1], cues[#cues + 1] = cue, cue
    elseif above and not above.unspoken then
      cues[#cues + 1] = { line = above.line, text = "", problem = "text without times: " .. above.text }
    end
    cue, lines, above = nil, {}, nil
  end
  content = content:gsub("^\u{FEFF}", ""):gsub("\r\n?", "\n")
  for line in (content .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local from, to = line:match("^%s*([%d:.,]+)%s*%-%->%s*([%d:.,]+)")
    if line:find("-->", 1, true) and not (above and above.comment) then
      -- Some writers leave out the empty line: then the next cue's number was taken for text.
      if cue and lines[#lines] and lines[#lines]:find("^%s*%d+%s*$") then lines[#lines] = nil end
      above = nil
      close()
      cue = { line = number, first = from and seconds(from), last = to and seconds(to) }
      if not from then cue.problem = "no times: " .. line
      elseif not cue.first or not cue.last then cue.problem = "no time of hours, minutes and seconds: " .. line end
    elseif line == "" or not cue and not line:find("%S") then close()
    elseif cue then lines[#lines + 1] = line
    elseif not above then
      above = { line = number, text = line, comment = line:find("^NOTE%f[^%u]") ~= nil,
        unspoken = is_unspoken(line) or line:find("^%s*%d+%s*$") ~= nil }
    end
  end
  close()
  unroll(timed)
  for _, one in ipairs(timed) do one.lines = nil end
  return cues
end

local function stamp(value, mark)
  local ms = math.floor(value * 1000 + 0.5)
  return ("%02d:%02d:%02d%s%03d"):format(ms // 3600000, ms // 60000 % 60, ms // 1000 % 60, mark, ms % 1000)
end

--- The text of an SRT file of `{ first, last, text }`, seconds.
---
---     subtitles.srt({ { first = 1.5, last = 62, text = "Yes." } }):sub(3, 14)  --> "00:00:01,500"
---@param cues { first: number, last: number, text: string }[]
---@return string
function subtitles.srt(cues)
  local out = {}
  for i, cue in ipairs(cues) do out[i] = ("%d\n%s --> %s\n%s\n"):format(i, stamp(cue.first, ","), stamp(cue.last, ","), cue.text) end
  return table.concat(out, "\n")
end

--- The text of a VTT file. What would be a mark there is written out.
---
---     subtitles.read(subtitles.vtt({ { first = 0, last = 2, text = "1 < 2" } }))[1].text  --> "1 < 2"
---@param cues { first: number, last: number, text: string }[]
---@return string
function subtitles.vtt(cues)
  local out = { "WEBVTT\n" }
  for i, cue in ipairs(cues) do
    local text = cue.text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;")
    out[#out + 1] = ("%d\n%s --> %s\n%s\n"):format(i, stamp(cue.first, "."), stamp(cue.last, "."), text)
  end
  return table.concat(out, "\n")
end

return subtitles
