-- A run's figures as the studio reads them while the file is cut, written anew, or has no line's end.
local fs = require "opah.fs"
local metrics_file = require "opah.studio.metrics_file"

local function line(step) return ('{"stage": "train", "step": %d, "loss": %d}\n'):format(step, step) end
local function write(text) fs.write("metrics.jsonl", text) end
local file = metrics_file.new "metrics.jsonl"
local function count()
  file:look()
  return #file.entries
end

write(line(1) .. line(2) .. line(3))
assert(count() == 3)
write(line(1))
assert(count() == 1, "cut")
write ""
assert(count() == 0, "empty")
write('{"stage": "train", "step": 1')
assert(count() == 0, "a line that is being written")
write(line(1) .. '[]\n5\n\xFF\n{"loss": NaN}\n' .. line(2))
assert(count() == 2, "what is no line of a run is passed over")
fs.remove "metrics.jsonl"
assert(count() == 0, "gone")
fs.mkdir "metrics.jsonl"
assert(count() == 0, "a folder")
fs.remove "metrics.jsonl"

-- As a power failure may leave it, and longer than one look.
local began = os.clock()
write(("\0"):rep(3000000) .. "\n" .. line(7))
for _ = 1, 4 do file:look() end
assert(#file.entries == 1 and file.entries[1].step == 7)
assert(os.clock() - began < 5, "a megabyte without a line's end takes no time out of proportion")
