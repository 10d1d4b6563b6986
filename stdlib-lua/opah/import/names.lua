--- Names for files and folders made of what a stranger's list says: one part of a path, never another folder.
---@class opah.import.names
local names = {}

-- File systems allow 255 bytes; suffixes need some.
local longest = 180

--- One part of a path; nil when nothing is left. Separators, control characters and what other systems do not allow
--- become `_`; dots and spaces at the ends go, so that nothing is hidden or means another folder.
---
---     names.part("../../etc/passwd"), names.part("Alice B."), names.part("..")  --> "_.._etc_passwd", "Alice B", nil
---@param text string
---@return string?
function names.part(text)
  local name = text:gsub('[%c/\\:*?"<>|]', "_"):gsub("^[%s.]+", ""):match(".*[^%s.]") or ""
  if #name > longest then
    name = name:sub(1, longest)
    while #name > 0 and not utf8.len(name) do name = name:sub(1, -2) end
  end
  return name ~= "" and name or nil
end

--- The last part of a path of any system, without its suffix where that is a suffix of sound.
---
---     names.stem("D:\\corpus\\a.1.wav"), names.stem("LJ001-0001")  --> "a.1", "LJ001-0001"
---@param path string
---@return string
function names.stem(path)
  -- From the beginning only: a field of a list may be a megabyte of slashes.
  local whole = path:gsub("\\", "/"):match("^.*[^/]") or ""
  local last = whole:match("^.*/(.*)$") or whole
  local stem, suffix = last:match("^(.+)(%.%w+)$")
  return suffix and names.is_sound(suffix) and stem or last
end

-- What recordings are called, those included that cannot be read: they are found, and then refused with a reason.
local sound = {}
for suffix in ("wav mp3 flac ogg opus oga aiff aif au w64 caf m4a mp4 aac wma webm mp2"):gmatch("%S+") do
  sound["." .. suffix] = true
end

--- Whether recordings have this suffix.
---
---     names.is_sound(".WAV"), names.is_sound(".txt")  --> true, false
---@param suffix string With its dot.
---@return boolean
function names.is_sound(suffix) return sound[suffix:lower()] or false end

return names
