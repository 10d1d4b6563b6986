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

--- The clips of `folder`. `options`: `recursive`, `text_extension`, and whatever of doctor's usual measures is to be
--- another.
function clips.new(folder, options)
  local with = setmetatable({ audio_only = false, origins = {}, known = {} }, { __index = function(_, name)
    if options[name] ~= nil then return options[name] end
    return examining.usual[name]
  end })
  local self = setmetatable({
    folder = folder, root = fs.resolve(folder), recursive = options.recursive ~= false, with = with,
    version = 0, order = {}, by_id = {}, gone = {}, forgotten = 0, left_out = {}, next = 1, seen = 0,
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

local function stamp_of(clip)
  local list = {}
  for suffix, path in pairs(clip.labels) do list[#list + 1] = suffix .. "=" .. (fs.stamp(path) or "") end
  table.sort(list)
  for _, path in ipairs { clip.audio or "", clip.codes or "" } do
    list[#list + 1] = path ~= "" and fs.stamp(path) or "-"
  end
  return table.concat(list, "|")
end

--- Looks at the folder anew: clips that were changed are examined again, new ones as well, and those that went are
--- gone.
function Clips:refresh()
  local scanned, _, alone = data.scan(self.folder, { recursive = self.recursive })
  local _, skipped = data.scan(self.folder, { recursive = self.recursive, audio = true })
  self.left_out = {}
  for _, item in ipairs(skipped) do
    table.insert(self.left_out, { file = item.path, what = item.reason, remedy = item.remedy })
  end
  for _, item in ipairs(alone) do table.insert(self.left_out, { file = item.path, what = item.text }) end
  local order, by_id = {}, {}
  for _, clip in ipairs(scanned) do
    if clip.audio or clip.codes then
      local id, stamp = fs.relative(clip.stem, self.folder), stamp_of(clip)
      local entry = self.by_id[id]
      if not entry or entry.stamp ~= stamp then
        entry = { id = id, together = {} }
        self:take(entry, clip, stamp)
      end
      order[#order + 1], by_id[id] = entry, entry
    end
  end
  for _, entry in ipairs(self.order) do
    if not by_id[entry.id] then
      forget(self, entry)
      unsettle(self)
    end
  end
  self.order, self.by_id, self.next, self.with.origins = order, by_id, 1, {}
  self.seen = 0
  for _, entry in ipairs(order) do if entry.found then self.seen = self.seen + 1 end end
end

--- What is known of a clip's files before it is examined.
function Clips:take(entry, clip, stamp)
  clip.file = clip.audio or clip.codes
  entry.clip, entry.stamp, entry.found = clip, stamp, nil
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
  local clip = entry.clip
  if not entry.found then self.seen = self.seen + 1 end
  local fresh = { audio = clip.audio, codes = clip.codes, labels = clip.labels, speaker = clip.speaker,
    stem = clip.stem }
  self:take(entry, fresh, stamp_of(fresh))
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

--- What changed after `since`: clips, names of those that went, how far the examination is; everything for a page that
--- is new or has missed too much (`whole`).
function Clips:changes(since)
  local whole = since == 0 or since < self.forgotten or since > self.version
  local list, gone, errors, notes = {}, {}, 0, 0
  for _, entry in ipairs(self.order) do
    if whole or entry.version > since then list[#list + 1] = self:describe(entry) end
    for _, found in ipairs { entry.found and entry.found.list or {}, entry.together } do
      for _, fault in ipairs(found) do
        if fault.severity == "error" then errors = errors + 1 else notes = notes + 1 end
      end
    end
  end
  for _, item in ipairs(self.gone) do
    if not whole and item.version > since and not self.by_id[item.id] then gone[#gone + 1] = item.id end
  end
  return {
    whole = whole, version = self.version, clips = list, gone = gone, left_out = self.left_out, total = #self.order,
    seen = self.seen, done = self.compared == true and self.seen == #self.order, errors = errors, notes = notes,
  }
end

return clips
