--- Tensors from Lua: what a small one costs, and that temporaries go.
local machine, tensor = require "opah.machine", require "opah.tensor"

local function add(bench)
  local a, b = tensor.new { 1, 2, 3, 4 }, tensor.new { 5, 6, 7, 8 }
  local count = bench.quick and 1000 or 1000000
  local function all()
    local sum
    for _ = 1, count do sum = a + b end
    assert(sum:sum():item() == 36)
  end
  all()
  bench:settle()
  local values, busy = bench:measure(function() return bench.seconds(all) / count * 1e6 end, 2 * bench.repeats + 1)
  return { values = values, busy = busy, details = { additions = count } }
end

local function temporaries(bench)
  local a, b = tensor.new { 1, 2, 3, 4 }, tensor.new { 5, 6, 7, 8 }
  local count = bench.quick and 10000 or 10000000
  for _ = 1, 1000 do local _ = a + b end
  bench:settle()
  local before, began = machine.memory().resident, machine.now()
  for _ = 1, count do local _ = a + b end
  local seconds = machine.now() - began
  return { values = { math.max(0, machine.memory().peak - before) / 1e6 }, details = { temporaries = count, seconds = seconds } }
end

return {
  { name = "add", what = "adding two tensors of 4 elements", unit = "us", competes = true, run = add, goals = { { "measured", "<=", 0.5 } } },
  { name = "temporaries", what = "growth over 10 million temporaries", unit = "MB", run = temporaries, goals = { { "measured", "<=", 16 } } },
}
