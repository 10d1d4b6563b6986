--- Finds the recordings that a list names. Paths in lists are as seen from wherever their writer stood: the list's
-- folder, the one above, the current one, or a machine that is gone; then the name alone decides, when only one file
-- has it.
local fs, names = require "opah.fs", require "opah.import.names"

---@class opah.import.Locator
---@field folders string[] Where paths may begin, most likely first.
---@field roots string[] The folders whose files are known by name, nearest first.
---@field byname table<string, string|boolean>[]
local Locator = {}
Locator.__index = Locator

--- Where clips lie below a corpus, besides right there.
local usual = { "", "wavs", "wav", "clips", "audio", "audios", "data", "raw" }

--- A locator for a list in `folder`, of a corpus in `source` where that is a folder; `more` are folders that the user named.
---
---     locator(opah.embedded.speech .. "/Alice"):find("somewhere/4.80-7.20")  --> ".../Alice/4.80-7.20.wav"
---@param folder string
---@param more? string[]
---@param source? string
---@return opah.import.Locator
local function new(folder, more, source)
  local folders = {}
  for _, given in ipairs(more or {}) do folders[#folders + 1] = given end
  for _, name in ipairs(usual) do folders[#folders + 1] = name == "" and folder or fs.join(folder, name) end
  folders[#folders + 1] = "."
  folders[#folders + 1] = fs.dirname(fs.resolve(folder))
  return setmetatable({ folders = folders, roots = { more and more[1] or folder, not more and source or nil }, byname = {} }, Locator)
end

local function is_file(path)
  local stat = fs.stat(path)
  return stat and stat.kind == "file"
end

--- The file under this path, or under it with a suffix of sound.
local function there(path)
  if is_file(path) and names.is_sound(path:match("%.%w+$") or "") then return path end
  for _, suffix in ipairs { ".wav", ".flac", ".mp3", ".ogg", ".opus" } do
    if is_file(path .. suffix) then return path .. suffix end
  end
end

--- Recordings below a folder by their names, with and without suffix; false for a name that several have.
local function names_below(root)
  local known = {}
  for _, found in ipairs(fs.list(root, { recursive = true })) do
    local last = fs.basename(found)
    local suffix = last:match("%.%w+$")
    if suffix and names.is_sound(suffix) then
      for _, key in ipairs { last, last:sub(1, -#suffix - 1) } do known[key] = known[key] == nil and found or false end
    end
  end
  return known
end

--- The only file of that name below the first root that knows it; false when several have it.
local function by_name(self, path)
  for i, root in ipairs(self.roots) do
    self.byname[i] = self.byname[i] or names_below(root)
    local found = self.byname[i][path:match("^.*/(.*)$") or path]
    if found ~= nil then return found, root end
  end
end

--- The recording that `path` names; nil and a reason when there is none.
---@param path string As the list has it.
---@return string? path
---@return string? reason
function Locator:find(path)
  path = path:gsub("\\", "/")
  if path == "" or path:find("%z") then return nil, "the list names no recording" end
  if path:sub(1, 1) == "/" then
    local found = there(path)
    if found then return found end
  elseif not path:find("^%a:/") then
    for _, folder in ipairs(self.folders) do
      local found = there(folder == "." and path or fs.join(folder, path))
      if found then return found end
    end
  end
  local found, root = by_name(self, path)
  if found then return found end
  if found == false then return nil, "no such file, and several below " .. root .. " have its name" end
  return nil, "no such file"
end

return new
