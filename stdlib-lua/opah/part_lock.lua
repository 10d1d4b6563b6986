--- Who may work in a folder at the same time: one run over everything, or the parts 1/N to N/N of one work, each once.
-- Parts of another N would do some clips twice, and so would a whole run beside a part.
local fs, opah = require "opah.fs", require "opah"
local part_lock = {}

--- The name of the lock that a part holds; a whole run's is `base` itself.
---
---     part_lock.name(".lock", dist.shard("2/4")), part_lock.name(".lock", dist.shard("1/1"))  --> ".lock-2-of-4", ".lock"
---@param base string
---@param shard? Shard
---@return string
function part_lock.name(base, shard)
  return shard and shard.count > 1 and ("%s-%d-of-%d"):format(base, shard.index, shard.count) or base
end

--- Whether a lock of this name is that of a run which cannot go together with the part `shard` (nil: everything).
local function conflicts(base, shard, name)
  local count = tonumber(name:sub(#base + 1):match("^%-%d+%-of%-(%d+)$"))
  if not shard or shard.count == 1 then return count ~= nil end
  return name == base or count ~= nil and count ~= shard.count
end

--- What a held lock says of its holder; nil when there is no such file.
local function note(path)
  local ok, text = pcall(fs.read, path)
  return ok and text or nil
end

-- Processor seconds in which somebody who has just taken a lock has written into it who he is.
local patience = 0.25

--- Whether another run has a lock: then the error that says who. What a killed run left is taken away.
local function holder(folder, work, name)
  local path = fs.join(folder, name)
  local before, began = note(path), os.clock()
  local ok, lock
  repeat
    ok, lock = pcall(fs.lock, folder, work, { name = name })
    if ok then
      lock:release()
      return nil
    end
    -- Another holder than before came when our own lock was there already: it looks like us for what was left, or
    -- finds our lock and is refused. So of two that exclude each other never both go on, and parts that begin
    -- together all do.
    if before ~= note(path) then return nil end
  until os.clock() - began > patience
  return lock
end

--- Takes the lock of a folder for a whole run (no shard, or one of one) or for a part. An error while a run is at
--- work that cannot go together with it, which says who and what to do.
---
---     first = part_lock.take("out-parts", "writing clips", dist.shard("1/2"))
---     second = part_lock.take("out-parts", "writing clips", dist.shard("2/2"))
---     pcall(part_lock.take, "out-parts", "writing clips", dist.shard("1/3"))  --> false, ...part 1 of 3 cannot go together with part 1 of 2...
---     pcall(part_lock.take, "out-parts", "writing clips")  --> false, ...a run over everything cannot go together with part 1 of 2...
---     first:release()
---     second:release()
---     part_lock.take("out-parts", "writing clips"):release()
---@param folder string
---@param work string What is done in it, for messages.
---@param shard? Shard
---@param base? string Works that do not disturb each other have other names; `.lock` unless given.
---@return FolderLock
function part_lock.take(folder, work, shard, base)
  base = base or ".lock"
  local own = fs.lock(folder, work, { name = part_lock.name(base, shard) })
  local pattern = fs.join(folder, base):gsub("[][*?{}\\~]", "\\%0")
  for _, path in ipairs(fs.glob(pattern .. "*")) do
    local name = fs.basename(path)
    local problem = conflicts(base, shard, name) and holder(folder, work, name)
    if problem then
      own:release()
      local function called(part)
        return part and ("part %s of %s"):format(table.unpack(part)) or "a run over everything"
      end
      local text, hint = opah.error_text(problem)
      local one = called(shard and shard.count > 1 and { shard.index, shard.count } or nil)
      local other = called(name ~= base and { name:match("(%d+)%-of%-(%d+)$") } or nil)
      error(fs.error("file", ("%s\n%s cannot go together with %s"):format(text, one, other),
        (hint or "wait until it ends") .. "; parts of the same number go together"), 0)
    end
  end
  return own
end

--- As `take`, for a folder whose clips get something beside them; nil where nothing can be written, since then all
--- that is to be made must be there already.
---
---     lock = part_lock.beside("data", "extracting codes", dist.shard("1/1"), ".extract-vq.run.lock")
---     pcall(part_lock.beside, "data", "extracting codes", dist.shard("2/3"), ".extract-vq.run.lock")  --> false, ...cannot go together with a run over everything...
---     lock:release()
---@param folder string
---@param work string
---@param shard? Shard
---@param base string
---@return FolderLock?
function part_lock.beside(folder, work, shard, base)
  if not fs.exists(folder) then return nil end
  local ok, result = pcall(part_lock.take, folder, work, shard, base)
  if ok then return result end
  local path = fs.join(folder, part_lock.name(base, shard))
  if fs.exists(path) or fs.is_link(path) or tostring(result):find("cannot go together", 1, true) then error(result, 0) end
  return nil
end

return part_lock
