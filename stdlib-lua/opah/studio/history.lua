--- What was done to a dataset, so that it can be undone, also after the program was started again: a line of JSON each
-- in a hidden file of its folder. It may come with a stranger's dataset, so nothing in it is believed: clips are looked
-- up by name.
local fs, http, json = require "opah.fs", require "opah.http", require "opah.json"
local progress = require "opah.progress"

local History = {}
History.__index = History

local history = {}

local name = ".opah-studio.jsonl"
-- Steps that can be undone, and bytes of the file that are read.
local most, largest = 500, 32 * 1024 * 1024

local function is_step(value)
  return type(value) == "table" and type(value.id) == "string"
    and (value.action == "label" and type(value.file) == "string" and type(value.after) == "string"
      and (value.before == nil or type(value.before) == "string")
      or value.action == "exclude" and type(value.files) == "table")
end

--- The history of a folder.
function history.open(folder)
  local self = setmetatable({ path = fs.join(folder, name), steps = {} }, History)
  if fs.is_link(self.path) then
    error(fs.error("file", self.path .. ": this is a link", "remove it: the studio keeps its history there"), 0)
  end
  local stat = fs.stat(self.path)
  if stat and stat.size <= largest then
    for line in fs.read(self.path):gmatch("[^\n]+") do
      local ok, step = pcall(json.decode, line)
      if ok and is_step(step) then self.steps[#self.steps + 1] = step end
    end
  end
  return self
end

local function save(self)
  while #self.steps > most do table.remove(self.steps, 1) end
  local lines = {}
  for i, step in ipairs(self.steps) do lines[i] = json.encode(step) .. "\n" end
  fs.write(self.path, table.concat(lines))
end

--- Adds a step before it is taken: a program that is killed in between has a step that is not undone, and not one that
--- cannot be. A step that cannot be written is not there, and what it stands for must not be done.
function History:add(step)
  step.time = os.date("!%Y-%m-%dT%H:%M:%SZ")
  table.insert(self.steps, step)
  local ok, problem = pcall(save, self)
  if not ok then
    table.remove(self.steps)
    error(problem, 0)
  end
end

--- The last step, nil when there is none.
function History:last() return self.steps[#self.steps] end

--- Forgets the last step. Where that cannot be written, the file has a step too many until the next one is written; after
--- a new start, undo finds that it was taken back, and goes on with the step before.
function History:drop()
  table.remove(self.steps)
  local ok, problem = pcall(save, self)
  if ok then return end
  if problem.kind == "interrupted" then error(problem, 0) end
  progress.warn(("note: %s"):format((require "opah".error_text(problem))))
end

--- Bytes in a step, in base 64 since a label may be in any encoding.
history.packed, history.unpacked = http.base64, http.base64_decode

--- What the page says of it.
function History:describe()
  local last = self:last()
  return { count = #self.steps, action = last and last.action, id = last and last.id }
end

return history
