--- The clips of a folder with what doctor finds in them. The list is there at once; the findings come clip by clip, in
-- steps between the requests of the page. Every change has a number, so that a page can ask for what is new.
local data, fs, json = require "opah.data", require "opah.fs", require "opah.json"
local machine = require "opah.machine"
local examining, faults, together = require "opah.doctor.clips", require "opah.doctor.faults",
  require "opah.doctor.together"
local labels = require "opah.studio.labels"

local Clips = {}
Clips.__index = Clips

local clips = {}

-- Clips that went are remembered for pages that are open; more are forgotten, and such a page asks for everything.
local most_gone = 1000
-- Seconds after the last change until all clips are compared: who goes from clip to clip does not wait for it each
-- time.
local calm = 1.5
-- Seconds after which the clock of any file system has ticked (FAT's ticks are of two).
local longest_tick = 3

--- The clips of `folder`. `options`: `recursive`, `text_extension`, and whatever of doctor's usual measures is to be
--- another.
function clips.new(folder, options)
  local with = setmetatable({ audio_only = false, origins = {}, known = {} }, { __index = function(_, name)
    if options[name] ~= nil then return options[name] end
    return examining.usual[name]
  end })
  local self = setmetatable({
    folder = folder, root = fs.resolve(folder), recursive = options.recursive ~= false, with = with,
    version = 0, order = {}, by_id = {}, gone = {}, forgotten = 0, left_out = {}, loose = {}, next = 1,
    seen = 0, compare_at = 0,
  }, Clips)
  self:refresh()
  return self
end

--- Whether a path lies in the folder also when links are followed: nothing else is read or written.
function Clips:holds(path)
  return fs.resolve(path):sub(1, #self.root + 1) == (self.root == "/" and "/" or self.root .. "/")
end

--- The clip of a name that came from elsewhere: it is looked up among those that were found, and never becomes a path.
function Clips:find(id) return type(id) == "string" and self.by_id[id] or nil end

local function forget(self, entry)
  self.version = self.version + 1
  table.insert(self.gone, { id = entry.id, version = self.version })
  if #self.gone > most_gone then self.forgotten = table.remove(self.gone, 1).version end
end

--- Findings over all clips are to be looked for again, when nothing has changed for a moment.
local function unsettle(self) self.compared, self.compare_at = false, machine.now() + calm end

local function touch(self, entry)
  self.version = self.version + 1
  entry.version = self.version
end

--- Stamps of all files of a clip as one text, and whether the next write to any of them is sure to show in it.
local function stamp_of(clip)
  local list, sure = {}, true
  local function add(path)
    local stamp, settled = fs.stamp(path)
    list[#list + 1] = path .. "=" .. (stamp or "-")
    sure = sure and settled ~= false
  end
  for _, path in pairs(clip.labels) do add(path) end
  table.sort(list)
  if clip.audio then add(clip.audio) end
  if clip.codes then add(clip.codes) end
  return table.concat(list, "|"), sure
end

--- Whether the files of an entry's clip may be others than when it was last asked. A file that had just been written is
--- looked at once more, since the next write within the same tick of the disk's clock leaves the stamp as it is.
local function is_other(entry, clip)
  local stamp, sure = stamp_of(clip)
  local same, now = stamp == entry.stamp, machine.now()
  if same and not entry.doubtful then return false end
  if not same then entry.stamp, entry.since = stamp, now end
  entry.doubtful = not sure and now - entry.since < longest_tick
  return true
end

--- All files below the folder, and as one text their names with the times at which a name last came to or went from
--- their folders.
local function names_of(self)
  local files, seen, list = fs.list(self.folder, { recursive = self.recursive }), {}, {}
  local function add(folder)
    if seen[folder] then return end
    seen[folder] = true
    list[#list + 1] = ("%s %s"):format(folder, (fs.stat(folder) or {}).modified)
  end
  add(self.folder)
  for _, path in ipairs(files) do
    add(path:match("^(.*)/") or self.folder)
    list[#list + 1] = path
  end
  return table.concat(list, "\n"), files
end

--- Scans the whole folder: which files belong together, and what is left out.
local function scan(self, files)
  local scanned, skipped, alone = data.scan(self.folder, { recursive = self.recursive })
  local order, by_id, owned, recorded = {}, {}, {}, false
  for _, clip in ipairs(scanned) do
    local id = fs.relative(clip.stem, self.folder)
    local entry = self.by_id[id] or { id = id, together = {} }
    if is_other(entry, clip) then self:take(entry, clip) end
    order[#order + 1], by_id[id] = entry, entry
    recorded = recorded or clip.audio ~= nil
    for _, path in pairs(clip.labels) do owned[path] = true end
    for _, path in ipairs { clip.audio or clip.codes, clip.codes } do owned[path] = true end
  end
  -- Where nothing is recorded, this says why.
  if not recorded then skipped = select(2, data.scan(self.folder, { recursive = self.recursive, audio = true })) end
  self.left_out, self.loose = {}, {}
  for _, item in ipairs(skipped) do
    table.insert(self.left_out, { file = item.path, what = item.reason, remedy = item.remedy })
  end
  for _, item in ipairs(alone) do table.insert(self.left_out, { file = item.path, what = item.text }) end
  for _, path in ipairs(files) do
    if not owned[path] then
      local stamp, settled = fs.stamp(path)
      self.loose[path] = settled and stamp or ""
    end
  end
  for _, entry in ipairs(self.order) do
    if not by_id[entry.id] then
      forget(self, entry)
      unsettle(self)
    end
  end
  self.order, self.by_id = order, by_id
end

--- A clip of which nothing but its files is known.
local function unheard(clip)
  return { audio = clip.audio, codes = clip.codes, labels = clip.labels, speaker = clip.speaker, stem = clip.stem }
end

--- Looks at the folder anew: clips that were changed are examined again, new ones as well, and those that went are
--- gone. Nothing is scanned as long as names are the same, and nothing is read as long as stamps are.
function Clips:refresh()
  local names, files = names_of(self)
  local whole = names ~= self.names
  -- What is left out may be so for its content.
  for path, stamp in pairs(self.loose) do whole = whole or fs.stamp(path) ~= stamp end
  if whole then
    scan(self, files)
    -- From before the scan: what came meanwhile is seen at the next look.
    self.names = names
  else
    for _, entry in ipairs(self.order) do
      if is_other(entry, entry.clip) then self:take(entry, unheard(entry.clip)) end
    end
  end
  self.next, self.seen, self.with.origins = 1, 0, {}
  for _, entry in ipairs(self.order) do if entry.found then self.seen = self.seen + 1 end end
end

--- What is known of a clip's files before it is examined.
function Clips:take(entry, clip)
  clip.file = clip.audio or clip.codes
  entry.clip, entry.found = clip, nil
  unsettle(self)
  entry.label = labels.read(self, entry)
  touch(self, entry)
end

--- A clip whose files were just moved away.
function Clips:remove(entry)
  for i, one in ipairs(self.order) do
    if one == entry then
      table.remove(self.order, i)
      if i < self.next then self.next = self.next - 1 end
      break
    end
  end
  self.by_id[entry.id] = nil
  if entry.found then self.seen = self.seen - 1 end
  forget(self, entry)
  unsettle(self)
end

--- A clip whose files were just changed, examined again at once.
function Clips:changed(entry)
  if not entry.found then self.seen = self.seen + 1 end
  is_other(entry, entry.clip)
  self:take(entry, unheard(entry.clip))
  self:examine(entry)
end

function Clips:examine(entry)
  local found = faults()
  if self:holds(entry.clip.file) then
    examining.examine(entry.clip, found, self.with)
  else
    found:add("unreadable", entry.clip.file, "a link that leads out of " .. self.folder,
      "copy the recording into the folder")
  end
  entry.found = found
  touch(self, entry)
end

--- A clip as the page has it, as JSON, with the numbers of its errors and notes: kept until it changes, since a page
--- asks for all of them when it is loaded.
local function told(self, entry)
  if entry.told_version ~= entry.version then
    local clip, errors = self:describe(entry), 0
    for _, fault in ipairs(clip.faults) do if fault.severity == "error" then errors = errors + 1 end end
    entry.told, entry.told_version = json.encode(clip), entry.version
    entry.errors, entry.notes = errors, #clip.faults - errors
  end
  return entry.told, entry.errors, entry.notes
end

--- What only shows when all clips are seen.
local function compare(self)
  local list, found = {}, faults()
  for i, entry in ipairs(self.order) do
    entry.clip.twin = nil
    list[i] = entry.clip
  end
  together(list, found)
  for _, entry in ipairs(self.order) do
    local own = found:of(entry.clip.file)
    if json.encode(own) ~= json.encode(entry.together) then
      entry.together = own
      touch(self, entry)
      told(self, entry)
    end
  end
  self.compared = true
  self.version = self.version + 1
end

--- Examines the next clip that was not seen yet, and after the last all of them together; whether there is more to do.
function Clips:step()
  while self.order[self.next] do
    local entry = self.order[self.next]
    self.next = self.next + 1
    if not entry.found then
      self:examine(entry)
      told(self, entry)
      self.seen = self.seen + 1
      return true
    end
  end
  if not self.compared and machine.now() >= self.compare_at then
    compare(self)
    return true
  end
  return false
end

--- A clip as the page has it.
function Clips:describe(entry)
  local clip, list = entry.clip, {}
  for _, found in ipairs { entry.found and entry.found.list or {}, entry.together } do
    for _, fault in ipairs(found) do
      list[#list + 1] = { code = fault.code, severity = fault.severity, what = fault.what, remedy = fault.remedy }
    end
  end
  table.sort(list, function(a, b) return a.severity == "error" and b.severity ~= "error" end)
  return {
    id = entry.id, speaker = clip.speaker, file = fs.relative(clip.file, self.folder), sound = clip.audio ~= nil,
      seconds = clip.seconds,
    label = { text = entry.label.text, digest = entry.label.digest, file = entry.label.file,
      problem = entry.label.problem },
    faults = list, seen = entry.found ~= nil,
  }
end

--- What changed after `since`, as JSON: clips, names of those that went, how far the examination is, and the fields of
--- `more`; everything for a page that is new or has missed too much (`whole`). Second, the version that it tells of.
---@param since integer
---@param more table
---@return string, integer
function Clips:changes(since, more)
  local whole = since == 0 or since < self.forgotten or since > self.version
  local list, gone, errors, notes = {}, {}, 0, 0
  for _, entry in ipairs(self.order) do
    local text, own_errors, own_notes = told(self, entry)
    if whole or entry.version > since then list[#list + 1] = text end
    errors, notes = errors + own_errors, notes + own_notes
  end
  for _, item in ipairs(self.gone) do
    if not whole and item.version > since and not self.by_id[item.id] then gone[#gone + 1] = item.id end
  end
  local head = {
    whole = whole, version = self.version, gone = gone, left_out = self.left_out, total = #self.order,
    seen = self.seen, done = self.compared == true and self.seen == #self.order, errors = errors, notes = notes,
  }
  for name, value in pairs(more) do head[name] = value end
  return ('%s,"clips":[%s]}'):format(json.encode(head):sub(1, -2), table.concat(list, ",")), self.version
end

return clips
