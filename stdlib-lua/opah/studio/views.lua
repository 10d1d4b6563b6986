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

-- The axis of time below a picture: the one line that is as wide as what is drawn.
local axis = '<line x1="([%d.]+)" y1="([%d.]+)" x2="([%d.]+)" y2="%2" stroke="currentColor" stroke%-opacity="0.60"/>'

--- Where the time of a picture begins and ends, as shares of its width, and the seconds in between, for the line that
--- runs over it: "0.0484 0.9789 3.0302".
local function span_of(svg, seconds)
  local width = tonumber(svg:match('viewBox="0 0 ([%d.]+) '))
  local left, right = 0, 0
  for from, _, to in svg:gmatch(axis) do
    if to - from > right - left then left, right = tonumber(from), tonumber(to) end
  end
  return ("%.4f %.4f %.4f"):format(left / width, right / width, seconds)
end

--- Answers with a picture as SVG without its paper: it lies on the page, light or dark (`?dark`). `seconds`: those that
--- it shows, where it has an axis of time.
function views.answer(context, picture, seconds)
  local svg = picture:svg()
  local headers = seconds and { ["Opah-Span"] = span_of(svg, seconds) } or {}
  local from, to = svg:find(paper, 1, true)
  if from then svg = svg:sub(1, from - 1) .. svg:sub(to + 1) end
  if context.request.query.dark then
    from, to = svg:find(ink, 1, true)
    if from then svg = svg:sub(1, from - 1) .. light_ink .. svg:sub(to + 1) end
  end
  context:bytes(200, "image/svg+xml", svg, headers)
end

local function show(context, studio, draw)
  local samples, rate = samples_of(context, studio, drawn)
  local ok, picture = pcall(draw, samples, rate)
  if not ok then
    -- A clip too short for a picture is no fault of the server.
    if picture.kind ~= "argument" then error(picture, 0) end
    loop.fail(400, picture.message, { param = "id", code = "no_picture" })
  end
  views.answer(context, picture, #samples / rate)
end

--- GET /api/waveform?id=CLIP, GET /api/spectrogram?id=CLIP.
function views.waveform(context, studio) show(context, studio, plot.waveform) end
function views.spectrogram(context, studio) show(context, studio, plot.spectrogram) end

return views
