--- Common Voice: tables with tabs and a header (`client_id`, `path`, `sentence`, ...; releases differ in the rest and
-- in the order), the clips in `clips`. A folder's `validated.tsv` is taken; name another table to import that.
local delimited, fs, source_text = require "opah.import.delimited", require "opah.fs", require "opah.import.source_text"

local format = { name = "commonvoice", what = "a TSV with client_id, path and sentence" }

local function is_table(path)
  local first = fs.exists(path) and source_text(path):match("[^\n]*") or ""
  local columns = delimited.columns(delimited.plain(first, "\t")[1] or {})
  return columns.path and columns.sentence
end

function format.find(source, stat)
  if stat.kind == "file" then return source:lower():find("%.tsv$") and is_table(source) and { source } or nil end
  for _, name in ipairs { "validated.tsv", "train.tsv" } do
    if is_table(fs.join(source, name)) then return { fs.join(source, name) } end
  end
end

--- The rows: `{ where, audio, speaker, text }`; a speaker is the first 12 characters of the client's id, more where
--- two clients share those.
function format.read(path)
  local rows = delimited.plain(source_text(path), "\t")
  local header = table.remove(rows, 1) or {}
  local columns = delimited.columns(header)
  local length, ids = 12, {}
  if columns.client_id then
    for _, row in ipairs(rows) do ids[row[columns.client_id] or ""] = true end
    local function collides()
      local seen = {}
      for id in pairs(ids) do
        local short = id:sub(1, length)
        if seen[short] then return #id > length or #seen[short] > length end
        seen[short] = id
      end
    end
    while length < 128 and collides() do length = length + 4 end
  end
  local entries = {}
  for i, row in ipairs(rows) do
    local client = columns.client_id and row[columns.client_id]
    entries[i] = {
      where = path .. ":" .. row.line, audio = row[columns.path] or "", text = delimited.unquoted(row[columns.sentence] or ""),
      speaker = client and client ~= "" and client:sub(1, length) or nil,
    }
    entries[i].problem = delimited.problem(row, #header, math.max(columns.sentence, columns.path))
  end
  return entries
end

return format
