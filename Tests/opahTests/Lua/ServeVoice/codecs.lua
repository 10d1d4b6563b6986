-- Voices that hold their codec, were made with one that the server is told of, or with none that is to be found.
local opah = require "opah"
local fs, json, vq = opah.fs, opah.json, opah.vq
local codecs, speaker = require "opah.serving.codecs", require "opah.serving.speaker"
local folder, run = require "opah.voice.folder", require "opah.run"
local voice = require "opah.embedded".voice

local model, own = opah.lm.load(voice.model), vq.load { config = voice.codec_config, checkpoint = voice.codec_checkpoint }
-- Codes of the same form at another rate.
local settings = own.config
settings.spec_transform.sample_rate = 24000
local other = vq.new { config = settings, seed = 3 }
other:save("other.pth")
local text = fs.read(voice.codec_config):gsub("sample_rate = 16000", "sample_rate = 24000")
fs.write("other.lua", text)

local function pack(name, ...)
  run("voice", { "pack", name, "--model", voice.model, "--references", "0", "--output", ".", ... })
end
local made_with = { "--vq-checkpoint-path", "other.pth", "--vq-config-name", "other.lua" }
pack("Held", "--with-codec", table.unpack(made_with))
pack("Also", "--with-codec", table.unpack(made_with))
pack("Named", table.unpack(made_with))
pack("Usual", "--with-codec", "--vq-checkpoint-path", voice.codec_checkpoint, "--vq-config-name", voice.codec_config)
pack("Silent")
-- A codec whose sound has learned on makes the same codes.
local polished = vq.load { config = voice.codec_config, checkpoint = voice.codec_checkpoint }
polished:save("polished.pth")
local state = opah.checkpoint.load("polished.pth")
state["head.conv_post.conv.bias"] = state["head.conv_post.conv.bias"] + 0.25
opah.checkpoint.save("polished.pth", state)
pack("Polished", "--with-codec", "--vq-checkpoint-path", "polished.pth", "--vq-config-name", voice.codec_config)

local function server(more)
  return speaker.new { model = model, codecs = codecs.new(own, model.config.num_codebooks, more), streams = 4, queue = 4, defaults = voice.generate }
end
local speaks = server {}
local function codec_of(name) return speaks:voice(name, { "." }).codec end

assert(codec_of("Held"):digest() == other:digest() and codec_of("Also") == codec_of("Held") and speaks:codec_count() == 2)
assert(codec_of("Usual") == own and codec_of("Silent") == own and speaks:codec_count() == 2)
assert(codec_of("Polished"):codes_digest() == own:codes_digest() and codec_of("Polished"):digest() ~= own:digest() and speaks:codec_count() == 3)

-- What is in memory for another voice does not decide what a voice can have.
local ok, problem = pcall(codec_of, "Named")
assert(not ok and problem.status == 500 and problem.code == "voice_codec_not_found")
for _, words in ipairs { "the voice Named", other:codes_digest():sub(1, 8), own:codes_digest():sub(1, 8), "--codec FILE" } do
  assert(problem.message:find(words, 1, true), problem.message)
end
ok, problem = pcall(speaks.load, speaks, "Named.voice")
assert(not ok and problem.kind == "checkpoint" and problem.hint:find("--with-codec", 1, true))
assert(not speaks.voices.Named)

speaks:unload("Held")
assert(speaks:codec_count() == 3)
speaks:unload("Also")
assert(speaks:codec_count() == 2 and not speaks.codecs.loaded[other:digest()], "it went with its last voice")
speaks = server { { checkpoint = "other.pth", config = "other.lua" } }
assert(speaks:codec_count() == 1 and codec_of("Named"):digest() == other:digest() and codec_of("Held") == codec_of("Named"))

-- The sound is that of the voice's codec.
local job = speaks:speak { text = "The old bird waited.", voice = speaks:voice "Held", settings = { seed = 3 } }
local sound
local route = coroutine.wrap(function() sound = job:sound() end)
while not sound do
  speaks:step()
  route()
end
local codes = model:generate { text = "The old bird waited.", seed = 3, codec = other, temperature = 0.7, top_p = 0.7, repetition_penalty = 1.2,
  max_new_tokens = voice.generate.max_new_tokens }
assert(sound:allclose(other:decode(codes), { atol = 1e-4 }) and #sound == codes:size(2) * 640)

-- Memory: each codec once.
local size = fs.stat("Held.voice/codec.pth").size
assert(codecs.memory({ "Held.voice", "Also.voice/", "Silent.voice" }, {}) == 3.5 * size)
assert(codecs.memory({}, { { checkpoint = "other.pth" } }) == 3.5 * fs.stat("other.pth").size)

-- A codec that is another than voice.json says, in its digests or its form, is not used.
local manifest = json.decode(fs.read("Held.voice/voice.json"))
local function changed(change)
  local copy = json.decode(json.encode(manifest))
  change(copy.codec)
  fs.write("Held.voice/voice.json", json.encode(copy))
  return select(2, pcall(speaks.load, speaks, "Held.voice")).message or "it was taken"
end
speaks = server {}
assert(changed(function(codec) codec.sound = ("0"):rep(32) end):find("another codec than voice.json says", 1, true))
assert(changed(function(codec) codec.digest = ("0"):rep(32) end):find("another codec than voice.json says", 1, true))
assert(changed(function(codec) codec.config.spec_transform.sample_rate = 8000 end):find("another codec than voice.json says", 1, true))
assert(changed(function(codec) codec.config.backbone.dims = { 16384, 16384, 16384, 1 } end):find("codec configuration", 1, true))
assert(changed(function(codec) codec.config = "firefly_gan_vq" end):find("codec.config is missing", 1, true))
assert(changed(function(codec) codec.sound = nil end):find("codec.sound is not a digest", 1, true))
assert(changed(function(codec) codec.file = "../other.pth" end):find("codec.file is not among its files", 1, true))

-- A codec of another number of codebooks, in a voice that says so.
local tiny = require("opah.embedded").codec()
fs.write("Held.voice/voice.json", json.encode(manifest))
tiny:save("Held.voice/codec.pth")
manifest.files["codec.pth"] = { size = fs.stat("Held.voice/codec.pth").size, digest = fs.digest("Held.voice/codec.pth") }
manifest.codec = { digest = tiny:codes_digest(), sound = tiny:digest(), file = "codec.pth", config = tiny.config }
fs.write("Held.voice/voice.json", json.encode(manifest))
assert(folder.open("Held.voice"))
ok, problem = pcall(speaks.load, speaks, "Held.voice")
assert(not ok and problem.message:find("has 8 codebooks, and this model speaks 4", 1, true), problem.message)
