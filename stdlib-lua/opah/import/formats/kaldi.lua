--- A Kaldi data folder: `wav.scp`, `text`, and where there are `segments` and `utt2spk`. A pipe in `wav.scp` is a
-- command, and commands of a stranger's file are never run.
local fs, source_text = require "opah.fs", require "opah.import.source_text"
local trim = require "opah.trim"

local format = { name = "kaldi", what = "a folder with wav.scp and text" }

function format.find(source, stat)
  return stat.kind == "folder" and fs.exists(fs.join(source, "wav.scp")) and { source } or nil
end

--- What follows the first word of each line of a file, by that word; the lines' numbers; the words in order. `twice` has those that
--- two lines give different values, with both lines.
local function keyed(path)
  local known = { values = {}, lines = {}, order = {}, twice = {} }
  if not fs.exists(path) then return known end
  local number = 0
  for line in (source_text(path) .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local key, rest = trim(line):match("^(%S+)%s*(.*)$")
    if key and known.values[key] then
      if known.values[key] ~= rest and not known.twice[key] then
        known.twice[key] = ("%s has %s twice, in lines %d and %d"):format(fs.basename(path), key, known.lines[key], number)
      end
    elseif key then
      known.values[key], known.lines[key] = rest, number
      table.insert(known.order, key)
    end
  end
  return known
end

--- The utterances: `{ where, audio, id, speaker, text, first, last }`, times in seconds where there are `segments`. What is said twice
--- and not alike, and texts that no recording or segment is for, are problems.
function format.read(folder)
  local function list(name) return keyed(fs.join(folder, name)) end
  local scp, texts, speakers, segments = list "wav.scp", list "text", list "utt2spk", list "segments"
  local entries = {}
  local function add(id, recording, where)
    local entry = { where = where, id = id, speaker = speakers.values[id], text = texts.values[id] or "" }
    local audio = scp.values[recording]
    entry.audio = audio or recording
    if not audio then entry.problem = "wav.scp has no recording " .. recording
    elseif audio:find("|%s*$") then
      entry.audio, entry.problem = recording, "wav.scp has a command, which is not run: " .. audio
      entry.remedy = "run it yourself, and write the file's path in wav.scp"
    else
      entry.problem = scp.twice[recording] or segments.twice[id] or texts.twice[id] or speakers.twice[id]
      entry.remedy = entry.problem and "leave one of the two lines out"
    end
    entries[#entries + 1] = entry
    return entry
  end
  local cut = #segments.order > 0
  local utterances = cut and segments or scp
  for _, id in ipairs(utterances.order) do
    if cut then
      local recording, first, last = segments.values[id]:match("^(%S+)%s+(%S+)%s+(%S+)")
      local entry = add(id, recording or "", fs.join(folder, "segments") .. ":" .. segments.lines[id])
      entry.first, entry.last = tonumber(first), tonumber(last)
      -- -1 is Kaldi's word for the end of the recording.
      if entry.last == -1 then entry.last = math.huge end
      if not entry.first or not entry.last then
        entry.problem, entry.remedy = "a segment is: utterance recording begin end", nil
      end
    else
      add(id, id, fs.join(folder, "wav.scp") .. ":" .. scp.lines[id])
    end
  end
  for _, id in ipairs(texts.order) do
    if not utterances.values[id] then
      entries[#entries + 1] = { where = fs.join(folder, "text") .. ":" .. texts.lines[id], audio = id, id = id, text = texts.values[id],
        problem = ("%s has no %s"):format(cut and "segments" or "wav.scp", id), remedy = "write its line, or leave this one out" }
    end
  end
  return entries
end

return format
