--- A metrics.jsonl while a run writes it: what was added since the last look, or everything when it was written anew. A
-- line that has no end yet is left for the next look.
local fs, json = require "opah.fs", require "opah.json"

local MetricsFile = {}
MetricsFile.__index = MetricsFile

local metrics_file = {}

-- Bytes of one look, of a line, and of the end of what was read that is compared to tell whether the file is still the
-- same.
local most, longest_line, compared = 1024 * 1024, 65536, 256
-- Entries that are kept; then every second one of them is left out.
local most_entries = 20000

function metrics_file.new(path)
  return setmetatable({ path = path, at = 0, tail = "", entries = {}, first = 0, generation = 1 }, MetricsFile)
end

local function begin_anew(self)
  self.at, self.tail, self.entries = 0, "", {}
  self.generation = self.generation + 1
end

--- A line as it is shown: numbers and short words by name.
local function entry_of(line)
  local ok, value = pcall(json.decode, line)
  if not ok or type(value) ~= "table" or #value > 0 then return nil end
  local entry, count = {}, 0
  for name, item in pairs(value) do
    if #name <= 40 and count < 32 and (type(item) == "number" or type(item) == "string" and #item <= 80) then
      entry[name], count = item, count + 1
    end
  end
  return count > 0 and entry or nil
end

--- Reads on; whether anything changed. `generation` is another when the file was written anew, and when entries were
--- thinned.
function MetricsFile:look()
  local stamp, settled = fs.stamp(self.path)
  if stamp and stamp == self.stamp then return false end
  local stat = fs.stat(self.path)
  local file <close> = stat and stat.kind == "file" and io.open(self.path, "rb") or nil
  if not file then
    self.stamp = nil
    if self.at == 0 and #self.entries == 0 then return false end
    begin_anew(self)
    return true
  end
  local changed = false
  if self.at > 0 then
    file:seek("set", self.at - #self.tail)
    if file:read(#self.tail) ~= self.tail then
      begin_anew(self)
      changed = true
    end
  end
  file:seek("set", self.at)
  local bytes = file:read(most) or ""
  local last = bytes:match("^.*()\n")      -- from the beginning only: a megabyte without a line's end is looked through once
  if last then
    for line in bytes:sub(1, last):gmatch("([^\n]*)\n") do
      local entry = #line <= longest_line and entry_of(line)
      if entry then self.entries[#self.entries + 1] = entry end
    end
    self.tail = (self.tail .. bytes:sub(1, last)):sub(-compared)
    self.at, changed = self.at + last, true
  elseif #bytes == most then
    self.at, self.tail = self.at + most, (self.tail .. bytes):sub(-compared)       -- no line of a run is as long
  end
  if #self.entries > most_entries then
    local kept = {}
    for i, entry in ipairs(self.entries) do
      if i % 2 == 0 or entry.stage == "val" and i < most_entries then kept[#kept + 1] = entry end
    end
    self.entries, self.generation = kept, self.generation + 1
  end
  -- A file that is longer than one look, or was written a moment ago, is looked at again.
  self.stamp = settled and #bytes < most and stamp or nil
  return changed
end

--- Points `{ step, value }` of a figure by stage, at most `count` of each: means of neighbours.
function MetricsFile:curves(figure, count)
  local by = {}
  for i, entry in ipairs(self.entries) do
    local value = entry[figure]
    if type(value) == "number" then
      local stage = type(entry.stage) == "string" and entry.stage or type(entry.phase) == "string" and entry.phase
        or figure
      local list = by[stage] or {}
      by[stage] = list
      list[#list + 1] = { type(entry.step) == "number" and entry.step or i, value }
    end
  end
  for stage, list in pairs(by) do
    local size = math.ceil(#list / count)
    if size > 1 then
      local thin = {}
      for i = 1, #list, size do
        local x, y, n = 0, 0, 0
        for j = i, math.min(i + size - 1, #list) do x, y, n = x + list[j][1], y + list[j][2], n + 1 end
        thin[#thin + 1] = { x / n, y / n }
      end
      by[stage] = thin
    end
  end
  return by
end

return metrics_file
