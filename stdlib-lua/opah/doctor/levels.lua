--- How loud a clip is from moment to moment: the level of its voice above that of its pauses, and the silence at its
-- ends.
local levels = {}

-- Seconds of a frame.
local frame = 0.02
-- A voice is what comes within so many dB of the clip's loud frames.
local voiced = 40

--- Levels of the frames of 20 ms of samples [T], in dB of full scale, in order; -200 for digital silence, 300 for what is too
--- loud to be squared.
---
---     levels = require "opah.doctor.levels"
---     levels.frames(tensor.new({ 1, 1, 0, 0, 3e38, 3e38 }), 100)  --> {0.0, -200, 300.0}
function levels.frames(samples, rate)
  local size = math.max(1, math.floor(frame * rate + 0.5))
  local count = #samples // size
  if count == 0 then return {} end
  local power = samples:narrow(1, 1, count * size):view(count, size):square():mean(2):totable()
  for i, value in ipairs(power) do power[i] = value > 1e-20 and 10 * math.log(math.min(value, 1e30), 10) or -200 end
  return power
end

--- `{ snr, lead, tail }` of samples [T]: dB, seconds, seconds; fields that cannot be told are nil.
---
--- The ratio is that of NIST's stnr in short: the 95th percentile of the frames' levels (speech) above the 10th
--- (pauses). Frames of digital silence are no pauses of the room, and count in neither. It says nothing of clips
--- under a second, and is too low for a clip without any pause, so it is only ever a note.
function levels.measure(samples, rate)
  local power = levels.frames(samples, rate)
  local sounding = {}
  for _, level in ipairs(power) do if level > -100 then sounding[#sounding + 1] = level end end
  if #sounding == 0 then return {} end
  table.sort(sounding)
  local function percentile(share) return sounding[math.max(1, math.ceil(share * #sounding))] end
  local speech = percentile(0.95)
  local first, last
  for i, level in ipairs(power) do
    if level > speech - voiced then first, last = first or i, i end
  end
  -- Where the pauses are of digital silence, there is no noise to tell of.
  local quiet = #power - #sounding
  local result = { lead = (first - 1) * frame, tail = (#power - last) * frame }
  if #power * frame >= 1 and quiet < 0.1 * #power then result.snr = speech - percentile(0.1) end
  return result
end

return levels
