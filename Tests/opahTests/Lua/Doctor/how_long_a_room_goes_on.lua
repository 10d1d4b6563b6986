local reverberation = require 'opah.doctor.reverberation'
local paths = fs.list(opah.home .. '/examples/data', { recursive = true, extension = { '.wav', '.mp3', '.flac' } })
tensor.manual_seed(7)
for number, path in ipairs(paths) do
  local dry, info = audio.load(path)
  dry = audio.resample(dry, info.sample_rate, 16000)
  put(('dry/%02d.wav'):format(number), dry, 16000)
  local last = reverberation.time(dry, 16000) or 0
  for _, room in ipairs { 0.2, 0.5, 1.0 } do
    local length, pulses = math.floor(1.2 * room * 16000), math.floor(1.2 * room * 2000)
    local wet, draws = tensor.zeros(#dry + length), tensor.rand(2, pulses):totable()
    for pulse = 1, pulses do
      local at = math.floor(draws[1][pulse] * length)
      local size = 10 ^ (-3 * at / 16000 / room) * (draws[2][pulse] < 0.5 and -1 or 1)
      wet:narrow(1, at + 1, #dry):add_(dry * size)
    end
    wet = wet * (0.7 / wet:abs():max():item())
    put(('room%.1f/%02d.wav'):format(room, number), wet, 16000)
    local time = reverberation.time(wet, 16000)
    assert(time and time > last, ('%s: %s after %s'):format(path, time, last))
    assert(math.abs(time - room) <= 0.15, ('%s: %s in a room of %s s'):format(path, time, room))
    last = time
  end
end
-- Neither noise nor hum nor silence fades, and what is short says nothing.
for _, sound in ipairs { tensor.randn(5 * rate) * 0.1, wave(100, 5 * rate), tensor.zeros(5 * rate), tensor.randn(100), tensor.zeros(1) } do
  assert(reverberation.time(sound, rate) == nil)
end
