--- A long text as the pieces that are spoken one by one: sentences with the pauses before them, or the cues of subtitles at
-- their times.
local config, fs = require "opah.config", require "opah.fs"
local read_label, text = require "opah.text".read_label, require "opah.text"
local markdown, pronunciation = require "opah.speech.markdown", require "opah.speech.pronunciation"
local sentences, subtitles = require "opah.speech.sentences", require "opah.subtitles"
local trim = require "opah.trim"

local book = {}

--- The file as UTF-8 text with its lines kept: read_label tells encodings, but makes one line of it.
local function content_of(path)
  local content = fs.read(path):gsub("^\u{FEFF}", "")
  if utf8.len(content) then return content end
  local ok, said = pcall(read_label, path)
  config.usage_error(("--input: %s is not UTF-8 text: convert it first (iconv -f ENCODING -t UTF-8)%s"):format(path,
    ok and "; it begins: " .. said:sub(1, 40):match("^[%g ]*") or ""))
end

--- Paragraphs of plain text: parted by empty lines; where there are none, every line is one. Lines within one are joined.
local function paragraphs(content)
  local list, current = {}, nil
  content = content:gsub("\r\n?", "\n")
  local by_lines = not trim(content):find("\n%s*\n")
  for line in (content .. "\n"):gmatch("(.-)\n") do
    line = trim(line)
    while line:sub(1, 3) == "\u{3000}" do line = line:sub(4) end      -- Japanese paragraphs begin with a wide blank
    if line == "" or by_lines then
      if current then list[#list + 1] = { text = current, kind = "paragraph" } end
      current = line ~= "" and line or nil
    elseif current then
      current = sentences.join(current, line)
    else
      current = line
    end
  end
  if current then list[#list + 1] = { text = current, kind = "paragraph" } end
  return list
end

--- The cues of subtitles with something to say, by their times; what is no cue is noted.
local function cues_of(content, notes)
  local list, bad = {}, nil
  for place, cue in ipairs(subtitles.read(content)) do
    if cue.problem then
      bad = bad or { first = cue, count = 0 }
      bad.count = bad.count + 1
    elseif cue.text ~= "" then
      cue.place = place
      list[#list + 1] = cue
    end
  end
  table.sort(list, function(a, b)
    if a.first ~= b.first then return a.first < b.first end
    return a.place < b.place
  end)
  if bad then
    notes[#notes + 1] = ("%d blocks are no cues and are not spoken: line %d: %s"):format(bad.count, bad.first.line, bad.first.problem)
  end
  return list
end

--- The pieces of a file, `{ text, spoken, pause, at }`: `text` as it is shown, `spoken` with readings and replacements, `pause` the
--- seconds before it (0 for the first), `at` the second of its cue. `pauses` are `{ sentence, paragraph, heading }`, seconds. Second, notes.
function book.pieces(path, pauses, replacements)
  local content, pieces, notes = content_of(path), {}, {}
  local ending = path:lower():match("%.(%w+)$")
  local silent = 0
  local function add(shown, pause, at)
    local spoken = pronunciation.apply(replacements, pronunciation.readings(shown))
    if not text.clean(spoken):find("[%w\128-\255]") then
      silent = silent + 1
      return
    end
    pieces[#pieces + 1] = { text = pronunciation.shown(shown), spoken = spoken, pause = #pieces > 0 and pause or 0, at = at }
  end
  if ending == "srt" or ending == "vtt" then
    for _, cue in ipairs(cues_of(content, notes)) do add(cue.text, 0, cue.first) end
  else
    local blocks, code
    if ending == "md" or ending == "markdown" then blocks, code = markdown.blocks(content) else blocks = paragraphs(content) end
    if code and code > 0 then notes[#notes + 1] = ("%d blocks of code are not spoken"):format(code) end
    local before
    for _, block in ipairs(blocks) do
      for i, sentence in ipairs(sentences.split(block.text)) do
        local pause = pauses.sentence
        if i == 1 then pause = (block.kind == "heading" or before == "heading") and pauses.heading or pauses.paragraph end
        add(sentence, pause)
      end
      before = block.kind
    end
  end
  if silent > 0 then notes[#notes + 1] = ("%d pieces are marks alone: there is nothing to say"):format(silent) end
  if #pieces == 0 then config.usage_error(("--input: %s holds nothing to say"):format(path)) end
  return pieces, notes
end

return book
