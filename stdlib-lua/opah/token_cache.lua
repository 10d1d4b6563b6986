--- Codes kept by content in a folder that projects share, so that the same sound is not encoded again.
--
--   local codec = opah.embedded.codec()
--   local cache <close> = require "opah.token_cache".open("shared-codes", codec, { limit = "10GB" })
--   local graph = require "opah.graph" { folder = "out/cached" }
--   local clips = graph:files("data/Alice", { extension = { ".wav", ".flac" } })
--   local weights = graph:files(opah.embedded.codec_checkpoint)
--   graph:each("codes", { over = clips, inputs = { weights = weights } }, function(input, output)
--     cache:make(input, output .. ".npy", function()
--       tensor.save_npy(output .. ".npy", codec:encode(audio.load(input, { sample_rate = codec.sample_rate })))
--     end)
--   end)
--   return graph:run()
--
-- An entry is the .npy as it lies beside a clip, and its path says what it is:
-- extract-vq/FORMAT/CODEC/XX/SOUND.CODES.npy, where CODEC is the digest of what the codec makes codes by
-- (codec:codes_digest), SOUND that of the recording's bytes, XX its first two digits, CODES that of the entry itself, by
-- which a damaged one is told when it is read. These are what extraction's own records (`fs.made`) go by. An entry
-- appears whole under its name and is never changed, so any number of processes may use a cache at once; when it was
-- last used, its time of change says.
local fs, limits = require "opah.fs", require "opah.token_cache.limit"
local error_text = require "opah".error_text

local token_cache = {
  format = 1,   -- that of extraction's records: raised when the same sound and codec come to give other codes
}

---@class opah.TokenCache
---@field folder string
---@field taken integer How many codes came out of it.
---@field notes table[] `{ path, text }`: entries that were damaged, and what could not be kept.
local Cache = {}
Cache.__index = Cache

--- The folder that is meant: as given, else what the environment variable OPAH_CACHE says; nil where there is none. An
--- empty text is none either, so `--cache ""` does without the one of the environment.
---
---     token_cache.folder("/srv/codes"), token_cache.folder("")  --> "/srv/codes", nil
---@param given? string
---@return string? folder
function token_cache.folder(given)
  local folder = given or os.getenv("OPAH_CACHE")
  return folder ~= "" and folder or nil
end

--- Whether a text is a digest, as entries are named by.
---
---     token_cache.is_digest(fs.digest("data/Alice/4.80-7.20.wav")), token_cache.is_digest("../x")  --> true, false
---@param text any
---@return boolean
function token_cache.is_digest(text) return type(text) == "string" and limits.is_digest(text) end

--- Opens a cache for one codec's codes. Its folder need not be there yet. With `limit` (bytes, or text as in "10GB")
--- the entries that were used longest ago, of whatever codec, go when it is closed, until what is left fits.
---
---     local cache <close> = token_cache.open("cache-open", opah.embedded.codec(), { limit = "10GB" })
---     cache.folder, cache.taken  --> "cache-open", 0
---@param folder string
---@param codec Codec
---@param options? { limit?: string|number }
---@return opah.TokenCache
function token_cache.open(folder, codec, options)
  local limit = options and options.limit and limits.bytes(options.limit)
  return setmetatable({
    folder = folder, codec = fs.join(folder, limits.stage, tostring(token_cache.format), codec:codes_digest()),
    taken = 0, notes = {}, limit = limit, listed = {}, used = {}, group = fs.group(),
  }, Cache)
end

local function is_stop(problem) return type(problem) == "userdata" and problem.kind == "interrupted" end

--- Gives what was kept its names.
local function bring_out(cache)
  for _, failed in ipairs(cache.group:finish()) do cache.problem = cache.problem or failed.problem end
end

--- The paths of all entries of sounds whose digest begins alike, by the sound's digest; looked up once.
local function entries(cache, sound)
  local part = sound:sub(1, 2)
  if not cache.listed[part] then
    local found, folder = {}, fs.join(cache.codec, part)
    for _, path in ipairs(fs.exists(folder) and fs.list(folder) or {}) do
      local of, codes = limits.entry(fs.basename(path))
      if of and not found[of] then found[of] = { path = path, codes = codes } end
    end
    cache.listed[part] = found
  end
  return cache.listed[part]
end

--- Whether the cache has codes of a sound, by its digest (`fs.digest`), or just these codes, by theirs. They are looked
--- at only when they are taken.
---
---     local cache <close> = token_cache.open("cache-has", opah.embedded.codec())
---     cache:has(fs.digest("data/Alice/4.80-7.20.wav"))  --> false
---@param sound string
---@param codes? string
---@return boolean
function Cache:has(sound, codes)
  local entry = entries(self, sound)[sound]
  return entry ~= nil and (codes == nil or entry.codes == codes)
end

