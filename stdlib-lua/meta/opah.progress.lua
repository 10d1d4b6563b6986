---@meta opah.progress
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Telling people, and programs, how a run goes. All of it goes to standard error.
---@class opah.progress
local progress = {}

---A bar for `total` pieces of work; nil when nobody knows how many. `done` of them were done before. Ends with its scope: `local b <close> = progress.bar(10)`.
---
---```lua
---local clips = fs.list("data", { recursive = true, extension = ".lab" })
---local bar <close> = progress.bar(#clips, "labels")
---for _, path in ipairs(clips) do bar:step(1, { bytes = #fs.read(path) }) end
---```
---@param total? integer
---@param label? string default ""
---@param opts? {done?: integer} defaults: done = 0
---@return ProgressBar
function progress.bar(total, label, opts) end

---A line for people, on standard error, above the bars; silent with --quiet.
---
---```lua
---progress.log("epoch 1: loss 2.31")
---```
---@param text string
function progress.log(text) end

---A line that even --quiet shows.
---
---```lua
---progress.warn("b.wav: skipped, no label beside it")
---```
---@param text string
function progress.warn(text) end

---The name of a file or folder as messages show it: control characters, newlines and what turns the direction of writing are written out, so that no name clears a screen or begins a line. With `output`, for standard output: only where that is a terminal; programs that read it get names as they are.
---
---```lua
---progress.name("a\27[2J.wav"), progress.name("b\nc.wav")  --> "a\\x1b[2J.wav", "b\\nc.wav"
---```
---@param text string
---@param opts? {output?: boolean} defaults: output = false
---@return string
function progress.name(text, opts) end

---How many columns of a terminal a text takes: two for East Asian wide characters and emoji, none for marks that combine.
---
---```lua
---progress.columns("kana"), progress.columns("かな")  --> 4, 4
---```
---@param text string
---@return integer
function progress.columns(text) end

---A number of bytes as people read it, in powers of 1000, with three digits at most.
---
---```lua
---progress.size(3060000000)         --> "3.06 GB"
---```
---@param bytes number
---@return string
function progress.size(bytes) end

---Seconds as people read them.
---
---```lua
---progress.duration(0.0123)  --> "12.3 ms"
---progress.duration(200)     --> "3 min 20 s"
---```
---@param seconds number
---@return string
function progress.duration(seconds) end

---Whether people watch: a terminal, without --quiet or --json.
---
---```lua
---if progress.is_live() then print "press Ctrl-C to stop" end
---```
---@return boolean
function progress.is_live() end

---A line of JSON for programs; with --json, and for a batch. `event` names it; without one it is `custom`.
---
---```lua
---progress.event({ event = "metrics", step = 10, loss = 2.31 })
---```
---@param fields table
function progress.event(fields) end

---What came of this run, for programs: told in the `result` event that ends it (--json, docs/json-events.md) and kept in its record. Later facts of a name replace earlier ones.
---
---```lua
---progress.result({ clips = 14, hours = 0.4 })
---```
---@param facts table
function progress.result(facts) end

---How far a long piece of work has come.
---@class ProgressBar
local ProgressBar = {}

---`count` more are done. `figures` such as `{loss=2.1}` are shown behind the bar.
---
---```lua
---local bar <close> = progress.bar(3, "training")
---for step, loss in ipairs{2.5, 2.1, 1.9} do bar:step(1, { loss = loss }) end
---```
---@param count? integer default 1
---@param figures? table
function ProgressBar:step(count, figures) end

---`done` of `total` are done, for work that counts by itself; `total` stays as it was when it is left out.
---
---```lua
---local bar <close> = progress.bar(nil, "download")      -- the size is not known yet
---bar:at(500, 2000)
---bar:at(2000)
---```
---@param done integer
---@param total? integer
---@param figures? table
function ProgressBar:at(done, total, figures) end

---Ends the bar and leaves its last state on the screen. Ending it twice is fine.
---
---```lua
---local bar = progress.bar(2, "clips")
---bar:step(2)
---bar:done()
---```
function ProgressBar:done() end

return progress
