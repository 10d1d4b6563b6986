--- Lists of VITS and its relatives: `path|text`, `path|speaker|text`, or `path|speaker|language|text` (Bert-VITS2,
-- GPT-SoVITS, fish-speech), and the list of seven columns that Bert-VITS2 writes for itself, whose fourth is the
-- text.
local delimited, fs, source_text = require "opah.import.delimited", require "opah.fs", require "opah.import.source_text"
local names = require "opah.import.names"
local trim = require "opah.trim"

local format = { name = "vits", what = "lists of path|speaker|language|text" }

local function is_list(path)
  if not path:lower():find("%.list$") and not path:lower():find("%.txt$") then return false end
  local first = source_text(path):match("[^\n]*%S[^\n]*") or ""
  local name = first:match("^([^|]+)|")
  return name ~= nil and names.is_sound(name:match("%.%w+%s*$") or "")
end

function format.find(source, stat)
  if stat.kind == "file" then return is_list(source) and { source } or nil end
  local found = {}
  for _, folder in ipairs { source, fs.join(source, "filelists") } do
    for _, path in ipairs(fs.exists(folder) and fs.list(folder, { extension = { ".list", ".txt" } }) or {}) do
      if is_list(path) then found[#found + 1] = path end
    end
  end
  return #found > 0 and found or nil
end

--- A text without the marks that say its languages to VITS's cleaners: `[JA]...[JA][EN]...[EN]`.
local function unmarked(text) return text and (text:gsub("%[(%u%u)%](.-)%[%1%]", "%2")) end

--- The rows: `{ where, audio, speaker, text }`. A text with a bar in it makes one column more, and is a problem unless that is
--- a number of columns which lists have.
function format.read(path)
  local entries = {}
  for _, row in ipairs(delimited.plain(source_text(path), "|")) do
    local entry = { where = path .. ":" .. row.line, audio = trim(row[1]) }
    if #row == 1 then entry.problem = "there is no | in the line"
    elseif #row == 2 then entry.text = row[2]
    elseif #row == 3 then entry.speaker, entry.text = row[2], row[3]
    elseif #row == 4 or #row == 7 then entry.speaker, entry.text = row[2], row[4]
    else entry.problem = ("%d columns, where path|speaker|language|text has four"):format(#row) end
    entry.text = unmarked(entry.text)
    entries[#entries + 1] = entry
  end
  return entries
end

return format
