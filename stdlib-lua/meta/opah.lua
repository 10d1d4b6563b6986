---@meta opah
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---All modules as fields: `opah.audio`, `opah.tensor`, ...; each is also `require "opah.audio"`.
---@class opah
---@field version string The program's version.
---@field home string? The folder that holds stdlib-lua and examples.
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
---@field plot opah.plot
---@field prompt opah.prompt
local opah = {}

opah.run = require "opah.run"
opah.graph = require "opah.graph"
opah.callbacks = require "opah.callbacks"
opah.tables = require "opah.tables"
---What a module, function or method does: `opah.help("audio.resample")`. Without a name, the list of modules.
---@param name? string
---@return string
function opah.help(name) end

---Plays samples [T] or [channels, T] (their mean) through a player of this machine, and waits for the end; Ctrl-C stops it. `rate` is in Hz, or the info table of audio.load.
---@param samples Tensor
---@param rate? integer|table default 44100
function opah.play(samples, rate) end

---Prints a value as a person reads it: tables opened to `depth`, at most `items` entries of each, tables inside themselves marked as cycles.
---
---```lua
---local t = {1, 2, name = "x"}  t.me = t  opah.pp(t)
---```
---@param value? any
---@param opts? {depth?: integer, items?: integer} defaults: depth = 4, items = 30
function opah.pp(value, opts) end

---What `pp` prints, as a string; `width` is the columns that a line keeps to.
---
---```lua
---opah.inspect({ 3, x = { 4 } })  --> "{3, x = {4}}"
---```
---@param value? any
---@param opts? {depth?: integer, items?: integer, width?: integer} defaults: depth = 4, items = 30, width = 80
---@return string
function opah.inspect(value, opts) end

return opah
