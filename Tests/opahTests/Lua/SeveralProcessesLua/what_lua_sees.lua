local dist, tensor = require "opah.dist", require "opah.tensor"
local t, m = tensor.new { dist.rank(), 10 * dist.rank() }, tensor.new { dist.rank(), -dist.rank() }
dist.all_reduce { t }
assert(t[1] == 6 and t[2] == 60, tostring(t))
dist.all_reduce(m, { op = "max" })
assert(m[1] == 3 and m[2] == -1, tostring(m))
local word = dist.broadcast(dist.rank() == 2 and { a = "two" } or nil, { from = 2 })
assert(word.a == "two")
local all = dist.gather("r" .. dist.rank())
assert(table.concat(all, ",") == "r1,r2,r3")
assert(dist.first(function(n) return dist.rank() * n end, 5) == 5)
assert(#dist.share { 1, 2, 3, 4 } == (dist.rank() == 1 and 2 or 1))
assert(dist.shard().index == dist.rank() and #dist.hosts() == 3)
local ok, problem = pcall(dist.first, function() error("on one") end)
assert(not ok and tostring(problem):find("on one"))
-- A program that it starts is alone.
local pipe = io.popen(require("opah.machine").program .. " -e 'print(require(\"opah.dist\").size())'")
assert(pipe:read("n") == 1)
pipe:close()
if dist.rank() == 1 then print("all well") end
