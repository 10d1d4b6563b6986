--- How long a room goes on after a voice has stopped: its reverberation time (RT60, seconds for 60 dB), told from speech
-- alone. In each band of the spectrum, stretches in which the energy falls freely are found; backward integration of
-- the energy smooths such a decay, and the slope of a line through it is the band's rate. After T. de M. Prego,
-- A. A. de Lima, R. Zambrano-Lopez and S. L. Netto, "Blind estimators for reverberation time and direct-to-reverberant
-- energy ratio using subband speech decomposition" (WASPAA 2015), and M. R. Schroeder, "New method of measuring
-- reverberation time" (J. Acoust. Soc. Am. 37, 1965). A voice itself never stops at once, and its own endings only add
-- to the room's, so of all decays the faster ones are believed (J. Y. C. Wen, E. A. P. Habets and P. A. Naylor, "Blind
-- estimation of reverberation time based on the distribution of signal decay rates", ICASSP 2008).
local audio = require "opah.audio"
local reverberation = {}

-- Seconds of a frame's window and from one frame to the next; bands in all, and those that are used (Hz).
local window, hop, bands, lowest, highest = 0.024, 0.01, 18, 300, 6000
-- A decay falls by so many dB at least, in so many seconds at least; it may rise again by so many before it is over.
local least_fall, least_seconds, rise = 22, 0.05, 3
-- A decay is a line when its correlation is this at least.
local straight = 0.99
-- dB above the quietest frames: what is below is the room's noise.
local above_floor = 6
-- Decays that must be found, the share of them that is faster than the estimate, the shortest clip (seconds), and the
-- lowest rate (Hz).
local enough, faster, shortest, least_rate = 8, 0.35, 1.0, 4000

local known = {}

--- The first of the mel bands whose centres lie in what is used, and their number (Slaney's scale, as `audio.log_mel`
--- has it).
local function used(rate)
  if known[rate] then return table.unpack(known[rate]) end
  local top, first, count = 15 + 27 * math.log(rate / 2000) / math.log(6.4), nil, 0
  for band = 1, bands do
    local mel = top * band / (bands + 1)
    local hertz = mel < 15 and mel * 200 / 3 or 1000 * 6.4 ^ ((mel - 15) / 27)
    if hertz >= lowest and hertz <= highest then first, count = first or band, count + 1 end
  end
  known[rate] = { first, count }
  return first, count
end

--- The decay time of energies `from`..`to` of a band by a line through their backward integral, nil when they are no
--- line.
local function decay_time(energy, from, to, seconds)
  local rest, curve = 0, {}
  for t = to, from, -1 do
    rest = rest + energy[t]
    curve[t] = 10 * math.log(rest, 10)
  end
  -- Its beginning is the voice, and near its end the integral lacks what would follow.
  local begin, last = from, to
  while begin < to and curve[begin] > curve[from] - 5 do begin = begin + 1 end
  while last > begin and curve[last] < curve[to] + 8 do last = last - 1 end
  local n = last - begin + 1
  if n < 4 then return nil end
  local sx, sy, sxx, sxy, syy = 0, 0, 0, 0, 0
  for t = begin, last do
    local x, y = t - begin, curve[t]
    sx, sy, sxx, sxy, syy = sx + x, sy + y, sxx + x * x, sxy + x * y, syy + y * y
  end
  local covariance, variance, spread = n * sxy - sx * sy, n * sxx - sx * sx, n * syy - sy * sy
  if covariance >= 0 or covariance ^ 2 < straight ^ 2 * variance * spread then return nil end
  return -60 * seconds * variance / covariance
end

--- Adds the decay times of a band: its energy and its level (dB) by frame, and the level of its noise.
local function find_decays(energy, level, floor, seconds, times)
  local t, count = 1, #level
  while t < count do
    local low, lowest_at, next = level[t], t, t + 1
    local top = low
    while next <= count and low > floor do
      local now = level[next]
      if now >= top or now >= low + rise then break end
      if now < low then low, lowest_at = now, next end
      next = next + 1
    end
    if top - low >= least_fall and (lowest_at - t) * seconds >= least_seconds then
      times[#times + 1] = decay_time(energy, t, lowest_at, seconds)
      t = lowest_at
    end
    t = t + 1
  end
end

--- The reverberation time of samples [T] in seconds, and the number of decays that say so; nil when there are too few.
---@param samples Tensor
---@param rate integer
---@return number?, integer?
function reverberation.time(samples, rate)
  local peak = rate >= least_rate and #samples >= shortest * rate and samples:abs():max():item() or 0
  if peak == 0 then return nil end
  local step = math.floor(hop * rate + 0.5)
  local size = 2 ^ math.ceil(math.log(window * rate, 2)) | 0
  local first, count = used(rate)
  local energy = (audio.log_mel(samples / peak, { sample_rate = rate, n_fft = size, win_length = size,
    hop_length = step, n_mels = bands }):narrow(1, first, count) * 2):exp()
  -- Levels of three frames each, which do not tremble as those of one do: [count, frames - 2].
  local frames = energy:size(2)
  local level = ((energy:narrow(2, 1, frames - 2) + energy:narrow(2, 2, frames - 2) + energy:narrow(2, 3, frames - 2))
    / 3):log() * (10 / math.log(10))
  local floors = level:quantile(0.05, 2):totable()
  local energies, levels, times = energy:narrow(2, 2, frames - 2):totable(), level:totable(), {}
  for band = 1, count do
    find_decays(energies[band], levels[band], floors[band] + above_floor, step / rate, times)
  end
  if #times < enough then return nil, #times end
  table.sort(times)
  return times[math.ceil(faster * #times)], #times
end

return reverberation
