--- The codecs of a server: its own, those that voices hold, and those that it was told of. One is in memory while it is the
-- server's own or a loaded voice speaks with it, and once, whatever the number of voices; the digests of those that it was told of
-- are known from the start.
local fs, vq = require "opah.fs", require "opah.vq"
local folder, held = require "opah.voice.folder", require "opah.voice.codec"

local Codecs = {}
Codecs.__index = Codecs

local codecs = {}

--- For the server's `own` codec, a model with `codebooks`, and the codecs `more`, a list of `{ checkpoint, config }`.
function codecs.new(own, codebooks, more)
  local self = setmetatable({ own = own, codebooks = codebooks, more = {},
    loaded = setmetatable({}, { __mode = "v" }) }, Codecs)      -- by digest; what no voice has is let go
  self.own_codes, self.own_digest = own:codes_digest(), own:digest()
  self.loaded[self.own_digest] = own
  for i, source in ipairs(more) do
    local codec = vq.load(source)
    self.more[i] = { source = source, codes = codec:codes_digest(), digest = codec:digest() }
  end
  collectgarbage()
  return self
end

local function told(self, source)
  self.loaded[source.digest] = self.loaded[source.digest] or vq.load(source.source)
  return self.loaded[source.digest]
end

--- The codec of a voice: the one that it holds; else the very one that it was packed with, of those that the server has, else one that makes the
-- same codes. nil where there is none, with what is wrong and what to do.
function Codecs:of(opened)
  local manifest = opened.manifest
  local said, codec = manifest.codec or {}, nil
  local exact = said.sound or said.digest
  if said.file then
    codec = self.loaded[exact] or held.load(opened)
    self.loaded[exact] = codec
  elseif exact == self.own_digest then
    codec = self.own
  end
  for _, source in ipairs(self.more) do
    if not codec and source.digest == exact then codec = told(self, source) end
  end
  if not codec and held.fits(manifest, self.own_codes, self.own_digest) then codec = self.own end
  for _, source in ipairs(self.more) do
    if not codec and held.fits(manifest, source.codes, source.digest) then codec = told(self, source) end
  end
  if not codec then
    local known = { held.short(self.own_codes) }
    for i, source in ipairs(self.more) do known[i + 1] = held.short(source.codes) end
    return nil, ("the voice %s was made with the codec %s, and this server has %s"):format(manifest.name, held.short(said.digest), table.concat(known, ", ")),
      "start it with --codec FILE, or pack the voice with --with-codec"
  end
  if codec.num_codebooks ~= self.codebooks then
    return nil, ("the codec %s of the voice %s has %d codebooks, and this model speaks %d"):format(held.short(codec:codes_digest()), manifest.name,
      codec.num_codebooks, self.codebooks), "serve the voice with the model that it was made for"
  end
  return codec
end

--- What a command line tells of codecs: `{ checkpoint, config }` of each --codec and --codec-config.
function codecs.named(args)
  local more = {}
  for i, path in ipairs(args.codec or {}) do more[i] = { checkpoint = path, config = args.codec_config[i] or "firefly_gan_vq" } end
  return more
end

--- Bytes of memory of codecs beside the server's own: of those that the voices at `paths` hold, each counted once, and of `more`. 3.5 times their
-- files, as the server's own.
function codecs.memory(paths, more)
  local bytes, seen = 0, {}
  for _, path in ipairs(paths) do
    local manifest = folder.open((path:gsub("(.)/+$", "%1"))).manifest
    local said = manifest.codec
    if said and said.file and not seen[said.sound] then
      seen[said.sound], bytes = true, bytes + manifest.files[said.file].size
    end
  end
  for _, source in ipairs(more) do bytes = bytes + fs.stat(source.checkpoint).size end
  return 3.5 * bytes
end

return codecs
