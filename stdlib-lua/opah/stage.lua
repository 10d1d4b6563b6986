--- What every stage over a folder of clips has in common: a progress bar, a list of what was
-- skipped and why, notes, a last line that tells the truth, and the exit code that goes with it.
--
--   local stage <close> = require "opah.stage" ("loudness-norm", #clips)
--   for _, clip in ipairs(clips) do
--     stage:try(clip.audio, function() ... end)     -- an error skips this clip, not the run
--   end
--   return stage:finish("normalised")                -- 0, or 3 when something was skipped
local progress = require "opah.progress"

local Stage = {}
Stage.__index = Stage

--- Begins a stage over `total` inputs.
local function new(name, total)
  local bar = progress.bar(total, name)
  return setmetatable({ name = name, total = total, done = 0, skipped = {}, notes = {}, bar = bar }, Stage)
end

--- Leaves one input out, for a reason (a string or an error value).
function Stage:skip(path, reason, remedy)
  if type(reason) ~= "string" then
    remedy = remedy or reason.hint
    reason = reason.message or tostring(reason)
  end
  if reason:sub(1, #path + 2) == path .. ": " then reason = reason:sub(#path + 3) end
  self.skipped[#self.skipped + 1] = { path = path, reason = reason, remedy = remedy }
end

--- Something worth knowing about an input that was used all the same.
function Stage:note(path, text)
  self.notes[#self.notes + 1] = { path = path, text = text }
end

--- Adds what a native stage left out.
function Stage:add_skipped(list)
  for _, item in ipairs(list or {}) do self.skipped[#self.skipped + 1] = item end
end

--- Adds the notes of a native stage.
function Stage:add_notes(list)
  for _, item in ipairs(list or {}) do self.notes[#self.notes + 1] = item end
end

--- Runs `work` for one input. An error is kept as the reason; Ctrl-C goes through.
function Stage:try(path, work)
  local ok, result = pcall(work)
  if not ok then
    if type(result) == "userdata" and result.kind == "interrupted" then error(result, 0) end
    self:skip(path, result)
  else
    self.done = self.done + 1
  end
  self.bar:step(1, { skipped = #self.skipped > 0 and #self.skipped or nil })
  return ok, result
end

--- Ends the stage: prints notes, what was skipped with its remedy, and a summary.
-- Returns the exit code: 0, 3 when inputs were skipped, 1 when nothing at all could be done.
function Stage:finish(verb, detail)
  self.bar:done()
  for _, item in ipairs(self.notes) do progress.log(("  note: %s: %s"):format(item.path, item.text)) end
  if #self.skipped > 0 then
    progress.log(("%s: %d skipped:"):format(self.name, #self.skipped))
    for _, item in ipairs(self.skipped) do
      progress.log(("  %s: %s%s"):format(item.path, item.reason, item.remedy and "\n    -> " .. item.remedy or ""))
    end
  end
  progress.event { stage = self.name, done = self.done, skipped = self.skipped }
  progress.log(("%s: %d %s%s%s"):format(self.name, self.done, verb, detail and ", " .. detail or "",
    #self.skipped > 0 and (", %d skipped"):format(#self.skipped) or ""))
  if #self.skipped == 0 then return 0 end
  return self.done == 0 and 1 or 3
end

function Stage:__close() self.bar:done() end

return new
