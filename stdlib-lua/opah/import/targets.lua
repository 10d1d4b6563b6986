--- Where each entry goes: DEST/SPEAKER/NAME, and two never go to the same place.
local fs, names = require "opah.fs", require "opah.import.names"

--- A time as part of a name: milliseconds where they tell the sample, microseconds (which always do, up to a
--- megahertz) elsewhere.
local function time(sample, rate)
  local short = ("%09.3f"):format(sample / rate)
  if math.floor(tonumber(short) * rate + 0.5) == sample then return short end
  return ("%012.6f"):format(sample / rate)
end

--- Sets `stem` (DEST/SPEAKER/NAME) of the entries that can be written, or `problem`. A clip is called as its
--- recording or its id; a piece also says from when to when, so that its name tells what is in it, whatever lines are
--- put before it. Returns how many rows were said twice in the same words: one of each is enough.
---@param entries table[]
---@param dest string
---@return integer repeated
return function(entries, dest)
  local taken, linked, repeated = {}, {}, 0
  for _, entry in ipairs(entries) do
    if not entry.problem and entry.text ~= "" and entry.speaker then
      local folder = fs.join(dest, entry.speaker)
      if linked[folder] == nil then linked[folder] = fs.is_link(folder) end
      local name = names.part(entry.id or names.stem(entry.path))
      if entry.from then
        name = name and not entry.id and ("%s_%s-%s"):format(name, time(entry.from, entry.rate),
          time(entry.to, entry.rate)) or name
      end
      if linked[folder] then
        entry.problem, entry.remedy = folder .. " is a link, and may lead anywhere",
          "remove the link, or choose another folder"
      elseif not name then
        entry.problem = "its name is no name for a file"
      else
        local stem = fs.join(folder, name)
        local other = taken[stem:lower()]
        if other and (other.path ~= entry.path or other.from ~= entry.from or other.to ~= entry.to) then
          -- The folder tells apart what the name alone does not.
          local parent = names.part(fs.basename(fs.dirname(entry.path)))
          stem = fs.join(folder, (parent or "") .. "_" .. name)
          other = taken[stem:lower()]
        end
        if not other then
          entry.stem = stem
          taken[stem:lower()] = entry
        elseif other.path == entry.path and other.from == entry.from and other.to == entry.to
          and other.text == entry.text then
          repeated = repeated + 1
        else
          entry.problem = ("%s would be the name of this one and of %s"):format(fs.basename(stem), other.where)
          entry.remedy = "leave one of the two out, or give it another name"
        end
      end
    end
  end
  return repeated
end
