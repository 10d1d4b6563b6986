--- Samples as the bytes of the formats that clients ask for.
local audio, fs = require "opah.audio", require "opah.fs"
local loop = require "opah.serving.loop"

local sound = {}

sound.media_types = { wav = "audio/wav", pcm = "audio/pcm", flac = "audio/flac", mp3 = "audio/mpeg", opus = "audio/ogg" }

--- The head of a wav file with 16-bit samples of one channel. Without `count` it is for sound that goes on: the sizes then say
-- "as long as there are bytes", which players take.
function sound.wave_head(rate, count)
  local data = count and 2 * count or 0xFFFFFFFF - 36
  return string.pack("<c4I4c4c4I4I2I2I4I4I2I2c4I4", "RIFF", data + 36, "WAVE", "fmt ", 16, 1, 1, rate, 2 * rate, 2, 16, "data", data)
end

--- Answers with a job's samples as they come: bare ones (pcm), or a wav file whose head does not say its length. The answer
-- begins with the first samples, so that an error before them has a status of its own.
function sound.stream(context, job, format, rate, headers)
  local begun = false
  for samples in function() return job:read() end do
    if not begun then
      context:start(sound.media_types[format], headers)
      if format == "wav" then context:write(sound.wave_head(rate)) end
      begun = true
    end
    context:write(audio.bytes(samples))
  end
  if not begun then loop.fail(500, "the model said nothing") end
  context:finish()
end

--- The whole as one file of a format.
function sound.encode(samples, rate, format)
  if format == "pcm" then return audio.bytes(samples) end
  if format == "wav" then return sound.wave_head(rate, #samples) .. audio.bytes(samples) end
  local place = fs.tempdir()
  local path = fs.join(place, "sound." .. format)
  local ok, problem = pcall(function()
    -- Opus knows five rates.
    if format == "opus" and rate ~= 48000 then samples, rate = audio.resample(samples, rate, 48000), 48000 end
    audio.save(path, samples, rate)
    return fs.read(path)
  end)
  fs.remove(place, { recursive = true })
  if not ok then error(problem, 0) end
  return problem
end

--- What is wrong with a recording, told of its name in the request: the file in which it lay for a moment is nobody else's.
local function told(problem, folder, name)
  if type(problem) ~= "userdata" or problem.kind == "interrupted" then return problem end
  local own = fs.basename(folder)
  local _, last = problem.message:find(own .. "/sound", 1, true)
  if not last then return problem end
  local hint = problem.hint
  if hint and hint:find(own, 1, true) then hint = "convert it first: ffmpeg -i INPUT OUTPUT.wav" end
  return fs.error(problem.kind, name .. problem.message:sub(last + 1), hint)
end

--- The samples of a recording that came as bytes, at `rate`; at most `longest` seconds. Errors call it `name`.
function sound.decode(bytes, rate, longest, name)
  local place = fs.tempdir()
  local path = fs.join(place, "sound")
  local ok, samples = pcall(function()
    fs.write(path, bytes)
    local info = audio.info(path)
    if info.duration > longest then error(fs.error("audio", ("%s lasts %.1f s, and at most %g s are taken"):format(name, info.duration, longest)), 0) end
    return (audio.load(path, { sample_rate = rate }))
  end)
  fs.remove(place, { recursive = true })
  if not ok then error(told(samples, place, name), 0) end
  return samples
end

return sound
