--- What can be told of spoken codes and sound without knowing what was to be said.
local measures = {}

-- 0.37 s of speech in which the first codebook says the same again: no speaker does that, but a model that is stuck does.
local stretch = 8

--- The share of frames, from 0 to 1, that lie in a stretch of 8 frames or more whose first codes were all said before.
function measures.repetition(codes)
  local row = codes[1]:totable()
  local frames = #row
  if frames < 2 * stretch then return 0.0 end
  local seen, again, marked = {}, 0, 0      -- `marked` is the last frame that counts already
  for first = 1, frames - stretch + 1 do
    local key = table.concat(row, ",", first, first + stretch - 1)
    if seen[key] then
      local last = first + stretch - 1
      again = again + last - math.max(marked, first - 1)
      marked = last
    else
      seen[key] = true
    end
  end
  return again / frames
end

--- The share of sound, from 0 to 1, that lies 40 dB or more below its loudest 20 ms; 1 when there is nothing but silence.
function measures.silence(samples, rate)
  local window = rate // 50
  local blocks = #samples // window
  if blocks == 0 then return 1.0 end
  local cut = samples:narrow(1, 1, blocks * window):reshape(blocks, window)
  local power = (cut * cut):mean(2)
  local loudest = power:max():item()
  if loudest < 1e-6 then return 1.0 end
  return power:lt(loudest * 1e-4):to("float32"):mean():item()
end

return measures
