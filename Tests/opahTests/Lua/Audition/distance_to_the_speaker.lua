local features = require "opah.audition.features"
local reader = features.new { 8, 5, 5, 5 }
assert(reader.size == 1000 and reader:of(tensor.zeros(8, 3, { dtype = "int32" })):shape()[2] == 32)
-- Code 999 is the last of each rounding: 7, 4, 4, 4, of halves 4, 2, 2, 2.
local top = reader:of(tensor.full({ 1, 1 }, 999, { dtype = "int32" }))[1]:totable()
assert(top[1] == 0.75 and top[2] == 1 and top[3] == 1 and top[4] == 1)
local one = tensor.randint(0, 400, { 8, 300 }, { dtype = "int32" })
local other = tensor.randint(600, 1000, { 8, 300 }, { dtype = "int32" })
local spread = reader:spread(one)
assert(features.distance(spread, spread) < 1e-6)
local mixed = reader:spread(tensor.cat({ one, other }, 2))
assert(features.distance(mixed, spread) > 0.05 and features.distance(reader:spread(other), spread) > features.distance(mixed, spread))
local added = features.add(spread, reader:spread(other))
assert(added.frames == 600 and features.distance(added, mixed) < 1e-4)
