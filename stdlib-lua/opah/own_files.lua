--- Files whose names a command line gives: what this program wrote before is replaced, and nothing else.
local fs, json, progress = require "opah.fs", require "opah.json", require "opah.progress"
---@class opah.own_files
local own_files = {}

-- As all pages of this program begin.
local page_start = '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
-- The most bytes of a file that are looked at.
local longest = 64 << 20

local function refuse(path, why)
  error(fs.error("usage", ("%s: %s"):format(progress.name(path), why), "nothing was changed: choose another name, or move what is there"), 0)
end

-- The first bytes of what a path leads to; nil when nothing would be lost.
local function content(path, bytes)
  local stat = fs.stat(path)
  if not stat or stat.size == 0 and stat.kind == "file" then return nil end
  if stat.kind ~= "file" then refuse(path, stat.kind == "folder" and "is a folder" or "is no plain file") end
  local file <close> = io.open(path, "rb")
  return file and file:read(bytes) or ""
end

--- An error when something is there under the name of a page that is to be written, and is no page of this program. To be
--- asked before the work begins.
---
---     fs.write("diary.html", "<p>Dear diary</p>")
---     pcall(own_files.page, "diary.html")  --> false, ...diary.html: is there already, and is no page of this program...
---@param path string
function own_files.page(path)
  local start = content(path, #page_start)
  if start and start ~= page_start then refuse(path, "is there already, and is no page of this program") end
end

--- As `page`, of a JSON file: this program's are tables with the field `field`.
---
---     fs.write("package.json", '{"name": "mine"}')
---     pcall(own_files.json, "package.json", "figures")  --> false, ...package.json: is there already, and was not written by this command...
---@param path string
---@param field string|integer
function own_files.json(path, field)
  local text = content(path, longest)
  if not text then return end
  local ok, value = pcall(json.decode, text)
  if not ok or type(value) ~= "table" or value[field] == nil then
    refuse(path, "is there already, and was not written by this command")
  end
end

--- Tells of files whether one of `stages` made them, as the record beside them says (see `fs.made`), and nobody changed them
--- since. Records are read when a file of their folder is first asked about.
---
---     local made <close> = fs.made("copy")
---     made:make("one.lab", {}, function() fs.write("one.lab", "Hello.") end)
---     is_own = own_files.made_by { "copy", "import" }
---     is_own("one.lab"), is_own("data/Alice/0.00-2.10.lab")  --> true, false
---@param stages string[]
---@return fun(path: string): boolean
function own_files.made_by(stages)
  local wanted, folders = {}, {}
  for _, stage in ipairs(stages) do wanted[stage] = true end
  return function(path)
    local folder, name = fs.dirname(path), fs.basename(path)
    folders[folder] = folders[folder] or fs.origins(folder)
    local origin, stat = folders[folder][name], fs.stat(path)
    if not origin or not stat or stat.kind ~= "file" then return false end
    -- A run that was killed wrote down that it makes this file, and no more.
    return origin.is_open or wanted[origin.stage] == true and origin.to[name] == fs.digest(path)
  end
end

--- As `page`, of any file: an error unless `is_own` says that it may be replaced.
---
---     fs.write("config.json", '{"name": "mine"}')
---     pcall(own_files.any, "config.json", own_files.made_by { "copy" })  --> false, ...config.json: is there already, and was not written by this command...
---@param path string
---@param is_own? fun(path: string): boolean Nothing is, unless given.
function own_files.any(path, is_own)
  if content(path, 0) and not (is_own and is_own(path)) then refuse(path, "is there already, and was not written by this command") end
end

--- Adds a line to a log. A link in its place is removed: nothing is written where it leads.
---
---     own_files.append("metrics.jsonl", '{"step": 1}')
---     fs.read("metrics.jsonl")  --> {"step": 1}
---@param path string
---@param line string
function own_files.append(path, line)
  if fs.is_link(path) then fs.remove(path) end
  local file <close> = assert(io.open(path, "a"))
  assert(file:write(line, "\n"))
  assert(file:flush())                     -- a full disk is told here, and not when the file closes
end

return own_files
