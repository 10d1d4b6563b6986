--- What every stage over a folder of clips has in common: a progress bar, a list of what was
-- skipped and why, notes, a last line that tells the truth, and the exit code that goes with it.
--
--   local clips = data.scan("data", { audio = true })
--   local stage <close> = require "opah.stage" ("measure", #clips)
--   for _, clip in ipairs(clips) do
--     stage:try(clip.audio, function()               -- an error skips this clip, not the run
--       print(clip.audio, audio.loudness(audio.load(clip.audio)))
--     end)
--   end
--   return stage:finish("clips measured")            -- 0, or 3 when something was skipped
local dist, opah = require "opah.dist", require "opah"
local progress = opah.progress

---@class opah.Stage
---@field name string
---@field total integer How many inputs there are.
---@field done integer How many were worked through without an error.
---@field skipped table[] `{ path, reason, remedy }` of each input that was left out.
---@field notes table[] `{ path, text }`.
---@field noted table<string, true> What `note` was given, as path and text.
---@field bar ProgressBar
---@field finished? boolean
---@field shared? boolean Whether the processes of one run share its inputs: their reports become one.
local Stage = {}
Stage.__index = Stage

--- Begins a stage over `total` inputs, and shows its progress bar. Declare it `<close>`, so that an error ends the bar.
---
---     s = stage("measure", 2)
---     s:try("a.wav", function() audio.load("a.wav") end)
---     s.done, s.skipped[1].reason  --> 0, "cannot open: No such file or directory"
---@param name string As messages name it.
---@param total integer
---@param done? integer How many an earlier run has done.
---@return opah.Stage
local function new(name, total, done)
  done = done or 0
  local bar = progress.bar(total, name, { done = done })
  return setmetatable({ name = name, total = total, done = done, skipped = {}, notes = {}, noted = {}, bar = bar }, Stage)
end

--- Says that the processes of a run (see `opah.dist`) share the inputs, each with a part: `finish` tells of all of them.
--- Alone, nothing changes. With false, this is a part whose other parts nobody here knows of.
---
---     stage("measure", 1):share().shared  --> true
---@param shared? boolean
---@return opah.Stage
function Stage:share(shared)
  self.shared = shared ~= false
  return self
end

--- A figure of this process, added up over those that share the inputs.
---
---     stage("measure", 1):share():total_of(3)  --> 3
---@param figure number
---@return number
function Stage:total_of(figure)
  if not self.shared then return figure end
  local total = 0
  for _, part in ipairs(dist.gather(figure)) do total = total + part end
  return total
end

--- Everybody's report, on all.
local function merge(stage)
  local done, skipped, notes = 0, {}, {}
  for _, part in ipairs(dist.gather { done = stage.done, skipped = stage.skipped, notes = stage.notes }) do
    done = done + part.done
    table.move(part.skipped, 1, #part.skipped, #skipped + 1, skipped)
    table.move(part.notes, 1, #part.notes, #notes + 1, notes)
  end
  table.sort(skipped, function(a, b) return a.path < b.path end)
  stage.done, stage.skipped, stage.notes = done, skipped, notes
end

--- Leaves one input out, for a reason (a string or an error value, whose hint is the remedy).
---
---     s = stage("cut", 1)
---     s:skip("a.wav", "it is too short", "leave it out")
---     s.skipped  --> {{path = "a.wav", reason = "it is too short", remedy = "leave it out"}}
---@param path string
---@param reason any
---@param remedy? string
function Stage:skip(path, reason, remedy)
  local text, advice = opah.error_text(reason)
  reason, remedy = text, remedy or advice
  for _, name in ipairs { path, progress.name(path) } do
    if reason:sub(1, #name + 2) == name .. ": " then
      reason = reason:sub(#name + 3)
      break
    end
  end
  self.skipped[#self.skipped + 1] = { path = path, reason = reason, remedy = remedy }
end

--- Something worth knowing about an input that was used all the same; `finish` lists it, once.
---
---     s = stage("cut", 1)
---     s:note("a.wav", "its right channel is silent")
---     s:note("a.wav", "its right channel is silent")
---     #s.notes  --> 1
---@param path string
---@param text string
function Stage:note(path, text)
  local key = path .. "\0" .. text
  if self.noted[key] then return end
  self.noted[key] = true
  self.notes[#self.notes + 1] = { path = path, text = text }
end

--- Adds what a native stage left out.
---
---     clips, skipped = data.scan("data", { audio = true })
---     s = stage("measure", #clips)
---     s:add_skipped(skipped)
---     s.total, #s.skipped  --> 14, 0
---@param list? table[] `{ path, reason, remedy }`, as data.scan, vq.extract and data.pack give them.
function Stage:add_skipped(list)
  for _, item in ipairs(list or {}) do self:skip(item.path, item.reason, item.remedy) end
end

--- Adds the notes of a native stage.
---
---     s = stage("extract", 1)
---     s:add_notes { { path = "a.wav", text = "at 16000 Hz it has nothing above 8000 Hz" } }
---     #s.notes  --> 1
---@param list? table[] `{ path, text }`, as vq.extract and data.pack give them.
function Stage:add_notes(list)
  for _, item in ipairs(list or {}) do self.notes[#self.notes + 1] = item end
end

--- Runs `work` for one input. An error is kept as the reason, and nothing is raised; only Ctrl-C goes through, and what no
--- other input would survive either, such as a full disk. Returns whether it went well, and the work's result or error,
--- as pcall does.
---
---     s = stage("measure", 1)
---     s:try("data/Alice/4.80-7.20.wav", function() return audio.info("data/Alice/4.80-7.20.wav").frames end)  --> true, 46540
---@param path string
---@param work fun(): any
---@return boolean ok
---@return any result
function Stage:try(path, work)
  local ok, result = pcall(work)
  if not ok then
    if type(result) == "userdata" and result.fatal then error(result, 0) end
    self:skip(path, result)
  else
    self.done = self.done + 1
  end
  self.bar:step(1, { skipped = #self.skipped > 0 and #self.skipped or nil })
  return ok, result
end

--- A name and what is said of it, on lines that no name can begin.
local function said(path, text) return ("%s: %s"):format(progress.name(path), (text:gsub("\n", "\n    "))) end

--- Prints the notes and what was skipped with its remedy. A note that many inputs have is one line, with their number.
local function list(stage)
  local count = {}
  for _, item in ipairs(stage.notes) do count[item.text] = (count[item.text] or 0) + 1 end
  for _, item in ipairs(stage.notes) do
    local many = count[item.text]
    if many and many > 3 then
      progress.log(("  note: %d clips: %s (%s, ...)"):format(many, (item.text:gsub("\n", "\n    ")), progress.name(item.path)))
      count[item.text] = false
    elseif many then
      progress.log("  note: " .. said(item.path, item.text))
    end
  end
  if #stage.skipped > 0 then
    progress.log(("%s: %d skipped:"):format(stage.name, #stage.skipped))
    for _, item in ipairs(stage.skipped) do
      progress.log(("  %s%s"):format(said(item.path, item.reason), item.remedy and "\n    -> " .. item.remedy:gsub("\n", "\n       ") or ""))
    end
  end
end

--- Ends the stage: prints notes, what was skipped with its remedy, and a summary.
--- Returns the exit code: 0, 3 when inputs were skipped, 1 when nothing at all could be done.
---
---     s = stage("measure", 2)
---     s:try("a.wav", function() end)
---     s:skip("b.wav", "it is silent")
---     s:finish("clips measured")  --> 3
---@param verb string What was done, after the number: "clips cut".
---@param detail? string More for the summary.
---@return integer code
function Stage:finish(verb, detail)
  self.bar:done()
  self.finished = true
  if self.shared and dist.size() > 1 then merge(self) end
  list(self)
  progress.event { event = "stage", stage = self.name, done = self.done, skipped = self.skipped, notes = self.notes }
  progress.result { done = self.done, skipped = #self.skipped }
  progress.log(("%s: %d %s%s%s"):format(self.name, self.done, verb, detail and ", " .. detail or "",
    #self.skipped > 0 and (", %d skipped"):format(#self.skipped) or ""))
  if #self.skipped == 0 then return 0 end
  return self.done == 0 and 1 or 3
end

-- An error may end the recipe before `finish`: what was skipped until then is told all the same.
function Stage:__close()
  self.bar:done()
  if not self.finished then list(self) end
  self.finished = true
end

return new
