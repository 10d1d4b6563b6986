--- Hum of the mains: steady lines at 50 or 60 Hz and their multiples. A line is what stands above its surroundings
-- most of the time, so frames of 0.4 s under a Hann window are compared with the frequencies beside (Goertzel's
-- sums, as one matrix product), and the median over the frames decides: a voice passes by, hum stays.
local median, tensor = require "opah.statistics".median, require "opah.tensor"
local hum = {}

local seconds = 0.4
-- How far beside a line its surroundings are measured, in Hz: outside of the window's main lobe (2 / 0.4 s).
local beside = 12
-- A line stands so many dB above them, and is not below this level (dB of full scale).
local clear, audible = 15, -60
local multiples = { 1, 2, 3 }

local made = {}

--- The waves that frames of `size` samples are multiplied by: [size, 2 * frequencies], and the frequencies in Hz.
local function waves(rate, size)
  local key = rate .. "/" .. size
  if made[key] then return made[key].basis, made[key].frequencies end
  local frequencies, columns = {}, {}
  for _, mains in ipairs { 50, 60 } do
    for _, multiple in ipairs(multiples) do
      for _, offset in ipairs { -beside, 0, beside } do frequencies[#frequencies + 1] = mains * multiple + offset end
    end
  end
  local time = tensor.range(0, size - 1, 1, { dtype = "float32" })
  -- Hann, scaled so that a wave of amplitude A gives a sum of size A.
  local window = (1 - (time * (2 * math.pi / size)):cos()) * (2 / size)
  for _, frequency in ipairs(frequencies) do
    -- Phases are taken modulo one turn in whole samples of precision: float32 has no room for thousands of turns.
    local phase = (time * (frequency / rate)):remainder(1) * (2 * math.pi)
    columns[#columns + 1] = phase:cos() * window
    columns[#columns + 1] = phase:sin() * window
  end
  made[key] = { basis = tensor.stack(columns, 2), frequencies = frequencies }
  return made[key].basis, frequencies
end

--- The mains frequency (50 or 60) whose hum is in samples [T], and the level of its strongest line in dB of full
--- scale; nil when there is none. The mains frequency itself must stand out, which is below any voice, or two of its
--- first three multiples. Clips under 1.2 s are not judged.
---@param samples Tensor
---@param rate integer
---@return integer? mains
---@return number? level
function hum.find(samples, rate)
  local size = math.floor(seconds * rate)
  local count = #samples // size
  if count < 3 then return nil end
  local basis, frequencies = waves(rate, size)
  local sums = samples:narrow(1, 1, count * size):view(count, size):matmul(basis):square():totable()
  local level = {}
  for i in ipairs(frequencies) do
    local values = {}
    for frame, row in ipairs(sums) do values[frame] = 10 * math.log(row[2 * i - 1] + row[2 * i] + 1e-20, 10) end
    level[i] = median(values)
  end
  local best, loudest
  for m, mains in ipairs { 50, 60 } do
    local lines, strongest, lowest = 0, -math.huge, false
    for k in ipairs(multiples) do
      local at = (m - 1) * 9 + (k - 1) * 3 + 2
      if level[at] > audible and level[at] - math.max(level[at - 1], level[at + 1]) > clear then
        lines, strongest, lowest = lines + 1, math.max(strongest, level[at]), lowest or k == 1
      end
    end
    if (lines >= 2 or lowest) and strongest > (loudest or -math.huge) then best, loudest = mains, strongest end
  end
  return best, loudest
end

return hum
