--- A folder of Hugging Face datasets' kind: `metadata.csv` or `metadata.jsonl` with `file_name` and a column of text,
-- beside the clips or in the folder of each split; and `metadata_train.csv` of XTTS, `audio_file|text|speaker_name`. The
-- usual names of the columns are known.
local delimited, fs, json = require "opah.import.delimited", require "opah.fs", require "opah.json"
local progress, source_text = require "opah.progress", require "opah.import.source_text"

local format = { name = "hf", what = "metadata.csv or metadata.jsonl with file_name and text" }

local audio_names = { "file_name", "audio", "audio_file", "audio_path", "path", "file", "filename", "wav" }
local text_names = { "text", "transcription", "transcript", "sentence", "normalized_text", "raw_text", "caption" }
local speaker_names = { "speaker", "speaker_id", "speaker_name", "spk", "client_id", "voice" }

--- The first of the names that `has` knows.
local function choose(names, has)
  for _, name in ipairs(names) do if has(name) then return name end end
end

--- What divides the columns of a header line.
local function delimiter_of(header)
  local best, most = ",", 0
  for _, delimiter in ipairs { ",", "\t", ";", "|" } do
    local _, count = header:gsub("%" .. delimiter, "")
    if count > most then best, most = delimiter, count end
  end
  return best
end

--- The rows of a table. What parts columns by bars or tabs is mostly written without quotes that mean anything, so that one
--- at the beginning of a text would run over many lines; where a spreadsheet did write it, its quotes are taken off.
local function rows_of(text)
  local delimiter = delimiter_of(text:match("[^\n]*%S[^\n]*") or "")
  if delimiter == "," or delimiter == ";" then return delimited.quoted(text, delimiter) end
  local rows = delimited.plain(text, delimiter)
  for _, row in ipairs(rows) do for i, field in ipairs(row) do row[i] = delimited.unquoted(field) end end
  return rows
end

local function is_metadata(path)
  local first = source_text(path):match("[^\n]*%S[^\n]*") or ""
  if path:lower():find("%.jsonl$") then return first:find("^%s*{") ~= nil end
  local header = rows_of(first)[1]
  local columns = delimited.columns(header or {})
  local function has(name) return columns[name] end
  return choose(audio_names, has) and choose(text_names, has)
end

function format.find(source, stat)
  if stat.kind == "file" then
    local suffix = source:lower():match("%.(%w+)$")
    return (suffix == "csv" or suffix == "tsv" or suffix == "jsonl") and is_metadata(source) and { source } or nil
  end
  local found = {}
  for _, path in ipairs(fs.list(source, { recursive = true, extension = { ".csv", ".jsonl" } })) do
    if fs.basename(path):find("^metadata[._-]") and is_metadata(path) then found[#found + 1] = path end
  end
  return #found > 0 and found or nil
end

local function text_of(value)
  if type(value) == "string" then return value end
  if type(value) == "number" then return tostring(value) end
end

local function read_jsonl(path)
  local entries, number = {}, 0
  for line in (source_text(path) .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    if line:find("%S") then
      local entry = { where = path .. ":" .. number, audio = "" }
      local ok, row = pcall(json.decode, line)
      if not ok or type(row) ~= "table" or #row > 0 then entry.problem = "not an object of JSON"
      else
        local function has(name) return row[name] ~= nil and row[name] ~= json.null end
        local audio = row[choose(audio_names, has) or ""]
        if type(audio) == "table" then audio = audio.path end
        entry.audio = text_of(audio) or ""
        entry.text = text_of(row[choose(text_names, has) or ""]) or ""
        entry.speaker = text_of(row[choose(speaker_names, has) or ""])
      end
      entries[#entries + 1] = entry
    end
  end
  return entries
end

--- The rows: `{ where, audio, speaker, text }`.
function format.read(path)
  if path:lower():find("%.jsonl$") then return read_jsonl(path) end
  local rows = rows_of(source_text(path))
  local header = table.remove(rows, 1) or {}
  local columns, twice = delimited.columns(header)
  local function has(name) return columns[name] end
  for _, names in ipairs { audio_names, text_names, speaker_names } do
    local name = choose(names, has)
    if name and twice[name] then
      error(fs.error("data", ("%s: the header has two columns %s"):format(progress.name(path), name),
        "give one of them another name"), 0)
    end
  end
  local audio, label = columns[choose(audio_names, has) or ""], columns[choose(text_names, has) or ""]
  local speaker = columns[choose(speaker_names, has) or ""]
  local entries = {}
  for i, row in ipairs(rows) do
    entries[i] = {
      where = path .. ":" .. row.line, audio = row[audio] or "", text = row[label] or "",
      speaker = speaker and row[speaker] ~= "" and row[speaker] or nil,
    }
    entries[i].problem = delimited.problem(row, #header, math.max(audio, label))
  end
  return entries
end

return format
