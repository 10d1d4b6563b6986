--- A clip to hear and to look at: its sound as training hears it (decoded, of one channel), its waveform and its
-- spectrogram.
local audio, plot = require "opah.audio", require "opah.plot"
local examining, loop = require "opah.doctor.clips", require "opah.serving.loop"
local sound = require "opah.serving.sound"

local views = {}

-- Seconds that are drawn, and the highest rate (Hz) that is sent: nobody hears more, and the rest would be memory.
local drawn, highest = 60, 48000

--- Samples [T] and rate of at most `seconds` of the clip that a request names.
local function samples_of(context, studio, seconds)
  local entry = studio.clips:find(context.request.query.id)
  local path = entry and entry.clip.audio
  if not path then loop.fail(404, "there is no recording of that clip", { param = "id", code = "no_clip" }) end
  if not studio.clips:holds(path) then loop.fail(404, "the recording is a link that leads out of the folder",
    { param = "id" }) end
  local length = audio.info(path).duration
  local samples, info = audio.load(path, { duration = length > seconds and seconds or nil })
  return samples, info.sample_rate
end

--- GET /api/sound?id=CLIP: a wav file of 16 bits; of long recordings as much as doctor listens to.
function views.sound(context, studio)
  local samples, rate = samples_of(context, studio, examining.heard)
  if rate > highest then samples, rate = audio.resample(samples, rate, highest), highest end
  context:bytes(200, "audio/wav", sound.encode(samples, rate, "wav"))
end

local paper, ink, light_ink = '<rect width="100%" height="100%" fill="white"/>', 'color="#374151"', 'color="#cbd5e1"'

--- Answers with a picture as SVG without its paper: it lies on the page, light or dark (`?dark`).
function views.answer(context, picture)
  local svg = picture:svg()
  local from, to = svg:find(paper, 1, true)
  if from then svg = svg:sub(1, from - 1) .. svg:sub(to + 1) end
  if context.request.query.dark then
    from, to = svg:find(ink, 1, true)
    if from then svg = svg:sub(1, from - 1) .. light_ink .. svg:sub(to + 1) end
  end
  context:bytes(200, "image/svg+xml", svg)
end

--- GET /api/waveform?id=CLIP, GET /api/spectrogram?id=CLIP.
function views.waveform(context, studio) views.answer(context, plot.waveform(samples_of(context, studio, drawn))) end
function views.spectrogram(context, studio) views.answer(context, plot.spectrogram(samples_of(context, studio,
  drawn))) end

return views
