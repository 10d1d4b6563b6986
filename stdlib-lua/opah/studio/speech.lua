--- Type and speak, where the program was started with a model: the sound comes as it is made.
local loop, sound = require "opah.serving.loop", require "opah.serving.sound"
local field = loop.field

local speech = {}

--- GET /api/voices: names, and whether there is a model at all.
function speech.voices(context, studio)
  context:json(200, { speaks = studio.speaker ~= nil, voices = studio.speaker and studio.speaker.order or {},
    max_text = studio.max_text })
end

--- POST /api/speak { text, voice, seed }: a wav file.
function speech.speak(context, studio)
  local body = context:fields()
  if not studio.speaker then
    loop.fail(409, "no model was given: start the studio with --embedded, or with --checkpoint-path and "
      .. "--vq-checkpoint-path", { code = "no_model" })
  end
  local text = field(body, "text", "string") or loop.fail(400, "text is missing: what to say", { param = "text" })
  if utf8.len(text) > studio.max_text then
    loop.fail(400, ("a text has at most %d characters here"):format(studio.max_text), { param = "text" })
  end
  local voice = studio.speaker:voice(field(body, "voice", "string"))
  local seed = field(body, "seed", "integer", 0, 1 << 40) or os.time()
  local spoken <close> = studio.speaker:speak { text = text, voice = voice, settings = { seed = seed } }
  sound.stream(context, spoken, "wav", voice.codec.sample_rate)
  spoken:tell(context.details)
end

return speech
