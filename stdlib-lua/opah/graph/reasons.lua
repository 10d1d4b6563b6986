--- Why something is made again, in words.
local json = require "opah.json"
local reasons = {}

local function sorted_names(...)
  local names, seen = {}, {}
  for _, map in ipairs { ... } do
    for name in pairs(map) do
      if not seen[name] then names[#names + 1] = name end
      seen[name] = true
    end
  end
  table.sort(names)
  return names
end

local function value_text(value) return value == nil and "nothing" or json.encode(value) end

--- What differs between two maps from file to digest, as in "a.lab changed and 2 more"; nil when nothing does.
function reasons.files(before, now)
  local first, more = nil, 0
  for _, name in ipairs(sorted_names(before, now)) do
    if before[name] ~= now[name] then
      local word = not before[name] and "is new" or not now[name] and "is gone" or "changed"
      if first then more = more + 1 else first = name .. " " .. word end
    end
  end
  return first and first .. (more > 0 and (" and %d more"):format(more) or "")
end

--- What differs between two keys of a stage (see `key` in opah.graph); nil when nothing does.
function reasons.key(before, now)
  if not before then return "not made yet" end
  for _, name in ipairs(sorted_names(before.params, now.params)) do
    local old, new = value_text(before.params[name]), value_text(now.params[name])
    if old ~= new then return ("%s was %s and is %s"):format(name, old, new) end
  end
  if before.code ~= now.code then return "its code changed" end
  if before.program ~= now.program then return "made by version " .. before.program end
  for _, name in ipairs(sorted_names(before.inputs, now.inputs)) do
    local why = reasons.files(before.inputs[name] or {}, now.inputs[name] or {})
    if why then return ("%s: %s"):format(name, why) end
  end
end

--- What has become of files since they were made; nil when they are as they were.
function reasons.outputs(made, now)
  for _, name in ipairs(sorted_names(made)) do
    if not now[name] then return name .. " is missing" end
    if now[name] ~= made[name] then return name .. " was changed by hand" end
  end
end

return reasons
