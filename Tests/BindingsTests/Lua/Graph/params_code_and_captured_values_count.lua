run()
local reports = run { gain = 2 }
assert(reports.upper.made == 3 and reports.upper.why == "gain was 1 and is 2" and reports.packs.made == 0)
reports = expect("upper 3, packs, report", { gain = 2, captured = "?" })
assert(reports.upper.why == "its code changed")
expect("", { gain = 2, captured = "?" })
local version = require "opah.graph.version"
local a = load("return function(x) return x + 1 end")()
local b = load("-- a comment before\n\nreturn function(x) return x + 1 end")()
local c = load("return function(x) return x + 2 end")()
assert(version(a) == version(b) and version(a) ~= version(c) and version(a, nil) ~= version(a, c))
local function outer(n) local function helper() return n end return function() return helper() end end
assert(version(outer(1)) ~= version(outer(2)), "what a captured function captures counts")
