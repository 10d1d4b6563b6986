--- Packs, checkpoints, and the program's own start.
local data, fs, lm = require "opah.data", require "opah.fs", require "opah.lm"
local fixtures = require "opah.bench.fixtures"

local function pack(bench)
  local source, target = bench:fixture("packable"), fs.tempdir()
  local remover <close> = setmetatable({}, { __close = function() fs.remove(target, { recursive = true }) end })
  local report
  local values = bench:time(function() report = data.pack { input = source, output = fs.join(target, "protos") } end)
  assert(report.sentences == fixtures.packed_clips[bench.quick and "quick" or "full"])
  return { values = values, details = { sentences = report.sentences, shards = #report.shards } }
end

local function read(bench)
  local source, target = bench:fixture("packable"), fs.tempdir()
  local remover <close> = setmetatable({}, { __close = function() fs.remove(target, { recursive = true }) end })
  data.pack { input = source, output = target }
  local sentences
  local values = bench:time(function()
    sentences = 0
    for group in data.read(target) do sentences = sentences + #group.sentences end
  end)
  assert(sentences == fixtures.packed_clips[bench.quick and "quick" or "full"])
  return { values = values, details = { sentences = sentences } }
end

local function load(bench)
  local path = bench:fixture("bfloat16")
  local size = fs.stat(fs.join(path, "model.pth")).size
  local values = bench:time(function() lm.load(path) end, 2 * bench.repeats + 1)
  return { values = values, details = { file_bytes = size } }
end

local function start(bench)
  local values, peak = {}, 0
  bench:opah("-e", "")
  for i = 1, bench.quick and 3 or 20 do
    local done = bench:opah("-e", "")
    values[i], peak = done.seconds, math.max(peak, done.peak)
  end
  return { values = values, peak = peak }
end

return {
  { name = "pack", what = "packing 10,000 clips", unit = "s", run = pack, goals = { { "measured", "<=", 1 } } },
  { name = "unpack", what = "reading 10,000 packed clips", unit = "s", run = read, goals = { { "measured", "<=", 1 } } },
  { name = "start", what = "opah -e ''", unit = "s", run = start, goals = { { "measured", "<=", 0.02 } } },
  { name = "load", what = "loading a checkpoint of 1 GB, before its first use", unit = "s", run = load, goals = { { "measured", "<=", 0.1 } } },
}
