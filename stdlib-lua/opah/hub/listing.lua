--- What a hub says of its files, checked before anything is done with it: a listing from the network and one that an
-- earlier run kept are both a stranger's.
local fs, json, progress = require "opah.fs", require "opah.json", require "opah.progress"

---@class opah.hub.Listing
---@field name string OWNER/NAME, for messages.
---@field list opah.hub.File[]
---@field private taken table<string, "file"|"folder">
local Listing = {}
Listing.__index = Listing

local listing = {}

-- The most files of a repository, and the longest file in bytes.
local most_files, longest_file = 100000, 1000000000000

local function refuse(name, why)
  error(fs.error("unsafe", ("%s: this is no listing of a hub: %s"):format(name, why), "do not use this repository; check HF_ENDPOINT"), 0)
end

local function shown(value) return type(value) == "string" and ("%q"):format(value:sub(1, 100)) or json.encode(value):sub(1, 100) end

--- Hexadecimal digits, so many of them, in lower case; nil for anything else.
local function digest(value, digits)
  return type(value) == "string" and #value == digits and value:match("^%x+$") and value:lower() or nil
end

--- Why a file of this name would not lie in the folder that it is fetched to, or cannot be there; nil for a good name.
---
---     listing = require "opah.hub.listing"
---     listing.unsafe("../x")       --> "it leads out of the folder"
---     listing.unsafe("sub/a.txt")  --> nil
---@param path any
---@return string?
function listing.unsafe(path)
  if type(path) ~= "string" then return "it is no text" end
  if path == "" or #path > 4000 then return "it is empty or too long" end
  if path:find("[%c\\]") or path:find("\xC2[\x80-\x9F]") then return "it has control characters or backslashes in it" end
  if path:find("^/") then return "it leads out of the folder" end
  for part in (path .. "/"):gmatch("([^/]*)/") do
    if part == "." or part == ".." then return "it leads out of the folder" end
    if part == "" then return "it has an empty part" end
    if #part > 255 then return "it is too long" end
  end
  if (path:lower() .. "/"):find("^%.cache/huggingface/") then return "it lies where downloads keep their own notes" end
  return nil
end

--- The path of a file of the repository in `folder`. A link inside the folder that leads out of it is an error.
---
---     require "opah.hub.listing".place("model", "sub/a.txt")  --> "model/sub/a.txt"
---@param folder string
---@param path string
---@return string
function listing.place(folder, path)
  local root, parent = fs.resolve(folder), fs.resolve(fs.dirname(fs.join(folder, path)))
  if parent ~= root and parent:sub(1, #root + 1) ~= (root == "/" and "/" or root .. "/") then
    error(fs.error("unsafe", ("%s/%s would be written to %s: a link leads out of the folder"):format(folder, progress.name(path), progress.name(parent)),
      "remove the link, or choose another folder"), 0)
  end
  return fs.join(folder, path)
end

--- An empty listing of the repository `name`.
---
---     files = require "opah.hub.listing".new("owner/model")
---     files:add { { type = "file", path = "a.txt", size = 2, oid = ("0"):rep(40) } }
---     files.list[1].path  --> "a.txt"
---@param name string
---@return opah.hub.Listing
function listing.new(name) return setmetatable({ name = name, list = {}, taken = {} }, Listing) end

-- A file as it is kept: its name and those of the folders above it are taken by nothing else.
function Listing:take(file)
  local why = listing.unsafe(file.path)
  if why then refuse(self.name, ("a file called %s: %s"):format(shown(file.path), why)) end
  if math.type(file.size) ~= "integer" or file.size < 0 or file.size > longest_file then
    refuse(self.name, ("%s is said to have %s bytes"):format(file.path, shown(file.size)))
  end
  if not file.sha256 and not file.sha1 then refuse(self.name, file.path .. " has no digest of 40 or 64 hexadecimal digits") end
  if self.taken[file.path] then refuse(self.name, ("%s is there twice, or as a folder too"):format(file.path)) end
  self.taken[file.path] = "file"
  local folder = file.path:match("^(.*)/")
  while folder do
    if self.taken[folder] == "file" then refuse(self.name, ("%s is there twice, or as a folder too"):format(folder)) end
    self.taken[folder] = "folder"
    folder = folder:match("^(.*)/")
  end
  if #self.list >= most_files then refuse(self.name, ("it has more than %d files"):format(most_files)) end
  self.list[#self.list + 1] = file
end

--- Whether a value is a list: no table with names.
local function is_list(value)
  if type(value) ~= "table" then return false end
  for key in pairs(value) do if math.type(key) ~= "integer" then return false end end
  return true
end

--- Adds a page of the hub's answer.
---@param entries any
function Listing:add(entries)
  if not is_list(entries) then refuse(self.name, "the list of files is none") end
  for _, entry in ipairs(entries) do
    if type(entry) ~= "table" then refuse(self.name, ("a file is %s"):format(shown(entry))) end
    if entry.type == "file" then
      local large = entry.lfs ~= json.null and entry.lfs or nil
      if large and type(large) ~= "table" then refuse(self.name, "lfs is " .. shown(large)) end
      self:take { path = entry.path, size = entry.size, sha256 = large and digest(large.oid, 64),
        sha1 = not large and digest(entry.oid, 40) or nil }
    elseif type(entry.type) ~= "string" then
      refuse(self.name, "the type of a file is " .. shown(entry.type))
    end
  end
end

--- The commit that the hub names for a revision.
---@param name string
---@param answer any
---@return string
function listing.commit(name, answer)
  local sha = type(answer) == "table" and answer.sha
  if type(sha) ~= "string" or #sha > 64 or not sha:match("^%x+$") then refuse(name, "no commit is named for the revision") end
  return sha
end

--- The listing that an earlier run kept in a file, checked as the hub's own: `{commit, files}`.
---@param name string
---@param path string
---@return {commit: string, files: opah.hub.File[]}
function listing.kept(name, path)
  local ok, value = pcall(json.decode, fs.read(path))
  if not ok or type(value) ~= "table" or not is_list(value.files) then refuse(name, path .. " has none") end
  local files = listing.new(name)
  for _, file in ipairs(value.files) do
    if type(file) ~= "table" then refuse(name, ("a file is %s"):format(shown(file))) end
    files:take { path = file.path, size = file.size, sha256 = digest(file.sha256, 64), sha1 = digest(file.sha1, 40) }
  end
  return { commit = listing.commit(name, { sha = value.commit }), files = files.list }
end

return listing
