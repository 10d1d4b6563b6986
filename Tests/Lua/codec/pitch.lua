-- Voices that were asked for 100 and 200 Hz speak at about that: the best lag of the whole clip's autocorrelation.
local audio = require "opah.audio"

local function pitch(path)
  local samples, info = audio.load(path)
  samples = samples:reshape(-1)
  local best, at = 0, nil
  for lag = info.sample_rate // 300, info.sample_rate // 60 do
    local count = samples:size(1) - lag
    local likeness = samples:narrow(1, 1, count):dot(samples:narrow(1, 1 + lag, count)):item()
    if likeness > best then best, at = likeness, lag end
  end
  return info.sample_rate / at
end

for _, asked in ipairs { 100, 200 } do
  local found = pitch(("corpus/kal16~%d/000001.wav"):format(asked))
  assert(math.abs(found / asked - 1) < 0.12, ("%.0f Hz where %d were asked for"):format(found, asked))
end
