--- How far up a recording reaches. What was compressed, came over a telephone, or was brought to a higher rate ends
-- at a cliff, with next to nothing above; a voice that is recorded as it is fades away.
local audio = require "opah.audio"
local spectrum = {}

local bands, window, hop = 128, 2048, 2048
-- What lies so far below the strongest band is nothing (dB); a cliff falls by so much within so many bands.
local depth, fall, width = 70, 12, 8

local edges = {}

--- Upper edge of each mel band in Hz (Slaney's scale: linear to 1 kHz, then logarithmic, as `audio.mel_filters` has
--- it).
local function upper_edges(rate)
  if edges[rate] then return edges[rate] end
  local function mel(hertz) return hertz < 1000 and hertz * 3 / 200
    or 15 + 27 * math.log(hertz / 1000) / math.log(6.4) end
  local function hertz(value) return value < 15 and value * 200 / 3 or 1000 * 6.4 ^ ((value - 15) / 27) end
  local top, list = mel(rate / 2), {}
  for band = 1, bands do list[band] = hertz(top * (band + 1) / (bands + 1)) end
  edges[rate] = list
  return list
end

--- Where the cliff of samples [T] is, in Hz; nil when there is none. Full scale does not matter.
---@param samples Tensor
---@param rate integer
---@return number?
function spectrum.cliff(samples, rate)
  if #samples < 4 * window then return nil end
  local peak = samples:abs():max():item()
  if peak == 0 then return nil end
  local mel = audio.log_mel(samples / peak, { sample_rate = rate, n_fft = window, win_length = window,
    hop_length = hop, n_mels = bands })
  -- The mean magnitude of each band, in dB: loud moments decide, such as an s.
  local level = mel:exp():mean(2):totable()
  for band, value in ipairs(level) do level[band] = 20 * math.log(math.max(value, 1e-10), 10) end
  local strongest, top = math.max(table.unpack(level)), bands
  while level[top] <= strongest - depth do top = top - 1 end
  local beyond = math.min(bands, top + width // 2)
  if top == bands or level[math.max(1, beyond - width)] - level[beyond] < fall then return nil end
  return upper_edges(rate)[top]
end

return spectrum
