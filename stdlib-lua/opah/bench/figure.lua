--- One figure, measured in a process of its own: what it runs on, how long it takes, and how that compares with what
-- this machine does at best.
local fs, machine = require "opah.fs", require "opah.machine"
local fixtures, bytes = require "opah.bench.fixtures", require "opah.progress".size
local median = require "opah.statistics".median

local Bench = {}
Bench.__index = Bench

--- What a figure's `run` is given. `folder` holds the fixtures; `quick` asks for tiny shapes; `repeats` is how often
-- to measure.
local function new(settings)
  return setmetatable({ quick = settings.quick, folder = settings.folder, repeats = settings.repeats, script = settings.script }, Bench)
end

--- The path of a fixture, made when it is not there.
function Bench:fixture(name)
  local path = fs.join(self.folder, name)
  if not fs.exists(path) then
    local arguments = { machine.program, "run", self.script, "--make", name, "--folder", self.folder }
    if self.quick then arguments[#arguments + 1] = "--quick" end
    local made = machine.run(arguments)
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

--- Seconds of each of `count` calls (`repeats` unless given) of `work(i)`, after one that only warms up.
function Bench:time(work, count)
  work(0)
  self:settle()
  local values = {}
  for i = 1, count or self.repeats do
    local began = machine.now()
    work(i)
    values[i] = machine.now() - began
  end
  return values
end

--- Runs Opah itself with arguments; an error unless it ends well. `machine.run`'s report.
function Bench:opah(...)
  local done = machine.run { machine.program, ... }
  if done.exit_code ~= 0 then
    error(fs.error("data", ("opah %s ended with exit code %d: %s"):format(table.concat({ ... }, " "), done.exit_code, done.errors)), 0)
  end
  return done
end

-- Seconds that a cost takes at these rates: arithmetic and reading overlap at best.
local function least_time(cost, rates)
  return math.max((cost.flops or 0) / rates.matrix_rate, (cost.bytes or 0) / rates.read_bandwidth)
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

--- Measures one figure; what its part of the JSON holds.
--
-- A figure is `{ name, what, unit, goals, run }`. `run(bench)` returns `{ values, cost, peak, details }`: values in the
-- figure's unit (seconds, or things per second), cost the least that one value takes (`flops`, `bytes`; what the modules
-- themselves tell of their work), peak only where it is not this process's, details further numbers.
local function measure(figure, settings)
  local bench = new(settings)
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
  if found.cost then
    local seconds = least_time(found.cost, best)
    local per_second = figure.unit:match("/s$")
    result.floor = per_second and 1 / seconds or seconds
    result.fraction = per_second and result.median / result.floor or result.floor / result.median
  end
  local goal, met = judge(figure.goals or {}, result, best)
  result.goal = goal
  -- Goals are for the true size.
  if not settings.quick then result.met = met end
  return result
end

return { measure = measure }
