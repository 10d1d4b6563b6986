--- The same work in PyTorch, beside Opah's figures: what the scripts in the folder of this name measure, in processes
-- of their own, each right after the figure that it stands beside.
--
-- A figure's `against(quick)` lists requests `{ name, work, precision, goal, ... }`: what the scripts are asked (see
-- measure.py), and how many times as fast Opah should be. Figures that ask the same share one answer.
local opah = require "opah"
local fixtures, processes = require "opah.bench.fixtures", require "opah.bench.processes"
local median = require "opah.statistics".median
local config, fs, json, machine = opah.config, opah.fs, opah.json, opah.machine

local Against = {}
Against.__index = Against

local script = fs.join(opah.home, "stdlib-lua/opah/bench/against/measure.py")

-- The last line that is a JSON object: libraries may print lines of their own before it.
local function answer(output)
  local found
  for line in output:gmatch("[^\n]+") do
    local is_json, value = pcall(json.decode, line)
    if is_json and type(value) == "table" then found = value end
  end
  return found
end

-- The last line, not too long, for a message.
local function last_line(text)
  local line = text:gsub("%s+$", ""):match("[^\n]*$")
  return opah.progress.name(#line > 300 and line:sub(1, 300) .. "..." or line)
end

-- What the script answers and the most memory it held; nil and the reason where it does not answer.
function Against:ask(request)
  request.threads, request.repeats, request.parent = self.threads, self.repeats, processes.own()
  -- No compiled scripts are left beside the stock ones.
  local done = processes.run({ self.python, "-B", script, json.encode(request) }, { timeout = self.limit })
  if done.timed_out then return nil, ("took longer than %g s (--against-limit)"):format(self.limit) end
  if done.exit_code ~= 0 then
    local said = last_line(done.errors)
    return nil, ("ended with exit code %d%s"):format(done.exit_code, said ~= "" and ": " .. said or "")
  end
  local found = answer(done.output)
  if found then return found, done.peak end
  return nil, "printed no result" .. (done.output ~= "" and ", but: " .. last_line(done.output) or "")
end

-- Values that figures can be made of.
local function are_numbers(values)
  if type(values) ~= "table" or #values == 0 then return false end
  for _, value in ipairs(values) do
    if type(value) ~= "number" or not (value > 0 and value < math.huge) then return false end
  end
  return true
end

local of_model <const> = { lora = true, generate = true, prompt = true }

-- What the models are made of, as the figures' own are.
function Against:shapes(request)
  local full = {}
  for name, value in pairs(request) do if name ~= "name" and name ~= "goal" then full[name] = value end end
  if of_model[request.work] then
    full.model = fixtures.config(self.quick)
  else
    full.codec = config.load(fixtures.codec_config(self.quick))
  end
  return full
end

function Against:measure(request)
  local found, peak = self:ask(self:shapes(request))
  if not found then return { error = peak } end
  if not are_numbers(found.values) then return { error = "printed no result with values above 0" } end
  return {
    values = found.values, median = median(found.values), least = math.min(table.unpack(found.values)),
    most = math.max(table.unpack(found.values)), peak = peak,
  }
end

--- A figure's comparisons, beside what Opah was measured at: a list of `{ name, values, median, least, most, peak,
-- ratio, goal, met }`, or `{ name, error }`. `ratio` is how many times as fast Opah is; `on_result` is called with each.
function Against:compare(figure, measured, on_result)
  local list = {}
  for i, request in ipairs(figure.against(self.quick)) do
    local key = ("%s %s %s"):format(request.work, request.precision, request.recomputed)
    self.known[key] = self.known[key] or self:measure(request)
    local result = { name = request.name, goal = request.goal }
    for name, value in pairs(self.known[key]) do result[name] = value end
    if result.median and measured.median then
      result.ratio = figure.unit:match("/s$") and measured.median / result.median or result.median / measured.median
      if request.goal and not self.quick then result.met = result.ratio >= request.goal end
    end
    list[i] = result
    on_result(result)
  end
  return list
end

--- Compares with `python`, a program; `settings` has quick, repeats and limit, the seconds that one comparison may
-- take. `about` tells what it is, `{ program, torch, python, threads }`, or why it cannot be used: `{ program, error }`.
local function new(python, settings)
  local self = setmetatable({
    python = python, quick = settings.quick, repeats = settings.repeats, limit = settings.limit,
    threads = machine.cpu().threads, known = {}, about = { program = python },
  }, Against)
  local found, problem = self:ask { work = "probe" }
  if found and type(found.torch) ~= "string" then found, problem = nil, "names no version of torch" end
  if not found then
    self.about.error = problem
    return self
  end
  self.about.torch, self.about.python, self.about.threads = found.torch, found.python, found.threads
  return self
end

return new
