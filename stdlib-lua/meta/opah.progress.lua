---@meta opah.progress
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Telling people, and programs, how a run goes. All of it goes to standard error.
---@class opah.progress
local progress = {}

---A bar for `total` pieces of work; nil when nobody knows how many. `done` of them were done before. Ends with its scope: `local b <close> = progress.bar(10)`.
---@param total? integer
---@param label? string default ""
---@param opts? {done?: integer} defaults: done = 0
---@return ProgressBar
function progress.bar(total, label, opts) end

---A line for people; silent with --quiet.
---@param text string
function progress.log(text) end

---A line that even --quiet shows.
---@param text string
function progress.warn(text) end

---Whether people watch: a terminal, without --quiet or --json.
---@return boolean
function progress.is_live() end

---A line of JSON for programs; with --json, and for a batch.
---@param fields table
function progress.event(fields) end

---How far a long piece of work has come.
---@class ProgressBar
local ProgressBar = {}

---`count` more are done. `figures` such as `{loss=2.1}` are shown behind the bar.
---@param count? integer default 1
---@param figures? table
function ProgressBar:step(count, figures) end

---`done` of `total` are done.
---@param done integer
---@param total? integer
---@param figures? table
function ProgressBar:at(done, total, figures) end

---Ends the bar and leaves its last state on the screen.
function ProgressBar:done() end

return progress
