--- Packs, checkpoints, and the program's own start.
local data, fs, lm = require "opah.data", require "opah.fs", require "opah.lm"
local fixtures = require "opah.bench.fixtures"

local function pack(bench)
  local source, target = bench:fixture("packable"), fs.tempdir()
  local remover <close> = setmetatable({}, { __close = function() fs.remove(target, { recursive = true }) end })
  local report
  local values, busy = bench:time(function() report = data.pack { input = source, output = fs.join(target, "protos") } end)
  assert(report.sentences == fixtures.packed_clips[bench.quick and "quick" or "full"])
  return { values = values, busy = busy, details = { sentences = report.sentences, shards = #report.shards } }
end

local function read(bench)
  local source, target = bench:fixture("packable"), fs.tempdir()
  local remover <close> = setmetatable({}, { __close = function() fs.remove(target, { recursive = true }) end })
  data.pack { input = source, output = target }
  local sentences
  local values, busy = bench:time(function()
    sentences = 0
    for group in data.read(target) do sentences = sentences + #group.sentences end
  end)
  assert(sentences == fixtures.packed_clips[bench.quick and "quick" or "full"])
  return { values = values, busy = busy, details = { sentences = sentences } }
end

local function load(bench)
  local path = bench:fixture("bfloat16")
  local size = fs.stat(fs.join(path, "model.pth")).size
  local values, busy = bench:time(function() lm.load(path) end, 2 * bench.repeats + 1)
  return { values = values, busy = busy, details = { file_bytes = size } }
end

local function start(bench)
  local peak = 0
  bench:opah("-e", "")
  local values, busy = bench:measure(function()
    local done = bench:opah("-e", "")
    peak = math.max(peak, done.peak)
    return done.seconds
  end, bench.quick and 3 or 20)
  return { values = values, busy = busy, peak = peak }
end

return {
  { name = "pack", what = "packing 10,000 clips", unit = "s", competes = true, run = pack, goals = { { "measured", "<=", 1 } } },
  { name = "unpack", what = "reading 10,000 packed clips", unit = "s", competes = true, run = read, goals = { { "measured", "<=", 1 } } },
  { name = "start", what = "opah -e ''", unit = "s", competes = true, run = start, goals = { { "measured", "<=", 0.02 } } },
  { name = "load", what = "loading a checkpoint of 1 GB, before its first use", unit = "s", competes = true, run = load, goals = { { "measured", "<=", 0.1 } } },
}
