--- What a codec is trained to make small: differences of log-mel spectrograms and of spectra at several resolutions.
local tensor = require "opah.tensor"
local spectrum = require "opah.codec.spectrum"

---@class opah.codec.losses
local losses = {}

--- A function from two signals [B, N] to their multi-resolution spectral loss (Yamamoto et al. 2020): for each window, the
--- mean of |log A - log B| plus |A - B| over the norm of B, the mean over the windows. `b` is the target.
---
---     distance = losses.multi_resolution { { n_fft = 64, hop_length = 16 }, { n_fft = 128, hop_length = 32 } }
---     x = tensor.randn(1, 640)
---     distance(x, x):item() < 1e-6  --> true
---@param windows opah.codec.Window[]
---@return fun(a: Tensor, b: Tensor): Tensor
function losses.multi_resolution(windows)
  local transforms = {}
  for i, window in ipairs(windows) do transforms[i] = spectrum.stft(window, 1e-7) end
  return function(a, b)
    local sum
    for _, transform in ipairs(transforms) do
      local made, target = transform(a), tensor.no_grad(transform, b)
      local difference = made - target
      local loss = difference:square():sum():sqrt() / target:square():sum():sqrt() + (made:log() - target:log()):abs():mean()
      sum = sum and sum + loss or loss
    end
    return sum / #transforms
  end
end

--- Windows for a sample rate in Hz: about 10, 25, 50 and 120 ms, a quarter of each apart.
---
---     losses.windows(16000)[1]  --> {hop_length = 64, n_fft = 256, win_length = 256}
---@param sample_rate integer
---@return opah.codec.Window[]
function losses.windows(sample_rate)
  local result = {}
  for i, seconds in ipairs { 0.012, 0.025, 0.05, 0.12 } do
    local size = 1 << math.floor(math.log(seconds * sample_rate, 2) + 0.5)
    result[i] = { n_fft = size, hop_length = size // 4, win_length = size }
  end
  return result
end

--- The mean of |a - b|.
---@param a Tensor
---@param b Tensor
---@return Tensor
function losses.difference(a, b) return (a - b):abs():mean() end

return losses
