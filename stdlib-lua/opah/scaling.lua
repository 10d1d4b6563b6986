--- How far several machines carry: seconds of a training step, and hours of an extraction, on N hosts of one kind.
--
-- A step takes the seconds of the busiest host's rows, those of the optimizer, and those of the exchange: the bytes through each
-- host's cable divided by its rate, and turns times latency.
--
-- Rows are dealt out whole, the longest first, each to the host with least to do (Graham 1969), so more hosts than
-- rows of a step have nothing to do. Of an adapter each row's gradient travels by itself: a host gives (N-1)/N of
-- each of its rows to those who add them, and (N-1)/N of the sum to all. All weights are added within a host first:
-- 2 (N-1)/N of their bytes, the traffic of a ring. What is sent goes both ways at once.
local config = require "opah.config"
local scaling = {}

-- Of a cable's bits, those that are data: 1448 bytes of a frame of 1538 (TCP over IPv4 with time stamps, MTU 1500).
local payload = 1448 / 1538
-- Blocks of 2 MB, three of them under way at a time; each is dealt out and then given to all.
local block, under_way, turns_of_block = 2e6, 3, 2

-- Rows of a batch differ in length: uniformly between this part of the longest and all of it. Then 8 rows keep 2, 4
-- and 8 hosts busy for 0.99, 0.95 and 0.75 of the time, much as those that the sampler draws do (0.98, 0.9 to 0.94,
-- 0.72 to 0.83).
local shortest_row = 0.4

--- Steps, drawn by chance but always the same, that a balance is the mean of.
local drawn_steps = 200

--- The part of the time that the hosts are busy, on average, when `rows` rows of a step are dealt out to `hosts`.
---
---     scaling.balance(8, 1), scaling.balance(8, 4), scaling.balance(8, 16)  --> 1.0, 0.94..., 0.37...
---@param rows integer
---@param hosts integer
---@return number
function scaling.balance(rows, hosts)
  if hosts == 1 then return 1.0 end
  local state, work, busiest = 1, 0, 0
  local function chance()
    state = state * 6364136223846793005 + 1442695040888963407   -- Knuth, MMIX
    return (state >> 11) / 2 ^ 53
  end
  for _ = 1, drawn_steps do
    local lengths, loads = {}, {}
    for row = 1, rows do
      lengths[row] = shortest_row + (1 - shortest_row) * chance()
      work = work + lengths[row]
    end
    table.sort(lengths, function(a, b) return a > b end)
    for host = 1, hosts do loads[host] = 0 end
    for _, length in ipairs(lengths) do
      local least = 1
      for host = 2, hosts do if loads[host] < loads[least] then least = host end end
      loads[least] = loads[least] + length
    end
    busiest = busiest + math.max(table.unpack(loads))
  end
  return work / (busiest * hosts)
end

--- Seconds in which the gradients of a step travel.
---
---     options = { rows = 8, gradient_bytes = 20e6, network = 1e9, latency = 2e-4 }
---     scaling.exchange(options, 1), scaling.exchange(options, 4)  --> 0.0, 0.38...
---@param options { rows: integer, gradient_bytes: number, network: number, latency: number, whole?: boolean } As for `step`.
---@param hosts integer
---@return number
function scaling.exchange(options, hosts)
  if hosts == 1 then return 0.0 end
  local vectors = options.whole and 2 or options.rows / math.min(hosts, options.rows) + 1
  local bytes = vectors * options.gradient_bytes * (hosts - 1) / hosts
  local turns = turns_of_block * math.ceil(math.ceil(options.gradient_bytes / block) / under_way)
  return bytes * 8 / (options.network * payload) + turns * options.latency
end

---@class opah.scaling.Step
---@field rows integer Of a step in all.
---@field row_seconds number Of one row of mean length on one host.
---@field gradient_bytes number Of one vector of gradients: 4 for each trained number.
---@field network number Bits a second.
---@field latency number Seconds, one way.
---@field whole? boolean All weights are trained: gradients are added within a host first.
---@field update_seconds? number Of the optimizer, on every host alike.
---@field balance? number As `scaling.balance` gives it, unless given.

--- Seconds of a step on so many hosts: in all, those of rows and optimizer, and those of the exchange.
---
---     options = { rows = 8, row_seconds = 8.3, gradient_bytes = 20e6, network = 1e9, latency = 2e-4 }
---     scaling.step(options, 1)  --> 66.4, 66.4, 0.0
---     scaling.step(options, 2)  --> 34..., 33..., 0.42...
---@param options opah.scaling.Step
---@param hosts integer
---@return number seconds
---@return number work
---@return number exchange
function scaling.step(options, hosts)
  local balance = options.balance or scaling.balance(options.rows, hosts)
  local work = options.rows / hosts * options.row_seconds / balance + (options.update_seconds or 0)
  local exchange = scaling.exchange(options, hosts)
  return work + exchange, work, exchange
end

