--- A model repository on the Hugging Face hub (or a mirror, HF_ENDPOINT), read through curl.
--
--   local folder = "checkpoints/fish-speech-1.4"
--   local repository <close> = require "opah.hub".open("fishaudio/fish-speech-1.4", { revision = "main" })
--   for _, file in ipairs(repository:files(folder)) do print(repository:fetch(file, folder), file.path) end
--
-- A file is written under `.cache/huggingface/download` in the folder, goes on there after a break, and
-- appears under its name when its size and its digest are those that the hub names.
local fs, json, progress = require "opah.fs", require "opah.json", require "opah.progress"

---@class opah.hub.Options
---@field revision? string A branch, a tag or a commit; "main" unless given.
---@field token? string Of a gated repository; $HF_TOKEN, else what `huggingface-cli login` stored, unless given.

---@class opah.hub.File
---@field path string In the repository.
---@field size integer Bytes.
---@field sha256? string Of large files, in hexadecimal digits.
---@field sha1? string Git's own digest, of the others.

---@class opah.hub.FetchOptions
---@field force? boolean Fetches a file that is there and right as well.

---@class opah.hub.Repository
---@field name string OWNER/NAME.
---@field revision string
---@field commit? string What the revision meant when the files were listed.
---@field endpoint string The hub's address.
---@field folder string Temporary files.
---@field settings string A file with curl's settings.
local Repository = {}
Repository.__index = Repository

---@class opah.hub
local hub = {}

local function fail(message, hint) error(fs.error("file", message, hint), 0) end

--- A word for the shell.
local function quoted(text) return "'" .. tostring(text):gsub("'", "'\\''") .. "'" end

local function first_line(path) return fs.exists(path) and fs.read(path):match("^%s*(%S+)") or nil end

--- Output of a shell command, and its exit code. Ctrl-C reaches the command as well, and ends the recipe.
local function shell(command)
  local pipe <close> = assert(io.popen(command, "r"))
  local text = pipe:read("a")
  local _, kind, code = pipe:close()
  if kind == "signal" or code == 130 then
    error(fs.error("interrupted", "interrupted", "run the same command again to go on"), 0)
  end
  return text, code
end

--- The token that gated repositories ask for: as given, else $HF_TOKEN, else what `huggingface-cli login` stored.
local function find_token(given)
  local home = os.getenv("HF_HOME") or fs.join(os.getenv("HOME") or ".", ".cache/huggingface")
  for _, token in ipairs { given or "", os.getenv("HF_TOKEN") or "" } do
    if token ~= "" then return token end
  end
  return first_line(os.getenv("HF_TOKEN_PATH") or fs.join(home, "token"))
end

--- Opens a repository; nothing is read yet. A name that is not OWNER/NAME, and a machine without curl, are errors.
---
---     repository = hub.open("fishaudio/fish-speech-1.4")
---     repository.name, repository.revision  --> "fishaudio/fish-speech-1.4", "main"
---@param name string
---@param options? opah.hub.Options
---@return opah.hub.Repository
function hub.open(name, options)
  options = options or {}
  if not name:match("^[%w_-][%w._-]*/[%w_-][%w._-]*$") then
    error(fs.error("usage", name .. " names no repository", "write OWNER/NAME, as in fishaudio/fish-speech-1.4"), 0)
  end
  if select(2, shell("command -v curl")) ~= 0 then fail("curl is not installed", "sudo apt install curl") end
  local self = setmetatable({ name = name, revision = options.revision or "main", folder = fs.tempdir() }, Repository)
  self.endpoint = (os.getenv("HF_ENDPOINT") or "https://huggingface.co"):gsub("/+$", "")
  -- In a file of our own folder, since other users can read command lines.
  self.settings = fs.join(self.folder, "curl")
  local token = find_token(options.token)
  local escaped = token and token:gsub('[\\"]', "\\%0")
  fs.write(self.settings, token and ('header = "Authorization: Bearer %s"\n'):format(escaped) or "")
  return self
end

-- The folder holds the token: it goes also when nobody closes the repository.
function Repository:__close() fs.remove(self.folder, { recursive = true }) end
Repository.__gc = Repository.__close

-- What the hub's answer means when it is not the file: a message, and what to do.
function Repository:problem(status, code, what)
  if status == 401 or status == 403 then
    return ("%s: the hub refuses access (HTTP %d)"):format(what, status),
      ("accept the terms at %s/%s in a browser, make a token there, and set HF_TOKEN"):format(self.endpoint, self.name)
  elseif status == 404 then
    return ("%s: there is nothing of that name at %s"):format(what, self.endpoint),
      "check the repository, the revision and HF_ENDPOINT"
  elseif status == 0 or code ~= 0 then
    return ("%s: %s cannot be reached (curl's exit code %d)"):format(what, self.endpoint, code),
      "check the network, or name a mirror in HF_ENDPOINT; run again to go on"
  end
  return ("%s: HTTP %d"):format(what, status), "try again later"
end

