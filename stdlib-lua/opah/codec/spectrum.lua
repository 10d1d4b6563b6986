--- Spectrograms that gradients flow through: the codec's log-mel spectrogram, and magnitudes for losses.
--
--   local magnitudes = require "opah.codec.spectrum".stft { n_fft = 1024, hop_length = 256, win_length = 1024 }
--   print(magnitudes(tensor.randn(2, 16000)):shape())     -- {2, 513, 62}
--
-- The transform is a strided convolution with windowed cosines and sines: 4 bins n_fft operations a frame.
local audio, nn, tensor = require "opah.audio", require "opah.nn", require "opah.tensor"

---@class opah.codec.spectrum
local spectrum = {}

---@class opah.codec.Window
---@field n_fft integer
---@field hop_length integer
---@field win_length? integer n_fft unless given.

-- Filters [2 bins, 1, n_fft]: the window times cosines, then times minus sines. Angles are reduced modulo n_fft in
-- whole numbers, so that they are as exact for the last bin as for the first.
local function filters(window)
  local n, length = window.n_fft, window.win_length or window.n_fft
  local bins, first = n // 2 + 1, (n - length) // 2
  local turns = (tensor.range(0, bins - 1, 1, { dtype = "int64" }):unsqueeze(2)
    * tensor.range(0, n - 1, 1, { dtype = "int64" }):unsqueeze(1)) % n
  local angles = turns:to("float64") * (2 * math.pi / n)
  local hann = 0.5 - (tensor.range(0, length - 1):to("float64") * (2 * math.pi / length)):cos() * 0.5
  local shape = hann:pad(1, first, n - length - first)
  return tensor.cat({ angles:cos() * shape, angles:sin() * shape * -1 }, 1):to("float32"):unsqueeze(2)
end

--- The signal with `before` and `after` samples mirrored around its ends (which are not repeated): [B, N] -> [B, N + ...].
---
---     spectrum.reflected(tensor.new{{1, 2, 3, 4}}, 2, 1)  --> [[3., 2., 1., 2., 3., 4., 3.]]
---@param samples Tensor
---@param before integer
---@param after integer
---@return Tensor
function spectrum.reflected(samples, before, after)
  local n, parts = samples:size(2), {}
  if before > 0 then parts[1] = samples:narrow(2, 2, before):flip(2) end
  parts[#parts + 1] = samples
  if after > 0 then parts[#parts + 1] = samples:narrow(2, n - after, after):flip(2) end
  return #parts == 1 and samples or tensor.cat(parts, 2)
end

--- A function from samples [B, N] to magnitudes sqrt(re^2 + im^2 + epsilon) [B, n_fft / 2 + 1, frames]. The signal is mirrored
--- by (win_length - hop_length) / 2 at both ends, as the codec's is; the window is Hann's (periodic).
---
---     magnitudes = spectrum.stft { n_fft = 64, hop_length = 16 }
---     magnitudes(tensor.ones(1, 160)):shape()  --> {1, 33, 10}
---@param window opah.codec.Window
---@param epsilon? number 1e-6 unless given.
---@return fun(samples: Tensor): Tensor
function spectrum.stft(window, epsilon)
  local weight, length = filters(window), window.win_length or window.n_fft
  local before = (length - window.hop_length) // 2
  local after, bins = length - window.hop_length - before, window.n_fft // 2 + 1
  return function(samples)
    local framed = spectrum.reflected(samples, before, after):unsqueeze(2)
    local both = nn.conv1d(framed, weight, nil, { stride = window.hop_length })
    return (both:narrow(2, 1, bins):square() + both:narrow(2, bins + 1, bins):square() + (epsilon or 1e-6)):sqrt()
  end
end

--- A function from samples [B, N] to the codec's log-mel spectrogram [B, n_mels, frames], as audio.log_mel gives it for one clip:
--- log of max(filters magnitudes, 1e-5).
---
---     mel = spectrum.log_mel { sample_rate = 16000, n_fft = 640, hop_length = 160, win_length = 640, n_mels = 80 }
---     x = tensor.randn(1, 3200)
---     mel(x)[1]:allclose(audio.log_mel(x[1], { sample_rate = 16000, n_fft = 640, hop_length = 160, win_length = 640, n_mels = 80 }),
---       { atol = 1e-3 })  --> true
---@param settings table As the configuration's `spec_transform`.
---@return fun(samples: Tensor): Tensor
function spectrum.log_mel(settings)
  local magnitudes = spectrum.stft(settings)
  local bank = audio.mel_filters { sample_rate = settings.sample_rate, n_fft = settings.n_fft, n_mels = settings.n_mels }:unsqueeze(3)
  return function(samples) return nn.conv1d(magnitudes(samples), bank):clamp(1e-5):log() end
end

return spectrum
