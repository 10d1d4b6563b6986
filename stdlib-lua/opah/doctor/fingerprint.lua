--- What a recording sounds like in few bits, the same after another coding, rate or level: the signs of how the
-- energy of 33 bands changes from band to band and from frame to frame (Haitsma and Kalker, "A Highly Robust Audio
-- Fingerprinting System", 2002). Here the bands are mel bands up to 4 kHz, the frames 256 ms every 32 ms.
local audio, tensor = require "opah.audio", require "opah.tensor"
local fingerprint = {}

local rate, window, hop = 8000, 2048, 256
--- Seconds from one word of a fingerprint to the next.
fingerprint.step = hop / rate

-- Two columns of weights make two halves of a word, since float32 has no 32 bits.
local weights = tensor.zeros(32, 2)
for bit = 0, 15 do
  weights[{ bit + 1, 1 }] = 2 ^ bit
  weights[{ bit + 17, 2 }] = 2 ^ bit
end

--- A list of words of 32 bits, one for each step of samples [T]; empty for clips under half a second.
---@param samples Tensor
---@param from_rate integer
---@return integer[]
function fingerprint.of(samples, from_rate)
  if #samples < from_rate / 2 then return {} end
  local low = audio.resample(samples, from_rate, rate)
  local peak = low:abs():max():item()
  if peak < 1e-6 then return {} end
  local mel = audio.log_mel(low / peak, { sample_rate = rate, n_fft = window, win_length = window, hop_length = hop,
    n_mels = 33 })
  local count = mel:size(2)
  if count < 3 then return {} end
  local across = mel:narrow(1, 1, 32) - mel:narrow(1, 2, 32)
  local change = across:narrow(2, 2, count - 1) - across:narrow(2, 1, count - 1)
  local halves = change:gt(0):to("float32"):t():matmul(weights):totable()
  local words = {}
  for i, pair in ipairs(halves) do words[i] = math.tointeger(pair[1]) | math.tointeger(pair[2]) << 16 end
  return words
end

local ones = {}
for value = 0, 0xFFFF do
  local bits, rest = 0, value
  while rest > 0 do bits, rest = bits + (rest & 1), rest >> 1 end
  ones[value] = bits
end

--- The share of bits that differ when `b` begins `offset` words after `a` (negative: before), over where both are,
--- and how many words that is.
---@param a integer[]
---@param b integer[]
---@param offset integer
---@return number share
---@return integer words
function fingerprint.difference(a, b, offset)
  local first, last = math.max(1, 1 + offset), math.min(#a, #b + offset)
  local bits = 0
  for i = first, last do
    local word = a[i] ~ b[i - offset]
    bits = bits + ones[word & 0xFFFF] + ones[word >> 16]
  end
  local words = math.max(0, last - first + 1)
  return words > 0 and bits / (32 * words) or 1, words
end

return fingerprint
