--- LJSpeech: `metadata.csv` with `id|text` or `id|text|normalised text`, the clips in `wavs`. Quotes mean nothing in
-- it.
local delimited, fs, source_text = require "opah.import.delimited", require "opah.fs", require "opah.import.source_text"
local trim = require "opah.trim"

local format = { name = "ljspeech", what = "metadata.csv of id|text|normalised text" }

--- The list when there is one: a file, or `metadata.csv` in a folder, whose first line has two or three columns and
--- no header.
function format.find(source, stat)
  local path = stat.kind == "file" and source or fs.join(source, "metadata.csv")
  if not path:lower():find("%.csv$") or not fs.exists(path) then return nil end
  local first = source_text(path):match("[^\n]*%S[^\n]*") or ""
  local _, bars = first:gsub("|", "")
  return bars >= 1 and bars <= 2 and not first:lower():find("^file_name") and { path } or nil
end

--- The rows: `{ where, audio, text }`.
function format.read(path)
  local entries = {}
  for _, row in ipairs(delimited.plain(source_text(path), "|")) do
    local text = row[3] and row[3]:find("%S") and row[3] or row[2]
    local entry = { where = path .. ":" .. row.line, audio = trim(row[1]), text = text }
    if #row < 2 then entry.problem = "there is no | in the line"
    elseif #row > 3 then entry.problem = ("%d columns, where id|text|normalised text has three"):format(#row) end
    entries[#entries + 1] = entry
  end
  return entries
end

return format
