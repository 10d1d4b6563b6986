--- Which version of its code a stage has: a digest of the lines of its function and of what the function
-- takes from around it. Indentation, empty lines and comment lines do not count.
--
-- From around it count numbers, strings, booleans, tables of those, and Lua functions with all of theirs.
-- Objects (a loaded codec, a tensor) do not: give the files that they come from as inputs.
local fs, json, text = require "opah.fs", require "opah.json", require "opah.text"
local trim = require "opah.trim"

--- The lines of a function as they stand in its file, without what does not count.
local function lines_of(info)
  local source = info.source:match("^@(.*)")
  local content = source and fs.exists(source) and fs.read(source) or info.source
  local kept, number = {}, 0
  for line in (content .. "\n"):gmatch("(.-)\r?\n") do
    number = number + 1
    local plain = trim(line)
    local counts = plain ~= "" and not plain:match("^%-%-[^%[]") and plain ~= "--"
    if counts and number >= info.linedefined and number <= info.lastlinedefined then kept[#kept + 1] = plain end
  end
  return table.concat(kept, "\n")
end

local describe

--- One captured value as text; nil when it does not count.
local function captured(value, seen)
  local kind = type(value)
  if kind == "function" then
    return debug.getinfo(value, "S").what == "Lua" and describe(value, seen) or nil
  elseif kind == "table" or kind == "number" or kind == "string" or kind == "boolean" then
    local ok, encoded = pcall(json.encode, value)
    return ok and encoded or nil
  end
end

function describe(work, seen)
  if seen[work] then return "" end
  seen[work] = true
  local parts = { lines_of(debug.getinfo(work, "S")) }
  for index = 1, math.huge do
    local name, value = debug.getupvalue(work, index)
    if not name then break end
    local described = name ~= "_ENV" and captured(value, seen)
    if described then parts[#parts + 1] = name .. "=" .. described end
  end
  return table.concat(parts, "\n")
end

--- The digest for any number of functions.
return function(...)
  local parts = {}
  for index = 1, select("#", ...) do
    local work = select(index, ...)
    parts[index] = work and describe(work, {}) or ""
  end
  return text.digest(table.concat(parts, "\n\n"))
end
