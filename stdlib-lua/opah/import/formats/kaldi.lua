--- A Kaldi data folder: `wav.scp`, `text`, and where there are `segments` and `utt2spk`. A pipe in `wav.scp` is a
-- command, and commands of a stranger's file are never run.
local fs, source_text = require "opah.fs", require "opah.import.source_text"
local trim = require "opah.trim"

local format = { name = "kaldi", what = "a folder with wav.scp and text" }

function format.find(source, stat)
  return stat.kind == "folder" and fs.exists(fs.join(source, "wav.scp")) and { source } or nil
end

--- What follows the first word of each line, by that word, and the line's number.
local function keyed(path)
  local values, lines, order, number = {}, {}, {}, 0
  if not fs.exists(path) then return values, lines, order end
  for line in (source_text(path) .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local key, rest = trim(line):match("^(%S+)%s*(.*)$")
    if key then values[key], lines[key], order[#order + 1] = rest, number, key end
  end
  return values, lines, order
end

--- The utterances: `{ where, audio, id, speaker, text, first, last }`, times in seconds where there are `segments`.
function format.read(folder)
  local scp, scp_lines, recordings = keyed(fs.join(folder, "wav.scp"))
  local texts = keyed(fs.join(folder, "text"))
  local speakers = keyed(fs.join(folder, "utt2spk"))
  local segments, segment_lines, utterances = keyed(fs.join(folder, "segments"))
  local entries = {}
  local function add(id, recording, where)
    local entry = { where = where, id = id, speaker = speakers[id], text = texts[id] or "" }
    local audio = scp[recording]
    if not audio then entry.audio, entry.problem = recording, "wav.scp has no recording " .. recording
    elseif audio:find("|%s*$") then
      entry.audio, entry.problem = recording, "wav.scp has a command, which is not run: " .. audio
      entry.remedy = "run it yourself, and write the file's path in wav.scp"
    else entry.audio = audio end
    entries[#entries + 1] = entry
    return entry
  end
  if #utterances == 0 then
    for _, id in ipairs(recordings) do add(id, id, fs.join(folder, "wav.scp") .. ":" .. scp_lines[id]) end
    return entries
  end
  for _, id in ipairs(utterances) do
    local recording, first, last = segments[id]:match("^(%S+)%s+(%S+)%s+(%S+)")
    local entry = add(id, recording or "", fs.join(folder, "segments") .. ":" .. segment_lines[id])
    entry.first, entry.last = tonumber(first), tonumber(last)
    -- -1 is Kaldi's word for the end of the recording.
    if entry.last == -1 then entry.last = math.huge end
    if not entry.first or not entry.last then entry.problem = "a segment is: utterance recording begin end" end
  end
  return entries
end

return format
