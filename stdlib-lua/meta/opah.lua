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
local opah = {}

opah.run = require "opah.run"
opah.graph = require "opah.graph"
opah.callbacks = require "opah.callbacks"
opah.tables = require "opah.tables"
---What a module, function or method does: `opah.help("audio.resample")`. Without a name, the list of modules.
---@param name? string
---@return string
function opah.help(name) end

return opah
