--- Tune a model my way.
-- opah run mine.lua --rank 4
local opah = require "opah"
local callbacks, planning, stage = require "opah.callbacks", require "opah.planning", require "opah.stage"
local graph, outputs, tables, hub = require "opah.graph", require "opah.outputs", require "opah.tables", require "opah.hub"
local helper = require "helper"
local Model = setmetatable({}, { __index = opah })
print("ready \27[2J")
local ok, problem = xpcall(error, function(text) return "caught " .. text end, "it")
assert(not ok and problem == "caught it" and coroutine.wrap(function() return 5 end)() == 5 and load("return 1")() == 1)
local args = opah.config.parse_args(arg, { flags = { { "rank", "integer", helper.ranks[2], "how \27[31mmuch" }, { "out", "path", opah.fs.join("results", os.date("%Y")), "where" } } })
os.execute("touch hurt")
