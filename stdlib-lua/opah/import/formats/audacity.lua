--- Label tracks of Audacity: `begin<TAB>end<TAB>text`, seconds; lines that begin with a backslash say a range of
-- frequencies. The recording is the one of the same name beside it. (Some systems write a comma for the point.)
local delimited, fs, source_text = require "opah.import.delimited", require "opah.fs", require "opah.import.source_text"

local format = { name = "audacity", what = "labels of begin, end and text, with tabs", cuts = true }

local function seconds(text) return text and tonumber((text:gsub(",", "."))) end

local function is_labels(path)
  local first = source_text(path):match("[^\n]*%S[^\n]*") or ""
  local from, to = first:match("^%s*([%d.,]+)\t([%d.,]+)")
  return seconds(from) ~= nil and seconds(to) ~= nil
end

function format.find(source, stat)
  if stat.kind == "file" then return source:lower():find("%.txt$") and is_labels(source) and { source } or nil end
  local found = {}
  for _, path in ipairs(fs.list(source, { recursive = true, extension = ".txt" })) do
    if is_labels(path) then found[#found + 1] = path end
  end
  return #found > 0 and found or nil
end

--- The labels: `{ where, first, last, text }`, seconds.
function format.read(path)
  local entries = {}
  for _, row in ipairs(delimited.plain(source_text(path), "\t")) do
    if row[1]:sub(1, 1) ~= "\\" then
      local entry = { where = path .. ":" .. row.line, first = seconds(row[1]), last = seconds(row[2]) }
      entry.text = table.concat(row, " ", 3)
      if not entry.first or not entry.last then
        entry.problem = "a label is: begin, end and text with tabs between them"
      end
      entries[#entries + 1] = entry
    end
  end
  return entries
end

return format