--- 1, 2, 4, ... and the last.
local function counts(last)
  local list, count = {}, 1
  while count < last do
    list[#list + 1] = count
    count = 2 * count
  end
  list[#list + 1] = last
  return list
end

--- Steps on 1, 2, 4, ... hosts, at most `hosts`: of each the number of hosts and of rows, seconds in all and of the
--- exchange, rows per second against those of one host, and that divided by the hosts.
---
---     options = { rows = 8, row_seconds = 8.3, gradient_bytes = 20e6, network = 1e9, latency = 2e-4 }
---     list = scaling.steps(options, 3)
---     #list, list[3].hosts, list[2].speedup, list[2].efficiency  --> 3, 3, 1.95..., 0.97...
---@param options opah.scaling.Step
---@param hosts integer
---@param per_host? boolean `options.rows` are of each host: a step grows with the hosts.
---@return { hosts: integer, rows: integer, seconds: number, exchange_seconds: number, speedup: number, efficiency: number }[]
function scaling.steps(options, hosts, per_host)
  local list = {}
  local asked = setmetatable({}, { __index = options })
  for index, count in ipairs(counts(hosts)) do
    asked.rows = per_host and options.rows * count or options.rows
    local seconds, _, exchange = scaling.step(asked, count)
    local speedup = index == 1 and 1 or asked.rows / seconds / (list[1].rows / list[1].seconds)
    list[index] = {
      hosts = count, rows = asked.rows, seconds = seconds, exchange_seconds = exchange,
      speedup = speedup, efficiency = speedup / count,
    }
  end
  return list
end

--- The same as a table for people, a line each.
---
---     options = { rows = 8, row_seconds = 8.3, gradient_bytes = 20e6, network = 1e9, latency = 2e-4 }
---     scaling.lines(scaling.steps(options, 2))[3]  --> "    2        34.02            0.43            1.95                     98 %"
---@param steps table[]
---@return string[]
function scaling.lines(steps)
  local lines, idle = { "hosts   s per step   of it network   times as fast   each host's part used" }, false
  for _, step in ipairs(steps) do
    local more = step.hosts > step.rows
    idle = idle or more
    lines[#lines + 1] = ("%5d   %10.2f   %13.2f   %13.2f   %20.0f %%%s"):format(step.hosts, step.seconds,
      step.exchange_seconds, step.speedup, 100 * step.efficiency, more and "   more hosts than rows" or "")
  end
  if idle then
    lines[#lines + 1] = "Hosts beyond the rows of a step have nothing to do: raise data.batch_size"
      .. " (and the learning rate with it)."
  end
  return lines
end

--- Hours of an extraction by parts, and whether the file server's cable is what takes so long.
---
---     scaling.extraction({ audio_hours = 1000, second_seconds = 0.019, bytes_per_second = 88200, network = 1e9 }, 4)  --> 4.75, false
---@param options { audio_hours: number, second_seconds: number, bytes_per_second: number, network: number } `second_seconds`: of one
--- second of sound on one host; `bytes_per_second`: of the files; all hosts read from one server over `network` (bits
--- a second).
---@param hosts integer
---@return number hours
---@return boolean full
function scaling.extraction(options, hosts)
  local work = options.audio_hours * options.second_seconds / hosts
  local wire = options.audio_hours * options.bytes_per_second * 8 / (options.network * payload)
  return math.max(work, wire), wire > work
end

--- Extractions on 1, 2, 4, ... hosts, at most `hosts`, as `extraction` tells of them.
---
---     list = scaling.extractions({ audio_hours = 1000, second_seconds = 0.019, bytes_per_second = 88200, network = 1e9 }, 64)
---     #list, list[7].hosts, list[7].full  --> 7, 64, true
---@param options table
---@param hosts integer
---@return { hosts: integer, hours: number, full: boolean }[]
function scaling.extractions(options, hosts)
  local list = {}
  for index, count in ipairs(counts(hosts)) do
    local hours, full = scaling.extraction(options, count)
    list[index] = { hosts = count, hours = hours, full = full }
  end
  return list
end

--- The flags that say of what kind the network is.
scaling.flags = {
  { "network", "string", nil, "of each machine, in bits a second, as in 100Mbit or 10Gbit; 1Gbit unless given" },
  { "latency", "string", nil, "of the network one way, as in 50us; 0.2ms unless given" },
}

--- What those flags say: bits a second, and seconds. A usage error for what is no such amount.
---
---     scaling.network { network = "10Gbit" }  --> 10000000000.0, 0.0002
---     pcall(scaling.network, { network = "fast" })  --> false, ...--network fast: write a number and its unit...
---@param args { network?: string, latency?: string }
---@return number network
---@return number latency
function scaling.network(args)
  local function amount(name, unit, usual)
    local text = args[name] or usual
    return scaling.amount(text, unit)
      or config.usage_error(("--%s %s: write a number and its unit, as in %s"):format(name, text, usual))
  end
  return amount("network", "bit", "1Gbit"), amount("latency", "s", "0.2ms")
end

--- A rate or a time as people write them: `1Gbit`, `100Mbit/s` in bits a second; `0.2ms`, `50us` in seconds. Nil for
--- others.
---
---     scaling.amount("1Gbit", "bit"), scaling.amount("0.2ms", "s"), scaling.amount("fast", "bit")  --> 1000000000.0, 0.0002, nil
---@param text string
---@param unit "bit"|"s"
---@return number?
function scaling.amount(text, unit)
  local number, prefix, rest = text:match("^%s*([%d.]+)%s*([GMkmu]?)(%a+)")
  local powers = unit == "s" and { [""] = 1, m = 1e-3, u = 1e-6 } or { [""] = 1, k = 1e3, M = 1e6, G = 1e9 }
  if not number or rest ~= unit or not powers[prefix] then return nil end
  local tail = text:match("%a+(/?%a*)%s*$")
  if tail ~= "" and not (unit == "bit" and tail == "/s") then return nil end
  local value = tonumber(number)
  return value and value > 0 and value * powers[prefix] or nil
end

return scaling
