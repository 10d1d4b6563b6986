--- How large a token cache may be: the entries that were used longest ago go first. When one was used, its time of
--- change says.
local fs, machine = require "opah.fs", require "opah.machine"

local limit = {}

--- Below the cache's folder: the stage that made the codes, whose records tell what is current.
limit.stage = "extract-vq"

local hex = ("%x"):rep(32)

function limit.is_digest(text) return text:find("^" .. hex .. "$") ~= nil end

--- The two digests in an entry's name, of the sound and of the codes; nil for any other file, which is none of ours.
function limit.entry(name)
  return name:match("^(" .. hex .. ")%.(" .. hex .. ")%.npy$")
end

local units = {
  [""] = 1, b = 1, kb = 1e3, mb = 1e6, gb = 1e9, tb = 1e12, kib = 2^10, mib = 2^20, gib = 2^30, tib = 2^40,
}

--- A number of bytes, as the program's other options take it: 4GB (powers of 1000), 4GiB (of 1024), 4000000000.
function limit.bytes(value)
  local number, unit = tostring(value):lower():match("^%s*([%d.]+)%s*(%a*)%s*$")
  local bytes = tonumber(number) and units[unit] and tonumber(number) * units[unit]
  if not bytes or bytes >= 1e18 then
    local message = ("--cache-limit: %s is no number of bytes"):format(value)
    error(fs.error("usage", message, "write it as in 10GB or 500MB"), 0)
  end
  return math.floor(bytes)
end

--- Entries that were of use now are the last that go.
function limit.touch(paths)
  for first = 1, #paths, 500 do
    -- Where that is not allowed, they count as used when they were made.
    pcall(machine.run, { "touch", "-c", "--", table.unpack(paths, first, math.min(first + 499, #paths)) })
  end
end

--- Removes entries below `folder`, the one used longest ago first, until `bytes` are enough for the rest. Returns how
--- many went.
function limit.make_room(folder, bytes)
  local found, total, removed = {}, 0, 0
  local below = fs.join(folder, limit.stage)
  for _, path in ipairs(fs.exists(below) and fs.list(below, { recursive = true, extension = ".npy" }) or {}) do
    local stat = limit.entry(fs.basename(path)) and fs.stat(path)
    if stat then
      found[#found + 1] = { path = path, size = stat.size, used = stat.modified }
      total = total + stat.size
    end
  end
  table.sort(found, function(a, b)
    if a.used ~= b.used then return a.used < b.used end
    return a.path < b.path
  end)
  for _, entry in ipairs(found) do
    if total <= bytes then break end
    -- Another process may have been here first.
    if pcall(fs.remove, entry.path) then removed = removed + 1 end
    if not fs.exists(entry.path) then total = total - entry.size end
  end
  return removed
end

return limit
