--- What an earlier import of the same lists and recordings wrote, and none of their lines asks for any more: a cue
-- whose times changed, a row that was taken out because its clip is bad.
local fs, names = require "opah.fs", require "opah.import.names"

--- What a speaker's folder should hold, from the entries: per folder the inputs that its files were made of (recordings
--- that are cut; else lists, resolved), and the stems that lines ask for. Clips whose line has a problem now count as
--- asked for: they may be as they should be.
local function expected(entries)
  local inputs, wanted, troubled = {}, {}, {}
  for _, entry in ipairs(entries) do
    if entry.stem then
      local folder = fs.dirname(entry.stem)
      inputs[folder] = inputs[folder] or {}
      inputs[folder][fs.resolve(entry.from and entry.path or entry.list)] = true
      wanted[entry.stem] = true
    elseif entry.problem then
      local name = names.part(entry.id or names.stem(entry.path or entry.audio or ""))
      if name then troubled[name] = true end
    end
  end
  return inputs, wanted, troubled
end

--- Files of a folder by stem: `{ label, sounds }`, those that an import made.
local function by_stem(made_from, folder)
  local stems = {}
  for name, origin in pairs(made_from) do
    local stem, suffix = name:match("^(.+)(%.%w+)$")
    if stem then
      local own = stems[stem] or { sounds = {}, origins = {} }
      stems[stem] = own
      own.origins[origin] = true
      if suffix == ".lab" then own.label = fs.join(folder, name)
      else own.sounds[#own.sounds + 1] = fs.join(folder, name) end
    end
  end
  return stems
end

--- Removes one clip that no line asks for; false when somebody changed it by hand, who keeps all of it.
local function drop(own, label, made)
  local words = fs.exists(label) and fs.read(label)
  if words and not made:drop(label) then return false end
  local all = true
  for _, sound in ipairs(own.sounds) do all = made:drop(sound) and all end
  if not all and words then fs.write(label, words) end
  return all
end

--- Removes them from the folders that the entries go to, but for what was changed by hand. Folders of other speakers
--- that hold clips of the same lists are only named: an import for another speaker may have made them.
---@param entries table[] With their `stem`.
---@param dest string
---@param made table fs.made("import")
---@param from opah.Origins
---@param note fun(path: string, text: string)
---@return integer dropped clips
return function(entries, dest, made, from, note)
  local inputs, wanted, troubled = expected(entries)
  local dropped, lists = 0, {}
  for _, entry in ipairs(entries) do if entry.stem and not entry.from then lists[fs.resolve(entry.list)] = true end end
  local function is_of(own, of)
    for origin in pairs(own.origins) do if of[origin] then return true end end
  end
  for folder, of in pairs(inputs) do
    for stem, own in pairs(by_stem(from:below(folder), folder)) do
      local path = fs.join(folder, stem)
      if is_of(own, of) and not wanted[path] and not troubled[stem] then
        if drop(own, path .. ".lab", made) then dropped = dropped + 1
        else note(path .. ".lab", "no line asks for it any more; kept, since it was changed by hand") end
      end
    end
  end
  if not next(lists) then return dropped end
  local seen = {}
  for _, label in ipairs(fs.list(dest, { recursive = true, extension = ".lab" })) do
    local folder = fs.dirname(label)
    if not inputs[folder] and not seen[folder] then
      seen[folder] = true
      local count = 0
      for _, own in pairs(by_stem(from:below(folder), folder)) do
        if own.label and is_of(own, lists) then count = count + 1 end
      end
      if count > 0 then
        note(folder, ("%d clips of an earlier import of the same list, whose lines name another speaker now: "
          .. "remove the folder unless they belong there"):format(count))
      end
    end
  end
  return dropped
end
