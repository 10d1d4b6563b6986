--- What stages wrote down about their files (`.opah-made.jsonl` beside them), for those who only read it.
local fs, json = require "opah.fs", require "opah.json"

---@class opah.records
local records = {}

-- Larger ones are none of ours.
local largest = 256 * 1024 * 1024

--- The last entry about each file of a folder, by name: `{ by, settings, from = { [role] = { path, stamp, digest } },
--- to = { [name] = { stamp, digest } }, open }`. What is no such line is passed over; a folder without a record gives
--- none.
---
---     records.of("data/Alice")  --> {}
---@param folder string
---@return table<string, table>
function records.of(folder)
  local path, entries = fs.join(folder, ".opah-made.jsonl"), {}
  local stat = fs.stat(path)
  if not stat or stat.kind ~= "file" or stat.size > largest then return entries end
  for line in fs.read(path):gmatch("[^\n]+") do
    local ok, entry = pcall(json.decode, line)
    if ok and type(entry) == "table" and type(entry.made) == "string" then
      for _, field in ipairs { "from", "to", "settings" } do
        if type(entry[field]) ~= "table" then entry[field] = {} end
      end
      if entry.gone then entries[entry.made] = nil else entries[entry.made] = entry end
    end
  end
  return entries
end

return records
