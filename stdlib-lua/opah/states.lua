--- The states that a training loop in Lua goes on from: the last one, and the one before it in case the last is damaged.
-- `states.json` holds the digests of both: a checkpoint with one altered number can be read as well as a whole one.
local checkpoint, fs, json, opah, progress =
  require "opah.checkpoint", require "opah.fs", require "opah.json", require "opah", require "opah.progress"

---@class opah.States
---@field folder string
---@field digest? string Of the state that was read or written last.
---@field last string The file of the last state.
---@field before string That of the one before it.
---@field field string What each of them has a table under.
---@field remedy string What to do when none is whole.
local States = {}
States.__index = States

---@class opah.states
local states = {}

-- What reading a file that was cut short or altered ends with.
local damage = { format = true, file = true, unsafe = true, dtype = true, shape = true }

--- The states in a folder, which is made, as `state.ckpt` and `state-before.ckpt`, of which one is there at any time after the first was saved.
---
---     kept = states.new("run", "tensors", "choose another --output")
---     kept:save { step = 1, tensors = {} }
---     kept:save { step = 2, tensors = {} }
---     kept:newest().step  --> 2
---@param folder string
---@param field string What each state has a table under: its weights.
---@param remedy string What to do when none is whole.
---@return opah.States
function states.new(folder, field, remedy)
  fs.mkdir(folder)
  return setmetatable({
    folder = folder, last = fs.join(folder, "state.ckpt"), before = fs.join(folder, "state-before.ckpt"), field = field, remedy = remedy,
  }, States)
end

-- The digests of what was written, as keys; nil where an older program wrote.
local function written(folder)
  local path = fs.join(folder, "states.json")
  local ok, list = pcall(function() return json.decode(fs.read(path)) end)
  if not ok or type(list) ~= "table" then return nil end
  local known = {}
  for _, digest in ipairs(list) do known[digest] = true end
  return known
end

-- The state in a file and its digest, or why it is none: an error or words.
local function read(path, field, known)
  local ok, state = pcall(checkpoint.load, path)
  if not ok then
    if not damage[state.kind] then error(state, 0) end
    return nil, state
  end
  if type(state) ~= "table" or math.type(state.step) ~= "integer" or type(state[field]) ~= "table" then return nil, "it is no state of such a run" end
  local digest = fs.digest(path)
  if known and not known[digest] then return nil, "its bytes are not those that were written" end
  return state, digest
end

-- A damaged file is never removed, and nobody takes it for a whole one again.
local function set_aside(path)
  local target, number = path .. ".damaged", 1
  while fs.exists(target) do
    number = number + 1
    target = path .. ".damaged" .. number
  end
  fs.move(path, target)
end

--- The newest state that is whole, and its path; nothing where no run has saved one. A damaged last one is passed over,
--- with a warning, and gets the name `state.ckpt.damaged`. When none is whole it is an error.
---
---     kept = states.new("run-damaged", "tensors", "choose another --output")
---     kept:save { step = 1, tensors = {} }
---     kept:save { step = 2, tensors = {} }
---     fs.write(kept.last, "half of it")
---     kept:newest().step, fs.exists("run-damaged/state.ckpt.damaged")  --> 1, true
---@return table? state
---@return string? path
function States:newest()
  local damaged, known = {}, written(self.folder)
  for _, path in ipairs { self.last, self.before } do
    if fs.exists(path) then
      local state, found = read(path, self.field, known)
      if state then
        self.digest = found
        for _, item in ipairs(damaged) do
          progress.warn(("%s is damaged (%s) and passed over: the run goes on from step %d"):format(progress.name(item.path), item.reason, state.step))
          set_aside(item.path)
        end
        return state, path
      end
      local reason = opah.error_text(found)
      if reason:sub(1, #path + 2) == path .. ": " then reason = reason:sub(#path + 3) end
      damaged[#damaged + 1] = { path = path, reason = reason }
    end
  end
  if #damaged == 0 then return nil end
  local list = {}
  for i, item in ipairs(damaged) do list[i] = ("\n    %s: %s"):format(fs.basename(item.path), item.reason) end
  error(fs.error("checkpoint", ("%s: no state is whole, so the run cannot go on:%s"):format(self.folder, table.concat(list)), self.remedy), 0)
end

--- Writes a state, and keeps the last one as the one before it.
---
---     kept = states.new("run-saved", "tensors", "choose another --output")
---     kept:save { step = 1, tensors = {} }
---     kept:save { step = 2, tensors = {} }
---     checkpoint.load(kept.before).step  --> 1
---@param state table
function States:save(state)
  local new = fs.join(self.folder, "state-new.ckpt")
  checkpoint.save(new, state)
  local digest = fs.digest(new)
  fs.write(fs.join(self.folder, "states.json"), json.encode { digest, self.digest })
  if fs.exists(self.last) then fs.move(self.last, self.before) end
  fs.move(new, self.last)
  self.digest = digest
end

return states
