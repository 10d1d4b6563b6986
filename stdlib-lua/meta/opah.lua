---@meta opah
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---All modules as fields: `opah.audio`, `opah.tensor`, ...; each is also `require "opah.audio"`.
---@class opah
---@field version string The program's version. `opah.version  --> "0.1..."`
---@field home string? The folder that holds stdlib-lua and examples. `audio.info(opah.home .. "/examples/data/Alice/4.80-7.20.wav").sample_rate  --> 16000`
---@field tensor opah.tensor
---@field nn opah.nn
---@field audio opah.audio
---@field vq opah.vq
---@field text opah.text
---@field data opah.data
---@field lm opah.lm
---@field lora opah.lora
---@field train opah.train
---@field json opah.json
---@field fs opah.fs
---@field checkpoint opah.checkpoint
---@field config opah.config
---@field progress opah.progress
---@field report opah.report
---@field machine opah.machine
---@field dist opah.dist
---@field plot opah.plot
---@field http opah.http
---@field prompt opah.prompt
local opah = {}

opah.run = require "opah.run"
opah.recipe = require "opah.recipe"
opah.graph = require "opah.graph"
opah.callbacks = require "opah.callbacks"
opah.tables = require "opah.tables"
opah.embedded = require "opah.embedded"
---What a module, function or method does: `opah.help("audio.resample")`. Without a name, the list of modules.
---
---```lua
---opah.help("audio.resample")  --> audio.resample(samples, from_rate, to_rate) ...
---```
---@param name? string
---@return string
function opah.help(name) end

---Plays samples [T] or [channels, T] (their mean) through a player of this machine, and waits for the end; Ctrl-C stops it. `rate` is in Hz, or the info table of audio.load.
---
---```lua
---samples, info = audio.load("data/Alice/4.80-7.20.wav", { duration = 0.1 })
---heard, problem = pcall(opah.play, samples, info)  -- false where nothing plays sound
---```
---@param samples Tensor
---@param rate? integer|table default 44100
function opah.play(samples, rate) end

---Prints a value as a person reads it: tables opened to `depth`, at most `items` entries of each, tables inside themselves marked as cycles.
---
---```lua
---clip = { name = "a.wav", seconds = { 0.5, 1.2 } }
---clip.self = clip
---opah.pp(clip)  -- {name = "a.wav", seconds = {0.5, 1.2}, self = <cycle: the whole>}
---```
---@param value? any
---@param opts? {depth?: integer, items?: integer} defaults: depth = 4, items = 30
function opah.pp(value, opts) end

---What a caught error says, and its hint, as the program would show it: a string itself, the message of Opah's errors, of a table what `__tostring` makes of it, else its fields.
---
---```lua
---ok, problem = pcall(error, { code = 5, message = "codec missing" })
---opah.error_text(problem)  --> "{code = 5, message = \"codec missing\"}", nil
---```
---@param value? any
---@return string
---@return string?
function opah.error_text(value) end

---Runs `work` to its end and returns what it returns, although Ctrl-C or SIGTERM may ask to stop meanwhile: that is heard afterwards, as the error `interrupted`. For a step that must not stay half done, or for saving what was done. A second Ctrl-C within two seconds ends the program all the same.
---
---```lua
---opah.finish(function() return 1, 2 end)  --> 1, 2
---```
---@param work function
---@return any ...
function opah.finish(work) end

---What `pp` prints, as a string; `width` is the columns that a line keeps to.
---
---```lua
---opah.inspect({ 3, x = { 4 } })                 --> "{3, x = {4}}"
---opah.inspect({ 3, x = { 4 } }, { depth = 1 })  --> "{3, x = {... 1 entry}}"
---```
---@param value? any
---@param opts? {depth?: integer, items?: integer, width?: integer} defaults: depth = 4, items = 30, width = 80
---@return string
function opah.inspect(value, opts) end

return opah
