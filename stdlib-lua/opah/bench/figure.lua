--- One figure, measured in a process of its own: what it runs on, how long it takes, and how that compares with what
-- this machine does at best.
local fs, machine, tensor = require "opah.fs", require "opah.machine", require "opah.tensor"
local beside, fixtures = require "opah.bench.beside", require "opah.bench.fixtures"
local processes = require "opah.bench.processes"
local bytes, median = require "opah.progress".size, require "opah.statistics".median

local Bench = {}
Bench.__index = Bench

--- What a figure's `run` is given. `folder` holds the fixtures; `quick` asks for tiny shapes; `repeats` is how often
-- to measure; `beside` is the processor that a competitor takes, where figures are measured beside one; with
-- `one_thread` beside it also with a single thread.
local function new(settings, one_thread)
  return setmetatable({
    quick = settings.quick, folder = settings.folder, repeats = settings.repeats, script = settings.script,
    beside = settings.beside, one_thread = settings.beside and one_thread,
  }, Bench)
end

--- The path of a fixture, made when it is not there.
function Bench:fixture(name)
  local path = fs.join(self.folder, name)
  if not fs.exists(path) then
    local arguments = { "run", self.script, "--make", name, "--folder", self.folder }
    if self.quick then arguments[#arguments + 1] = "--quick" end
    local made = processes.opah(table.unpack(arguments))
    if made.exit_code ~= 0 then error(fs.error("data", name .. " could not be made: " .. made.errors), 0) end
  end
  return path
end

function Bench:config() return fixtures.config(self.quick) end

--- Everything that is garbage goes, and the peak of memory begins again from what is left.
function Bench:settle()
  collectgarbage()
  collectgarbage()
  machine.reset_peak()
end

--- How many seconds `work(...)` takes.
function Bench.seconds(work, ...)
  local began = machine.now()
  work(...)
  return machine.now() - began
end

local function with_one_thread(once, i)
  local all = machine.cpu().threads
  local remover <close> = setmetatable({}, { __close = function() tensor.set_threads(all) end })
  tensor.set_threads(1)
  return once(i)
end

--- What `once(i)` returns for i = 1 to `count` (`repeats` unless given), and where figures are measured beside a
--- competitor, what each then returns beside it: `{ values, one_thread }`, both lists as long as the first.
function Bench:measure(once, count)
  local values, busy = {}, self.beside and { values = {}, one_thread = self.one_thread and {} or nil }
  for i = 1, count or self.repeats do
    values[i] = once(i)
    if busy then
      local remover <close> = beside.begin(self.beside)
      busy.values[i] = once(i)
      if busy.one_thread then busy.one_thread[i] = with_one_thread(once, i) end
    end
  end
  return values, busy
end

--- The seconds that `work(i)` takes, as `measure` returns them, after one that only warms up.
function Bench:time(work, count)
  work(0)
  self:settle()
  return self:measure(function(i) return self.seconds(work, i) end, count)
end

--- Runs Opah itself with arguments; an error unless it ends well. `machine.run`'s report.
function Bench:opah(...)
  local done = processes.opah(...)
  if done.exit_code ~= 0 then
    error(fs.error("data", ("opah %s ended with exit code %d: %s"):format(table.concat({ ... }, " "), done.exit_code, done.errors)), 0)
  end
  return done
end

-- Seconds that a cost takes at these rates: arithmetic and reading overlap at best. Products of bfloat16 factors have a
-- rate of their own where the processor has instructions for them.
local function least_time(cost, rates)
  local rate = cost.products == "bfloat16" and rates.bfloat16_rate or rates.matrix_rate
  return math.max((cost.flops or 0) / rate, (cost.bytes or 0) / rates.read_bandwidth)
end

local function better(a, b)
  local best = {}
  for name, rate in pairs(a) do best[name] = math.max(rate, b[name]) end
  return best
end

-- Goals are lists of { quantity, "<=" or ">=", limit }; a limit may depend on the rates.
local function judge(goals, result, rates)
  local texts, met = {}, #goals > 0 or nil
  for i, goal in ipairs(goals) do
    local quantity, relation, limit = goal[1], goal[2], goal[3]
    if type(limit) == "function" then limit = limit(rates) end
    local value = quantity == "measured" and result.median or result[quantity] or result.details[quantity]
    local shown = quantity == "peak" and bytes(limit) or ("%.3g"):format(limit)
    texts[i] = ("%s%s %s"):format(quantity == "measured" and "" or quantity .. " ", relation, shown)
    if not value or (relation == "<=" and value > limit) or (relation == ">=" and value < limit) then met = false end
  end
  return table.concat(texts, ", "), met
end

-- Pair by pair, how many times as fast `these` are as `those`; the middle of it.
local function speed(these, those, per_second)
  local ratios = {}
  for i, value in ipairs(these) do ratios[i] = per_second and value / those[i] or those[i] / value end
  return median(ratios)
end

-- How much of its quiet speed a figure keeps beside the competitor, and what all threads are worth there against one.
local function compared(quiet, busy, processor, per_second, judged)
  local result = { processor = processor, values = busy.values, median = median(busy.values), goal = beside.goal,
    share = speed(busy.values, quiet, per_second) }
  if judged then result.met = result.share >= result.goal end
  if busy.one_thread then
    local ratio = speed(busy.values, busy.one_thread, per_second)
    result.one_thread = { values = busy.one_thread, median = median(busy.one_thread), ratio = ratio, goal = 1 }
    if judged then result.one_thread.met = ratio >= 1 end
  end
  return result
end

--- Measures one figure; what its part of the JSON holds.
--
-- A figure is `{ name, what, unit, goals, run, against, competes, one_thread }`. `run(bench)` returns `{ values, busy,
-- cost, peak, details }`: values in the figure's unit (seconds, or things per second), busy what `bench:measure` returns
-- beside them, cost the least that one value takes (`flops`, `bytes`; what the modules themselves tell of their work;
-- `products` is what they multiply), peak only where it is not this process's, details further numbers. `against(quick)`
-- lists what PyTorch can do of it (`opah.bench.against`); `competes` says that it has a speed to keep beside a
-- competitor, and one_thread asks for that of a single thread as well.
local function measure(figure, settings)
  local bench = new(settings, figure.one_thread)
  local function rates() return machine.rates(settings.quick and 0 or 1, settings.quick and { size = 128, buffer = 4194304 } or {}) end
  local before = rates()
  bench:settle()
  local found = figure.run(bench)
  local peak = found.peak or machine.memory().peak
  local after = rates()
  local best = better(before, after)

  local result = {
    name = figure.name, what = figure.what, unit = figure.unit, values = found.values, median = median(found.values),
    least = math.min(table.unpack(found.values)), most = math.max(table.unpack(found.values)), peak = peak,
    rates = { before = before, after = after }, details = found.details or {},
  }
  local per_second = figure.unit:match("/s$") ~= nil
  if found.cost then
    local seconds = least_time(found.cost, best)
    result.floor = per_second and 1 / seconds or seconds
    result.fraction = per_second and result.median / result.floor or result.floor / result.median
  end
  -- Goals are for the true size.
  local judged = not settings.quick
  local goal, met = judge(figure.goals or {}, result, best)
  result.goal = goal
  if judged then result.met = met end
  if found.busy then result.beside = compared(found.values, found.busy, settings.beside, per_second, judged) end
  return result
end

return { measure = measure }