--- Writes the codes of a sound, given by its digest, to `target`, and says whether it had them. An entry whose bytes
--- are not what its name says is removed, told in `notes`, and never handed out. What goes wrong with `target` is an
--- error.
---
---     local cache <close> = token_cache.open("cache-take", opah.embedded.codec())
---     cache:take(fs.digest("data/Alice/4.80-7.20.wav"), "mine.npy"), fs.exists("mine.npy")  --> false, false
---@param sound string
---@param target string
---@return boolean
function Cache:take(sound, target)
  local known = entries(self, sound)
  local entry = known[sound]
  if not entry then return false end
  if entry.is_new then bring_out(self) end
  local ok, found = pcall(fs.digest, entry.path)
  if not ok and is_stop(found) then error(found, 0) end
  if not ok or found ~= entry.codes then
    known[sound] = nil
    -- Where it is gone, another process has made room.
    if fs.exists(entry.path) then
      local text = ok and "is damaged" or "cannot be read"
      text = text .. (pcall(fs.remove, entry.path) and ": removed from the cache" or ": not used")
      self.notes[#self.notes + 1] = { path = entry.path, text = text }
    end
    return false
  end
  fs.copy(entry.path, target)
  self.taken = self.taken + 1
  self.used[#self.used + 1] = entry.path
  return true
end

--- Keeps the codes in the file `codes` as those of a sound, given by its digest, in the place of what it had for that
--- sound. A cache that cannot be written to stops nobody's work: `notes` tells of it.
---
---     local cache <close> = token_cache.open("cache-keep", opah.embedded.codec())
---     tensor.save_npy("mine.npy", opah.embedded.codec():encode(audio.load("data/Alice/4.80-7.20.wav")))
---     cache:keep(fs.digest("data/Alice/4.80-7.20.wav"), "mine.npy")
---     cache:take(fs.digest("data/Alice/4.80-7.20.wav"), "theirs.npy")  --> true
---     fs.read("theirs.npy") == fs.read("mine.npy")                     --> true
---@param sound string
---@param codes string
---@param digest? string Of the file `codes`, where that is known.
function Cache:keep(sound, codes, digest)
  if self.problem then return end
  digest = digest or fs.digest(codes)
  if self:has(sound, digest) then return end
  local known = entries(self, sound)
  local before = known[sound]
  local folder = fs.join(self.codec, sound:sub(1, 2))
  local path = fs.join(folder, sound .. "." .. digest .. ".npy")
  local ok, problem = pcall(function()
    fs.mkdir(folder)
    self.group:add(path, function() fs.copy(codes, path) end)
    if before and fs.exists(before.path) then fs.remove(before.path) end
  end)
  if ok then
    known[sound], self.added = { path = path, codes = digest, is_new = true }, true
  elseif is_stop(problem) then
    error(problem, 0)
  else
    self.problem = problem
  end
end

--- Codes of the recording `sound` in the file `target`: out of the cache, or by `work`, which writes them there and
--- whose result is kept. Says whether they came out of the cache. The work must give the codes that extraction gives:
--- those of `codec:encode` are, without `whole`.
---
---     local codec = opah.embedded.codec()
---     local cache <close> = token_cache.open("cache-make", codec)
---     sound = "data/Alice/4.80-7.20.wav"
---     function encode() tensor.save_npy("a.npy", codec:encode(audio.load(sound))) end
---     cache:make(sound, "a.npy", encode), cache:make(sound, "a.npy", encode)  --> false, true
---@param sound string
---@param target string
---@param work fun()
---@return boolean
function Cache:make(sound, target, work)
  local digest = fs.digest(sound)
  if self:take(digest, target) then return true end
  work()
  self:keep(digest, target)
  bring_out(self)
  return false
end

--- Brings out what was kept, remembers what was of use, and makes room. Also done at the end of its scope.
---
---     cache = token_cache.open("cache-close", opah.embedded.codec(), { limit = 0 })
---     fs.copy("data/Alice/0.00-2.10.lab", "any.npy")
---     cache:keep(fs.digest("data/Alice/0.00-2.10.mp3"), "any.npy")
---     cache:close()
---     #fs.list("cache-close", { recursive = true })  --> 0
function Cache:close()
  if self.closed then return end
  self.closed = true
  bring_out(self)
  limits.touch(self.used)
  -- One process makes room for all. Taking the folder also clears away what killed ones left half-written.
  if self.added or self.limit then
    local ok, lock = pcall(fs.lock, self.folder, "making room in the cache", { name = ".room.lock" })
    if ok then
      local _ <close> = lock
      if self.limit then limits.make_room(self.folder, self.limit) end
    end
  end
  if self.problem then
    local text = "codes could not be kept in the cache: " .. error_text(self.problem)
    self.notes[#self.notes + 1] = { path = self.folder, text = text }
  end
end

Cache.__close = Cache.close

return token_cache