-- The body of an API call, and the address of its next page.
function Repository:get(address)
  local body, headers = fs.join(self.folder, "body"), fs.join(self.folder, "headers")
  local answer, code = shell(("curl -sL --retry 2 --connect-timeout 10 -K %s -o %s -D %s -w '%%{http_code}' %s")
    :format(quoted(self.settings), quoted(body), quoted(headers), quoted(address)))
  local status = tonumber(answer) or 0
  if code ~= 0 or status ~= 200 then
    local message, hint = self:problem(status, code, self.name)
    error({ status = status, error = fs.error("file", message, hint) }, 0)
  end
  return json.decode(fs.read(body)), fs.read(headers):match('[Ll]ink:%s*<([^>]+)>;%s*rel="next"')
end

-- The files as the hub lists them: `{path, size, sha256 or sha1}`, and the commit that they belong to.
function Repository:listing()
  local base = ("%s/api/models/%s/"):format(self.endpoint, self.name)
  local commit = self:get(base .. "revision/" .. self.revision).sha
  local files, page = {}, base .. "tree/" .. commit .. "?recursive=true"
  while page do
    local entries
    entries, page = self:get(page)
    for _, entry in ipairs(entries) do
      if entry.type == "file" then
        local digest = entry.lfs and entry.lfs.oid
        files[#files + 1] = { path = entry.path, size = entry.size, sha256 = digest, sha1 = entry.oid }
      end
    end
  end
  return { commit = commit, files = files }
end

--- The files of the repository. Without a network, those that an earlier run listed in `folder`, with a warning. What the
--- hub refuses is an error that says what to do.
---
---     repository = hub.open("fishaudio/fish-speech-1.4")
---     repository:files("checkpoints/fish-speech-1.4")[1]  --> {path = "config.json", sha1 = "...", size = ...}
---@param folder string Where the files go, and where the list of them is kept.
---@return opah.hub.File[]
function Repository:files(folder)
  local kept = fs.join(folder, ".cache/huggingface", (self.name .. "@" .. self.revision):gsub("/", "--") .. ".json")
  local ok, found = false, { status = 0, error = fs.error("file", "HF_HUB_OFFLINE is set") }
  if (os.getenv("HF_HUB_OFFLINE") or "0") == "0" then ok, found = pcall(self.listing, self) end
  if ok then
    fs.mkdir(fs.dirname(kept))
    fs.write(kept, json.encode(found))
  elseif type(found) == "table" and found.status == 0 and fs.exists(kept) then
    progress.warn(found.error.message .. "; going by the listing of an earlier run")
    found = json.decode(fs.read(kept))
  else
    error(type(found) == "table" and found.error or found, 0)
  end
  self.commit = found.commit
  for _, file in ipairs(found.files) do
    if file.path:match("^/") or ("/" .. file.path .. "/"):find("/../", 1, true) or file.path:find("[%c\\]") then
      fail(("%s lists a file called %q, which is no safe name"):format(self.name, file.path),
        "do not use this repository")
    end
  end
  return found.files
end

--- Whether a file on disk is the hub's: by size, and by SHA-256 (large files) or git's own SHA-1.
local function is_right(path, file)
  local stat = fs.stat(path)
  if not stat or stat.size ~= file.size then return false end
  local text = shell(file.sha256 and "sha256sum < " .. quoted(path)
    or ("{ printf 'blob %d\\0'; cat %s; } | sha1sum"):format(file.size, quoted(path)))
  return text:match("^%x+") == (file.sha256 or file.sha1)
end

--- Brings one file into `folder`, going on where an earlier try broke off; one that is there and right stays. Returns
--- "there" or "fetched". A file that arrives and is not what the hub names is an error.
---
---     folder = "checkpoints/fish-speech"
---     repository = hub.open("fishaudio/fish-speech-1.4")
---     config = repository:files(folder)[1]
---     repository:fetch(config, folder), repository:fetch(config, folder)  --> "fetched", "there"
---@param file opah.hub.File Of those that `files` gives.
---@param folder string
---@param options? opah.hub.FetchOptions
---@return "there"|"fetched"
function Repository:fetch(file, folder, options)
  local target = fs.join(folder, file.path)
  if not (options and options.force) and is_right(target, file) then return "there" end
  local part = ("%s/.cache/huggingface/download/%s.%s.incomplete"):format(folder, file.path, file.sha256 or file.sha1)
  fs.mkdir(fs.dirname(part))
  local stat = fs.stat(part)
  if stat and stat.size > file.size then fs.remove(part) end
  if not is_right(part, file) then
    local address = ("%s/%s/resolve/%s/%s"):format(self.endpoint, self.name, self.commit,
      (file.path:gsub("[^%w._~/-]", function(c) return ("%%%02X"):format(c:byte()) end)))
    local answer, code = shell(("curl -fL %s --retry 3 --connect-timeout 10 --speed-limit 1 --speed-time 60 -C -"
      .. " -K %s -o %s -w '%%{http_code}' %s")
      :format(progress.is_live() and "-#" or "-sS", quoted(self.settings), quoted(part), quoted(address)))
    if code ~= 0 then fail(self:problem(tonumber(answer:match("%d+$")) or 0, code, file.path)) end
  end
  if not is_right(part, file) then
    local size = fs.exists(part) and fs.stat(part).size or 0
    fs.remove(part)
    fail(("%s arrived with %d bytes and is not the file that the hub names (%d bytes)")
      :format(file.path, size, file.size),
      "a mirror or proxy may answer with a page of its own: run again, or change HF_ENDPOINT")
  end
  fs.mkdir(fs.dirname(target))
  fs.move(part, target)
  return "fetched"
end

return hub
