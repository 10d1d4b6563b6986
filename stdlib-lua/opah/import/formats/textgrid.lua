--- TextGrids of Praat, long and short: both are the same values in the same order, with or without words around them.
-- The recording is the one of the same name beside it.
local fs, progress, source_text = require "opah.fs", require "opah.progress", require "opah.import.source_text"

local format = { name = "textgrid", what = "TextGrids of Praat", cuts = true }

function format.find(source, stat)
  if stat.kind == "file" then return source:lower():find("%.textgrid$") and { source } or nil end
  local found = fs.list(source, { recursive = true, extension = ".TextGrid" })
  return #found > 0 and found or nil
end

local function broken(path, what)
  error(fs.error("format", ("%s: %s"):format(progress.name(path), what), "save it again in Praat: Save as text file..."), 0)
end

--- The values of the file in order: strings as `{ text }`, numbers, and `<exists>` as true. Words, names before `=`
--- and the numbers in brackets are comments to Praat, too: a number counts when it stands by itself.
local function values(text)
  local list, position, line = {}, 1, 1
  while true do
    local start = text:find("[^%s]", position)
    if not start then return list end
    local _, breaks = text:sub(position, start - 1):gsub("\n", "")
    line = line + breaks
    local char = text:sub(start, start)
    if char == '"' then
      local parts, from = {}, start + 1
      while true do
        local quote = text:find('"', from, true)
        if not quote then return nil, line end
        parts[#parts + 1] = text:sub(from, quote - 1)
        from = quote + 1
        if text:sub(from, from) ~= '"' then break end
        parts[#parts + 1], from = '"', from + 1
      end
      local value = table.concat(parts)
      list[#list + 1] = { value, line = line }
      _, breaks = value:gsub("\n", "")
      line, position = line + breaks, from
    elseif char == "!" then
      position = text:find("\n", start, true) or #text + 1
    else
      local word = text:match("^[^%s\"]+", start)
      position = start + #word
      if word == "<exists>" then list[#list + 1] = true
      else
        local number = word:find("^[+-]?[%d.]") and tonumber(word)
        if number then list[#list + 1] = number end
      end
    end
  end
end

--- The tiers of intervals: `{ name, { first, last, text, line }... }`, seconds.
local function tiers(path)
  local list, line = values(source_text(path))
  if not list then broken(path .. ":" .. line, "a text without its closing quote") end
  local at = 0
  local function next_value(kind)
    at = at + 1
    local value = list[at]
    if kind == "string" then
      if type(value) ~= "table" then broken(path, "a text is missing: value " .. at) end
    elseif type(value) ~= kind then broken(path, "a number is missing: value " .. at) end
    return value
  end
  if next_value("string")[1] ~= "ooTextFile" or next_value("string")[1]:sub(1, 8) ~= "TextGrid" then
    broken(path, "not a TextGrid")
  end
  next_value("number")
  next_value("number")
  local result = {}
  at = at + 1
  if list[at] ~= true then return result end
  for _ = 1, next_value("number") do
    local class, tier = next_value("string")[1], { name = next_value("string")[1] }
    next_value("number")
    next_value("number")
    for _ = 1, next_value("number") do
      if class == "IntervalTier" then
        local first, last = next_value("number"), next_value("number")
        local text = next_value("string")
        tier[#tier + 1] = { first = first, last = last, text = text[1], line = text.line }
      else
        next_value("number")
        next_value("string")
      end
    end
    if class == "IntervalTier" then result[#result + 1] = tier end
  end
  return result
end

--- The intervals of the wanted tiers: `{ where, first, last, text, speaker }`, seconds. With several tiers the name
--- of each is the speaker. A file with several, of which none was chosen, is an error that names them.
---@param path string
---@param args { tier: string[] }
function format.read(path, args)
  local found, wanted, names = tiers(path), {}, {}
  for i, tier in ipairs(found) do names[i] = tier.name end
  if #args.tier == 0 then
    if #found > 1 then
      error(fs.error("data", ("%s: it has the tiers %s"):format(progress.name(path), progress.name(table.concat(names, ", "))),
        "say which one holds the sentences: --tier " .. names[1] .. " (more than one: a tier for each speaker)"), 0)
    end
    wanted = found
  else
    for _, name in ipairs(args.tier) do
      for _, tier in ipairs(found) do if tier.name == name then wanted[#wanted + 1] = tier end end
    end
    if #wanted == 0 then
      error(fs.error("data", ("%s: no tier is called %s"):format(progress.name(path), table.concat(args.tier, " or ")),
        "its tiers: " .. table.concat(names, ", ")), 0)
    end
  end
  local entries = {}
  for _, tier in ipairs(wanted) do
    for _, interval in ipairs(tier) do
      entries[#entries + 1] = {
        where = path .. ":" .. interval.line, first = interval.first, last = interval.last, text = interval.text,
        speaker = #args.tier > 1 and tier.name or nil,
      }
    end
  end
  return entries
end

return format
