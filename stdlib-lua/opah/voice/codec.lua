--- The codec that a voice was made with: what voice.json says of it, and its weights where the voice holds them.
--
-- voice.json has `codec = { digest, sound, file, config }`: `digest` of what codes stand for (codec:codes_digest()), `sound` of
-- all of it (codec:digest()). A voice that holds its codec also names the file among its own, and has the configuration as values:
-- a stranger's configuration is nothing that runs, and sizes that no codec has are refused before memory is taken.
local fs, progress, vq = require "opah.fs", require "opah.progress", require "opah.vq"

local codecs = {}

--- What a voice says of the codec it is packed with.
function codecs.told(codec) return { digest = codec:codes_digest(), sound = codec:digest() } end

--- Writes the codec's weights into a voice's folder as `name`, and says so in `told`.
function codecs.hold(codec, folder, name, told)
  codec:save(fs.join(folder, name))
  told.file, told.config = name, codec.config
end

--- Whether a voice's codes stand for the same sound in a codec with these digests. A voice that says nothing fits any.
function codecs.fits(manifest, codes_digest, digest)
  local said = manifest.codec and manifest.codec.digest
  -- Voices that were packed before told the digest of all weights.
  return not said or said == codes_digest or said == digest
end

--- The codec that an opened voice holds, loaded; nil when it holds none, an error when it is not the one that voice.json says.
function codecs.load(opened)
  local said = opened.manifest.codec
  if not (said and said.file) then return nil end
  local path = fs.join(opened.path, said.file)
  local codec = vq.load { config = said.config, checkpoint = path }
  if codec:codes_digest() ~= said.digest or codec:digest() ~= said.sound then
    error(fs.error("data", progress.name(path) .. ": this is another codec than voice.json says",
      "get it again from where it came; nothing of it was used"), 0)
  end
  return codec
end

--- A digest as messages show it.
function codecs.short(digest) return digest and digest:sub(1, 8) or "unknown" end

return codecs
