--- A model repository on the Hugging Face hub (or a mirror, HF_ENDPOINT), read through curl.
--
--   local folder = "checkpoints/fish-speech-1.4"
--   local repository <close> = require "opah.hub".open("fishaudio/fish-speech-1.4", { revision = "main" })
--   for _, file in ipairs(repository:files(folder)) do print(repository:fetch(file, folder), file.path) end
--
-- A file is written under `.cache/huggingface/download` in the folder, goes on there after a break, and
-- appears under its name when its size and its digest are those that the hub names. What the hub says is checked
-- (opah.hub.listing), also what an earlier run kept of it, and what it sends has an end.
local fs, json, machine = require "opah.fs", require "opah.json", require "opah.machine"
local progress = require "opah.progress"
local addresses, listing = require "opah.hub.addresses", require "opah.hub.listing"

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
---@field patience number Seconds that an answer may take, and a transfer may stand still.
local Repository = {}
Repository.__index = Repository

---@class opah.hub
local hub = {}

-- The longest answer of the hub's interface in bytes, and the most of them for one listing (a page has 1000 files).
local longest_answer, most_pages = 8 << 20, 100

local function fail(message, hint) error(fs.error("file", message, hint), 0) end
local function misuse(message, hint) error(fs.error("usage", message, hint), 0) end

local function first_line(path)
  local stat = fs.stat(path)
  return stat and stat.kind == "file" and fs.read(path):match("^%s*(%S+)") or nil
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
    misuse(name .. " names no repository", "write OWNER/NAME, as in fishaudio/fish-speech-1.4")
  end
  local revision = options.revision or "main"
  if revision == "" or revision:find("[%c\\]") or revision:find("..", 1, true) or revision:find("^[-/]") then
    misuse(("%q is no revision"):format(revision), "write a branch, a tag or a commit")
  end
  local endpoint = (os.getenv("HF_ENDPOINT") or "https://huggingface.co"):gsub("/+$", "")
  if not addresses.parts(endpoint) then
    misuse(("HF_ENDPOINT is %q, which is no address"):format(endpoint), "as in https://huggingface.co")
  end
  local patience = tonumber(os.getenv("OPAH_HUB_TIMEOUT") or "30") or 0
  if not (patience > 0 and patience < 1e6) then misuse("OPAH_HUB_TIMEOUT must be seconds, above 0") end
  local token = find_token(options.token)
  if token and token:find("[^%g]") then misuse("the access token has blanks or control characters in it") end
  local ok, problem = pcall(machine.run, { "curl", "--version" })
  if not ok and problem.kind == "interrupted" then error(problem, 0) end
  if not ok then fail("curl is not installed", "sudo apt install curl") end

  local self = setmetatable({ name = name, revision = revision, endpoint = endpoint, patience = patience }, Repository)
  self.folder = fs.tempdir()
  -- In a file of our own folder, since other users can read command lines.
  self.settings = fs.join(self.folder, "curl")
  local escaped = token and token:gsub('[\\"]', "\\%0")
  fs.write(self.settings, token and ('header = "Authorization: Bearer %s"\n'):format(escaped) or "")
  return self
end

-- The folder holds the token: it goes also when nobody closes the repository.
function Repository:__close() fs.remove(self.folder, { recursive = true }) end
Repository.__gc = Repository.__close

