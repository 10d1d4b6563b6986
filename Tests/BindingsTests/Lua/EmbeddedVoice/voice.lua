voice = opah.embedded.voice
local likelihood = require "opah.transcripts.likelihood"
function nll(...) return likelihood.frames(...):mean():item() end
model = lm.load(voice.model)
codec = vq.load { config = voice.codec_config, checkpoint = voice.codec_checkpoint }
texts = {
  "The old bird waited behind the harbour again.", "Please bring the quiet guitar to my mother.",
  "Nine candles are near the yellow window.", "The doctor and the sailor painted a small letter.",
}
function speak(text, speaker)
  local options = { text = text, speaker = speaker, seed = 1, codec = codec }
  for name, value in pairs(voice.generate) do options[name] = value end
  return model:generate(options)
end

