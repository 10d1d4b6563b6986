--- Digests of files, remembered between runs. A file whose stamp (`fs.stamp`: size, times of change, inode) is the
-- remembered one is taken to be the same; any other is read, and its content decides.
local fs, json = require "opah.fs", require "opah.json"

local Digests = {}
Digests.__index = Digests

--- Remembers in the file `path`.
local function open(path)
  local known = {}
  if fs.exists(path) then
    local ok, content = pcall(json.decode, fs.read(path))
    if ok and type(content) == "table" then known = content end
  end
  return setmetatable({ path = path, known = known, used = {}, changed = false }, Digests)
end

--- The digest of one file; nil when it is not there.
function Digests:of(path)
  local stamp, settled = fs.stamp(path)
  if not stamp then return nil end
  local entry = self.used[path] or self.known[path]
  -- What a hand or a broken disk made of the file is not believed.
  if type(entry) ~= "table" or entry.stamp ~= stamp or type(entry.digest) ~= "string" then
    -- One that may be written to again within the same tick of the clock is read once more by the next run.
    entry = { stamp = settled and stamp or "", digest = fs.digest(path) }
    self.changed = true
  end
  self.used[path] = entry
  return entry.digest
end

--- Digests of several files below `folder`: a table from name to digest. Names that are not there are left out.
function Digests:of_all(folder, names)
  local result = {}
  for _, name in ipairs(names) do result[name] = self:of(fs.join(folder, name)) end
  return result
end

--- Keeps what this run has used.
function Digests:save()
  if self.changed then fs.write(self.path, json.encode(self.used)) end
  self.changed = false
end

return open
