-- Voices whose folders go, come back or are damaged while a server runs, and requests that name none.
local opah = require "opah"
local fs = opah.fs
local loading, run = require "opah.serving.loading", require "opah.run"
local voice = require "opah.embedded".voice

for _, name in ipairs { "Ann", "Ben" } do
  run("voice", { "pack", name, "--model", voice.model, "--references", "0", "--output", "voices" })
end
local places = { "voices" }

local function server(voices, roles)
  return loading.speaker {
    checkpoint_path = voice.model, weights = "stored", vq_checkpoint_path = voice.codec_checkpoint,
    vq_config_name = voice.codec_config, voice = voices, speaker = roles, streams = 2, queue = 2,
  }
end

local function refused(status, words, speaks, name, ...)
  local ok, problem = pcall(speaks.voice, speaks, name, ...)
  assert(not ok and problem.status == status and problem.message:find(words, 1, true), tostring(problem.message))
  return problem
end

-- What somebody else asked for is not what an unnamed request gets.
local bare = server({}, nil)
assert(bare:voice(nil, places).name == "default")
assert(bare:voice("Ann", places).name == "Ann")
assert(bare:voice(nil, places).name == "default", "what was loaded since changes nothing")

-- The first one is; also when it was let go, from the folder that the command line named.
local speaks = server({ "voices/Ann.voice", "voices/Ben.voice" }, "rms")
assert(speaks:voice().name == "Ann")
speaks:unload("Ann")
assert(not speaks.voices.Ann)
assert(speaks:voice().name == "Ann" and speaks.voices.Ann)

-- One whose folder went speaks on, and is not there any more when it was let go: nobody gets another in its place.
fs.move("voices/Ann.voice", "away")
assert(speaks:voice("Ann").name == "Ann")
speaks:unload("Ann")
refused(400, "there is no voice Ann", speaks, "Ann", places)
refused(400, "there is no voice Ann", speaks, nil, places)
fs.move("away", "voices/Ann.voice")
assert(speaks:voice().name == "Ann")

-- One whose folder has another name than it calls itself is the one of its folder, and is loaded once.
fs.move("voices/Ann.voice", "voices/Eve.voice")
local eve = speaks:voice("Eve", places)
assert(eve.name == "Eve" and speaks:voice("Eve", places) == eve and speaks.voices.Ann ~= eve)

-- One that cannot be loaded: the request names it, the files are for the log.
speaks:unload("Ben")
fs.write("voices/Ben.voice/voice.json", '{"format": "opah-voice"')
local problem = refused(500, "the voice Ben cannot be loaded", speaks, "Ben", places)
assert(problem.code == "voice_not_loaded" and problem.problem:find("voice.json is not JSON", 1, true))
assert(not problem.message:find("json", 1, true))