--- Transfers an address to a file of at most `limit` bytes. Returns the HTTP status (0 without an answer), curl's exit
--- code, and what it complains of. Every word is an argument of its own: no shell reads them, and none is an option.
local function transfer(self, address, path, limit, more)
  local protocols = self.endpoint:find("^[Hh][Tt][Tt][Pp]:") and "=http,https" or "=https"
  local arguments = {
    -- A file cannot grow beyond this many blocks of 512 bytes, whatever the server goes on sending.
    "/bin/sh", "-c", 'ulimit -f "$0" 2>/dev/null; exec "$@"', tostring(limit // 512 + 2),
    "curl", "-q", "-L", "--globoff", "--proto", protocols, "--proto-redir", protocols, "--max-redirs", "10",
    "--connect-timeout", "10", "--max-filesize", tostring(math.max(limit, 1)), "-K", self.settings,
    "-o", path, "-w", "%{http_code}",
  }
  table.move(more, 1, #more, #arguments + 1, arguments)
  table.move({ "--url", address }, 1, 2, #arguments + 1, arguments)
  local ended = machine.run(arguments, { errors = progress.is_live() and "inherited" or "captured" })
  return tonumber(ended.output:match("%d+$")) or 0, ended.exit_code, ended.errors
end

-- Curl's exit code for more bytes than may be, and what becomes of it where only the system stopped them (SIGXFSZ; 23 is
-- a failed write).
local function is_too_long(code, path, limit)
  local stat = fs.stat(path)
  return code == 63 or code == 153 or code == 23 and stat ~= nil and stat.size > limit
end

-- What the hub's answer means when it is not the file: a message, and what to do.
function Repository:problem(status, code, what)
  if status == 401 or status == 403 then
    return ("%s: the hub refuses access (HTTP %d)"):format(what, status),
      ("accept the terms at %s/%s in a browser, make a token there, and set HF_TOKEN"):format(self.endpoint, self.name)
  elseif status == 404 then
    return ("%s: there is nothing of that name at %s"):format(what, self.endpoint),
      "check the repository, the revision and HF_ENDPOINT"
  elseif code == 28 then
    return ("%s: %s does not answer in time (%g s)"):format(what, self.endpoint, self.patience),
      "run again to go on; OPAH_HUB_TIMEOUT sets the seconds"
  elseif code == 23 then
    return ("%s cannot be written (curl's exit code 23)"):format(what), "is the disk full, or the name too long?"
  elseif code == 1 or code == 47 then
    return ("%s: %s leads to an address that is not followed (curl's exit code %d)"):format(what, self.endpoint, code),
      "check HF_ENDPOINT"
  elseif status == 0 or code ~= 0 then
    return ("%s: %s cannot be reached (curl's exit code %d)"):format(what, self.endpoint, code),
      "check the network, or name a mirror in HF_ENDPOINT; run again to go on"
  end
  return ("%s: HTTP %d"):format(what, status), "try again later"
end

-- The value that an API call answers with, and the address of its next page.
function Repository:get(address)
  local body, headers = fs.join(self.folder, "body"), fs.join(self.folder, "headers")
  for _, path in ipairs { body, headers } do if fs.exists(path) then fs.remove(path) end end
  local seconds = ("%g"):format(self.patience)
  local status, code = transfer(self, address, body, longest_answer, {
    "-s", "--retry", "2", "--retry-max-time", seconds, "--max-time", seconds, "-D", headers,
  })
  if is_too_long(code, body, longest_answer) then
    fail(("%s: the hub's answer has more than %s"):format(self.name, progress.size(longest_answer)), "check HF_ENDPOINT")
  elseif code ~= 0 or status ~= 200 then
    local message, hint = self:problem(status, code, self.name)
    error({ status = status, error = fs.error("file", message, hint) }, 0)
  end
  local ok, value = pcall(json.decode, fs.exists(body) and fs.read(body) or "")
  if not ok then
    fail(("%s: what %s answers is no listing of a hub"):format(self.name, self.endpoint), "check HF_ENDPOINT and any proxy")
  end
  local next = fs.read(headers):match('[Ll]ink:%s*<([^>\r\n]+)>;%s*rel="next"')
  -- Whoever answers may name any address; the token goes to the hub alone.
  if next and not addresses.is_below(next, self.endpoint) then
    fail(("%s: the next page of the listing is said to be %s, which is not at %s"):format(self.name, next, self.endpoint),
      "check HF_ENDPOINT; do not use this mirror")
  end
  return value, next
end

-- The files as the hub lists them, and the commit that they belong to, checked.
function Repository:listing()
  local base = ("%s/api/models/%s/"):format(self.endpoint, self.name)
  local commit = listing.commit(self.name, self:get(base .. "revision/" .. addresses.escaped(self.revision)))
  local files, page, pages = listing.new(self.name), base .. "tree/" .. commit .. "?recursive=true", 0
  while page do
    pages = pages + 1
    if pages > most_pages then fail(("%s: the listing goes on after %d pages"):format(self.name, most_pages), "check HF_ENDPOINT") end
    local entries
    entries, page = self:get(page)
    files:add(entries)
  end
  return { commit = commit, files = files.list }
end

--- The files of the repository. Without a network, those that an earlier run listed in `folder`, with a warning. What the
--- hub refuses is an error that says what to do; so is a listing with a name that leads out of the folder, or with
--- anything else that no hub says.
---
---     repository = hub.open("fishaudio/fish-speech-1.4")
---     repository:files("checkpoints/fish-speech-1.4")[1]  --> {path = "config.json", sha1 = "...", size = ...}
---@param folder string Where the files go, and where the list of them is kept.
---@return opah.hub.File[]
function Repository:files(folder)
  local name = (self.name .. "@" .. self.revision):gsub("/", "--") .. ".json"
  local kept = listing.place(folder, ".cache/huggingface/" .. name)
  local ok, found = false, { status = 0, error = fs.error("file", "HF_HUB_OFFLINE is set") }
  if (os.getenv("HF_HUB_OFFLINE") or "0") == "0" then ok, found = pcall(self.listing, self) end
  if ok then
    fs.mkdir(fs.dirname(kept))
    fs.write(kept, json.encode(found))
  elseif type(found) == "table" and found.status == 0 and (fs.stat(kept) or {}).kind == "file" then
    progress.warn(found.error.message .. "; going by the listing of an earlier run")
    found = listing.kept(self.name, kept)
  else
    error(type(found) == "table" and found.error or found, 0)
  end
  self.commit = found.commit
  return found.files
end

--- Whether a file on disk is the hub's: by size, and by SHA-256 (large files) or git's own SHA-1.
local function is_right(path, file)
  local stat = fs.stat(path)
  if not stat or stat.kind ~= "file" or stat.size ~= file.size then return false end
  local tool = file.sha256 and { "sha256sum", "--", path }
    or { "/bin/sh", "-c", [[{ printf 'blob %d\0' "$1"; cat -- "$2"; } | sha1sum]], "sh", tostring(file.size), path }
  return machine.run(tool).output:match("^\\?(%x+)") == (file.sha256 or file.sha1)
end

-- Where a file goes, and where it is while it is not whole.
local function places(file, folder)
  local part = (".cache/huggingface/download/%s.%s.incomplete"):format(file.path, file.sha256 or file.sha1)
  return listing.place(folder, file.path), listing.place(folder, part)
end

--- Bytes that are still to come of these files, by what there is of each: for a look at the disk before.
---
---     folder = "checkpoints/fish-speech"
---     repository = hub.open("fishaudio/fish-speech-1.4")
---     repository:missing(repository:files(folder), folder)  --> ...
---@param files opah.hub.File[]
---@param folder string
---@param options? opah.hub.FetchOptions
---@return integer
function Repository:missing(files, folder, options)
  local bytes = 0
  for _, file in ipairs(files) do
    local target, part = places(file, folder)
    local there, begun = fs.stat(target), fs.stat(part)
    if options and options.force or not there or there.size ~= file.size then
      bytes = bytes + math.max(0, file.size - (begun and begun.size or 0))
    end
  end
  return bytes
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
  local target, part = places(file, folder)
  if not (options and options.force) and is_right(target, file) then return "there" end
  fs.mkdir(fs.dirname(part))
  -- What curl writes goes through a link, and into a pipe that nobody reads.
  local stat = fs.stat(part)
  if fs.is_link(part) or stat and (stat.kind ~= "file" or stat.size > file.size) then fs.remove(part) end
  if not is_right(part, file) then
    local address = ("%s/%s/resolve/%s/%s"):format(self.endpoint, self.name, self.commit, addresses.escaped(file.path, "/"))
    local status, code, complaint = transfer(self, address, part, file.size, {
      "-f", progress.is_live() and "-#" or "-sS", "--retry", "3",
      "--speed-limit", "100", "--speed-time", tostring(math.max(1, math.ceil(2 * self.patience))), "-C", "-",
    })
    if is_too_long(code, part, file.size) then
      if fs.exists(part) then fs.remove(part) end
      fail(("%s: more arrives than the %d bytes that the hub names"):format(file.path, file.size),
        "a mirror or proxy may answer with something of its own: run again, or change HF_ENDPOINT")
    elseif code ~= 0 then
      local message, hint = self:problem(status, code, file.path)
      fail(message .. (complaint ~= "" and ": " .. complaint:gsub("%s+$", "") or ""), hint)
    end
  end
  if not is_right(part, file) then
    local size = fs.exists(part) and fs.stat(part).size or 0
    if fs.exists(part) then fs.remove(part) end
    fail(("%s arrived with %d bytes and is not the file that the hub names (%d bytes)")
      :format(file.path, size, file.size),
      "a mirror or proxy may answer with a page of its own: run again, or change HF_ENDPOINT")
  end
  fs.mkdir(fs.dirname(target))
  fs.move(part, target)
  return "fetched"
end

return hub
